"""keystage's stage ``train`` on a prepared table, with the settings of conf/automl/quick.yaml but for its budget."""

from pathlib import Path

from keystage.compute import limits
from keystage.compute.spec import ComputeProfile

limits.apply(ComputeProfile(cores=0))  # as for every stage, before numeric libraries are imported

# Stages import late; imports are not to be timed.
import lightgbm  # noqa: E402, F401 - the same
import pandas as pd  # noqa: E402
import sklearn.ensemble  # noqa: E402, F401 - the same
import xgboost  # noqa: E402, F401 - the same
import yaml  # noqa: E402
from job import Job, Trained, carry_out  # noqa: E402

from keystage.core.params import typed_params  # noqa: E402
from keystage.data.spec import Task  # noqa: E402
from keystage.data.table import PreparedTable, write_table  # noqa: E402
from keystage.pipeline import workspace  # noqa: E402
from keystage.pipeline.train import TrainParams  # noqa: E402
from keystage.pipeline.train import train as train_stage  # noqa: E402

SETTINGS = Path(__file__).resolve().parents[2] / "conf/automl/quick.yaml"
STAGES = ("dataprep", "train", "evaluate", "report", "register")


def prepare(job: Job) -> None:
    """Write what stage dataprep would have."""
    task = Task.regression if job.is_regression else Task.classification
    write_table(PreparedTable(job.features, job.label, task), workspace.TRAIN_TABLE)
    workspace.REPORTS.mkdir(exist_ok=True)
    Path("dvc.yaml").write_text("stages: {}\n", encoding="utf-8")  # the log of a search is named by its stage's inputs


def train(job: Job) -> Trained:
    """Run the stage and load the model it wrote."""
    automl = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    automl |= {"metric": job.metric, "time_budget": job.budget, "max_trials": None}
    compute = {stage: {"cores": job.cores} for stage in STAGES}
    train_stage(typed_params(TrainParams, {"seed": job.seed, "automl": automl, "compute": compute}))
    model = workspace.read_pickle(workspace.MODEL)
    trials = len(pd.read_parquet(workspace.LEADERBOARD))
    return Trained(model.predict if job.is_regression else model.predict_proba, trials, type(model).__name__)


if __name__ == "__main__":
    carry_out(train, "keystage", "flaml", "lightgbm", "xgboost-cpu", "scikit-learn", prepare=prepare)
