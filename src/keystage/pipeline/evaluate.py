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
    from sklearn.preprocessing import LabelEncoder

    model = workspace.read_pickle(workspace.MODEL)
    table = read_table(workspace.TEST_TABLE)
    classes = list(model.classes_) if table.task is Task.classification else []
    predicted = model.predict_proba(table.features) if classes else model.predict(table.features)
    truth = LabelEncoder().fit(classes).transform(table.label) if classes else table.label.to_numpy()

    found = scores(table.task, truth, predicted)
    workspace.write_json({"test": {**found, "rows": len(truth)}}, workspace.METRICS)
    workspace.PLOTS.mkdir(parents=True, exist_ok=True)
    for name, plot in plot_tables(truth, predicted, classes).items():
        plot.to_csv(workspace.PLOTS / f"{name}.csv", index=False)
    predictions = prediction_table(table.label, predicted, classes)
    if classes:
        predictions.insert(1, "predicted", model.predict(table.features))
    predictions.to_parquet(workspace.PREDICTIONS, index=False)
    shown = ", ".join(f"{name} {found[name]:.4f}" for name in SHOWN if name in found)
    logger.info("On %d test rows: %s", len(truth), shown)
