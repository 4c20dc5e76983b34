"""keystage's stage ``train`` on a prepared table, with the settings of conf/automl/quick.yaml but for its budget.

It runs as DVC runs it: this process imports next to nothing and waits for one that is forked from the server that its
fits are forked from. What that server imports is imported before the clock starts, as the other contenders' libraries
are.
"""

import json
from functools import cache
from multiprocessing import forkserver
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from job import Job, Trained, carry_out

from keystage.adapters.fork_server import run_forked
from keystage.compute import limits
from keystage.compute.spec import ComputeProfile
from keystage.pipeline import workspace

if TYPE_CHECKING:
    import pandas as pd

SETTINGS = Path(__file__).resolve().parents[2] / "conf/automl/quick.yaml"
STAGES = ("dataprep", "train", "evaluate", "report", "register")


def prepare(job: Job) -> None:
    """Have what stage dataprep would have written, and the server's imports done."""
    limits.apply(ComputeProfile(cores=1))  # as stage train does, before numeric libraries are imported
    run_forked(write_prepared, job)


def train(job: Job) -> Trained:
    """Run the stage. The model that it wrote is loaded when it is first asked."""
    automl = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    automl |= {"metric": job.metric, "time_budget": job.budget, "max_trials": None}
    compute = {stage: {"cores": job.cores} for stage in STAGES}
    if code := run_forked(run_stage, {"seed": job.seed, "automl": automl, "compute": compute}):
        raise SystemExit(code)
    forkserver._forkserver._stop()  # as the end of the stage's process does
    trials = json.loads(workspace.SEARCH_REPORT.read_text(encoding="utf-8"))["trials"]
    members = json.loads(workspace.MODEL_REPORT.read_text(encoding="utf-8"))["members"]
    method = "predict" if job.is_regression else "predict_proba"

    @cache
    def model() -> Any:
        return workspace.read_pickle(workspace.MODEL)

    def predict(rows: "pd.DataFrame") -> Any:
        return getattr(model(), method)(rows)

    return Trained(predict, trials, ", ".join(item["estimator"] for item in members))


def write_prepared(job: Job) -> None:
    """The table as the stage reads it, and the place where it works."""
    from keystage.data.spec import Task
    from keystage.data.table import PreparedTable, write_table
    from keystage.pipeline import train  # noqa: F401 - for its imports

    task = Task.regression if job.is_regression else Task.classification
    write_table(PreparedTable(job.features, job.label, task), workspace.TRAIN_TABLE)
    workspace.REPORTS.mkdir(exist_ok=True)
    Path("dvc.yaml").write_text("stages: {}\n", encoding="utf-8")  # the log of a search is named by its stage's inputs


def run_stage(settings: dict[str, object]) -> None:
    """The stage, in the process that was forked for it."""
    from keystage.core.params import typed_params
    from keystage.pipeline.train import TrainParams
    from keystage.pipeline.train import train as train_stage

    train_stage(typed_params(TrainParams, settings))


if __name__ == "__main__":
    carry_out(train, "keystage", "flaml", "lightgbm", "xgboost-cpu", "scikit-learn", prepare=prepare)
