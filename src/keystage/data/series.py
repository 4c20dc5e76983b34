"""Rows in the order of time, series by series, on a grid of equal periods; or what is wrong with them."""

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError, hint, listing
from keystage.data.forecast import ForecastSpec
from keystage.data.roles import roles_of
from keystage.data.spec import DatasetSpec

if TYPE_CHECKING:
    import pandas as pd

SEPARATOR = " / "  # between the columns that name a series
RUN_OF_TIMES = 12  # consecutive times from which pandas tells a frequency
# What people call the frequencies that pandas gives these names.
_IN_WORDS = {
    **{"minutely": "min", "hourly": "h", "daily": "D", "weekly": "W-SUN", "monthly": "MS", "quarterly": "QS"},
    **{"yearly": "YS", "annual": "YS", "business": "B", "minute": "min", "hour": "h", "day": "D", "week": "W-SUN"},
    **{"month": "MS", "quarter": "QS", "year": "YS"},
}
# Periods after which a series repeats itself, by pandas' names of frequencies without their anchors.
_SEASONS = {
    **dict.fromkeys(("ms", "me", "bms", "bme"), 12),
    **dict.fromkeys(("qs", "qe", "bqs", "bqe"), 4),
    **{"h": 24, "d": 7, "b": 5, "w": 52, "min": 60},
}


@dataclass(frozen=True)
class SeriesTable:
    """Rows that can be forecast.

    Attributes:
        rows: n rows by series and time; the column of times is datetime64 without a zone, the label float64.
        key: n names of series.
        position: n places on the grid, from 0, the earliest time of all series.
        frequency: pandas' name of the time between places.
        season: periods after which a series repeats itself.
    """

    rows: "pd.DataFrame"
    key: "pd.Series"
    position: "pd.Series"
    frequency: str
    season: int

    @property
    def lengths(self) -> "pd.Series":
        """Periods from the first to the last row of each series, gaps included."""
        by_series = self.position.groupby(self.key)
        return by_series.max() - by_series.min() + 1

    @property
    def gaps(self) -> int:
        """Periods without a row, over all series."""
        return int(self.lengths.sum()) - len(self.rows)


def names_of(rows: "pd.DataFrame", series: list[str]) -> "pd.Series":
    """The name of each row's series: its columns as text, or nothing where there is one series."""
    import pandas as pd

    if not series:
        return pd.Series("", index=rows.index)
    key = rows[series[0]].astype("str")
    for name in series[1:]:
        key = key + SEPARATOR + rows[name].astype("str")
    return key


def arrange(rows: "pd.DataFrame", spec: DatasetSpec) -> SeriesTable:
    """Order rows by series and time, and place them on a grid.

    Args:
        rows: with a label, n x m.
        spec: of a dataset that is forecast.

    Raises:
        DatasetError: a time is none, stands twice in a series, or is off the grid; the frequency cannot be found; a
            series is too short.
    """
    import pandas as pd

    forecast = spec.forecast
    assert forecast is not None
    assert spec.time is not None
    times = roles_of(rows, spec).time
    assert times is not None
    if not pd.api.types.is_datetime64_any_dtype(times):
        raise DatasetError(
            f"time column '{spec.time}' of dataset '{spec.name}' holds numbers, no dates",
            why="a forecast needs dates to know how far apart they are",
            fix=f"write dates like 2024-12-31 into the files, and declare {{name: {spec.time}, type: datetime}}",
        )
    _require_names(rows, forecast, spec)
    # pandas keeps dates by seconds or finer as they come; one unit makes their grids comparable.
    rows = rows.assign(**{spec.time: times.dt.tz_localize(None).dt.as_unit("ns").to_numpy()})
    key = names_of(rows, forecast.series)
    order = pd.DataFrame({"key": key, "time": rows[spec.time]}).sort_values(["key", "time"], kind="stable").index
    rows, key = rows.loc[order].reset_index(drop=True), key.loc[order].reset_index(drop=True)
    twice = pd.DataFrame({"key": key, "time": rows[spec.time]}).duplicated()
    if twice.any():
        raise DatasetError(
            f"{_called(key[twice].iloc[0])} of dataset '{spec.name}' has a time twice, as {int(twice.sum())} rows do",
            why=f"the first is of {rows[spec.time][twice].iloc[0]}; a series has one value at a time",
            fix="take the rows out or add them up, or name the columns that tell series apart: dataset.forecast.series",
        )
    frequency = forecast.frequency or _found(rows[spec.time], spec)
    position = _on_grid(rows[spec.time], frequency, spec)
    table = SeriesTable(rows, key, position, frequency, forecast.season or season_of(frequency))
    _require_length(table, forecast)
    return table


