"""What the model lives on: importance of raw columns by shuffling them, and how its answer depends on the chief ones.

Importance is by permutation (Breiman 2001): the loss of the metric when the cells of a raw column are shuffled, so that
they say nothing any more. Dependence is partial (Friedman 2001): the mean answer when all rows have the same cell.
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from keystage.core.errors import listing
from keystage.evaluation.asked import Asked
from keystage.evaluation.scores import Scored
from keystage.evaluation.spec import ImportanceSpec
from keystage.search.metrics import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

MAX_ASKED = 400_000  # rows the model is asked for importances; of more than two classes, divided by their number
FEWEST_ROWS = 200
LAST_RESORT = 120.0  # seconds; a slow model on a wide table. What is left out then is said.
DEPENDENCE_COLUMNS = 6
DEPENDENCE_ROWS = 500  # likewise
FEWEST_DEPENDENCE_ROWS = 50
POINTS = 12  # of a number: its values, or their quantiles
VALUES = 10  # of a category: the most frequent
SHOWN_CLASSES = 10
T = TypeVar("T")


def importance(
    asked: Asked,
    raw: "pd.DataFrame",
    scored: Scored,
    metric: Metric,
    spec: ImportanceSpec,
    seed: int,
    notes: list[str],
    say: Callable[[str], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Mean and standard deviation of the loss over the shuffles of each raw column, the most important first.

    Args:
        asked: recipe and model.
        raw: n x m raw test rows.
        scored: the same rows, whose weights count.
        metric: by which it is judged; needs what the rows have.
        spec: rows and repeats at most.
        seed: of the sample and the shuffles.
        notes: takes what was bounded.
        say: is told how many columns are done.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    sources = asked.sources(asked.open(raw.head(2)))
    rows, repeats = _bounded(len(raw), len(sources), spec, MAX_ASKED // asked.trees_per_round, notes)
    chosen = _sample(scored, rows, random, metric)
    part, opened = scored.at(chosen), asked.open(raw.iloc[chosen])
    shuffles = [random.permutation(len(chosen)) for _ in range(repeats)]
    base = metric.loss(metric.score(part.truth, asked.say(opened, metric), part.weights))
    begun = time.monotonic()
    found: list[dict[str, Any]] = []
    per_batch = max(1, asked.batch_rows(opened) // (len(chosen) * repeats))
    for names in _batches(list(sources), per_batch):
        if time.monotonic() - begun > LAST_RESORT:
            notes.append(f"importance of {len(sources) - len(found)} columns left out: {LAST_RESORT:.0f} s were over")
            break
        say(f"importances: {len(found):,} of {len(sources):,} columns")
        asked_of = [_shuffled(opened, sources[name], order) for name in names for order in shuffles]
        said = asked.say(_stacked(asked_of), metric)
        answers = said.reshape(len(names), repeats, len(chosen), *said.shape[1:])
        for name, answered in zip(names, answers, strict=True):
            losses = [metric.loss(metric.score(part.truth, one, part.weights)) - base for one in answered]
            found.append({"column": name, "mean": float(np.mean(losses)), "std": float(np.std(losses))})
    return sorted(found, key=lambda item: (-item["mean"], item["column"]))


def _bounded(rows: int, columns: int, spec: ImportanceSpec, most: int, notes: list[str]) -> tuple[int, int]:
    """How many rows are shuffled how often: by their number and that of columns and classes alone."""
    taken, repeats = min(rows, spec.rows), spec.repeats
    if taken * repeats * columns > most:
        repeats = max(1, min(repeats, most // (taken * columns)))
        taken = min(taken, max(FEWEST_ROWS, most // (repeats * columns)))
    if taken < rows or repeats < spec.repeats:
        notes.append(f"importance: {repeats} shuffles of {taken} of the {rows} test rows, for {columns} columns")
    return taken, repeats


def _sample(scored: Scored, rows: int, random: "np.random.Generator", metric: Metric) -> "np.ndarray":
    """Positions of a sample, in their order; of a class that the metric needs and it lacks, the first row too."""
    import numpy as np

    every = np.arange(scored.rows)
    if rows >= scored.rows:
        return every
    chosen = np.sort(random.choice(every, rows, replace=False))
    if metric.needs_all_classes and not scored.at(chosen).has_all_classes:
        counting = every if scored.weights is None else every[scored.weights > 0]
        codes, first = np.unique(scored.truth[counting], return_index=True)
        there = scored.truth[np.intersect1d(chosen, counting)]
        chosen = np.union1d(chosen, counting[first[~np.isin(codes, there)]])
    return chosen


def _shuffled(opened: "pd.DataFrame", columns: list[str], order: "np.ndarray") -> "pd.DataFrame":
    return opened.assign(**{name: opened[name].to_numpy()[order] for name in columns})


def _stacked(frames: "list[pd.DataFrame]") -> "pd.DataFrame":
    import pandas as pd

    return pd.concat(frames, ignore_index=True)


def _batches(items: list[T], size: int) -> "Iterator[list[T]]":
    return (items[start : start + size] for start in range(0, len(items), size))


def dependence(
    asked: Asked, raw: "pd.DataFrame", scored: Scored, columns: Sequence[str], seed: int, notes: list[str]
) -> list[dict[str, Any]]:
    """The mean answer by the values of each column, all else as it is.

    Args:
        asked: recipe and model.
        raw: n x m raw test rows.
        scored: the same rows.
        columns: raw ones, the most important first; ``DEPENDENCE_COLUMNS`` of them are told.
        seed: of the sample of rows.
        notes: takes columns that have no dependence.
    """
    import numpy as np

    most = max(FEWEST_DEPENDENCE_ROWS, DEPENDENCE_ROWS // asked.trees_per_round)
    rows = np.sort(np.random.default_rng(seed).permutation(len(raw))[:most])
    opened, part = asked.open(raw.iloc[rows]), scored.at(rows)
    every = asked.open(raw)
    told: list[dict[str, Any]] = []
    past: list[str] = []
    for name in columns:
        if len(told) == DEPENDENCE_COLUMNS:
            break
        if name not in every or name not in raw:
            past.append(name)
            continue
        grid = _grid(every[name])
        if grid is None:
            notes.append(f"dependence on {name} left out: it holds dates, or nothing")
            continue
        kind, values, counts = grid
        batches = _batches(values, max(1, asked.batch_rows(opened) // len(rows)))
        frames = ([opened.assign(**{name: value}) for value in batch] for batch in batches)
        said = np.concatenate([asked.say(_stacked(batch)) for batch in frames])
        answers = said.reshape(len(values), len(rows), *said.shape[1:])
        points = [
            {"value": value, "rows": count, "predicted": _means(answer, part)}
            for value, count, answer in zip(values, counts, answers, strict=True)
        ]
        told.append({"column": name, "kind": kind, "points": points})
    if past:
        notes.append(f"no dependence on {listing(past)}: the model sees what a series was, not a value to set")
    return told


def _grid(column: "pd.Series") -> tuple[str, list[Any], list[int]] | None:
    """Kind, values and the rows that have them; of a number, those nearest to them."""
    import numpy as np
    import pandas as pd

    present = column.dropna()
    if pd.api.types.is_datetime64_any_dtype(column) or present.empty:
        return None
    if not pd.api.types.is_numeric_dtype(column):
        counts = present.astype("str").value_counts(sort=False).sort_index()
        counts = counts.sort_values(ascending=False, kind="stable").head(VALUES)
        return "category", [str(name) for name in counts.index], [int(count) for count in counts]
    numbers = present.to_numpy(dtype="float64")
    values = np.unique(numbers)
    if len(values) > POINTS:
        values = np.unique(np.quantile(numbers, np.linspace(0.02, 0.98, POINTS), method="nearest"))
    nearest = np.abs(numbers[:, None] - values).argmin(axis=1)
    return "number", values.tolist(), np.bincount(nearest, minlength=len(values)).tolist()


def _means(answer: "np.ndarray", part: Scored) -> dict[str, float]:
    """The mean answer, by class or as value; of many classes, those with most test rows."""
    import numpy as np

    weights = part.weights if part.weights is not None and part.weights.sum() else None
    means = np.average(answer, axis=0, weights=weights)
    if not part.classes:
        return {"value": float(means)}
    codes = np.argsort(-np.bincount(part.truth, minlength=len(part.classes)), kind="stable")[:SHOWN_CLASSES]
    return {str(part.classes[code]): float(means[code]) for code in sorted(codes)}
