"""What a learner is: how it is made from hyperparameters, where it begins, and how far a search may move it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keystage.data.spec import Task

if TYPE_CHECKING:
    import numpy as np

Point = Mapping[str, Any]  # hyperparameters, in scikit-learn's or the library's own names


@dataclass(frozen=True)
class Span:
    """Numbers from ``low`` to ``high``, both included."""

    low: float
    high: float
    log: bool = False
    integer: bool = False


@dataclass(frozen=True)
class Choice:
    """One of a few values without an order."""

    values: tuple[Any, ...]


Space = Mapping[str, Span | Choice]


@dataclass(frozen=True)
class Setting:
    """What all fits of a search have in common.

    Attributes:
        task: what is learnt.
        loss: of boosted regressors: squared, absolute or quantile.
        seed: of every learner that draws.
        classes: number of classes; 0 for numbers.
        quantile: the one to predict where the loss is of a quantile.
    """

    task: Task
    loss: str
    seed: int
    classes: int = 0
    quantile: float = 0.5

    @property
    def is_classification(self) -> bool:
        """Whether classes are learnt."""
        return self.task is Task.classification


@dataclass(frozen=True)
class Sample:
    """Rows to fit on, or to watch.

    Attributes:
        features: n x m numbers; cells may be missing.
        target: n class codes from 0, or n values.
        weights: n, by which rows count; None for equal ones.
    """

    features: "np.ndarray"
    target: "np.ndarray"
    weights: "np.ndarray | None" = None

    def at(self, rows: "np.ndarray | slice") -> "Sample":
        """Some of the rows, by position or as a mask."""
        return Sample(self.features[rows], self.target[rows], None if self.weights is None else self.weights[rows])


@dataclass(frozen=True)
class Validation:
    """Rows on which a boosted learner watches its loss, to stop when it no longer falls.

    Attributes:
        sample: rows that are not fitted on.
        ends: time on ``time.monotonic``'s clock at which boosting stops with what it has; None for no limit.
    """

    sample: Sample
    ends: float | None = None


# Given settings, hyperparameters, rows to fit on and rows to watch, the fitted model.
Fit = Callable[[Setting, Point, Sample, "Validation | None"], Any]


@dataclass(frozen=True)
class Learner:
    """A learner a search may try.

    Attributes:
        name: FLAML's name of it, where FLAML has it.
        tasks: what it can learn.
        space: what a search may move.
        starts: strong hyperparameters, best first: the portfolio every search begins with.
        fit: makes a fitted scikit-learn estimator, which may be a pipeline.
        found: what fitting found out, to be given as hyperparameters of a fit on all rows.
        most_rows: training rows above which it is not tried unless named, for it would not end.
        most_classes: classes above which it is not tried unless named.
        unsteady: fits on other rows differ, so that the mean of its fold models is better than one fit on all rows.
        weighs: rows can have weights in its fits.
        why_by_name: why it is never tried unless named; empty where it is.
        most_columns: columns above which it is not tried unless named.
    """

    name: str
    tasks: tuple[Task, ...]
    space: Space
    starts: tuple[Point, ...]
    fit: Fit
    found: Callable[[Any], Point] = lambda _model: {}
    most_rows: int | None = None
    most_classes: int | None = None
    most_columns: int | None = None
    why_by_name: str = ""
    unsteady: bool = False
    weighs: bool = True
