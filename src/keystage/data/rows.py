"""Which rows of the files are taken: ``dataset.rows``. What is left out is counted."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keystage.core.errors import DatasetError, hint, listing
from keystage.core.params import first_line
from keystage.data.checks import cast_to
from keystage.data.columns import ColumnType, declared_type
from keystage.data.sources.expression import require_expression
from keystage.data.sources.spec import RowsSpec
from keystage.data.spec import DatasetSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import pandas as pd

MAX_SAMPLED_CELLS = 3


def selection_columns(spec: DatasetSpec) -> list[str]:
    """The columns by which rows are taken."""
    rows = spec.rows or RowsSpec()
    named = list(require_expression(rows.where).columns.values()) if rows.where is not None else []
    window = rows.column or spec.time if rows.has_window else None
    return [*named, *([window] if window else [])]


def places_of(files: "Iterable[tuple[str, int]]") -> "np.ndarray":
    """What tells each row from the others, whatever other files there are: its file and its number in it.

    Args:
        files: name and number of rows of each.
    """
    import numpy as np

    numbers = []
    for name, rows in files:
        start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
        numbers.append(np.arange(rows, dtype="uint64") + np.uint64(start))
    return np.concatenate(numbers)


def taken_rows(
    table: "pd.DataFrame", spec: DatasetSpec, places: "np.ndarray", seed: int
) -> "tuple[np.ndarray, dict[str, int]]":
    """Which rows are taken, n booleans; and how many each part of ``dataset.rows`` left out, by its name.

    Args:
        table: n rows as the files have them.
        spec: the declaration.
        places: as ``places_of`` gives them, n numbers; a row is drawn by its own.
        seed: another seed draws other rows.

    Raises:
        DatasetError: a column is not there, the condition cannot be asked of it, or no row is left.
    """
    rows = spec.rows or RowsSpec()
    require_selection(list(map(str, table.columns)), spec)
    taken, left_out = selected_rows(table, spec)
    if rows.sample is not None:
        drawn = _drawn(taken, places, rows.sample, seed)
        left_out["sample"] = int((taken & ~drawn).sum())
        taken = drawn
    require_some(int(taken.sum()), len(table), left_out, spec)
    return taken, left_out


def selected_rows(table: "pd.DataFrame", spec: DatasetSpec) -> "tuple[np.ndarray, dict[str, int]]":
    """As ``taken_rows``, without a sample: each row is taken or left out by its own cells.

    Raises:
        DatasetError: the condition cannot be asked of the columns.
    """
    import numpy as np

    rows = spec.rows or RowsSpec()
    taken = np.ones(len(table), dtype="bool")
    left_out: dict[str, int] = {}
    if rows.where is not None:
        taken &= _holds(table, spec, rows.where)
        left_out["where"] = int((~taken).sum())
    if rows.has_window:
        within = _in_window(table, spec, rows)
        left_out["time"] = int((taken & ~within).sum())
        taken &= within
    return taken, left_out


def require_some(taken: int, rows: int, left_out: Mapping[str, int], spec: DatasetSpec) -> None:
    """Refuse a selection that leaves no row, with a ``DatasetError`` that says which part left out how many."""
    if not taken:
        told = [f"{number} by dataset.rows.{name}" for name, number in left_out.items()]
        raise DatasetError(
            f"no row of dataset '{spec.name}' is left",
            why=f"of {rows} rows, left out were {listing(told)}",
            fix="correct dataset.rows in conf/dataset",
        )


def in_words(spec: DatasetSpec, part: str) -> str:
    """What a part of ``dataset.rows`` asks for."""
    rows = spec.rows or RowsSpec()
    if part == "where":
        return f"dataset.rows.where: {rows.where}"
    if part == "sample":
        return f"dataset.rows.sample: {rows.sample:g}"
    limits = {"from": rows.after, "before": rows.before}
    told = " and ".join(f"{word} {limit}" for word, limit in limits.items() if limit is not None)
    return f"dataset.rows: {rows.column or spec.time} {told}"


def require_selection(columns: Sequence[str], spec: DatasetSpec) -> None:
    """Refuse, with a ``DatasetError``, a selection by a column that is not there."""
    for name in selection_columns(spec):
        if name not in columns:
            raise DatasetError(
                f"dataset.rows names '{name}', which is no column of dataset '{spec.name}'",
                why=f"the files have {len(columns)} columns: {listing(columns)}",
                fix=hint(name, columns),
            )


def _holds(table: "pd.DataFrame", spec: DatasetSpec, where: str) -> "np.ndarray":
    """Where the condition holds; it sees the declared types, and missing cells where a cell is not of its own."""
    import pandas as pd

    condition = require_expression(where)
    view = pd.DataFrame({name: _typed(table[column], spec) for name, column in condition.columns.items()})
    try:
        found = view.eval(condition.text, engine="python", parser="pandas")
    except (TypeError, ValueError, AttributeError, NotImplementedError, KeyError, SyntaxError) as error:
        types = listing(f"{column} is {view[name].dtype}" for name, column in condition.columns.items())
        raise DatasetError(
            f"dataset.rows.where cannot be asked of dataset '{spec.name}': {where}",
            why=f"{first_line(error)}; {types}",
            fix="correct the condition, or declare the columns' types in dataset.columns",
        ) from error
    if not isinstance(found, pd.Series) or found.dtype.kind not in "bO":
        raise DatasetError(
            f"dataset.rows.where says neither yes nor no of a row: {where}",
            why=f"it gives {getattr(found, 'dtype', type(found).__name__)}",
            fix="compare something in it, like: Age > 30",
        )
    held: np.ndarray = found.eq(True).fillna(value=False).to_numpy(dtype="bool")  # what cannot be told does not hold
    return held


def _in_window(table: "pd.DataFrame", spec: DatasetSpec, rows: RowsSpec) -> "np.ndarray":
    """Where the time is known, and neither too early nor too late."""
    import pandas as pd

    name = rows.column or spec.time
    assert name is not None
    column = table[name]
    if pd.api.types.is_numeric_dtype(column):
        times, limits = column, (rows.after, rows.before)
        if any(isinstance(limit, str) for limit in limits):
            raise _no_times(name, spec, f"its cells are numbers like {column.iloc[0]}, and the limit is a text")
    else:
        times, bad = _as_times(column, spec)
        if bad.any():
            odd = [f"'{cell}'" for cell in column[bad].head(MAX_SAMPLED_CELLS)]
            raise _no_times(name, spec, f"{int(bad.sum())} cells are no time: {listing(odd)}")
        limits = (_limit(rows.after, times, "after"), _limit(rows.before, times, "before"))
    within = times.notna()
    if limits[0] is not None:
        within &= times >= limits[0]
    if limits[1] is not None:
        within &= times < limits[1]
    found: np.ndarray = within.to_numpy(dtype="bool")
    return found


def _as_times(column: "pd.Series", spec: DatasetSpec) -> "tuple[pd.Series, pd.Series]":
    form = spec.read.datetimes.get(str(column.name)) if spec.read else None
    return cast_to(column, ColumnType.datetime, form)


def _typed(column: "pd.Series", spec: DatasetSpec) -> "pd.Series":
    """A column in its declared type, where it has one, whether it is kept or not."""
    kind = declared_type(spec.columns, str(column.name))
    if kind is None:
        return column
    form = spec.read.datetimes.get(str(column.name)) if spec.read else None
    cast, bad = cast_to(column, kind, form)
    known = cast.mask(bad) if bad.any() else cast
    return known.astype("boolean") if kind is ColumnType.boolean else known


def _limit(value: Any, times: "pd.Series", setting: str) -> Any:
    import pandas as pd

    if value is None:
        return None
    try:
        limit = pd.Timestamp(value)
    except ValueError as error:
        raise DatasetError(
            f"dataset.rows.{setting} is no time: {value}",
            why=first_line(error),
            fix="write it in ISO 8601, like 2024-01-31",
        ) from error
    zone = getattr(times.dtype, "tz", None)
    if zone is None:
        return limit.tz_convert("UTC").tz_localize(None) if limit.tzinfo else limit
    return limit if limit.tzinfo else limit.tz_localize(zone)


def _no_times(name: str, spec: DatasetSpec, why: str) -> DatasetError:
    return DatasetError(
        f"column '{name}' of dataset '{spec.name}' cannot be compared with dataset.rows.after and before",
        why=why,
        fix="write times in ISO 8601 and numbers as such, give the column's form in dataset.read.datetimes, or take "
        "such rows out with dataset.rows.where",
    )


def _drawn(taken: "np.ndarray", places: "np.ndarray", sample: float, seed: int) -> "np.ndarray":
    """As many of the rows as are asked for: those whose numbers, mixed with the seed, are the least."""
    import numpy as np
    import pandas as pd

    there = np.flatnonzero(taken)
    wanted = max(1, round(sample * len(there))) if sample < 1 else min(int(sample), len(there))
    mixed = pd.util.hash_array(places[there] + np.uint64(seed) * np.uint64(1_000_003))
    drawn = np.zeros(len(taken), dtype="bool")
    drawn[there[np.argsort(mixed, kind="stable")[:wanted]]] = True
    return drawn
