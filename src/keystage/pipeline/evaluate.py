"""Stage ``evaluate``: score the model on the test rows, which nothing before has seen."""

import logging
from dataclasses import dataclass

from keystage.compute.spec import ComputeSpec
from keystage.core.params import outside_key
from keystage.data.spec import Task
from keystage.data.table import prediction_table, read_table
from keystage.evaluation.scores import plot_tables, scores
from keystage.pipeline import workspace

# In the line for people; all are in the metrics file.
SHOWN = ("roc_auc", "log_loss", "accuracy", "f1", "mcc", "r2", "rmse", "mae", "spearman")
logger = logging.getLogger(__name__)


@dataclass
class EvaluateParams:
    """The sections of params.yaml that evaluate reads."""

    compute: ComputeSpec = outside_key("threads change no score")


def evaluate(params: EvaluateParams) -> None:  # noqa: ARG001 - run_stage has applied the compute profile
    """Write the test metrics, the plot tables and the predictions."""
    import pandas as pd
    from sklearn.preprocessing import LabelEncoder

    model = workspace.read_pickle(workspace.MODEL)
    table = read_table(workspace.TEST_TABLE)
    classes = list(model.classes_) if table.task is Task.classification else []
    predicted = model.predict_proba(table.features) if classes else model.predict(table.features)
    truth = LabelEncoder().fit(classes).transform(table.label) if classes else table.label.to_numpy()
    if table.roles.offset is not None:  # a forecast was learnt as a difference; it is judged as what it is
        offset = table.roles.offset.to_numpy()
        predicted, truth = offset + predicted, offset + truth

    labels = model.predict(table.features) if classes else None
    decided = None if labels is None else LabelEncoder().fit(classes).transform(labels)
    found = scores(table.task, truth, predicted, decided)
    report = {"test": {**found, "rows": len(truth)}}
    if table.roles.baseline is not None:
        report["baseline"] = scores(table.task, truth, table.roles.baseline.to_numpy())
    workspace.write_json(report, workspace.METRICS)
    workspace.PLOTS.mkdir(parents=True, exist_ok=True)
    for name, plot in plot_tables(truth, predicted, classes, decided).items():
        plot.to_csv(workspace.PLOTS / f"{name}.csv", index=False)
    actual = table.label if table.roles.offset is None else pd.Series(truth, name=table.label.name)
    predictions = prediction_table(actual, predicted, classes)
    if labels is not None:
        predictions.insert(1, "predicted", labels)
    predictions.to_parquet(workspace.PREDICTIONS, index=False)
    shown = ", ".join(f"{name} {found[name]:.4f}" for name in SHOWN if name in found)
    logger.info("On %d test rows: %s", len(truth), shown)
    if "baseline" in report:
        naive = ", ".join(f"{name} {report['baseline'][name]:.4f}" for name in SHOWN if name in found)
        logger.info("The seasonal naive forecast of the same rows: %s", naive)
