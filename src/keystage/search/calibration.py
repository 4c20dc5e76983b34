"""Probabilities made to mean what they say, by what the model said out of fold.

The calibrators are scikit-learn's, on log-odds: Platt's sigmoid fitted on plain probabilities cannot leave good ones as
they are, and scikit-learn's temperature takes probabilities for log-odds as soon as rounding lifts one above 1.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keystage.search.crossfit import CrossFit
from keystage.search.fitting import Material
from keystage.search.stacking import log_odds, meta_features

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

BINS = 10
LEAST_PROBABILITY = 1e-6  # what is nearer to 0 or 1 is calibrated like it


@dataclass(frozen=True)
class Calibrated:
    """A calibration.

    Attributes:
        model: the calibrator; takes probabilities as scikit-learn's stacks give them to their final estimator.
        predicted: for each fold, n_f x k probabilities of rows that the calibrator had not seen.
        report: scores before and after.
    """

    model: Any
    predicted: "Sequence[np.ndarray]"
    report: dict[str, Any]


def calibrated(
    method: str, predicted: "Sequence[np.ndarray]", material: Material, ends: float | None
) -> Calibrated | None:
    """Fit a calibrator on all folds' predictions; None when the time is over or a class has no row.

    Args:
        method: sigmoid, isotonic or temperature.
        predicted: for each fold, n_f x k probabilities out of fold.
        material: its folds and what is true of their rows. Rows count by their own weight, not by that of their class:
            what is observed is to be said.
        ends: time on ``time.monotonic``'s clock after which nothing is fitted; None for no limit.
    """
    classes = material.setting.classes
    cross = CrossFit(material, ends)
    features = [meta_features([said]).reshape(len(said), -1) for said in predicted]

    def fit(features: "np.ndarray", target: "np.ndarray", weights: "np.ndarray | None") -> Any:
        return _calibrator(method, classes, features, target, weights)

    def predictor(features: "np.ndarray", target: "np.ndarray", weights: "np.ndarray | None") -> Any:
        model = fit(features, target, weights)
        return None if model is None else model.predict_proba

    after = cross.predicted(predictor, features, predicted, cross.score_weights)
    model = cross.on_all(fit, features, cross.score_weights)
    if after is None or model is None:
        return None
    scores = {
        "method": method,
        "before": reliability(cross.target, predicted, cross.score_weights),
        "after": reliability(cross.target, after, cross.score_weights),
    }
    return Calibrated(model, after, scores)


def reliability(
    target: "Sequence[np.ndarray]", predicted: "Sequence[np.ndarray]", weights: "Sequence[np.ndarray | None]"
) -> dict[str, float]:
    """How far probabilities can be trusted, over the rows of all folds; 0 is perfect.

    Args:
        target: for each fold, n_f codes.
        predicted: for each fold, n_f x k probabilities.
        weights: for each fold, n_f, or None for equal ones.

    Returns:
        log_loss; brier (of two classes, the squared error of the second's probability, else the sum over classes); ece,
        the expected calibration error of the likeliest class in ten bins of equal width (Guo et al. 2017).
    """
    import numpy as np
    from sklearn.metrics import brier_score_loss, log_loss

    codes = np.concatenate(target)
    said = np.clip(np.concatenate(predicted), 0.0, 1.0)
    said /= said.sum(axis=1, keepdims=True)
    counted = (
        None if any(one is None for one in weights) else np.concatenate([one for one in weights if one is not None])
    )
    labels, shown = range(said.shape[1]), said[:, 1] if said.shape[1] == 2 else said
    return {
        "log_loss": float(log_loss(codes, said, labels=labels, sample_weight=counted)),
        "brier": float(brier_score_loss(codes, shown, labels=labels, sample_weight=counted)),
        "ece": _expected_error(codes, said, np.ones(len(codes)) if counted is None else counted),
    }


def _expected_error(codes: "np.ndarray", said: "np.ndarray", weights: "np.ndarray") -> float:
    import numpy as np

    confidence, right = said.max(axis=1), said.argmax(axis=1) == codes
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights * (confidence - right), minlength=BINS)
    return float(np.abs(gaps).sum() / weights.sum())


def _calibrator(
    method: str, classes: int, features: "np.ndarray", target: "np.ndarray", weights: "np.ndarray | None"
) -> Any:
    import numpy as np
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    if len(np.unique(target)) < classes:
        return None
    every = np.arange(len(target))
    made = CalibratedClassifierCV(
        FrozenEstimator(_saying_the_same(classes)), method=method, cv=[(every, every)], ensemble=False
    )
    made.fit(features, target, sample_weight=weights)
    return made.set_params(cv=None)  # nothing was parted, so no positions need to be kept


def _saying_the_same(classes: int) -> Any:
    """A classifier of probabilities that says them again, and whose decision function is their log-odds."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    same = LogisticRegression()
    columns = 1 if classes == 2 else classes
    same.coef_, same.intercept_ = np.eye(columns), np.zeros(columns)
    same.classes_, same.n_features_in_ = np.arange(classes), columns
    return Pipeline([*log_odds(classes, LEAST_PROBABILITY), ("same", same)])
