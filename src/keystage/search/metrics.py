"""Metrics, each with its direction. Nothing else in the house knows which way is better.

Each is scikit-learn's of that name.

Of a classifier: with two classes the second in sorted order counts as positive; with more, ranking metrics, precision,
recall and F1 are means over the classes with equal weight (macro; ROC AUC one against the rest). Those that end in
``_weighted`` weigh each class, of two as of more, by its share of the rows, as Azure ML SDK v1 does.

Of a regressor: ``normalized_`` ones are divided by the range of the true values that are scored; ``mape`` is a share,
not per cent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from keystage.core.errors import ExtensionError
from keystage.core.extension import load_function
from keystage.data.spec import Task
from keystage.search.names import AZURE_METRIC_NAMES, OWN_METRICS, quantile_of

if TYPE_CHECKING:
    import numpy as np

Score = Callable[..., float]
_DIRECTION = "greater_is_better"  # the attribute of a metric of the user's own


@dataclass(frozen=True)
class Metric:
    """A score and its direction.

    Attributes:
        name: the name used in conf/ and in every file written.
        function: from truth, prediction and, where it can weigh, row weights to one number; see ``score``.
        greater_is_better: the direction.
        needs_all_classes: not defined where a class has no row.
        weighs: whether rows can have weights.
        of_classes: whether it judges the class that is decided on, and so changes with the threshold.
    """

    name: str
    function: Score
    greater_is_better: bool = True
    needs_all_classes: bool = False
    weighs: bool = True
    of_classes: bool = False

    def score(self, truth: "np.ndarray", predicted: "np.ndarray", weights: "np.ndarray | None" = None) -> float:
        """One number.

        Args:
            truth: of a classifier, n codes; of a regressor, n values.
            predicted: of a classifier, n x k probabilities where column i belongs to code i; of a regressor, n values.
            weights: n, by which rows count; a metric that cannot weigh takes each for one.
        """
        if weights is None or not self.weighs:
            return float(self.function(truth, predicted))
        return float(self.function(truth, predicted, weights=weights))

    def loss(self, score: float) -> float:
        """The score as something to make small."""
        return -score if self.greater_is_better else score


def decided(probability: "np.ndarray", threshold: float) -> "np.ndarray":
    """For each of n probabilities of the second class, n x 2: 1 for the class that is decided on, 0 for the other."""
    import numpy as np

    return np.asarray(np.eye(2)[(probability >= threshold).astype(int)])


def _roc_auc(
    codes: "np.ndarray", probabilities: "np.ndarray", average: str, weights: "np.ndarray | None" = None
) -> float:
    from sklearn.metrics import roc_auc_score

    if probabilities.shape[1] == 2:  # one curve, seen from either class
        return float(roc_auc_score(codes, probabilities[:, 1], sample_weight=weights))
    labels = range(probabilities.shape[1])
    return float(
        roc_auc_score(codes, probabilities, multi_class="ovr", average=average, labels=labels, sample_weight=weights)
    )


def _average_precision(
    codes: "np.ndarray", probabilities: "np.ndarray", average: str, weights: "np.ndarray | None" = None
) -> float:
    import numpy as np
    from sklearn.metrics import average_precision_score

    if average == "macro" and probabilities.shape[1] == 2:
        return float(average_precision_score(codes, probabilities[:, 1], sample_weight=weights))
    indicator = np.eye(probabilities.shape[1])[codes]
    return float(average_precision_score(indicator, probabilities, average=average, sample_weight=weights))


def _log_loss(codes: "np.ndarray", probabilities: "np.ndarray", weights: "np.ndarray | None" = None) -> float:
    from sklearn.metrics import log_loss

    # Means of models that reckon in 32 bits do not quite sum to one.
    shares = probabilities / probabilities.sum(axis=1, keepdims=True)
    return float(log_loss(codes, shares, labels=range(shares.shape[1]), sample_weight=weights))


def _accuracy(codes: "np.ndarray", probabilities: "np.ndarray", weights: "np.ndarray | None" = None) -> float:
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(codes, probabilities.argmax(axis=1), sample_weight=weights))


def _mcc(codes: "np.ndarray", probabilities: "np.ndarray", weights: "np.ndarray | None" = None) -> float:
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(codes, probabilities.argmax(axis=1), sample_weight=weights))


def _by_class(
    codes: "np.ndarray",
    probabilities: "np.ndarray",
    which: str,
    average: str | None = None,
    weights: "np.ndarray | None" = None,
) -> float:
    """Precision, recall or F1, where a class that nobody predicted counts as 0."""
    from sklearn import metrics

    average = average or ("binary" if probabilities.shape[1] == 2 else "macro")
    score = {"precision": metrics.precision_score, "recall": metrics.recall_score, "f1": metrics.f1_score}[which]
    predicted = probabilities.argmax(axis=1)
    return float(score(codes, predicted, average=average, zero_division=0, sample_weight=weights))


def _norm_macro_recall(codes: "np.ndarray", probabilities: "np.ndarray", weights: "np.ndarray | None" = None) -> float:
    """Macro recall from what guessing gives (0) to perfect (1): Azure ML SDK v1's, never below 0."""
    guessing = 1 / int(probabilities.shape[1])
    recall = _by_class(codes, probabilities, "recall", "macro", weights)
    return max(0.0, (recall - guessing) / (1 - guessing))


