"""Intervals around forecasts: split conformal prediction (Vovk and others 2005; Lei and others 2018).

The half width is the k-th smallest absolute error out of fold, k = ceil((n + 1) level) of n errors: what such models
erred by on values they had not seen. Errors are taken by series and step ahead where each has enough of them, else by
series, by step, or all together.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keystage.data.table import PreparedTable
from keystage.evaluation.subject import Subject

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_BY = (("series", "step"), ("series",), ("step",), ())
MAX_DRAWN = 20  # series in the plot


@dataclass(frozen=True)
class Widths:
    """Half widths of intervals.

    Attributes:
        by: what they are told by, of series and step.
        values: the half width of each; of () one.
        errors: how many errors stand behind the least founded of them.
        level: the share of intervals that hold, as far as so many errors can say.
    """

    by: tuple[str, ...]
    values: "dict[tuple[Any, ...], float]"
    errors: int
    level: float

    def of(self, rows: "pd.DataFrame") -> "np.ndarray":
        """N half widths for rows with columns series and step; NaN for one of which no error is known."""
        import numpy as np

        keys = zip(*(rows[name] for name in self.by), strict=True) if self.by else [()] * len(rows)
        return np.asarray([self.values.get(tuple(key), math.nan) for key in keys], dtype="float64")

    @property
    def told(self) -> str:
        """The method in words."""
        by = f"by {' and '.join(self.by)}" if self.by else "for all steps together"
        return f"split conformal from errors out of fold, {by}; at least {self.errors} errors behind each width"


def half_widths(errors: "pd.DataFrame", level: float) -> Widths:
    """Half widths by the finest split of which each part has enough errors.

    Args:
        errors: columns series, step and error, one row per prediction out of fold, one at least.
        level: wanted.
    """
    enough = math.ceil(level / (1 - level))
    absolute = errors.assign(error=errors["error"].abs())
    for by in _BY:
        if "series" in by and errors["series"].nunique() < 2:
            continue
        groups = list(absolute.groupby(list(by))["error"]) if by else [((), absolute["error"])]
        fewest = min(len(found) for _, found in groups)
        if fewest >= enough or not by:
            break
    values = {key: _width(found.to_numpy(), level) for key, found in groups}
    return Widths(by, values, fewest, min(level, fewest / (fewest + 1)))


def _width(errors: "np.ndarray", level: float) -> float:
    import numpy as np

    place = min(len(errors), math.ceil((len(errors) + 1) * level))
    return float(np.sort(errors)[place - 1])


def errors_out_of_fold(of: Subject, train: PreparedTable, out_of_fold: "pd.DataFrame") -> "pd.DataFrame":
    """Errors of training rows by models that had not seen them: columns series, step and error.

    Folds are ``horizon`` periods each and end with the last period, so a row's place in its fold is its step.

    Args:
        of: the test rows, whose recipe names the series.
        train: the training rows, with their places in time.
        out_of_fold: columns row, actual and predicted.
    """
    import pandas as pd

    history = of.asked.history
    assert history is not None
    assert train.roles.time is not None
    place = train.roles.time.iloc[out_of_fold["row"]].to_numpy().astype("int64")
    step = history.horizon - (int(train.roles.time.max()) - place) % history.horizon
    code = f"{'_'.join(history.series)}_code"
    series: Any = ""
    if history.series and code in train.features:  # a step of the recipe may have taken it
        series = [history.names_[int(number)] for number in train.features[code].iloc[out_of_fold["row"]]]
    error = (out_of_fold["actual"] - out_of_fold["predicted"]).to_numpy()
    return pd.DataFrame({"series": series, "step": step, "error": error})


def forecast_table(of: Subject, widths: Widths | None) -> "pd.DataFrame":
    """Columns time, actual, predicted, low, high, series and step, by series and time."""
    import pandas as pd

    history, time = of.asked.history, of.table.roles.time
    assert history is not None
    assert time is not None
    series = pd.Series(of.asked.series_of(of.raw), index=time.index)
    step = history.horizon - (time.groupby(series).transform("max") - time).astype("int64")
    table = pd.DataFrame({"time": of.raw[history.time].map(_day), "actual": of.scored.truth})
    table = table.assign(predicted=of.scored.predicted, series=series, step=step)
    half = widths.of(table) if widths is not None else math.nan
    table = table.assign(low=table["predicted"] - half, high=table["predicted"] + half)
    return table[["time", "actual", "predicted", "low", "high", "series", "step"]]


def drawn(table: "pd.DataFrame") -> "pd.DataFrame":
    """The forecasts that are drawn: those of the first series by name."""
    return table[table["series"].isin(sorted(table["series"].unique())[:MAX_DRAWN])]


def told(of: Subject, widths: Widths, table: "pd.DataFrame") -> dict[str, Any]:
    """The intervals, and the share of the test rows that they hold; what whoever forecasts with the model needs."""
    held = (table["low"] <= table["actual"]) & (table["actual"] <= table["high"])
    of.notes.append(f"forecast intervals: {widths.told}; {int(held.sum())} of {len(table)} test rows lie inside")
    parts = [
        {**dict(zip(widths.by, map(_plain, key), strict=True)), "half_width": value}
        for key, value in widths.values.items()
    ]
    return {"level": widths.level, "method": widths.told, "coverage": float(held.mean()), "widths": parts}


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _day(time: Any) -> str:
    return str(time.isoformat()).removesuffix("T00:00:00")
