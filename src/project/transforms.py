"""Your own transforms. A recipe in conf/prep names one as ``project.transforms:Name``.

A transform is a scikit-learn transformer: ``fit`` learns from the training rows and keeps what it learnt in
attributes that end in ``_``; ``transform`` uses nothing else. It gets the columns its step names, as a pandas table,
and gives back a table of the same length. It travels inside the registered model, so import only what that requires,
and keep NumPy arrays, numbers, strings, lists and dicts: skops, which saves the model safely, knows no pandas objects.

A plain function of a table does where nothing is to be learnt: it gives a table with a row for each, and its keyword
arguments are the step's options.

A change of this file, or of a module below src/ that it imports, re-runs dataprep where the recipe names one of its
classes, and what follows from it when the prepared rows changed.
"""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin


class ClipQuantiles(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # no annotations
    """An example: limit numbers to the range between two quantiles of the training rows.

    Args:
        low: share of the training values below the range.
        high: share of the training values up to the range's end.
    """

    def __init__(self, low: float = 0.01, high: float = 0.99) -> None:
        self.low = low
        self.high = high

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn the range of each column."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        self.low_ = X.quantile(self.low).to_numpy()
        self.high_ = X.quantile(self.high).to_numpy()
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return ``X`` limited to the ranges; missing cells stay missing."""
        return X.clip(self.low_, self.high_, axis="columns")


def ratio(table: pd.DataFrame, of: str, to: str) -> pd.DataFrame:
    """An example: add the ratio of two columns of numbers; missing where the second one is 0."""
    numbers = table[of].astype("float64") / table[to].astype("float64").replace(0.0, np.nan)
    return table.assign(**{f"{of}_to_{to}": numbers})
