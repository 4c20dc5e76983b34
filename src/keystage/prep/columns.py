"""Steps of a recipe that change the columns they name and let all others pass. They travel with the model."""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted


class OnColumns(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no annotations
    """A transformer of some columns, whose place is taken by what it makes; that comes first, then all others.

    A name that is taken gets ``_`` at its end, so that no two columns have one name.

    Args:
        transformer: of scikit-learn's kind.
        columns: those it sees.
        reserved: names that no column may have.
    """

    def __init__(self, transformer: Any, columns: list[str], reserved: list[str] | None = None) -> None:
        self.transformer = transformer
        self.columns = columns
        self.reserved = reserved

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Fit the transformer on its columns."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: pd.DataFrame, y: Any = None) -> pd.DataFrame:
        """Fit it, and give what it makes of these very rows: a cross-fitted one makes another thing of new rows.

        Raises:
            ValueError: it gives no table, or not one row for each.
        """
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.transformer_ = clone(self.transformer)
        if hasattr(self.transformer_, "set_output"):
            self.transformer_.set_output(transform="pandas")
        made = _as_table(self.transformer_.fit_transform(X[self.columns], y), X, self.columns)
        rest = [name for name in X.columns if name not in set(self.columns)]
        self.given_ = [str(name) for name in made.columns]
        self.made_ = free_names(self.given_, [*rest, *(self.reserved or ())])
        return self._joined(X, made)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return what is made of the columns, then all others.

        Raises:
            ValueError: the transformer gives other columns than when it was fitted.
        """
        check_is_fitted(self)
        if not len(X):  # scikit-learn's transformers refuse a table without rows: one of missing cells stands in
            return self.transform(X.reindex([0])).head(0).set_axis(X.index, axis="index")
        return self._joined(X, _as_table(self.transformer_.transform(X[self.columns]), X, self.columns))

    def get_feature_names_out(self, input_features: Any = None) -> Any:  # noqa: ARG002 - scikit-learn's signature
        """The columns that come out, in their order."""
        replaced = set(self.columns)
        return np.asarray(
            [*self.made_, *(name for name in self.feature_names_in_ if name not in replaced)], dtype=object
        )

    @property
    def transformers_(self) -> list[tuple[str, Any, list[str]]]:
        """The fitted transformer and its columns, in the form of scikit-learn's ``ColumnTransformer``."""
        return [(type(self.transformer_).__name__, self.transformer_, list(self.columns))]

    def _joined(self, X: pd.DataFrame, made: pd.DataFrame) -> pd.DataFrame:
        if [str(name) for name in made.columns] != self.given_:
            raise ValueError(f"it gives other columns than it gave for the training rows: {', '.join(self.given_)}")
        named = made.set_axis(self.made_, axis="columns")
        return pd.concat([named, X.drop(columns=self.columns)], axis="columns")


class Select(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no annotations
    """Keep some columns, or all but some.

    Args:
        columns: names.
        keep: whether these are kept, in this order, or left out.
    """

    def __init__(self, columns: list[str], keep: bool = True) -> None:
        self.columns = columns
        self.keep = keep

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Remember which columns are kept."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        left = set(self.columns)
        self.kept_ = list(self.columns) if self.keep else [str(name) for name in X.columns if name not in left]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the kept columns."""
        check_is_fitted(self)
        return X[self.kept_]

    def get_feature_names_out(self, input_features: Any = None) -> Any:  # noqa: ARG002 - scikit-learn's signature
        """The columns that come out, in their order."""
        return np.asarray(self.kept_, dtype=object)


class Finite(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no annotations
    """Make infinite numbers missing ones, in all columns that hold numbers."""

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Remember the columns of numbers."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.numbers_ = [str(name) for name in X.columns if pd.api.types.is_numeric_dtype(X[name])]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return all columns; numbers as float64."""
        check_is_fitted(self)
        numbers = X[self.numbers_].astype("float64")
        return X.assign(**numbers.mask(np.isinf(numbers.to_numpy())))

    def get_feature_names_out(self, input_features: Any = None) -> Any:  # noqa: ARG002 - scikit-learn's signature
        """The columns that came in, in their order."""
        return self.feature_names_in_


class ByFunction(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no annotations
    """A plain function of a table.

    Args:
        function: takes a pandas table and ``options``, gives one with a row for each.
        options: keyword arguments.
    """

    def __init__(self, function: Any, options: dict[str, Any] | None = None) -> None:
        self.function = function
        self.options = options

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn nothing: what a function gives for a row depends on that row."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return what the function gives for a copy of the rows.

        Raises:
            TypeError: that is no table.
        """
        made = self.function(X.copy(), **(self.options or {}))
        if not isinstance(made, pd.DataFrame):
            raise TypeError(f"the function gives {type(made).__name__}, not a pandas table")
        return made


def free_names(names: Iterable[str], taken: Iterable[str]) -> list[str]:
    """Names that are neither among those taken nor twice among themselves: what is taken gets ``_`` at its end."""
    seen, free = set(taken), []
    for name in names:
        while name in seen:
            name += "_"  # noqa: PLW2901 - the name under way
        seen.add(name)
        free.append(name)
    return free


def _as_table(given: Any, X: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """What a transformer gives, as a table with the index of its rows."""
    if hasattr(given, "toarray"):
        raise ValueError(
            "it gives a sparse matrix, and steps pass on tables; many take the option sparse_output: false"
        )
    if len(given) != len(X):
        raise ValueError(f"it gives {len(given)} rows for {len(X)}")
    if isinstance(given, pd.DataFrame):
        return given.set_axis(X.index, axis="index")
    cells = np.asarray(given).reshape(len(X), -1)
    width = cells.shape[1]
    names = columns if width == len(columns) else [f"{'_'.join(columns)}_{place}" for place in range(width)]
    return pd.DataFrame(cells, columns=names, index=X.index)
