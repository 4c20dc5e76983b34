"""What each column of a table is like: its counts, its shape, and what it seems to be for."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keystage.data.purpose import Purpose, purpose_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
BINS = 20  # of a histogram, of equal width
TOP = 5  # commonest values shown
MAX_TEXT = 80  # characters of a value shown
MAX_DETAILED = 500  # columns with histogram and commonest values; those after them have the rest
DIGITS = 10  # of a number in the report: the last ones of a sum differ between machines


@dataclass(frozen=True)
class ColumnProfile:
    """One column.

    Attributes:
        column: its name.
        type: pandas' name of the type it stands in.
        purpose: what it seems to be for (``keystage.data.purpose``).
        count: cells that are not missing.
        missing: cells that are.
        distinct: different values, without missing; where ``sampled``, there are so many at least.
        mean: of the finite numbers, as the next ones; null for what is no number.
        std: with n - 1.
        skew: Fisher-Pearson's adjusted one, as pandas gives it.
        quantiles: by level, interpolated linearly.
        histogram: 21 edges and 20 counts.
        top: the commonest values; of equally common ones, numbers ascend and texts stand as they came.
        infinite: cells that are infinite.
        first: of datetimes, the first in ISO 8601.
        last: the last.
        commonest: how often the commonest value stands, in no report.
        values: what guardrails look at, in no report: different texts, and how often each stands.
        sampled: rows of which distinct, inner quantiles, histogram and top are, where it was not all of them.
    """

    column: str
    type: str
    purpose: Purpose
    count: int
    missing: int
    distinct: int
    mean: float | None = None
    std: float | None = None
    skew: float | None = None
    quantiles: dict[str, float] | None = None
    histogram: dict[str, list[Any]] | None = None
    top: list[dict[str, Any]] = field(default_factory=list)
    infinite: int = 0
    first: str | None = None
    last: str | None = None
    commonest: int = 0
    values: "tuple[pd.Index, np.ndarray] | None" = None
    sampled: int | None = None

    @property
    def rows(self) -> int:
        """All cells."""
        return self.count + self.missing

    @property
    def as_json(self) -> dict[str, Any]:
        """For the report; ``first`` and ``last`` of datetimes alone, ``sampled`` where it says something."""
        names = ("column", "type", "count", "missing", "distinct", "mean", "std", "skew", "quantiles", "histogram")
        told = {name: getattr(self, name) for name in (*names, "top", "infinite")}
        told = {"column": told.pop("column"), "type": told.pop("type"), "purpose": self.purpose.value, **told}
        told |= {"first": self.first, "last": self.last} if self.first is not None else {}
        return told | ({"sampled": self.sampled} if self.sampled is not None else {})


def profiled(table: "pd.DataFrame") -> Iterator[ColumnProfile]:
    """Each column's profile, in the order of the table, n rows.

    Equal tables give equal profiles. Of a wide table, columns after the first 500 have no histogram and no commonest
    values. A number's values are sorted once, a text's are counted once: 1 million numbers take 0.2 s.
    """
    import pandas as pd

    for at, name in enumerate(table.columns):
        column = table[name]
        if pd.api.types.is_bool_dtype(column) or not (
            pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)
        ):
            yield _of_texts(column, at < MAX_DETAILED)
        else:
            yield _of_numbers(column, at < MAX_DETAILED)


def _of_texts(column: "pd.Series", detailed: bool) -> ColumnProfile:
    """Of texts and booleans, which are counted."""
    import numpy as np
    import pandas as pd

    codes, values = pd.factorize(column)
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    top = np.argsort(-counts, kind="stable")[: TOP if detailed else 0]
    return ColumnProfile(
        column=str(column.name),
        type=str(column.dtype),
        purpose=purpose_of(column, values, counts),
        count=int(counts.sum()),
        missing=len(column) - int(counts.sum()),
        distinct=len(values),
        top=[{"value": str(values[at])[:MAX_TEXT], "count": int(counts[at])} for at in top],
        commonest=int(counts.max(initial=0)),
        values=(pd.Index(values), counts),
    )


def _of_numbers(column: "pd.Series", detailed: bool) -> ColumnProfile:
    """Of numbers and datetimes, which are sorted."""
    import numpy as np
    import pandas as pd

    present = column.dropna()
    times = pd.api.types.is_datetime64_any_dtype(column)
    ordered = np.sort((present.astype("int64") if times else present).to_numpy())
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.array([], dtype="int64")
    counts = np.diff(np.r_[starts, len(ordered)])
    top = np.argsort(-counts, kind="stable")[: TOP if detailed else 0]
    finite = ordered if ordered.dtype.kind in "iu" else ordered[np.isfinite(ordered)]

    def shown(value: Any) -> str:
        return pd.Series([value]).astype(column.dtype)[0].isoformat() if times else f"{value:.{DIGITS}g}"

    shape = {} if times else _shape(finite.astype("float64"), detailed)
    ends = [shown(ordered[at]) if times and len(ordered) else None for at in (0, -1)]
    return ColumnProfile(
        column=str(column.name),
        type=str(column.dtype),
        purpose=purpose_of(column, ordered[starts], counts),
        count=len(ordered),
        missing=len(column) - len(ordered),
        distinct=len(starts),
        top=[{"value": shown(ordered[starts[at]]), "count": int(counts[at])} for at in top],
        infinite=len(ordered) - len(finite),
        commonest=int(counts.max(initial=0)),
        first=ends[0],
        last=ends[1],
        **shape,
    )


def _shape(finite: "np.ndarray", detailed: bool) -> dict[str, Any]:
    """Moments, quantiles and histogram of n sorted finite numbers; null where they are none."""
    import numpy as np

    if not len(finite):
        return {}
    with np.errstate(all="ignore"):  # numbers near the greatest there are have no mean that is one
        mean = finite.mean()
        off = finite - mean
        squares = off * off
        second, third = squares.mean(), (squares * off).mean()  # off**3 takes ten times as long
        n = len(finite)
        std = math.sqrt(second * n / (n - 1)) if n > 1 else None
        spread = second > np.finfo("float64").eps * mean**2
        skew = math.sqrt(n * (n - 1)) / (n - 2) * third / second**1.5 if n > 2 and spread else None
        levels = {f"{level:g}": short(value) for level, value in zip(QUANTILES, _at(finite), strict=True)}
    return {
        "mean": short(mean),
        "std": short(std),
        "skew": short(skew),
        "quantiles": levels,
        "histogram": _histogram(finite) if detailed else None,
    }


def _at(ordered: "np.ndarray") -> "np.ndarray":
    """The quantiles of sorted numbers, without sorting them again."""
    import numpy as np

    places = np.array(QUANTILES) * (len(ordered) - 1)
    low = np.floor(places).astype("int64")
    high = np.minimum(low + 1, len(ordered) - 1)
    share = places - low
    between: np.ndarray = ordered[low] * (1 - share) + ordered[high] * share
    return between


def _histogram(ordered: "np.ndarray") -> dict[str, list[Any]] | None:
    """Counts between edges of equal distance; the last edge is within."""
    import numpy as np

    least, most = ordered[0], ordered[-1]
    with np.errstate(all="ignore"):
        edges = np.linspace(least, most, BINS + 1)
    if not np.isfinite(edges).all() or least == most:
        return None
    below = np.searchsorted(ordered, edges[1:-1], side="left")
    counts = np.diff(np.r_[0, below, len(ordered)])
    return {"edges": [short(edge) for edge in edges], "counts": [int(count) for count in counts]}


def short(value: Any) -> float | None:
    """A finite number with the digits that mean something, else null: JSON has no other."""
    if value is None or not math.isfinite(value):
        return None
    short = float(f"{value:.{DIGITS}g}")
    return short if math.isfinite(short) else float(value)
