"""The last step of a registered forecast: values from differences, and intervals around them."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin

from keystage.prep.history import SeriesHistory


class Forecaster(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no annotations
    """A fitted regressor on features of the past, whose predictions may be differences to one of them.

    Args:
        regressor: fitted.
        offset: the feature that its predictions are added to; empty where it predicts the values themselves.
        place: the feature that holds a row's place in time, in periods.
        series: the feature that holds the number of a row's series; empty where there is one.
        learnt_to: by series, the place of the last value that the regressor has learnt from.
        half_widths: k series x h steps ahead, of the intervals; None where none are known.
    """

    def __init__(
        self,
        regressor: Any,
        offset: str = "",
        place: str = "",
        series: str = "",
        learnt_to: np.ndarray | None = None,
        half_widths: np.ndarray | None = None,
    ) -> None:
        self.regressor = regressor
        self.offset = offset
        self.place = place
        self.series = series
        self.learnt_to = learnt_to
        self.half_widths = half_widths

    @classmethod
    def of(
        cls, regressor: Any, history: SeriesHistory, intervals: Mapping[str, Any] | None, features: Iterable[str]
    ) -> Self:
        """The last step of a recipe with that history.

        Args:
            regressor: fitted on what the recipe gives.
            history: the recipe's.
            intervals: ``widths``, as the evaluation tells them: each with a ``half_width``, and with the series and
                the step it is of, where they differ.
            features: names of the columns that the recipe gives; without place and series there are no intervals.
        """
        place, series = f"{history.time}_trend", f"{'_'.join(history.series)}_code" if history.series else ""
        if intervals is None or not {place, series} - {""} <= set(features):
            return cls(regressor, history.offset_)
        half = np.full((len(history.names_), history.horizon), np.nan)
        rows = {name: number for number, name in enumerate(history.names_)}
        for told in intervals["widths"]:
            row = rows[told["series"]] if "series" in told else slice(None)
            half[row, told["step"] - 1 if "step" in told else slice(None)] = told["half_width"]
        return cls(regressor, history.offset_, place, series, np.asarray(history.learnt_to_), half)

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Fit the regressor, to the differences where there is an offset."""
        self.regressor.fit(X, np.asarray(y) - X[self.offset].to_numpy() if self.offset else y)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Predict n values."""
        predicted: np.ndarray = np.asarray(self.regressor.predict(X))
        return X[self.offset].to_numpy() + predicted if self.offset else predicted

    @property
    def has_intervals(self) -> bool:
        """Whether ``around`` gives any."""
        return self.half_widths is not None

    def around(self, X: pd.DataFrame, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends of the intervals around n predicted values; NaN where no error of the series and step was seen.

        The errors were of forecasts up to ``h`` periods ahead, and so are those of the rows that can be given: what
        comes after the test rows is as far from their last value as those are from what was learnt.
        """
        assert self.half_widths is not None
        assert self.learnt_to is not None
        number = X[self.series].to_numpy().astype("int64") if self.series else np.zeros(len(X), dtype="int64")
        step = (X[self.place].to_numpy().astype("int64") - self.learnt_to[number] - 1) % self.half_widths.shape[1]
        half = self.half_widths[number, step]
        return predicted - half, predicted + half

    def __sklearn_is_fitted__(self) -> bool:
        return True
