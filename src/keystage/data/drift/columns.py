"""How one column differs between two tables."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from keystage.data.drift.statistics import (
    counts_between,
    edges_of,
    jensen_shannon,
    number_drift,
    psi,
    psi_by_chance,
)
from keystage.data.drift.told import ColumnDrift, Difference, Level
from keystage.data.purpose import Purpose

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SOME, LARGE = 0.1, 0.2  # of the population stability index
FEW_VALUES = 12  # different numbers, up to which each is a bin of its own
MOST_VALUES = 30  # categories that are bins; those after them are one
DRAWN = 24  # bins of a drawn histogram
SHOWN = 8  # new or vanished values by name
MAX_TEXT = 60
_BOOLEANS = {"True": 1.0, "False": 0.0, True: 1.0, False: 0.0}
NOT_COMPARED = "every value is another: only missing cells are compared"


def family(column: "pd.Series") -> str:
    """number, datetime, boolean or text: a change between these is one of the schema.

    A column of booleans with missing cells is read as texts, and is one of booleans all the same.
    """
    import pandas as pd

    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    if pd.api.types.is_numeric_dtype(column):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "datetime"
    present = column.dropna()
    return "boolean" if len(present) and present.isin(list(_BOOLEANS)).all() else "text"


def column_drift(baseline: "pd.Series", target: "pd.Series", purpose: Purpose, role: str) -> ColumnDrift:
    """Compare a column of n rows with one of m rows.

    Args:
        baseline: its cells in the one table.
        target: in the other.
        purpose: what the baseline's seems to be for.
        role: what the declaration says it is.
    """
    kinds = {family(side) for side in (baseline, target) if side.notna().any()}
    missing = (_share_missing(baseline), _share_missing(target))
    if purpose is Purpose.identifier:
        return _leveled(column=str(baseline.name), kind="identifier", role=role, missing=missing, note=NOT_COMPARED)
    told: dict[str, Any] = {"column": str(baseline.name), "role": role, "missing": missing}
    if kinds <= {"number", "boolean"} and kinds != {"boolean"}:
        return _of_numbers(numbers(baseline), numbers(target), told | {"kind": "number"})
    if kinds == {"datetime"}:
        return _of_numbers(numbers(baseline), numbers(target), told | {"kind": "datetime", "note": "in days"})
    if purpose is Purpose.text:
        note = "free text: its lengths are compared"
        return _of_numbers(lengths(baseline), lengths(target), told | {"kind": "text", "note": note})
    note = f"{' and '.join(sorted(kinds))}, compared as texts" if len(kinds) > 1 else ""
    return _of_categories(baseline, target, told | {"kind": "category", "note": note})


def numbers(column: "pd.Series") -> "np.ndarray":
    """As float64, times in days since 1970, booleans as 0 and 1; what is missing or infinite is not a number."""
    import numpy as np
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column):
        times = pd.to_datetime(column, utc=True)
        days: np.ndarray = ((times - pd.Timestamp("1970-01-01", tz="UTC")) / pd.Timedelta(days=1)).to_numpy("float64")
        return days
    if not pd.api.types.is_numeric_dtype(column):
        column = column.astype("object").map(_BOOLEANS)
    found: np.ndarray = column.astype("float64").to_numpy("float64", na_value=np.nan)
    return np.where(np.isfinite(found), found, np.nan)


def lengths(column: "pd.Series") -> "np.ndarray":
    """Characters of each text; what is missing is not a number."""
    import numpy as np

    found: np.ndarray = column.astype("str").str.len().where(column.notna()).to_numpy("float64", na_value=np.nan)
    return found


def _of_numbers(baseline: "np.ndarray", target: "np.ndarray", told: dict[str, Any]) -> ColumnDrift:
    import numpy as np

    one, other = baseline[~np.isnan(baseline)], target[~np.isnan(target)]
    if not len(one) or not len(other):
        return _leveled(**told, **_binned(np.array([len(one)]), np.array([len(other)]), baseline, target))
    values = np.unique(np.concatenate([one, other]))
    # Of few values each is a bin: up to itself, and above the one before.
    edges = values[:-1] if len(values) <= FEW_VALUES else edges_of(one)
    found = number_drift(one, other)
    return _leveled(
        **told,
        **asdict(found),
        **_binned(counts_between(one, edges), counts_between(other, edges), baseline, target),
        mean=(float(one.mean()), float(other.mean())),
        histogram=_drawn(one, other, values),
    )


def _drawn(one: "np.ndarray", other: "np.ndarray", values: "np.ndarray") -> dict[str, list[Any]]:
    """Shares between edges of equal distance; what lies beyond the middle 99 % stands in the outer bins."""
    import numpy as np

    if len(values) <= FEW_VALUES:
        few = [[int((side == value).sum()) for value in values] for side in (one, other)]
        labels = [f"{value:.10g}" for value in values]
        return {"labels": labels, "baseline": _shares(few[0], len(one)), "target": _shares(few[1], len(other))}
    low, high = np.quantile(np.concatenate([one, other]), [0.005, 0.995])
    low, high = (low, high) if high > low else (values[0], values[-1])
    edges = np.linspace(low, high, DRAWN + 1)
    counts = [np.histogram(np.clip(side, low, high), edges)[0] for side in (one, other)]
    return {
        "edges": [float(f"{edge:.6g}") for edge in edges],
        "baseline": _shares(counts[0], len(one)),
        "target": _shares(counts[1], len(other)),
    }


def _of_categories(baseline: "pd.Series", target: "pd.Series", told: dict[str, Any]) -> ColumnDrift:
    import numpy as np

    one, other = (side.dropna().astype("str").value_counts() for side in (baseline, target))
    every = one.add(other, fill_value=0).sort_values(ascending=False, kind="stable").index
    bins = every[:MOST_VALUES]
    counts = []
    for side in (one, other):
        known = side.reindex(bins, fill_value=0).to_numpy("int64")
        rest = int(side.sum()) - int(known.sum())
        counts.append(np.append(known, rest) if len(every) > MOST_VALUES else known)
    labels = [str(value)[:MAX_TEXT] for value in bins]
    labels += [f"{len(every) - MOST_VALUES} other values"] if len(every) > MOST_VALUES else []
    return _leveled(
        **told,
        **_binned(counts[0], counts[1], baseline.isna().to_numpy(), target.isna().to_numpy(), flags=True),
        new=_only(other, one),
        vanished=_only(one, other),
        histogram={
            "labels": labels,
            "baseline": _shares(counts[0], int(one.sum())),
            "target": _shares(counts[1], int(other.sum())),
        },
    )


def _binned(
    one: "np.ndarray", other: "np.ndarray", baseline: "np.ndarray", target: "np.ndarray", *, flags: bool = False
) -> dict[str, float]:
    """Distances over bins, with a bin for missing cells where there are any."""
    import numpy as np

    gone = [int(side.sum() if flags else np.isnan(side).sum()) for side in (baseline, target)]
    if any(gone):
        one, other = np.append(one, gone[0]), np.append(other, gone[1])
    filled = int(((one + other) > 0).sum())
    return {
        "psi": psi(one, other),
        "psi_by_chance": psi_by_chance(len(baseline), len(target), filled),
        "jensen_shannon": jensen_shannon(one, other),
    }


def _leveled(**told: Any) -> ColumnDrift:
    found, chance = told.get("psi"), told.get("psi_by_chance") or 0.0
    level = Level.none
    if found is not None and found > chance and found >= SOME:
        level = Level.large if found >= LARGE else Level.some
    return ColumnDrift(**told, level=level)


def _only(side: "pd.Series", other: "pd.Series") -> Difference:
    """The values of one side alone, of counts by value."""
    alone = side[~side.index.isin(other.index)]
    share = float(alone.sum() / side.sum()) if len(side) else 0.0
    return Difference(len(alone), share, tuple(str(value)[:MAX_TEXT] for value in alone.index[:SHOWN]))


def _share_missing(column: "pd.Series") -> float:
    return float(column.isna().mean()) if len(column) else 0.0


def _shares(counts: Any, rows: int) -> list[float]:
    return [round(float(count) / rows, 6) if rows else 0.0 for count in counts]
