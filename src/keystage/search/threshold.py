"""From which probability on a row is called the second of two classes: what is best for a metric out of fold."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keystage.search.crossfit import CrossFit
from keystage.search.fitting import Material
from keystage.search.metrics import Metric, decided

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

MOST_TRIED = 100  # thresholds, evenly taken of the probabilities that occur
MOST_ROWS = 20_000  # on which a metric of your own is tried


@dataclass(frozen=True)
class Threshold:
    """A threshold.

    Attributes:
        value: rows with at least this probability are of the second class.
        decided: for each fold, n_f x 2, 1 for the class that was decided on by a threshold of other rows.
        report: its metric before and after.
    """

    value: float
    decided: "Sequence[np.ndarray]"
    report: dict[str, Any]


def best_threshold(
    metric: Metric, predicted: "Sequence[np.ndarray]", material: Material, ends: float | None
) -> Threshold | None:
    """The threshold that is best on all folds' predictions; None when the time is over.

    Args:
        metric: of decided classes.
        predicted: for each fold, n_f x 2 probabilities out of fold.
        material: its folds and what is true of their rows.
        ends: time on ``time.monotonic``'s clock after which nothing is tried; None for no limit.
    """
    cross = CrossFit(material, ends)
    features = [said[:, 1] for said in predicted]

    def best(probability: "np.ndarray", target: "np.ndarray", weights: "np.ndarray | None") -> float:
        return _best(metric, probability, target, weights)

    def decide(probability: "np.ndarray", target: "np.ndarray", weights: "np.ndarray | None") -> Any:
        threshold = best(probability, target, weights)
        return lambda rows: decided(rows, threshold)

    usual = [decided(probability, 0.5) for probability in features]
    said = cross.predicted(decide, features, usual, cross.score_weights)
    value = cross.on_all(best, features, cross.score_weights)
    if said is None or value is None:
        return None

    def score(chosen: "Sequence[np.ndarray]") -> float:
        folds = zip(cross.target, chosen, cross.score_weights, strict=True)
        return sum(metric.score(*fold) for fold in folds) / len(chosen)

    report = {"metric": metric.name, "value": value, "before": score(usual), "after": score(said)}
    return Threshold(value, said, report)


def _best(metric: Metric, probability: "np.ndarray", target: "np.ndarray", weights: "np.ndarray | None") -> float:
    import numpy as np

    values = np.unique(probability)
    if len(values) > MOST_TRIED:
        values = np.unique(np.quantile(probability, np.linspace(0, 1, MOST_TRIED)))
    tried = (values[1:] + values[:-1]) / 2
    if not len(tried):
        return 0.5
    tried = tried[np.argsort(np.abs(tried - 0.5), kind="stable")]  # of equals, the one nearest to the usual
    if not metric.weighs and len(target) > MOST_ROWS:
        chosen = np.random.default_rng(0).permutation(len(target))[:MOST_ROWS]
        probability, target = probability[chosen], target[chosen]
    losses = [metric.loss(_score(metric, probability >= threshold, target, weights)) for threshold in tried]
    return float(tried[int(np.nanargmin(losses))])


def _score(metric: Metric, positive: "np.ndarray", target: "np.ndarray", weights: "np.ndarray | None") -> float:
    """By the four cells of the confusion matrix as rows with weights, so that a table's length costs nothing."""
    import numpy as np

    if not metric.weighs:
        return metric.score(target, np.eye(2)[positive.astype(int)])
    cells = np.bincount(2 * target + positive, weights, minlength=4).astype("float64")
    return metric.score(np.array([0, 0, 1, 1]), np.eye(2)[[0, 1, 0, 1]], cells)
