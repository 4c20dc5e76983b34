"""Free text as a few numbers. It travels with the model."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

MAX_TERMS = 5_000  # of a column that are weighed
HASHED = 2**14  # terms, when they are hashed


class TextParts(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no annotations
    """Weigh the terms of texts by tf-idf and bring them down to k numbers by a truncated SVD: ``COLUMN_text_0`` ...

    The k numbers of a missing text are missing; those of one without a known term are 0. The decomposition runs on one
    thread, so that the same texts give the same numbers on every machine that has the same libraries.

    Args:
        components: k, at most; fewer where the texts have fewer terms.
        analyzer: ``char_wb``, pieces of words, or ``word``.
        ngrams: the least and the greatest length of a term, in letters or words.
        hashed: terms are not remembered but hashed, which takes less memory for many different ones.
        seed: of the decomposition.
    """

    def __init__(
        self,
        components: int = 20,
        analyzer: str = "char_wb",
        ngrams: list[int] | None = None,
        hashed: bool = False,
        seed: int = 0,
    ) -> None:
        self.components = components
        self.analyzer = analyzer
        self.ngrams = ngrams
        self.hashed = hashed
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn terms and decomposition of each column.

        Raises:
            ValueError: a column holds numbers, or no terms.
        """
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        self.fitted_ = [self._fitted(X[name]) for name in X.columns]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return k numbers for each text."""
        check_is_fitted(self)
        made = []
        for name, fitted in zip(X.columns, self.fitted_, strict=True):
            missing = X[name].isna().to_numpy()
            numbers = np.asarray(fitted.transform(X[name].fillna("")), dtype="float64")
            numbers[missing] = np.nan
            names = [f"{name}_text_{place}" for place in range(numbers.shape[1])]
            made.append(pd.DataFrame(numbers, index=X.index, columns=names))
        return pd.concat(made, axis="columns")

    def get_feature_names_out(self, input_features: Any = None) -> Any:  # noqa: ARG002 - scikit-learn's signature
        """The columns that come out, in their order."""
        sizes = zip(self.feature_names_in_, self.fitted_, strict=True)
        return np.asarray([f"{name}_text_{k}" for name, fitted in sizes for k in range(_width(fitted))], dtype=object)

    def _fitted(self, column: pd.Series) -> Any:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer, TfidfVectorizer
        from sklearn.pipeline import make_pipeline
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no annotations

        if pd.api.types.is_numeric_dtype(column):
            raise ValueError(f"'{column.name}' holds numbers, not texts")
        least, greatest = self.ngrams or ([3, 4] if self.analyzer == "char_wb" else [1, 2])
        terms: dict[str, Any] = {"analyzer": self.analyzer, "ngram_range": (least, greatest)}
        weigh = (
            [HashingVectorizer(n_features=HASHED, alternate_sign=False, **terms), TfidfTransformer(sublinear_tf=True)]
            if self.hashed
            else [TfidfVectorizer(max_features=MAX_TERMS, sublinear_tf=True, **terms)]
        )
        present = column.dropna()
        weighed = make_pipeline(*weigh)
        try:
            matrix = weighed.fit_transform(present)
        except ValueError as error:
            raise ValueError(f"the texts of '{column.name}' hold no terms: {error}") from error
        size = max(1, min(self.components, matrix.shape[1] - 1, matrix.shape[0] - 1))
        with threadpool_limits(limits=1):
            reduced = TruncatedSVD(size, n_iter=4, random_state=self.seed).fit(matrix)
        return make_pipeline(*(step for _, step in weighed.steps), reduced)


def _width(fitted: Any) -> int:
    return int(fitted.steps[-1][1].components_.shape[0])