def season_of(frequency: str) -> int:
    """Periods after which a series of this frequency usually repeats itself; 1 for never."""
    from pandas.tseries.frequencies import to_offset

    offset = to_offset(frequency)
    assert offset is not None
    whole = _SEASONS.get(offset.rule_code.partition("-")[0].lower(), 1)
    return whole // offset.n if whole % offset.n == 0 else 1


def last_periods(table: SeriesTable, periods: int) -> "pd.Series":
    """Which rows are among the last periods of their series: n booleans."""
    ends = table.position.groupby(table.key).transform("max")
    return table.position > ends - periods


def _require_names(rows: "pd.DataFrame", forecast: ForecastSpec, spec: DatasetSpec) -> None:
    empty = [name for name in forecast.series if rows[name].isna().any()]
    if empty:
        raise DatasetError(
            f"series column '{empty[0]}' of dataset '{spec.name}' has {int(rows[empty[0]].isna().sum())} empty cells",
            why="dataset.forecast.series names it, and each row belongs to a series",
            fix="fill the cells in the files",
        )


def _found(times: "pd.Series", spec: DatasetSpec) -> str:
    """The commonest frequency that all times fit."""
    import pandas as pd

    unique = pd.DatetimeIndex(times.unique()).sort_values()
    likely = _likely(unique)
    for name in likely:
        if not len(_off(unique, name)):
            return name
    why = f"{len(unique)} different times from {unique[0]} to {unique[-1]}"
    if likely:
        off = _off(unique, likely[0])
        why += f"; of '{likely[0]}', which is the nearest, these are off: {listing(map(str, off))}"
    raise DatasetError(
        f"no frequency fits the times of dataset '{spec.name}'",
        why=why,
        fix="correct these times in the files; or, where all are on a grid that was not seen, name it as pandas does: "
        "dataset.forecast.frequency=30min",
    )


def _likely(unique: "pd.DatetimeIndex") -> list[str]:
    """The frequencies that runs of times have, the commonest first; gaps break pandas' own search over the whole."""
    import pandas as pd

    size = min(RUN_OF_TIMES, len(unique))
    runs = [unique[start : start + size] for start in range(0, len(unique) - size + 1, max(1, size // 2))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas 3 gives a text and announces an object that has it
        told = [pd.infer_freq(run) for run in runs if size > 2]
    return [name for name, _ in Counter(str(getattr(item, "freqstr", item)) for item in told if item).most_common()]


def _off(times: "pd.DatetimeIndex", frequency: str) -> "pd.DatetimeIndex":
    """Those that are not on the grid from the first to the last."""
    import pandas as pd

    return times[pd.date_range(times.min(), times.max(), freq=frequency).get_indexer(times) < 0]


def _on_grid(times: "pd.Series", frequency: str, spec: DatasetSpec) -> "pd.Series":
    import pandas as pd

    try:
        grid = pd.date_range(times.min(), times.max(), freq=frequency, unit="ns")
    except ValueError as error:
        known = _IN_WORDS.get(frequency.casefold())
        raise DatasetError(
            f"'{frequency}' is no frequency",
            why=f"dataset.forecast.frequency of '{spec.name}' is to be one of pandas' names",
            fix=f"set it to {known}" if known else hint(frequency, dict.fromkeys(_IN_WORDS.values())),
        ) from error
    position = pd.Series(grid.get_indexer(pd.DatetimeIndex(times)), index=times.index)
    off = times[position < 0]
    if len(off):
        unique = pd.DatetimeIndex(times.unique()).sort_values()
        fitting = [name for name in _likely(unique) if not len(_off(unique, name))]
        raise DatasetError(
            f"{len(off)} times of dataset '{spec.name}' do not fit the frequency '{frequency}'",
            why=f"from {times.min()} on, it has no {listing(str(time) for time in off.unique()[:3])}",
            fix=f"correct the times in the files, or set dataset.forecast.frequency={fitting[0]}, which fits all"
            if fitting
            else "correct the times in the files; no frequency that was seen in them fits all",
        )
    return position


def _require_length(table: SeriesTable, forecast: ForecastSpec) -> None:
    reach = forecast.reach(table.season)
    least = reach + 2 * forecast.horizon
    short = table.lengths[table.lengths < least]
    if len(short):
        raise DatasetError(
            f"{_called(short.index[0])} has {int(short.iloc[0])} periods; at least {least} are needed"
            + (f" (and {len(short) - 1} series more are short)" if len(short) > 1 else ""),
            why=f"features look back {reach} periods, {forecast.horizon} are for the test, and as many to learn from",
            fix="add earlier rows, leave the series out, or lower dataset.forecast.horizon, lags, windows or season",
        )


def _called(name: object) -> str:
    return f"series '{name}'" if name else "the series"
