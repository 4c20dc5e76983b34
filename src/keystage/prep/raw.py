"""The door of the recipe: raw rows from anywhere, in the columns and types the recipe was fitted on."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted


class RawRows(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # no annotations
    """Give every raw row the same columns and types, in training and in service.

    Numbers and booleans become float64, because whole numbers arrive as int64, as float64 when one is missing, and as
    text from some clients. Everything else but dates becomes a string; missing cells stay missing.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Remember the columns, and which of them are numbers or dates."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        self.numbers_ = [name for name in X.columns if pd.api.types.is_numeric_dtype(X[name])]
        self.dates_ = [name for name in X.columns if pd.api.types.is_datetime64_any_dtype(X[name])]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the remembered columns in their order; further ones are left out.

        Raises:
            ValueError: a column is absent, or a cell is no number where numbers were.
        """
        check_is_fitted(self)
        absent = [name for name in self.feature_names_in_ if name not in X.columns]
        if absent:
            raise ValueError(f"raw rows lack columns: {', '.join(map(str, absent))}")
        typed = {name: self._typed(X[name]) for name in self.feature_names_in_}
        return pd.DataFrame(typed, index=X.index)

    def unfit(self, X: pd.DataFrame) -> dict[str, np.ndarray]:
        """Cells of which no finite number or no date can be made: by column, n booleans. Missing cells fit everywhere.

        Args:
            X: n rows with the remembered columns.
        """
        check_is_fitted(self)
        found: dict[str, np.ndarray] = {}
        for name in self.numbers_:
            numbers = pd.to_numeric(X[name], errors="coerce").astype("float64")
            found[name] = ((numbers.isna() & X[name].notna()) | np.isinf(numbers)).to_numpy()
        for name in self.dates_:
            found[name] = (_dates(X[name], errors="coerce").isna() & X[name].notna()).to_numpy()
        return {name: mask for name, mask in found.items() if mask.any()}

    def _typed(self, column: pd.Series) -> pd.Series:
        if column.name in self.numbers_:
            try:
                return pd.to_numeric(column).astype("float64")
            except (ValueError, TypeError) as error:
                raise ValueError(f"column '{column.name}' of the raw rows holds no numbers: {error}") from error
        return _dates(column) if column.name in self.dates_ else column.astype("str")


def _dates(column: pd.Series, errors: Any = "raise") -> pd.Series:
    """Times without a zone, those with one in UTC. Text is ISO 8601: else pandas would take the first row's form."""
    if not pd.api.types.is_datetime64_any_dtype(column):
        column = pd.to_datetime(column, errors=errors, format="ISO8601", utc=True)
    return without_zone(column)


def without_zone(times: pd.Series) -> pd.Series:
    """Times without a zone; those with one are told in UTC."""
    return times if getattr(times.dtype, "tz", None) is None else times.dt.tz_convert("UTC").dt.tz_localize(None)
