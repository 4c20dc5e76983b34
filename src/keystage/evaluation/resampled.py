"""All metrics of many resamples at once: a resample is a weight for each row.

Each is what ``keystage.search.metrics`` computes by scikit-learn of one set of rows, written as sums over weighted
rows, so that a thousand resamples are a few matrix products. tests/unit/test_intervals.py holds them to each other.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from keystage.evaluation.scores import Scored
from keystage.search.metrics import Metric
from keystage.search.names import quantile_of


class Resampled:
    """Metrics of b resamples of n rows.

    Args:
        scored: the n rows.
        counts: b x n, how often each row is in each resample.
        own_calls: for how many resamples a metric of the user's own is asked; it is NaN in the others.
    """

    def __init__(self, scored: Scored, counts: np.ndarray, own_calls: int = 0) -> None:
        self._scored = scored
        self._own_calls = own_calls
        self._counts = counts.astype("float64")
        self._weights = self._counts if scored.weights is None else self._counts * scored.weights

    def scores(self, metrics: Iterable[Metric]) -> dict[str, np.ndarray]:
        """B values of each metric by name; NaN where a resample does not have what it needs."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return {metric.name: self._score(metric) for metric in metrics}

    def _score(self, metric: Metric) -> np.ndarray:
        known: dict[str, Callable[[], np.ndarray]] = _OF_CLASSES if self._scored.classes else _OF_NUMBERS
        quantile = quantile_of(metric.name)
        if quantile is not None:
            error = self._scored.truth - self._scored.predicted
            return self._mean(np.maximum(quantile * error, (quantile - 1) * error))
        if metric.name in known:
            return known[metric.name](self)  # type: ignore[call-arg]
        return self._one_by_one(metric)

    def _one_by_one(self, metric: Metric) -> np.ndarray:
        found = np.full(len(self._counts), np.nan)
        for number, counts in enumerate(self._counts[: self._own_calls]):
            found[number] = self._scored.at(np.repeat(np.arange(len(counts)), counts.astype("int64"))).score(metric)
        return found

    def _mean(self, values: np.ndarray) -> np.ndarray:
        mean: np.ndarray = self._weights @ values / self._weights.sum(axis=1)
        return mean

    # ------------------------------------------------------------------ of decisions
    @cached_property
    def _decisions(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights of the true, the decided and the rightly decided rows, each b x k."""
        scored = self._scored
        assert scored.decided is not None
        hit = (scored.truth == scored.decided).astype("float64")
        ones = np.ones(scored.rows)
        return self._by_code(scored.truth, ones), self._by_code(scored.decided, ones), self._by_code(scored.truth, hit)

    def _by_code(self, codes: np.ndarray, values: np.ndarray) -> np.ndarray:
        shape = (len(codes), len(self._scored.classes))
        sums: np.ndarray = (csr_matrix((values, (np.arange(len(codes)), codes)), shape=shape).T @ self._weights.T).T
        return sums

    def accuracy(self) -> np.ndarray:
        """Share of rows rightly decided."""
        true, _, hit = self._decisions
        share: np.ndarray = hit.sum(axis=1) / true.sum(axis=1)
        return share

    def by_class(self, which: str, average: str = "") -> np.ndarray:
        """Precision, recall or F1: of the second of two classes, or a mean over those that occur."""
        true, decided, hit = self._decisions
        over = {"precision": decided, "recall": true, "f1": (true + decided) / 2}[which]
        values = np.where(over > 0, hit / over, 0.0)
        if values.shape[1] == 2 and not average:
            return values[:, 1]
        weights = true if average == "weighted" else (true + decided > 0).astype("float64")
        mean: np.ndarray = (values * weights).sum(axis=1) / weights.sum(axis=1)
        return mean

    def norm_macro_recall(self) -> np.ndarray:
        """Macro recall from guessing, 0, to perfect, 1."""
        guessing = 1 / len(self._scored.classes)
        return np.maximum(0.0, (self.by_class("recall", "macro") - guessing) / (1 - guessing))

    def mcc(self) -> np.ndarray:
        """Matthews correlation (Gorodkin 2004); 0 where all rows are of one class, or are decided so."""
        true, decided, hit = self._decisions
        total = true.sum(axis=1)
        spread = (total**2 - (true**2).sum(axis=1)) * (total**2 - (decided**2).sum(axis=1))
        same = hit.sum(axis=1) * total - (true * decided).sum(axis=1)
        return np.where(spread > 0, same / np.sqrt(spread), 0.0)

    # ------------------------------------------------------------------ of probabilities
    def log_loss(self) -> np.ndarray:
        """Mean of the negative logarithm of the true class's probability, clipped as scikit-learn clips it."""
        predicted = self._scored.predicted
        shares = predicted / predicted.sum(axis=1, keepdims=True)
        eps = np.finfo(shares.dtype).eps
        own = np.clip(shares, eps, 1 - eps)[np.arange(self._scored.rows), self._scored.truth]
        return self._mean(-np.log(own))

    def curves(self, which: int, average: str) -> np.ndarray:
        """ROC AUC (``which`` 0) or average precision (1), of the second of two classes or a mean over all."""
        classes = len(self._scored.classes)
        if classes == 2 and (which == 0 or average == "macro"):
            return self._curve(1)[which]
        values = np.column_stack([self._curve(code)[which] for code in range(classes)])
        if average == "macro":
            return np.asarray(values.mean(axis=1))
        weights = self._by_code(self._scored.truth, np.ones(self._scored.rows))
        mean: np.ndarray = (values * weights).sum(axis=1) / weights.sum(axis=1)
        return mean

    @cached_property
    def _seen(self) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        return {}

    def _curve(self, code: int) -> tuple[np.ndarray, np.ndarray]:
        """Area under the ROC curve, and average precision, of one class against the rest; ties count half."""
        if code not in self._seen:
            order, starts = _descending(self._scored.predicted[:, code])
            rows = self._weights[:, order]
            positive = _summed(rows * (self._scored.truth[order] == code), starts)
            every = _summed(rows, starts)
            found, taken = positive.cumsum(axis=1), every.cumsum(axis=1)
            total = found[:, -1:]
            area = ((every - positive) * (found - positive / 2)).sum(axis=1)
            auc = area / (total * (taken[:, -1:] - total))[:, 0]
            average = (positive * np.where(taken > 0, found / taken, 0.0)).sum(axis=1) / total[:, 0]
            self._seen[code] = auc, average
        return self._seen[code]

    # ------------------------------------------------------------------ of numbers
    def error(self, which: str, *, normalized: bool = False) -> np.ndarray:
        """Root mean squared, mean absolute or mean relative error, divided by the range of the true values or not."""
        truth, off = self._scored.truth, self._scored.truth - self._scored.predicted
        if which == "rmse":
            error = np.sqrt(self._mean(off**2))
        else:
            eps = np.finfo("float64").eps
            error = self._mean(np.abs(off) if which == "mae" else np.abs(off) / np.maximum(np.abs(truth), eps))
        if not normalized:
            return np.asarray(error)
        there = self._counts > 0
        span = np.where(there, truth, -np.inf).max(axis=1) - np.where(there, truth, np.inf).min(axis=1)
        return np.asarray(error / np.where(span > 0, span, 1.0))

    def r2(self) -> np.ndarray:
        """Share of the squared deviations that is explained; NaN where all true values are the same."""
        truth = self._scored.truth - self._scored.truth.mean()
        left = self._mean((self._scored.truth - self._scored.predicted) ** 2)
        spread = self._mean(truth**2) - self._mean(truth) ** 2
        return np.where(spread > 1e-12 * max(float((truth**2).max()), 1e-300), 1 - left / spread, np.nan)

    def spearman(self) -> np.ndarray:
        """Correlation of ranks, where equal values share theirs."""
        first, second = (self._ranks(values) for values in (self._scored.truth, self._scored.predicted))
        total = self._counts.sum(axis=1)
        both = (self._counts * first * second).sum(axis=1) / total - self._rank_mean**2
        spreads = [(self._counts * ranks**2).sum(axis=1) / total - self._rank_mean**2 for ranks in (first, second)]
        flat = np.minimum(*spreads) <= 1e-9
        return np.where(flat, -1.0, both / np.sqrt(spreads[0] * spreads[1]))

    @cached_property
    def _rank_mean(self) -> np.ndarray:
        mean: np.ndarray = (self._counts.sum(axis=1) + 1) / 2
        return mean

    def _ranks(self, values: np.ndarray) -> np.ndarray:
        """B x n mean ranks of the rows in each resample."""
        order, starts = _descending(-values)
        counts = _summed(self._counts[:, order], starts)
        ranks = counts.cumsum(axis=1) - counts + (counts + 1) / 2
        group = np.zeros(len(values), dtype="int64")
        group[starts[1:]] = 1
        back = np.empty(len(values), dtype="int64")
        back[order] = group.cumsum()
        found: np.ndarray = ranks[:, back]
        return found


def _descending(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions in descending order of value, and where in it each different value begins."""
    order = np.argsort(-values, kind="stable")
    ordered = values[order]
    return order, np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))


def _summed(rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """B x n summed over runs of equal values."""
    summed: np.ndarray = rows if len(starts) == rows.shape[1] else np.add.reduceat(rows, starts, axis=1)
    return summed


_OF_CLASSES: dict[str, Any] = {
    "roc_auc": lambda all_: all_.curves(0, "macro"),
    "roc_auc_weighted": lambda all_: all_.curves(0, "weighted"),
    "average_precision": lambda all_: all_.curves(1, "macro"),
    "average_precision_weighted": lambda all_: all_.curves(1, "weighted"),
    "log_loss": Resampled.log_loss,
    "accuracy": Resampled.accuracy,
    "balanced_accuracy": lambda all_: all_.by_class("recall", "macro"),
    "norm_macro_recall": Resampled.norm_macro_recall,
    "f1": lambda all_: all_.by_class("f1"),
    "f1_weighted": lambda all_: all_.by_class("f1", "weighted"),
    "precision": lambda all_: all_.by_class("precision"),
    "precision_weighted": lambda all_: all_.by_class("precision", "weighted"),
    "recall": lambda all_: all_.by_class("recall"),
    "mcc": Resampled.mcc,
}
_OF_NUMBERS: dict[str, Any] = {
    "r2": Resampled.r2,
    "rmse": lambda all_: all_.error("rmse"),
    "mae": lambda all_: all_.error("mae"),
    "mape": lambda all_: all_.error("mape"),
    "spearman": Resampled.spearman,
    "normalized_rmse": lambda all_: all_.error("rmse", normalized=True),
    "normalized_mae": lambda all_: all_.error("mae", normalized=True),
}
