"""The last step of a forecast that was learnt as differences: they are added to what they are differences to."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin


class OnTopOf(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no annotations
    """A fitted regressor of differences, whose predictions are added to a column of the features.

    Args:
        regressor: fitted; predicts differences.
        column: the feature they are differences to.
    """

    def __init__(self, regressor: Any, column: str) -> None:
        self.regressor = regressor
        self.column = column

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Fit the regressor to the differences."""
        self.regressor.fit(X, np.asarray(y) - X[self.column].to_numpy())
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Predict n values."""
        predicted: np.ndarray = X[self.column].to_numpy() + self.regressor.predict(X)
        return predicted

    def __sklearn_is_fitted__(self) -> bool:
        return True
