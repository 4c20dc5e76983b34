"""Stage ``evaluate``: score the model on the test rows, which nothing before has seen."""

import logging
from dataclasses import dataclass

from keystage.compute.spec import ComputeSpec
from keystage.core.params import outside_key
from keystage.data.table import read_table
from keystage.evaluation.scores import plot_tables, scores
from keystage.pipeline import workspace

SHOWN = ("roc_auc", "log_loss", "accuracy", "f1", "mcc")  # in the line for people; all are in the metrics file
logger = logging.getLogger(__name__)


@dataclass
class EvaluateParams:
    """The sections of params.yaml that evaluate reads."""

    compute: ComputeSpec = outside_key("threads change no score")


def evaluate(params: EvaluateParams) -> None:  # noqa: ARG001 - run_stage has applied the compute profile
    """Write the test metrics, the plot tables and the predictions."""
    import pandas as pd

    model = workspace.read_pickle(workspace.MODEL)
    table = read_table(workspace.TEST_TABLE)
    probabilities = model.predict_proba(table.features)
    codes = model.le_.transform(table.label)

    found = scores(codes, probabilities)
    workspace.write_json({"test": {**found, "rows": len(codes)}}, workspace.METRICS)
    workspace.PLOTS.mkdir(parents=True, exist_ok=True)
    for name, plot in plot_tables(codes, probabilities, list(model.classes_)).items():
        plot.to_csv(workspace.PLOTS / f"{name}.csv", index=False)
    columns = {f"probability_{value}": probabilities[:, index] for index, value in enumerate(model.classes_)}
    predictions = {"actual": table.label, "prediction": model.predict(table.features), **columns}
    pd.DataFrame(predictions).to_parquet(workspace.PREDICTIONS, index=False)
    shown = ", ".join(f"{name} {found[name]:.4f}" for name in SHOWN if name in found)
    logger.info("On %d test rows: %s", len(codes), shown)
