"""Stage ``evaluate``: score the model on the test rows, which nothing before has seen, and tell where it stands."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keystage.compute.spec import ComputeSpec
from keystage.core.errors import ConfigError, hint
from keystage.core.params import outside_key, partly_in_key
from keystage.data.table import PreparedTable, prediction_table, read_table
from keystage.evaluation import ahead
from keystage.evaluation.plots import MAX_DECISIONS, plot_tables
from keystage.evaluation.scores import scores
from keystage.evaluation.spec import EvaluationSpec
from keystage.evaluation.story import rounded, story
from keystage.evaluation.subject import Subject, subject
from keystage.pipeline import workspace
from keystage.pipeline.progress import steps_shown
from keystage.search.metrics import metric_of
from keystage.search.spec import SearchSpec

if TYPE_CHECKING:
    import pandas as pd

# In the line for people; all are in the metrics file.
SHOWN = ("roc_auc", "log_loss", "accuracy", "f1", "mcc", "r2", "rmse", "mae", "spearman")
logger = logging.getLogger(__name__)


@dataclass
class EvaluateParams:
    """The sections of params.yaml that evaluate reads."""

    seed: int
    evaluation: EvaluationSpec
    automl: SearchSpec = partly_in_key("metric")
    compute: ComputeSpec = outside_key("threads change no score")


def evaluate(params: EvaluateParams) -> None:
    """Write the test metrics, the evaluation, the plot tables and the predictions.

    Raises:
        ConfigError: a segment names a column that the files do not have.
    """
    raw = read_table(workspace.RAW_TEST).features
    columns = _segment_columns(raw, params.evaluation)
    train = read_table(workspace.TRAIN_TABLE)
    of = subject(
        workspace.read_pickle(workspace.MODEL),
        workspace.read_pickle(workspace.RECIPE),
        train,
        read_table(workspace.TEST_TABLE),
        raw,
        metric_of(params.automl.metric),
    )
    found, naive = scores(of.scored, of.metrics), scores(of.naive, of.metrics)
    metric = of.judged.name  # the baseline's others are in the evaluation: here each would be a column more to compare
    report = {"test": {**found, "rows": of.scored.rows}, "baseline": {metric: naive[metric]}}
    workspace.write_json(report, workspace.METRICS)
    _write_predictions(of)
    _say(of, found, naive)
    with steps_shown() as say:
        told = story(of, params.evaluation, columns, found, naive, params.seed, say)
        say("plots")
        told["forecast"] = of.part("forecast intervals", lambda: _forecast(of, train, params.evaluation.level), None)
        of.part("plots", lambda: _write_plots(of, params.seed), None)
    workspace.write_json(rounded({**told, "notes": of.notes}), workspace.EVALUATION)
    for note in of.notes:
        logger.info("  %s", note)


def _segment_columns(raw: "pd.DataFrame", spec: EvaluationSpec) -> "pd.DataFrame":
    """The test rows' columns by which metrics are told, from the raw rows or from those laid aside."""
    import pandas as pd

    every = pd.concat([raw, pd.read_parquet(workspace.ASIDE_TEST)], axis="columns")
    for name in spec.segments:
        if name not in every:
            raise ConfigError(
                f"evaluation.segments names '{name}', a column that is not there",
                why="metrics are told by the values of columns of the dataset's files",
                fix=hint(name, map(str, every.columns)),
            )
    return every[list(spec.segments)]


def _write_predictions(of: Subject) -> None:
    import pandas as pd

    scored, label = of.scored, of.table.label
    actual = label if of.table.roles.offset is None else pd.Series(scored.truth, name=label.name)
    predictions = prediction_table(actual, scored.predicted, scored.classes)
    if scored.decided is not None:
        predictions.insert(1, "predicted", pd.Index(scored.classes).take(scored.decided))
    predictions.to_parquet(workspace.PREDICTIONS, index=False)


def _say(of: Subject, found: dict[str, float], naive: dict[str, float]) -> None:
    shown = [name for name in SHOWN if name in found]
    logger.info("On %d test rows: %s", of.scored.rows, ", ".join(f"{name} {found[name]:.4f}" for name in shown))
    said = f"{of.naive_name} forecast" if of.asked.history is not None else f"baseline ({of.naive_name})"
    logger.info("The %s of the same rows: %s", said, ", ".join(f"{name} {naive[name]:.4f}" for name in shown))


def _forecast(of: Subject, train: PreparedTable, level: float) -> dict[str, Any] | None:
    """Draw forecasts with their intervals; None for what is no forecast."""
    import pandas as pd

    if of.asked.history is None:
        return None
    errors = ahead.errors_out_of_fold(of, train, pd.read_parquet(workspace.OUT_OF_FOLD))
    widths = ahead.half_widths(errors, level)
    table = ahead.forecast_table(of, widths)
    workspace.PLOTS.mkdir(parents=True, exist_ok=True)
    ahead.drawn(table).to_csv(workspace.PLOTS / "forecast.csv", index=False)
    return ahead.told(of, widths, table)


def _write_plots(of: Subject, seed: int) -> None:
    workspace.PLOTS.mkdir(parents=True, exist_ok=True)
    for name, plot in plot_tables(of.scored, seed).items():
        path = workspace.PLOTS / f"{name}.csv"
        if len(plot) or not path.is_file():  # the forecast is drawn already
            plot.to_csv(path, index=False)
    if of.scored.classes and of.scored.rows > MAX_DECISIONS:
        of.notes.append(f"the confusion plot shows {MAX_DECISIONS} of {of.scored.rows} test rows, drawn at random")
