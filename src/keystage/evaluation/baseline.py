"""What needs no model: a forecast that is not beaten here is not worth its trouble."""

from typing import TYPE_CHECKING

from keystage.data.table import PreparedTable
from keystage.search.names import ABSOLUTE_METRICS, AZURE_METRIC_NAMES, quantile_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SEASONAL_NAIVE = "seasonal naive"
MOST_FREQUENT = "most frequent class"


def constant(label: "pd.Series", weights: "pd.Series | None", primary: str) -> tuple[str, float]:
    """One number for all rows: the mean of the training rows, or what the primary metric is least for.

    Args:
        label: n training values.
        weights: n, by which they count; None counts each once.
        primary: median for absolute errors, a quantile for its loss, else the mean.

    Returns:
        What it is called, and the number.
    """
    import numpy as np

    values = label.to_numpy(dtype="float64")
    each = np.ones(len(values)) if weights is None else weights.to_numpy(dtype="float64")
    quantile = quantile_of(primary) or (0.5 if AZURE_METRIC_NAMES.get(primary, primary) in ABSOLUTE_METRICS else None)
    if quantile is None:
        return "mean", float(np.average(values, weights=each))
    order = np.argsort(values, kind="stable")
    reached = each[order].cumsum()
    place = int(np.searchsorted(reached, quantile * reached[-1]))
    name = "median" if quantile == 0.5 else f"quantile {quantile:g}"
    return name, float(values[order][min(place, len(values) - 1)])


def class_shares(codes: "np.ndarray", weights: "pd.Series | None", classes: int) -> "np.ndarray":
    """Probabilities by the share of each class in the training rows; the most frequent is the one decided for.

    Args:
        codes: n training codes.
        weights: n, by which they count.
        classes: k.

    Returns:
        k shares.
    """
    import numpy as np

    counted = np.bincount(codes, None if weights is None else weights.to_numpy(), minlength=classes)
    shares: np.ndarray = counted / counted.sum()
    return shares


def baseline(
    train: PreparedTable, test: PreparedTable, codes: "np.ndarray | None", classes: int, primary: str
) -> "tuple[str, np.ndarray]":
    """What the baseline is called, and what it says of the test rows.

    Args:
        train: whose label and weights are looked at.
        test: n rows; of a forecast it holds the seasonal naive one.
        codes: of the training labels; None for numbers.
        classes: k; 0 for numbers.
        primary: the metric that is judged by.

    Returns:
        The name, and n x k probabilities or n values.
    """
    import numpy as np

    rows = len(test.label)
    if test.roles.baseline is not None:
        return SEASONAL_NAIVE, test.roles.baseline.to_numpy()
    if codes is not None:
        return MOST_FREQUENT, np.tile(class_shares(codes, train.roles.weight, classes), (rows, 1))
    name, value = constant(train.label, train.roles.weight, primary)
    return name, np.full(rows, value)
