"""Metrics of a classifier, each with its direction. Nothing else in the house knows which way is better.

Every metric is scikit-learn's of that name. With two classes the second in sorted order counts as positive; with more,
ranking metrics and F1 are means over the classes with equal weight (macro; ROC AUC one against the rest).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keystage.search.spec import MetricName

if TYPE_CHECKING:
    import numpy as np

Score = Callable[["np.ndarray", "np.ndarray"], float]


@dataclass(frozen=True)
class Metric:
    """A score and its direction.

    Attributes:
        name: the name used in conf/ and in every file written.
        score: from (codes, probabilities), shapes (n,) and (n, k), to one number; code i belongs to column i.
        greater_is_better: the direction.
    """

    name: str
    score: Score
    greater_is_better: bool

    def loss(self, score: float) -> float:
        """The score as something to make small."""
        return -score if self.greater_is_better else score


def _roc_auc(codes: "np.ndarray", probabilities: "np.ndarray") -> float:
    from sklearn.metrics import roc_auc_score

    if probabilities.shape[1] == 2:
        return float(roc_auc_score(codes, probabilities[:, 1]))
    return float(roc_auc_score(codes, probabilities, multi_class="ovr", labels=range(probabilities.shape[1])))


def _average_precision(codes: "np.ndarray", probabilities: "np.ndarray") -> float:
    import numpy as np
    from sklearn.metrics import average_precision_score

    if probabilities.shape[1] == 2:
        return float(average_precision_score(codes, probabilities[:, 1]))
    indicator = np.eye(probabilities.shape[1])[codes]
    return float(average_precision_score(indicator, probabilities, average="macro"))


def _log_loss(codes: "np.ndarray", probabilities: "np.ndarray") -> float:
    from sklearn.metrics import log_loss

    return float(log_loss(codes, probabilities, labels=range(probabilities.shape[1])))


def _accuracy(codes: "np.ndarray", probabilities: "np.ndarray") -> float:
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(codes, probabilities.argmax(axis=1)))


def _balanced_accuracy(codes: "np.ndarray", probabilities: "np.ndarray") -> float:
    from sklearn.metrics import recall_score

    return float(recall_score(codes, probabilities.argmax(axis=1), average="macro", zero_division=0))


def _f1(codes: "np.ndarray", probabilities: "np.ndarray") -> float:
    from sklearn.metrics import f1_score

    average = "binary" if probabilities.shape[1] == 2 else "macro"
    return float(f1_score(codes, probabilities.argmax(axis=1), average=average, zero_division=0))


METRICS = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", _roc_auc, greater_is_better=True),
        Metric("average_precision", _average_precision, greater_is_better=True),
        Metric("log_loss", _log_loss, greater_is_better=False),
        Metric("accuracy", _accuracy, greater_is_better=True),
        Metric("balanced_accuracy", _balanced_accuracy, greater_is_better=True),
        Metric("f1", _f1, greater_is_better=True),
    )
}


def metric_of(name: MetricName) -> Metric:
    """The metric that conf/automl names."""
    return METRICS[name.value]
