"""Fill missing cells with values drawn from those present, the same way wherever and whenever a row is scored."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted


class FillDraws(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no annotations
    """Fill the missing cells of numeric columns by draws from the values present in the training rows.

    The draw of a cell depends on the seed, the column's name and the *other* cells of its row, not on the row's place.
    So a row gets the same value alone or in a batch, in training or in service, and a second call changes nothing.
    Rows that are equal in all other cells get the same draw (docs/adr/0005).

    Args:
        columns: the numeric columns to fill.
        seed: another seed gives other draws.
    """

    def __init__(self, columns: list[str], seed: int = 0) -> None:
        self.columns = columns
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Remember the sorted present values of each column."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.present_ = {name: np.sort(X[name].dropna().to_numpy(dtype="float64")) for name in self.columns}
        empty = [name for name, values in self.present_.items() if not len(values)]
        if empty:
            raise ValueError(f"no training row has a value in: {', '.join(empty)}")
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return a copy of ``X`` without missing cells in ``columns``, which become float64."""
        check_is_fitted(self)
        filled = X.copy()
        for position, name in enumerate(self.columns):
            values = X[name].astype("float64")
            missing = values.isna().to_numpy()
            others = _as_hashable(X.loc[missing].drop(columns=self.columns))
            rows = pd.util.hash_pandas_object(others, index=False).to_numpy(dtype="uint64")
            # hash_array mixes the bits, so neighbouring seeds and columns give unrelated draws.
            mixed = pd.util.hash_array(rows + np.uint64(self.seed * 1_000_003 + position))
            present = self.present_[name]
            filled[name] = values.mask(missing).to_numpy()
            filled.loc[missing, name] = present[mixed % np.uint64(len(present))]
        return filled

    def get_feature_names_out(self, input_features: Any = None) -> Any:  # noqa: ARG002 - scikit-learn's signature
        """The columns that came in, in their order."""
        return self.feature_names_in_


def _as_hashable(frame: pd.DataFrame) -> pd.DataFrame:
    """One type per kind of column, so that 3, 3.0 and a nullable 3 hash alike."""
    numeric = {name: "float64" for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])}
    return frame.astype({name: numeric.get(name, "str") for name in frame.columns})
