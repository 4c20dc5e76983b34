"""What is scored, and all metrics of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keystage.data.spec import Task
from keystage.search.metrics import METRICS, Metric

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Scored:
    """Rows whose truth is known, and what was said of them.

    Attributes:
        task: what was learnt.
        truth: n class codes, or n values.
        predicted: n x k probabilities, or n values.
        decided: n codes of the classes that the model decides for; None for numbers.
        weights: n, by which rows count; None counts each once.
        classes: the k label values in the order of their codes; none for numbers.
    """

    task: Task
    truth: "np.ndarray"
    predicted: "np.ndarray"
    decided: "np.ndarray | None" = None
    weights: "np.ndarray | None" = None
    classes: Sequence[Any] = ()

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.truth)

    @property
    def has_all_classes(self) -> bool:
        """Whether each class has a row that counts; true of numbers."""
        import numpy as np

        counting = self.truth if self.weights is None else self.truth[self.weights > 0]
        return not self.classes or len(np.unique(counting)) == len(self.classes)

    def at(self, rows: "np.ndarray") -> "Scored":
        """Some of the rows, by position or by a mask."""
        decided, weights = (None if held is None else held[rows] for held in (self.decided, self.weights))
        truth, predicted = self.truth[rows], self.predicted[rows]
        return replace(self, truth=truth, predicted=predicted, decided=decided, weights=weights)

    def said_for(self, metric: Metric) -> "np.ndarray":
        """What a metric looks at: the probabilities, or of decisions 1 for the class decided for."""
        if not metric.of_classes or self.decided is None:
            return self.predicted
        return as_shares(self.decided, len(self.classes))

    def score(self, metric: Metric) -> float:
        """One metric of these rows."""
        return metric.score(self.truth, self.said_for(metric), self.weights)


def as_shares(codes: "np.ndarray", classes: int) -> "np.ndarray":
    """N x k: 1 for the class of each row's code, 0 for the others."""
    import numpy as np

    shares: np.ndarray = np.eye(classes)[codes]
    return shares


def metrics_for(scored: Scored, primary: Metric) -> dict[str, Metric]:
    """The primary metric and all others of the task, by name; those lack that need all classes when one is absent."""
    every = {primary.name: primary, **METRICS[scored.task.learnt]}
    return {name: metric for name, metric in every.items() if scored.has_all_classes or not metric.needs_all_classes}


def scores(scored: Scored, metrics: Mapping[str, Metric]) -> dict[str, float]:
    """Each metric of these rows by name."""
    return {name: scored.score(metric) for name, metric in metrics.items()}
