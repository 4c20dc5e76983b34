"""What is counted of a column in all of its rows, block by block: equal to what one look at all of them counts."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from keystage.data.checks import MAX_SAMPLED_CELLS, Check

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MOST_VALUES = 10_000  # different texts up to which each is counted


@dataclass
class Tally:
    """Counts of a column, exact but for the last digits of the moments.

    Attributes:
        rows: cells.
        missing: those that are empty.
        infinite: those that are infinite.
        finite: numbers of which the moments are.
        mean: of these.
        second: the sum of squared distances from the mean.
        third: the sum of cubed ones.
        least: of the finite numbers or the times; None without any.
        most: the greatest.
        values: of texts and booleans, how often each stands, as they came; None where there are too many, and of
            numbers and times.
    """

    rows: int = 0
    missing: int = 0
    infinite: int = 0
    finite: int = 0
    mean: float = 0.0
    second: float = 0.0
    third: float = 0.0
    least: Any = None
    most: Any = None
    values: dict[Any, int] | None = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Count the rows of another block too (Chan's formulas)."""
        n, m = self.finite, other.finite
        if n + m:
            off, both = other.mean - self.mean, n + m
            self.third += (
                other.third + off**3 * n * m * (n - m) / both**2 + 3 * off * (n * other.second - m * self.second) / both
            )
            self.second += other.second + off**2 * n * m / both
            self.mean += off * m / both
        self.finite += m
        self.rows += other.rows
        self.missing += other.missing
        self.infinite += other.infinite
        self.least = _chosen(min, self.least, other.least)
        self.most = _chosen(max, self.most, other.most)
        self.values = _together(self.values, other.values)

    @property
    def count(self) -> int:
        """Cells that are not missing."""
        return self.rows - self.missing

    @property
    def std(self) -> float | None:
        """With n - 1."""
        return math.sqrt(self.second / (self.finite - 1)) if self.finite > 1 else None

    @property
    def skew(self) -> float | None:
        """Fisher-Pearson's adjusted one; None of numbers that are all equal."""
        n = self.finite
        variance = self.second / n if n else 0.0
        if n < 3 or not variance > 2**-52 * self.mean**2:
            return None
        return float(math.sqrt(n * (n - 1)) / (n - 2) * (self.third / n) / variance**1.5)


def tallied(frame: "pd.DataFrame", uncounted: Iterable[str] = ()) -> dict[str, Tally]:
    """The counts of each column of a block.

    Args:
        frame: the rows.
        uncounted: columns known to have too many values to count each.
    """
    return {str(name): _tally(frame[name], counted=name not in set(uncounted)) for name in frame.columns}


def _tally(column: "pd.Series", *, counted: bool) -> Tally:
    import numpy as np
    import pandas as pd

    rows = len(column)
    if pd.api.types.is_datetime64_any_dtype(column):
        missing = int(column.isna().sum())
        ends = (column.min(), column.max()) if missing < rows else (None, None)
        return Tally(rows, missing, least=ends[0], most=ends[1], values=None)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        values = column.to_numpy()
        finite = values if values.dtype.kind in "iu" else values[np.isfinite(values)]
        missing = int(np.isnan(values).sum()) if len(finite) < rows else 0
        return Tally(rows, missing, rows - missing - len(finite), values=None, **_moments(finite))
    missing = int(column.isna().sum())
    if not counted:
        return Tally(rows, missing, values=None)
    found = column.value_counts(sort=False, dropna=True)
    # Booleans of which some are missing are texts in their block, so they are counted as such.
    names = found.index.astype("str") if found.index.dtype == "bool" else found.index
    known = dict(zip(names, found.tolist(), strict=True)) if len(found) <= MOST_VALUES else None
    return Tally(rows, missing, values=known)


def _moments(finite: "np.ndarray") -> dict[str, Any]:
    import numpy as np

    if not len(finite):
        return {}
    with np.errstate(all="ignore"):
        mean = finite.mean()
        off = finite - mean
        squares = off * off
        second, third = squares.sum(), (squares * off).sum()  # dot would start threads of its own
    ends = {"least": finite.min().item(), "most": finite.max().item()}
    return {"finite": len(finite), "mean": float(mean), "second": float(second), "third": float(third), **ends}


def _chosen(choose: Any, one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return choose(one, other)


def _together(one: dict[Any, int] | None, other: dict[Any, int] | None) -> dict[Any, int] | None:
    if one is None or other is None:
        return None
    for value, count in other.items():
        one[value] = one.get(value, 0) + count
    return one if len(one) <= MOST_VALUES else None


def checks_together(checks: list[Check], more: list[Check], rows: int) -> list[Check]:
    """Two blocks' checks as one; the second follows so many rows."""
    moved = [
        replace(check, sample=[{**item, "row": item["row"] + rows} for item in check.sample]) if check.sample else check
        for check in more
    ]
    if not checks:
        return moved
    return [
        replace(
            one, violations=one.violations + other.violations, sample=(one.sample + other.sample)[:MAX_SAMPLED_CELLS]
        )
        for one, other in zip(checks, moved, strict=True)
    ]
