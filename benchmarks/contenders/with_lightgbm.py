"""LightGBM with its own defaults: no search."""

from job import Job, Trained, carry_out
from lightgbm import LGBMClassifier, LGBMRegressor


def train(job: Job) -> Trained:
    """Fit once."""
    kind = LGBMRegressor if job.is_regression else LGBMClassifier
    model = kind(n_jobs=job.cores, random_state=job.seed, verbose=-1).fit(job.features, job.label)
    return Trained(model.predict if job.is_regression else model.predict_proba, trials=1, detail="defaults")


if __name__ == "__main__":
    carry_out(train, "lightgbm")
