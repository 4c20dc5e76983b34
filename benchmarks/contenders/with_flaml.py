"""FLAML as its own documentation calls it: the best model alone, or with ``ensemble=True`` a stack of the best."""

import warnings

import lightgbm  # noqa: F401 - FLAML imports its learners late; their imports are not to be timed
import xgboost  # noqa: F401 - the same
from flaml.automl import AutoML
from job import Job, Trained, carry_out


def train(job: Job) -> Trained:
    """Search with FLAML's defaults."""
    warnings.simplefilter("ignore")
    automl = AutoML()
    automl.fit(
        job.features,
        job.label,
        task="regression" if job.is_regression else "classification",
        metric=job.metric,
        time_budget=job.budget,
        n_jobs=job.cores,
        seed=job.seed,
        ensemble=job.contender == "flaml-ensemble",
        mlflow_logging=False,
        verbose=1,
    )
    trials = sum(getattr(automl, "_iter_per_learner", {}).values()) or None
    model = type(getattr(automl.model, "estimator", automl.model)).__name__
    detail = f"{automl.best_estimator}, {model}"
    return Trained(automl.predict if job.is_regression else automl.predict_proba, trials, detail)


if __name__ == "__main__":
    carry_out(train, "flaml", "lightgbm", "xgboost-cpu", "scikit-learn")