def _spearman(truth: "np.ndarray", predicted: "np.ndarray") -> float:
    """Rank correlation; the worst value, -1, where all predictions are the same, as Azure ML SDK v1 has it."""
    from scipy.stats import spearmanr

    if truth.min() == truth.max() or predicted.min() == predicted.max():
        return -1.0
    return float(spearmanr(truth, predicted).statistic)


def _error(
    truth: "np.ndarray",
    predicted: "np.ndarray",
    which: str,
    *,
    normalized: bool = False,
    weights: "np.ndarray | None" = None,
) -> float:
    from sklearn import metrics

    error = {
        "rmse": metrics.root_mean_squared_error,
        "mae": metrics.mean_absolute_error,
        "mape": metrics.mean_absolute_percentage_error,
    }[which]
    span = float(truth.max() - truth.min()) if normalized else 1.0
    return float(error(truth, predicted, sample_weight=weights)) / (span or 1.0)


def _r2(truth: "np.ndarray", predicted: "np.ndarray", weights: "np.ndarray | None" = None) -> float:
    from sklearn.metrics import r2_score

    return float(r2_score(truth, predicted, sample_weight=weights))


def _quantile_loss(
    truth: "np.ndarray", predicted: "np.ndarray", quantile: float, weights: "np.ndarray | None" = None
) -> float:
    """Pinball loss: smallest, in the mean, where that quantile of the label is predicted."""
    from sklearn.metrics import mean_pinball_loss

    return float(mean_pinball_loss(truth, predicted, alpha=quantile, sample_weight=weights))


_OF_CLASSIFIERS = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", partial(_roc_auc, average="macro"), needs_all_classes=True),
        Metric("roc_auc_weighted", partial(_roc_auc, average="weighted"), needs_all_classes=True),
        Metric("average_precision", partial(_average_precision, average="macro"), needs_all_classes=True),
        Metric("average_precision_weighted", partial(_average_precision, average="weighted"), needs_all_classes=True),
        Metric("log_loss", _log_loss, greater_is_better=False),
        Metric("accuracy", _accuracy, of_classes=True),
        Metric("balanced_accuracy", partial(_by_class, which="recall", average="macro"), of_classes=True),
        Metric("norm_macro_recall", _norm_macro_recall, of_classes=True),
        Metric("f1", partial(_by_class, which="f1"), of_classes=True),
        Metric("f1_weighted", partial(_by_class, which="f1", average="weighted"), of_classes=True),
        Metric("precision", partial(_by_class, which="precision"), of_classes=True),
        Metric("precision_weighted", partial(_by_class, which="precision", average="weighted"), of_classes=True),
        Metric("recall", partial(_by_class, which="recall"), of_classes=True),
        Metric("mcc", _mcc, of_classes=True),
    )
}
_OF_REGRESSORS = {
    metric.name: metric
    for metric in (
        Metric("r2", _r2),
        Metric("rmse", partial(_error, which="rmse"), greater_is_better=False),
        Metric("mae", partial(_error, which="mae"), greater_is_better=False),
        Metric("mape", partial(_error, which="mape"), greater_is_better=False),
        Metric("spearman", _spearman, weighs=False),
        Metric("normalized_rmse", partial(_error, which="rmse", normalized=True), greater_is_better=False),
        Metric("normalized_mae", partial(_error, which="mae", normalized=True), greater_is_better=False),
    )
}
METRICS = {Task.classification: _OF_CLASSIFIERS, Task.regression: _OF_REGRESSORS}


def metric_of(name: str) -> Metric:
    """The metric that conf/automl names.

    Raises:
        ExtensionError: a metric of the user's own cannot be loaded, or does not say which way is better.
    """
    if (quantile := quantile_of(name)) is not None:
        return Metric(name, partial(_quantile_loss, quantile=quantile), greater_is_better=False)
    if not name.startswith(f"{OWN_METRICS}:"):
        return (_OF_CLASSIFIERS | _OF_REGRESSORS)[AZURE_METRIC_NAMES.get(name, name)]
    score: Any = load_function(name, OWN_METRICS)
    if not isinstance(getattr(score, _DIRECTION, None), bool):
        raise _no_direction(name)
    return Metric(name, score, greater_is_better=score.greater_is_better, weighs=False)


def require_direction(reference: str, written: bytes) -> None:
    """Refuse, with an ``ExtensionError``, a metric whose file nowhere says which way is better: nothing is run."""
    if _DIRECTION.encode() not in written:
        raise _no_direction(reference)


def _no_direction(name: str) -> ExtensionError:
    return ExtensionError(
        f"metric '{name}' does not say which way is better",
        why="a search needs to know whether to make it great or small",
        fix=f"write below it, in src/project/metrics.py: {name.partition(':')[2]}.{_DIRECTION} = False (or True)",
    )
