"""Scores of many predictions at once, for choosing among ensembles: thousands of them are scored in a second.

Equal to ``Metric.score`` up to rounding (tests/unit/test_many.py). A metric that has no way of its own here, and rows
that have weights, are scored one by one; that is some hundred times slower.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from keystage.search.metrics import Metric

if TYPE_CHECKING:
    import numpy as np

Scorer = Callable[["np.ndarray", "np.ndarray"], "np.ndarray"]


def scores(
    metric: Metric, truth: "np.ndarray", predicted: "np.ndarray", weights: "np.ndarray | None" = None
) -> "np.ndarray":
    """The metric of each of c predictions.

    Args:
        metric: the score.
        truth: n codes or values.
        predicted: c x n x k probabilities, or c x n values.
        weights: n, by which rows count.

    Returns:
        c scores.
    """
    import numpy as np

    at_once = _AT_ONCE.get(metric.name)
    if at_once is None or weights is not None:
        return np.array([metric.score(truth, one, weights) for one in predicted])
    return at_once(truth, predicted)


def _roc_auc(truth: "np.ndarray", predicted: "np.ndarray", *, by_share: bool) -> "np.ndarray":
    """By ranks (Hanley and McNeil 1982); of more than two classes, the mean of each against the rest."""
    import numpy as np
    from scipy.stats import rankdata

    classes = range(1, 2) if predicted.shape[2] == 2 else range(predicted.shape[2])
    areas, shares = [], []
    for code in classes:
        positive = truth == code
        number = positive.sum()
        ranks = rankdata(predicted[:, :, code], axis=1)[:, positive].sum(axis=1)
        areas.append((ranks - number * (number + 1) / 2) / (number * (len(truth) - number)))
        shares.append(number)
    return np.asarray(np.average(areas, axis=0, weights=shares if by_share else None))


def _log_loss(truth: "np.ndarray", predicted: "np.ndarray") -> "np.ndarray":
    import numpy as np

    least = np.finfo(predicted.dtype).eps  # as scikit-learn clips
    total = predicted.sum(axis=2)
    own = predicted[:, np.arange(len(truth)), truth] / total
    return np.asarray(-np.log(np.clip(own, least, 1 - least)).mean(axis=1))


def _accuracy(truth: "np.ndarray", predicted: "np.ndarray") -> "np.ndarray":
    import numpy as np

    return np.asarray((predicted.argmax(axis=2) == truth).mean(axis=1))


def _macro_recall(truth: "np.ndarray", predicted: "np.ndarray") -> "np.ndarray":
    import numpy as np

    right = predicted.argmax(axis=2) == truth
    return np.asarray(np.mean([right[:, truth == code].mean(axis=1) for code in np.unique(truth)], axis=0))


def _r2(truth: "np.ndarray", predicted: "np.ndarray") -> "np.ndarray":
    import numpy as np

    return np.asarray(1 - ((predicted - truth) ** 2).sum(axis=1) / ((truth - truth.mean()) ** 2).sum())


def _rmse(truth: "np.ndarray", predicted: "np.ndarray") -> "np.ndarray":
    import numpy as np

    return np.asarray(np.sqrt(((predicted - truth) ** 2).mean(axis=1)))


def _mae(truth: "np.ndarray", predicted: "np.ndarray") -> "np.ndarray":
    import numpy as np

    return np.asarray(np.abs(predicted - truth).mean(axis=1))


_AT_ONCE: dict[str, Scorer] = {
    "roc_auc": lambda truth, predicted: _roc_auc(truth, predicted, by_share=False),
    "roc_auc_weighted": lambda truth, predicted: _roc_auc(truth, predicted, by_share=True),
    "log_loss": _log_loss,
    "accuracy": _accuracy,
    "balanced_accuracy": _macro_recall,
    "r2": _r2,
    "rmse": _rmse,
    "mae": _mae,
}
