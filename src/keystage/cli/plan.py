"""``keystage plan``: what a run would do with each stage, and why, before anything runs."""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from keystage.cli.project import AsJson, Overrides, errors_in_words, project_root
from keystage.reuse.key import Difference
from keystage.reuse.plan import Decision, PlannedStage

if TYPE_CHECKING:
    from keystage.adapters.dvc_plan import Pipeline

MAX_SHOWN = 12  # items of a list of settings
_STYLE = {Decision.run: "yellow", Decision.reuse: "green", Decision.depends: "cyan"}


@errors_in_words
def plan(overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Say what `keystage run OVERRIDES` would run and reuse, and why. Runs and writes nothing."""
    from yaml import dump

    from keystage.config.compose import compose
    from keystage.core.params import parse_yaml

    root = project_root()
    settings = parse_yaml(compose(root, overrides or []), "conf/")
    pipeline = look(root, settings)
    if as_json:
        typer.echo(
            json.dumps({"settings": settings, "stages": [as_record(stage) for stage in pipeline.plan]}, indent=1)
        )
        return

    from rich.console import Console
    from rich.text import Text

    from keystage.cli.tables import plain_table

    console = Console()
    table = plain_table("stage", "plan", "because")
    for stage in pipeline.plan:
        table.add_row(stage.name, Text(stage.decision.value, style=_STYLE[stage.decision]), Text(stage.because))
    console.print(table)
    console.print("Settings", style="bold")
    for section, values in settings.items():
        line = dump(
            {section: _shortened(values)},
            default_flow_style=True,
            sort_keys=False,
            width=sys.maxsize,
            allow_unicode=True,
        )
        console.print(Text(line.strip()[1:-1]), soft_wrap=True)


def _shortened(values: Any) -> Any:
    """Settings with long lists cut; ``--json`` has all of them."""
    if isinstance(values, dict):
        return {name: _shortened(value) for name, value in values.items()}
    if isinstance(values, list) and len(values) > MAX_SHOWN:
        return [*values[:MAX_SHOWN], f"and {len(values) - MAX_SHOWN} more"]
    return values


def look(root: Path, settings: dict[str, Any]) -> "Pipeline":
    """The pipeline with these settings, looked at."""
    from keystage.adapters.dvc_plan import Pipeline
    from keystage.core.params import typed_params
    from keystage.pipeline.conf import ConfParams, notes, reuse_notes
    from keystage.pipeline.pinning import looked_at

    conf = typed_params(ConfParams, settings)
    return Pipeline(root, settings, {**notes(conf, root, looked_at(conf.dataset)), **reuse_notes(conf.reuse)})


def as_record(stage: PlannedStage) -> dict[str, Any]:
    """A stage of a plan in JSON's types."""
    return {**asdict(stage), "decision": stage.decision.value, "differences": as_records(stage.differences)}


def as_records(differences: Iterable[Difference]) -> list[dict[str, Any]]:
    """Parts of keys that differ in JSON's types."""
    return [{**asdict(item), "part": item.part.value} for item in differences]
