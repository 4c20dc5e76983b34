"""Features of a forecast: the calendar, and what was known of a series when the forecast is made."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from keystage.prep.calendar import part_of, parts_that_tell

SEPARATOR = " / "  # as in keystage.data.series; this module travels with the model, without that one


class SeriesHistory(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no annotations
    """Replace a row's time and series by what is known of them ``horizon`` periods before.

    Columns that come out, before all others: ``SERIES_code`` where there are series, ``TIME_trend`` (periods since the
    first), parts of the calendar, ``LABEL_lag_L`` (the value L periods before) and ``LABEL_mean_W`` (the mean of the W
    values up to the horizon). All look back ``horizon`` periods at least. A value missing in the past is that of a
    season before, else the one before it. A cell is missing where the past begins later.

    Args:
        label: name of the values.
        time: the column of times.
        series: columns that name a series; none where there is one.
        frequency: pandas' name of the time between rows.
        horizon: periods ahead.
        season: periods after which a series repeats itself.
        lags: periods back, each ``horizon`` or more.
        windows: periods of the rolling means.
        holidays: the country whose holidays are a feature, like US or DE-BY; None for no one's.
    """

    def __init__(
        self,
        label: str,
        time: str,
        series: list[str],
        frequency: str,
        horizon: int,
        season: int,
        lags: list[int],
        windows: list[int],
        holidays: str | None = None,
    ) -> None:
        self.label = label
        self.time = time
        self.series = series
        self.frequency = frequency
        self.horizon = horizon
        self.season = season
        self.lags = lags
        self.windows = windows
        self.holidays = holidays

    def fit(self, X: pd.DataFrame, y: pd.Series) -> Self:
        """Remember the values of each series by their place in time.

        Raises:
            ValueError: a column has the name of a feature.
        """
        times = pd.DatetimeIndex(X[self.time]).as_unit("ns")
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.first_time_ = str(times.min())
        position, key = self._positions(X), _names(X, self.series)
        self.names_ = sorted(key.unique())
        self.starts_ = pd.Series(position).groupby(key.to_numpy()).min().loc[self.names_].to_numpy()
        self.ends_ = self.starts_ - 1
        self.values_ = [np.empty(0) for _ in self.names_]
        self._add(position, self._numbers(X), y)
        self.learnt_to_ = self.ends_
        self.calendar_ = parts_that_tell(times, self.holidays)
        self.forgotten_ = False
        self.offset_ = ""
        taken = [name for name in self.get_feature_names_out() if list(self.get_feature_names_out()).count(name) > 1]
        if taken:
            raise ValueError(
                f"a column is called '{taken[0]}', as a feature made from the past; rename it in the files"
            )
        return self

    @property
    def seasonal_column(self) -> str:
        """The feature that holds the value of a season before."""
        return f"{self.label}_lag_{self.season * -(-self.horizon // self.season)}"

    def add_to(self, column: str) -> None:
        """Note that the model learns differences to this feature."""
        self.offset_ = column

    def remember(self, X: pd.DataFrame, y: pd.Series) -> None:
        """Add values that came after those it was fitted on; rows up to ``horizon`` after them can then be given too.

        The features of rows that could be given before stay what they were: they look back ``horizon`` periods.
        """
        self._add(self._positions(X), self._numbers(X), y)

    def has_past(self, X: pd.DataFrame) -> np.ndarray:
        """Of which rows every feature is known: n booleans."""
        known: np.ndarray = self._positions(X) - self._reach() >= self.starts_[self._numbers(X)]
        return known

    def forget(self) -> None:
        """Keep of the past what forecasts need; from now on, only rows after those it was fitted on can be given."""
        needed = self._reach() + self.ends_ - self.learnt_to_
        self.values_ = [values[-least:].copy() for values, least in zip(self.values_, needed, strict=True)]
        self.starts_ = self.ends_ + 1 - np.asarray([len(values) for values in self.values_])
        self.forgotten_ = True

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the features of rows, in their order.

        Raises:
            ValueError: a time is missing, off the grid or more than ``horizon`` periods after the last known value of
                its series; or a series is unknown.
        """
        check_is_fitted(self)
        position, number = self._positions(X), self._numbers(X)
        self._require_reachable(X, position, number)
        flat = np.concatenate(self.values_)
        begins = np.concatenate([[0], np.cumsum([len(values) for values in self.values_])])

        def back(lag: int) -> np.ndarray:
            places = position - lag - self.starts_[number]
            there = (places >= 0) & (position - lag <= self.ends_[number])
            return np.where(there, flat[np.where(there, begins[number] + places, 0)], np.nan)

        features: dict[str, np.ndarray] = {}
        if self.series:
            features[f"{'_'.join(self.series)}_code"] = number.astype("float64")
        features[f"{self.time}_trend"] = position.astype("float64")
        times = pd.DatetimeIndex(X[self.time])
        features |= {f"{self.time}_{part}": part_of(part, times, self.holidays) for part in self.calendar_}
        features |= {f"{self.label}_lag_{lag}": back(lag) for lag in self.lags}
        for window in self.windows:  # summed in one order, so that a shorter memory gives the same digits
            total = sum(back(self.horizon + step) for step in range(window))
            features[f"{self.label}_mean_{window}"] = np.asarray(total) / window
        others = X.drop(columns=[self.time, *self.series])
        return pd.concat([pd.DataFrame(features, index=X.index), others], axis="columns")

    def get_feature_names_out(self, input_features: Any = None) -> Any:  # noqa: ARG002 - scikit-learn's signature
        """The columns that come out, in their order."""
        names = [f"{'_'.join(self.series)}_code"] if self.series else []
        names += [f"{self.time}_{part}" for part in ("trend", *self.calendar_)]
        names += [f"{self.label}_lag_{lag}" for lag in self.lags]
        names += [f"{self.label}_mean_{window}" for window in self.windows]
        others = [name for name in self.feature_names_in_ if name not in {self.time, *self.series}]
        return np.asarray([*names, *others], dtype=object)

    def naive(self, X: pd.DataFrame) -> np.ndarray:
        """The value of the latest known season for rows after the past: what a forecast has to beat."""
        position, number = self._positions(X), self._numbers(X)
        ahead = position - self.ends_[number]
        places = position - self.season * -(-ahead // self.season) - self.starts_[number]
        pairs = zip(number, places, strict=True)
        return np.asarray([self.values_[series][max(place, 0)] for series, place in pairs], dtype="float64")

    def _reach(self) -> int:
        return max(*self.lags, self.horizon - 1 + max(self.windows, default=0))

    def _add(self, position: np.ndarray, number: np.ndarray, y: pd.Series) -> None:
        label, ends = y.to_numpy(dtype="float64"), self.ends_.copy()
        order = np.argsort(number, kind="stable")
        first = np.searchsorted(number[order], range(len(self.names_) + 1))
        for series in np.unique(number):
            rows = order[first[series] : first[series + 1]]
            start, old = self.starts_[series], self.values_[series]
            ends[series] = position[rows].max()
            values = np.full(ends[series] - start + 1, np.nan)
            values[: len(old)] = old
            values[position[rows] - start] = label[rows]
            self.values_[series] = _filled(values, self.season)
        self.ends_ = ends

    def _positions(self, X: pd.DataFrame) -> np.ndarray:
        times = pd.DatetimeIndex(X[self.time])
        if times.hasnans:
            raise ValueError(f"column '{self.time}' has {int(np.sum(times.isna()))} rows without a time")
        times = times.tz_localize(None).as_unit("ns")
        grid = pd.date_range(self.first_time_, max(times.max(), pd.Timestamp(self.first_time_)), freq=self.frequency)
        places: np.ndarray = grid.as_unit("ns").get_indexer(times)
        if (places < 0).any():
            raise ValueError(
                f"{self.time} {times[places < 0][0]} is not among the times that the model knows: every "
                f"'{self.frequency}' from {self.first_time_}"
            )
        return places

    def _numbers(self, X: pd.DataFrame) -> np.ndarray:
        key = _names(X, self.series)
        numbers: np.ndarray = pd.Index(self.names_).get_indexer(pd.Index(key))
        if (numbers < 0).any():
            raise ValueError(f"series '{key[numbers < 0].iloc[0]}' is unknown: no training row was of it")
        return numbers

    def _require_reachable(self, X: pd.DataFrame, position: np.ndarray, number: np.ndarray) -> None:
        ahead = position - self.ends_[number]
        early = self.forgotten_ & (position <= self.learnt_to_[number])
        wrong = early | (ahead > self.horizon)
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            name = self.names_[number[first]]
            of = f" of series '{name}'" if name else ""
            where = (
                f"among those learnt from{of}" if early[first] else f"{ahead[first]} periods after the last value{of}"
            )
            raise ValueError(
                f"{self.time} {X[self.time].iloc[first]} is {where}; the model forecasts what came later, to "
                f"{self.horizon} periods after the last value it knows"
            )


def _names(X: pd.DataFrame, series: list[str]) -> pd.Series:
    key = X[series[0]].astype("str") if series else pd.Series("", index=X.index)
    for name in series[1:]:
        key = key + SEPARATOR + X[name].astype("str")
    return key


def _filled(values: np.ndarray, season: int) -> np.ndarray:
    """Missing values from a season before, else from the period before: from the past alone."""
    for place in np.flatnonzero(np.isnan(values)):  # ascending: what is filled fills
        values[place] = values[place - season] if place >= season else values[place - 1]
    return values
