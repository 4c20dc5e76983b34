"""Bootstrap intervals: how far a metric of the test rows may be from that of all rows there could be.

The percentile bootstrap (Efron and Tibshirani 1993, chapter 13). What is drawn with replacement are the things that are
independent of each other: rows; whole groups; whole series; of a single series circular blocks of rows (Politis and
Romano 1992), n^(1/3) long (Hall, Horowitz and Jing 1995).

The work is bounded by the size of the test alone, so that equal inputs give equal intervals: first there are fewer
resamples, then only a seeded sample of m of the n units is resampled, whose intervals are as much narrower as the n
units say more: sqrt(m / n).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from keystage.evaluation.resampled import Resampled
from keystage.evaluation.scores import Scored
from keystage.search.metrics import Metric

MAX_CELLS = 20_000_000  # rows x resamples x curves: some five seconds of one core
BLOCK_CELLS = 2_000_000  # of them at a time: 16 MB for each matrix
FEWEST_RESAMPLES = 200
OWN_METRIC_CALLS = 200  # of a metric of the user's own, which is asked once per resample
FEW_UNITS = 10  # groups or series: with fewer, an interval is narrower than it should be
LEAST_SHARE = 0.5  # of the resamples must have what a metric needs


@dataclass(frozen=True)
class Units:
    """What is drawn.

    Attributes:
        kind: rows, groups, series or blocks.
        codes: of n rows the number of their group or series, from 0; of blocks, their place in time; None for rows.
        block: rows of a block.
    """

    kind: str = "rows"
    codes: "np.ndarray | None" = None
    block: int = 1

    def count(self, rows: int) -> int:
        """How many there are."""
        return int(self.codes.max()) + 1 if self.codes is not None else rows

    def told(self, rows: int) -> str:
        """In words."""
        if self.kind == "blocks":
            return f"{rows} rows of one series in circular blocks of {self.block}"
        return f"{self.count(rows)} {self.kind}" + (f" with {rows} rows" if self.kind != "rows" else "")

    def at(self, rows: "np.ndarray") -> "Units":
        """The units of some of the rows, by a mask or by positions."""
        if self.codes is None:
            return self
        codes = np.unique(self.codes[rows], return_inverse=True)[1]
        return units_of(codes, self.kind) if self.kind != "blocks" else Units("blocks", codes, _length(len(codes)))


def units_of(values: "Sequence[object] | np.ndarray", kind: str) -> Units:
    """Units of groups or series by name; rows where there is only one."""
    codes = np.unique(np.asarray([str(value) for value in values]), return_inverse=True)[1]
    return Units(kind, codes) if codes.max() > 0 else Units()


def blocks_of(times: "np.ndarray") -> Units:
    """Units of the rows of one series by their n times; rows where there are too few for blocks."""
    place = np.empty(len(times), dtype="int64")
    place[np.argsort(times, kind="stable")] = np.arange(len(times))
    return Units("blocks", place, _length(len(times)))


def _length(rows: int) -> int:
    return max(1, round(float(np.cbrt(rows))))


@dataclass
class Intervals:
    """Ends of the intervals by metric, None where there is none; how many resamples; and what was bounded."""

    ends: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    resamples: int = 0
    method: str = "none"
    notes: list[str] = field(default_factory=list)


def intervals(
    scored: Scored, metrics: Sequence[Metric], units: Units, *, resamples: int, level: float, seed: int
) -> Intervals:
    """Intervals of metrics of the same rows.

    Args:
        scored: n rows.
        metrics: of which the rows have what they need.
        units: what is drawn.
        resamples: wanted; 0 for none.
        level: the share of intervals that hold the true value.
        seed: of the draws.
    """
    nothing: dict[str, tuple[float | None, float | None]] = dict.fromkeys((item.name for item in metrics), (None, None))
    if not resamples or units.count(scored.rows) < 2:
        return Intervals(nothing)
    random = np.random.default_rng(seed)
    # One curve per class takes most of the time; with two classes it is seen from one side.
    width = len(scored.classes) if len(scored.classes) > 2 and any(item.needs_all_classes for item in metrics) else 1
    told = Intervals(resamples=min(resamples, max(FEWEST_RESAMPLES, MAX_CELLS // (scored.rows * width))))
    sample, drawn_of, shrunk = _bounded(scored, units, told, width, random)
    values = _values(sample, metrics, drawn_of, told.resamples, random)
    told.method = f"percentile bootstrap of {drawn_of.told(sample.rows)}, seeded"
    if told.resamples < resamples:
        told.notes.append(f"intervals stand on {told.resamples} resamples instead of {resamples}: the test is large")
    if shrunk < 1:
        told.method += f", narrowed by {shrunk:.3f} for the {units.told(scored.rows)} there are"
        told.notes.append(f"intervals come from {sample.rows} of the {scored.rows} test rows")
    count = drawn_of.count(sample.rows)
    if units.kind in {"groups", "series"} and count < FEW_UNITS:
        told.notes.append(f"intervals stand on {count} {units.kind} only: they are narrower than they should be")
    centre = {metric.name: sample.score(metric) for metric in metrics} if shrunk < 1 else {}
    for name, found in values.items():
        told.ends[name] = _ends(found, level)
        low, high = told.ends[name]
        if low is None or high is None:
            told.notes.append(f"{name} has no interval: too few resamples have what it needs")
        elif shrunk < 1:
            whole = scored.score(next(item for item in metrics if item.name == name))
            told.ends[name] = whole + (low - centre[name]) * shrunk, whole + (high - centre[name]) * shrunk
    return told


def _bounded(
    scored: Scored, units: Units, told: Intervals, width: int, random: np.random.Generator
) -> tuple[Scored, Units, float]:
    """The rows that are resampled, all where their number allows it, their units, and how intervals narrow."""
    share = MAX_CELLS / (scored.rows * width * told.resamples)
    count = units.count(scored.rows)
    if share >= 1 or units.kind == "blocks":
        return scored, units, 1.0
    taken = np.sort(random.choice(count, max(2, round(count * share)), replace=False))
    rows = taken if units.codes is None else np.flatnonzero(np.isin(units.codes, taken))
    sample = scored.at(rows)
    if not sample.has_all_classes:  # a class is rarer than the sample; then all rows have to do
        return scored, units, 1.0
    return sample, units.at(rows), float(np.sqrt(len(taken) / count))


def _values(
    scored: Scored, metrics: Iterable[Metric], units: Units, resamples: int, random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Each metric of each resample."""
    size = max(1, min(resamples, BLOCK_CELLS // scored.rows))
    parts: dict[str, list[np.ndarray]] = {}
    for start in range(0, resamples, size):
        counts = draw(units, scored.rows, min(size, resamples - start), random)
        for name, values in Resampled(scored, counts, max(0, OWN_METRIC_CALLS - start)).scores(metrics).items():
            parts.setdefault(name, []).append(values)
    return {name: np.concatenate(found) for name, found in parts.items()}


def draw(units: Units, rows: int, resamples: int, random: np.random.Generator) -> np.ndarray:
    """How often each of n rows is in each of b resamples: b x n whole numbers."""
    count = units.count(rows)
    if units.kind == "blocks":
        starts = random.integers(0, rows, size=(resamples, -(-rows // units.block)))
        drawn = ((starts[..., None] + np.arange(units.block)) % rows).reshape(resamples, -1)[:, :rows]
    else:
        drawn = random.integers(0, count, size=(resamples, count))
    flat = (drawn + np.arange(resamples)[:, None] * count).ravel()
    counts = np.bincount(flat, minlength=resamples * count).reshape(resamples, count)
    return counts if units.codes is None else counts[:, units.codes]


def _ends(values: np.ndarray, level: float) -> tuple[float | None, float | None]:
    finite = values[np.isfinite(values)]
    if len(finite) < LEAST_SHARE * min(len(values), OWN_METRIC_CALLS):
        return None, None
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
