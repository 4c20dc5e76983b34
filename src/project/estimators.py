"""Your own learners. conf/automl names one as ``estimators: [project.estimators:Name]``, beside others or alone.

A learner is a scikit-learn classifier with ``predict_proba``, or a regressor. It is fitted on a float array of shape
(n, m), in which cells may be missing, and on class codes or numbers, of shape (n,). What ``search_space`` names is
searched from the constructor's defaults on: ``(low, high)``, ``(low, high, "log")``, or a list of values. All it keeps
from ``fit`` must be what skops can save: arrays, numbers, strings, lists, dicts, and scikit-learn's own estimators.
"""

from typing import ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler


class Splines(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no annotations
    """An example: logistic regression on splines of each column, which bends where a straight line does not fit."""

    search_space: ClassVar = {"C": (0.001, 100.0, "log"), "knots": (3, 9)}

    def __init__(self, C: float = 0.1, knots: int = 4) -> None:
        self.C, self.knots = C, knots

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Fit on n rows."""
        self.pipeline_ = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True),
            SplineTransformer(n_knots=self.knots, knots="quantile", extrapolation="linear"),
            StandardScaler(),
            LogisticRegression(C=self.C, max_iter=1000),
        ).fit(X, y, logisticregression__sample_weight=sample_weight)
        self.classes_ = self.pipeline_.classes_
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probabilities, n x k."""
        predicted: np.ndarray = self.pipeline_.predict_proba(X)
        return predicted

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Class codes, n."""
        codes: np.ndarray = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return codes
