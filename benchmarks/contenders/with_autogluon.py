"""AutoGluon with one of its presets, in an environment of its own (``benchmarks/autogluon.txt``)."""

import catboost  # noqa: F401 - AutoGluon imports its learners late; their imports are not to be timed
import lightgbm  # noqa: F401 - the same
import xgboost  # noqa: F401 - the same
from autogluon.tabular import TabularPredictor
from job import Job, Trained, carry_out

PRESETS = {"autogluon-medium": "medium_quality", "autogluon-best": "best_quality"}


def train(job: Job) -> Trained:
    """Fit with the preset's defaults."""
    predictor = TabularPredictor(
        label="label", problem_type=job.task, eval_metric=job.metric, path="autogluon", verbosity=2
    )
    predictor.fit(
        job.features.assign(label=job.label),
        presets=PRESETS[job.contender],
        time_limit=job.budget,
        num_cpus=job.cores,
        num_gpus=0,
    )
    names = predictor.model_names()
    detail = f"{predictor.model_best} of {', '.join(names)}"
    return Trained(predictor.predict if job.is_regression else predictor.predict_proba, len(names), detail)


if __name__ == "__main__":
    carry_out(train, "autogluon.tabular", "lightgbm", "xgboost-cpu", "catboost", "scikit-learn")
