"""Transformers of cells, each by itself: words to values, numbers to bins and ranges. They travel with the model."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted


class _Cells(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # no annotations
    """One column for each that comes in."""

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Remember the columns."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        return self


class MapValues(_Cells):
    """Put values in the place of others.

    What is not named stays; where words become numbers it is missing, because a column holds one kind. Missing cells
    stay missing.

    Args:
        values: the new value by the old one; null for missing.
        others: in the place of what is not named; null leaves it.
        ignore_case: of words, upper case and spaces at the ends do not count.
    """

    def __init__(self, values: dict[Any, Any], others: Any = None, ignore_case: bool = False) -> None:
        self.values = values
        self.others = others
        self.ignore_case = ignore_case

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Remember of each column whether it holds numbers, before and after.

        Raises:
            ValueError: a column of numbers is given words to look for, or words and numbers would stand in one column.
        """
        new = [value for value in (*self.values.values(), self.others) if value is not None]
        numbers = [isinstance(value, int | float) for value in new]
        if any(numbers) and not all(numbers):
            raise ValueError("option values gives words and numbers, and a column holds one kind")
        self.gives_numbers_ = bool(numbers) and all(numbers)
        self.numbers_ = [bool(pd.api.types.is_numeric_dtype(X[name])) for name in X.columns]
        self.old_ = [self._old(is_number, name) for is_number, name in zip(self.numbers_, X.columns, strict=True)]
        return super().fit(X, y)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the new values."""
        check_is_fitted(self)
        pairs = zip(X.columns, self.numbers_, self.old_, strict=True)
        return pd.DataFrame({name: self._mapped(X[name], number, old) for name, number, old in pairs}, index=X.index)

    def _old(self, is_number: bool, name: str) -> list[Any]:
        if not is_number:
            return [self._key(str(value)) for value in self.values]
        try:
            return [float(value) for value in self.values]
        except ValueError as error:
            raise ValueError(f"column '{name}' holds numbers, and option values names a word: {error}") from error

    def _key(self, word: str) -> str:
        return word.strip().lower() if self.ignore_case else word

    def _mapped(self, column: pd.Series, is_number: bool, old: list[Any]) -> pd.Series:
        keys = column if is_number or not self.ignore_case else column.str.strip().str.lower()
        place = pd.Index(old, dtype="float64" if is_number else object).get_indexer(pd.Index(keys.astype(object)))
        named = (place >= 0) & column.notna().to_numpy()
        kind: Any = "float64" if self.gives_numbers_ else "str"
        stays = is_number == self.gives_numbers_ and self.others is None
        rest = column.astype(kind) if stays else pd.Series(self.others, index=column.index, dtype=kind)
        new = pd.Series(list(self.values.values()), dtype=kind).take(np.where(named, place, 0)).set_axis(column.index)
        mapped: pd.Series = new.where(pd.Series(named, index=column.index), rest).where(column.notna())
        return mapped


class _Binned(_Cells):
    """The number of the bin that a number falls in, from 0: how many of the edges of its column are not above it."""

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return bins; missing cells stay missing."""
        check_is_fitted(self)
        numbers = X.astype("float64")
        pairs = zip(numbers.columns, self.edges_, strict=True)
        bins = {name: np.searchsorted(edges, numbers[name], side="right").astype("float64") for name, edges in pairs}
        return pd.DataFrame(bins, index=X.index, columns=X.columns).where(numbers.notna())


