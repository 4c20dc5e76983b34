"""Columns that say what a row is for, not what it is like: its weight, its group, its time, when it is validated."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError, listing
from keystage.core.times import advised
from keystage.data.sources.spec import Side
from keystage.data.spec import PART, DatasetSpec
from keystage.data.table import NEVER, Roles

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

HELD_OUT = "role:held_out"  # marks rows of validation_files while they are read; no feature has ':' in its name
TESTED = "role:tested"  # the same, of the rows that dataset.test says are the test
MARKED = {HELD_OUT: Side.validation, TESTED: Side.test}
MARKS = tuple(MARKED)
_PARTS = ("train", "validation", "test")
_WORDS = {"train": NEVER, "false": NEVER, "validation": 0, "true": 0}


def roles_of(table: "pd.DataFrame", spec: DatasetSpec, *, whole: bool = True) -> Roles:
    """The roles of a table's rows, indexed anew.

    Args:
        table: the rows.
        spec: names the roles.
        whole: whether these are all rows, of which some must count.

    Raises:
        DatasetError: a cell is empty, or cannot be what its role asks.
    """
    checks: dict[str, Callable[[pd.Series, DatasetSpec], pd.Series]] = {
        "weight": _weights,
        "time": _times,
        "fold": _folds,
    }
    found = {}
    for role, name in spec.roles.items():
        column = table[name].reset_index(drop=True)
        _require_full(column, role, spec)
        if role != PART:
            found[role] = checks[role](column, spec) if role in checks else column
    if whole and "weight" in found and not found["weight"].sum():
        raise _bad(found["weight"], "weight", spec, "holds only 0", "then no row counts")
    if HELD_OUT in table:
        found["held_out"] = table[HELD_OUT].reset_index(drop=True)
    return Roles(**found)


def setting_of(role: str) -> str:
    """The setting that names a role's column."""
    return "dataset.test.column" if role == PART else f"dataset.{role}"


def mark_files(table: "pd.DataFrame", sides: Sequence[Side], lengths: Sequence[int]) -> None:
    """Mark the rows of ``validation_files`` and of the test files, in a table of all files below each other.

    Args:
        table: n rows; gets a column of n booleans for each of the two that there are.
        sides: what each file is for.
        lengths: rows of each file.
    """
    import numpy as np

    for mark, side in MARKED.items():
        if side in sides:
            table[mark] = np.repeat([each is side for each in sides], lengths)


def mark_parts(table: "pd.DataFrame", spec: DatasetSpec) -> "pd.DataFrame":
    """Mark the rows that ``dataset.test.column`` says are for the test, and for validation.

    Raises:
        DatasetError: a cell is empty or names no part, or both a column of folds and this one say what is validated.
    """
    if spec.test_column is None:
        return table
    column = table[spec.test_column]
    _require_full(column, PART, spec)
    words = column.astype("str").str.strip().str.lower()
    if not words.isin(_PARTS).all():
        what = f"holds {int((~words.isin(_PARTS)).sum())} values that name no part"
        why = f"a part is one of {', '.join(_PARTS)}; not {_shown(column[~words.isin(_PARTS)])}"
        raise _bad(column, PART, spec, what, why)
    validated = words == "validation"
    if validated.any() and (spec.fold is not None or spec.validation_files):
        raise DatasetError(
            f"column '{spec.test_column}' of dataset '{spec.name}' says what is validated, and so do others",
            why=f"{int(validated.sum())} cells are 'validation', and dataset.fold or dataset.validation_files is set",
            fix="set those to null and [], or write train in these cells",
        )
    marked = table.assign(**{TESTED: words == "test"})
    return marked.assign(**{HELD_OUT: validated}) if validated.any() else marked


def aside_of(table: "pd.DataFrame", spec: DatasetSpec) -> "pd.DataFrame":
    """The columns that are no features, but for the label: dropped ones and roles, by which rows can still be told."""
    names = [name for name in spec.no_features if name != spec.label and name in table]
    return table[names].reset_index(drop=True)


def _require_full(column: "pd.Series", role: str, spec: DatasetSpec) -> None:
    if column.isna().any():
        raise DatasetError(
            f"{role} column '{column.name}' of dataset '{spec.name}' has {int(column.isna().sum())} empty cells",
            why=f"{setting_of(role)} names it, and each row with a label needs a value there",
            fix=f"fill the cells in the files, or set {setting_of(role).removesuffix('.column')}=null",
        )


def _weights(column: "pd.Series", spec: DatasetSpec) -> "pd.Series":
    import numpy as np
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        raise _bad(column, "weight", spec, "holds no numbers", f"its type is {column.dtype}, like '{column.iloc[0]}'")
    weights = column.astype("float64")
    bad = ~np.isfinite(weights) | (weights < 0)
    if bad.any():
        what = f"holds {int(bad.sum())} values that are no weights"
        raise _bad(column, "weight", spec, what, f"a weight is 0 or more; there is {_shown(column[bad])}")
    return weights


def _times(column: "pd.Series", spec: DatasetSpec) -> "pd.Series":
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column):
        return column
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.astype("float64")
    times = pd.to_datetime(column.astype("str"), errors="coerce", format="ISO8601")
    if times.isna().any():
        what = f"holds {int(times.isna().sum())} values that are no times"
        why = f"a time is a number or a date like 2024-12-31, not {_shown(column[times.isna()])}"
        form = advised(str(column.name), list(map(str, column[times.isna()].unique())))
        raise _bad(column, "time", spec, what, why, f"declare it as datetime in dataset.columns and {form}")
    return times


def _folds(column: "pd.Series", spec: DatasetSpec) -> "pd.Series":
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        bad = (column % 1 != 0) | (column < NEVER)
        folds = column
    else:
        words = column.astype("str").str.strip().str.lower().map(_WORDS)
        bad, folds = words.isna(), words.fillna(NEVER)
    if bad.any():
        what = f"holds {int(bad.sum())} values that name no fold"
        why = f"a fold is a whole number from 0 (-1: in none), or one of {', '.join(_WORDS)}; not {_shown(column[bad])}"
        raise _bad(column, "fold", spec, what, why)
    return folds.astype("int64")


def _bad(
    column: "pd.Series",
    role: str,
    spec: DatasetSpec,
    what: str,
    why: str,
    declare: str = "declare the column's type in dataset.columns",
) -> DatasetError:
    return DatasetError(
        f"{role} column '{column.name}' of dataset '{spec.name}' {what}",
        why=f"{setting_of(role)} names it; {why}",
        fix=f"correct the cells in the files, {declare}, or set {setting_of(role).removesuffix('.column')}=null",
    )


def _shown(cells: "pd.Series") -> str:
    return listing(f"'{value}'" for value in cells.unique()[:3])
