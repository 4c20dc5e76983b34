"""``keystage why STAGE``: the parts of a stage's key that made it run, or that let it be reused."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keystage.cli.plan import as_records, look
from keystage.cli.project import AsJson, errors_in_words, project_root
from keystage.results.origin import recorded_at
from keystage.reuse.key import Difference, recorded
from keystage.reuse.plan import Decision, PlannedStage

if TYPE_CHECKING:
    from keystage.adapters.dvc_plan import Pipeline

DIFFERS = 3  # exit code, for scripts: 0 says that the stage is reused, or that the keys are the same


@errors_in_words
def why(
    stage: Annotated[str, typer.Argument(help="A stage of dvc.yaml: dataprep, train, evaluate or report.")],
    against: Annotated[
        str | None,
        typer.Option(help="Compare with a git revision, an experiment or MODEL@VERSION instead of the last run."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say which parts of STAGE's key differ, old and new value, in the order in which they forced the change.

    With the settings in force, those of params.yaml. Exit code 3 when the stage would run, or with --against when the
    keys differ; 0 when not.
    """
    from keystage.core.params import PARAMS_FILE, read_yaml

    root = project_root()
    pipeline = look(root, read_yaml(root / PARAMS_FILE))
    pipeline.require_stage(stage)
    planned = next(item for item in pipeline.plan if item.name == stage)
    recorded = pipeline.recorded if against is None else recorded_at(root, against)
    found = pipeline.cause(stage, recorded, pipeline.keys)
    differs = planned.decision is not Decision.reuse if against is None else bool(found) or stage not in recorded
    if as_json:
        record = {
            "stage": stage,
            "against": against or "last run",
            "decision": planned.decision.value,
            "because": planned.because,
            "differences": as_records(found),
        }
        typer.echo(json.dumps(record, indent=1))
    else:
        _tell(pipeline, planned, found, against)
        if against is None:
            _tell_last_run(pipeline, root, stage)
    raise typer.Exit(DIFFERS if differs else 0)


def _tell(pipeline: "Pipeline", planned: PlannedStage, found: list[Difference], against: str | None) -> None:
    verb = {Decision.run: "would run", Decision.reuse: "would be reused", Decision.depends: "may run"}
    typer.echo(f"{planned.name} {verb[planned.decision]}: {planned.because}")
    if planned.name not in pipeline.keys:
        return
    than = f"at {against}" if against else "in its last run"
    if found:
        typer.echo(f"Its key is not what it was {than}; in the order in which one thing followed from the other:")
        _list(found)
    else:
        kinds = Counter(part.value for part in pipeline.parts(planned.name))
        counted = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        typer.echo(f"Each part of its key is what it was {than} ({counted})")


def _tell_last_run(pipeline: "Pipeline", root: Path, stage: str) -> None:
    """What the last run met, for those who ask after it."""
    from keystage.pipeline.workspace import LOCK_BEFORE

    before = recorded(root / LOCK_BEFORE)
    if stage in before and (changed := pipeline.cause(stage, before, pipeline.recorded)):
        typer.echo("In the last run its key had changed:")
        _list(changed)


def _list(found: list[Difference]) -> None:
    stage_width = max((len(item.stage) for item in found), default=0)
    part_width = max((len(item.part.value) for item in found), default=0)
    for item in found:
        typer.echo(f"  {item.stage:<{stage_width}}  {item.part.value:<{part_width}}  {item}")