class Bins(_Binned):
    """Bins between given edges.

    Args:
        edges: ascending; k edges make k + 1 bins.
    """

    def __init__(self, edges: list[float]) -> None:
        self.edges = edges

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Take the same edges for each column."""
        self.edges_ = [np.asarray(self.edges, dtype="float64") for _ in X.columns]
        return super().fit(X, y)


class QuantileBins(_Binned):
    """Bins that hold as many of the training values each, as far as equal values allow it.

    Edges are those of scikit-learn's ``KBinsDiscretizer`` (strategy ``quantile``), which refuses missing cells: new
    rows may have them where the training rows had none. Infinite ones are refused, as they are there.

    Args:
        bins: how many, 2 or more.
    """

    def __init__(self, bins: int = 5) -> None:
        self.bins = bins

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn the edges from the cells that are not missing.

        Raises:
            ValueError: a column has none, or an infinite one.
        """
        _require_finite(X)
        self.edges_ = [self._edges(X[name].dropna().to_numpy(dtype="float64"), str(name)) for name in X.columns]
        return super().fit(X, y)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return bins; missing cells stay missing.

        Raises:
            ValueError: a cell is infinite.
        """
        _require_finite(X)
        return super().transform(X)

    def _edges(self, present: np.ndarray, name: str) -> np.ndarray:
        if not len(present):
            raise ValueError(f"column '{name}' has no values to find quantiles of")
        ends = np.percentile(present, np.linspace(0, 100, self.bins + 1), method="averaged_inverted_cdf")
        return np.asarray(np.unique(ends)[1:-1])  # the outermost ones part nothing


def _require_finite(X: pd.DataFrame) -> None:
    infinite = np.isinf(X.to_numpy(dtype="float64")).any(axis=0)
    if infinite.any():
        raise ValueError(f"column '{X.columns[infinite][0]}' holds infinite numbers: step 'finite' makes them missing")


class Clip(_Cells):
    """Limit numbers to a range.

    Args:
        minimum: the least; null for none.
        maximum: the greatest; null for none.
        low: share of the training values below the range, instead of a minimum.
        high: share of the training values up to the range's end, instead of a maximum.
    """

    def __init__(
        self,
        minimum: float | None = None,
        maximum: float | None = None,
        low: float | None = None,
        high: float | None = None,
    ) -> None:
        self.minimum = minimum
        self.maximum = maximum
        self.low = low
        self.high = high

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn the range of each column."""
        numbers = X.astype("float64")
        self.least_ = _ends(numbers, self.minimum, self.low, -np.inf)
        self.greatest_ = _ends(numbers, self.maximum, self.high, np.inf)
        return super().fit(X, y)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return numbers in the range; missing cells stay missing."""
        check_is_fitted(self)
        return X.astype("float64").clip(self.least_, self.greatest_, axis="columns")


def _ends(numbers: pd.DataFrame, fixed: float | None, share: float | None, none: float) -> np.ndarray:
    if share is not None:
        return np.asarray(numbers.quantile(share).fillna(none).to_numpy())
    return np.full(numbers.shape[1], none if fixed is None else float(fixed))


class Log(_Cells):
    """``log(1 + x)`` of numbers, and ``-log(1 - x)`` below 0, so that every number has one."""

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return logarithms; missing cells stay missing."""
        numbers = X.astype("float64")
        logs: pd.DataFrame = numbers.apply(lambda column: np.sign(column) * np.log1p(column.abs()))
        return logs


class Rare(_Cells):
    """Put one word in the place of all that are rare in the training rows, or new.

    Args:
        min_count: least times a word stands in the training rows to stay.
        min_share: least share of the rows that have a word; the greater of both counts.
        other: the word.
    """

    def __init__(self, min_count: int = 10, min_share: float = 0.0, other: str = "other") -> None:
        self.min_count = min_count
        self.min_share = min_share
        self.other = other

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Count the words.

        Raises:
            ValueError: a column holds numbers.
        """
        numbers = [str(name) for name in X.columns if pd.api.types.is_numeric_dtype(X[name])]
        if numbers:
            raise ValueError(f"'{numbers[0]}' holds numbers; declare it as string in dataset.columns to count words")
        self.kept_ = [self._common(X[name]) for name in X.columns]
        return super().fit(X, y)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return common words and the other one; missing cells stay missing."""
        check_is_fitted(self)
        kept = zip(X.columns, self.kept_, strict=True)
        return pd.DataFrame(
            {name: X[name].where(X[name].isin(words) | X[name].isna(), self.other) for name, words in kept},
            index=X.index,
        )

    def _common(self, column: pd.Series) -> list[str]:
        counts = column.value_counts()
        return sorted(map(str, counts.index[counts >= max(self.min_count, self.min_share * int(counts.sum()))]))
