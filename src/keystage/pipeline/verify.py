"""Hold a registered version against its rebuild: outputs by their bytes, then the models by what they predict."""

import logging

from keystage.adapters.mlflow_versions import Version, trial_scores
from keystage.adapters.model_process import ModelProcess
from keystage.core.errors import RegistryError
from keystage.data.table import read_table
from keystage.pipeline import workspace
from keystage.pipeline.inputs import LOCK_FILE
from keystage.pipeline.rebuild import Rebuild
from keystage.registry.lineage import outputs_of
from keystage.registry.predictions import classes_of
from keystage.registry.proof import (
    Predictions,
    Proof,
    TrialDifference,
    compare_predictions,
    differences,
    edited_tags,
    first_difference,
)
from keystage.reuse.key import stages_in

logger = logging.getLogger(__name__)


def verify(version: Version, made: Rebuild) -> Proof:
    """Compare what the version recorded, and the model that is served, with the rebuild."""
    lineage = version.lineage
    differing = differences(lineage, outputs_of(stages_in(made.project / LOCK_FILE)))
    logger.info("Comparing what the registered model predicts with the rebuilt one")
    predictions, failure = _predictions(version, made)
    searched_alike = not any(item.stage == "train" for item in differing)
    return Proof(
        version=str(version),
        commit=lineage.commit,
        outputs=sum(len(stage.outs) for stage in lineage.stages),
        differences=differing,
        predictions=predictions,
        trial=None if searched_alike else _where_searches_part(version, made),
        edited_tags=edited_tags(lineage, version.tags),
        notes=(*_notes(version, made), *([f"the registered model cannot predict: {failure}"] if failure else [])),
    )


def _predictions(version: Version, made: Rebuild) -> tuple[Predictions | None, str]:
    """Compared row by row; or None and what went wrong.

    The registered model runs in the environment it was made with. ``evaluate`` has kept what the rebuilt one predicts.
    """
    import pandas as pd

    rows = made.project / workspace.RAW_TEST
    try:
        with ModelProcess(version.tracking_uri, str(made.python)) as process:
            registered = process.predict(version.uri, rows, str(read_table(rows).label.name))
    except RegistryError as error:
        return None, error.why
    probabilities = classes_of(registered)
    rebuilt = pd.read_parquet(made.project / workspace.PREDICTIONS)
    return compare_predictions(registered[probabilities or ["predicted"]], rebuilt), ""


def _where_searches_part(version: Version, made: Rebuild) -> TrialDifference | None:
    import pandas as pd

    board = pd.read_parquet(made.project / workspace.LEADERBOARD)
    recorded = trial_scores(version, str(board["metric"].iloc[0]))
    return first_difference(recorded, board) if recorded else None


def _notes(version: Version, made: Rebuild) -> list[str]:
    """What else could make the two differ."""
    notes = []
    if made.trials is not None:
        notes.append(
            f"the time budget ended the registered search; the rebuild did as many trials ({made.trials}) instead,"
            f" so {workspace.SEARCH_REPORT} and the report name another end"
        )
    for stage in version.lineage.stages:
        if not stage.record:
            continue
        now = workspace.read_json(made.project / workspace.record(stage.name))
        notes += [
            f"{stage.name} was made with {name} {stage.record.get(name)}, rebuilt with {now.get(name)}"
            for name in ("python", "system")
            if stage.record.get(name) != now.get(name)
        ]
    return notes
