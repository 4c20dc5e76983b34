"""Hold a table to its declaration: bad cells are counted, some are shown, and what becomes of them is as declared."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keystage.core.errors import DatasetError, listing
from keystage.core.times import advised, within
from keystage.data.columns import ColumnSpec, ColumnType, OnViolation
from keystage.data.spec import DatasetSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MAX_SAMPLED_CELLS = 3  # of each check
Repeats = Callable[["pd.Series"], "np.ndarray"]
EXACT = 2**53  # up to which float64 holds each whole number
_ZONE = r"(?:Z|[+-][0-9][0-9]:?[0-9][0-9])[ ]*$"  # at the end of a time; Arrow looks for it, as it would not for \d
_TRUE, _FALSE = {"true", "1", "yes"}, {"false", "0", "no"}


@dataclass(frozen=True)
class Check:
    """One declared rule of one column, and how many cells break it.

    Attributes:
        column: its name.
        check: type, minimum, maximum, allowed, unique or nullable.
        declared: what the rule says, like 0 or "integer".
        violations: how many cells break it.
        action: what became of them, or would have: error, empty, drop_row or report.
        sample: the first of them; ``row`` counts from 1 over all files, ``cell`` is its text, null where it is empty.
    """

    column: str
    check: str
    declared: Any
    violations: int
    action: str
    sample: list[dict[str, Any]]

    @property
    def in_words(self) -> str:
        """What is wrong with how many cells, without the column's name."""
        several = listing(map(str, self.declared)) if isinstance(self.declared, list) else ""
        said = {
            "type": f"are no {self.declared}",
            "minimum": f"are below {self.declared}",
            "maximum": f"are above {self.declared}",
            "allowed": f"are none of {several}",
            "unique": "stand in an earlier row",
            "nullable": "are missing",
        }[self.check]
        return f"{self.violations} cells that {said}"

    @property
    def shown(self) -> str:
        """The sampled cells, for an error."""
        cells = [f"row {item['row']}: " + (f"'{item['cell']}'" if item["cell"] is not None else "empty")
                 for item in self.sample]  # fmt: skip
        return "; ".join(cells)


def held_to_declaration(table: "pd.DataFrame", spec: DatasetSpec) -> "tuple[pd.DataFrame, list[Check]]":
    """The table with the declared types, without the cells and rows that the declaration takes out; all checks.

    All cells are looked at before anything is done about one: an error tells of all columns, and a row that breaks two
    rules is counted for both.

    Args:
        table: as the files have it, indexed by the rows' numbers from 0; changed in place.
        spec: the declaration.

    Raises:
        DatasetError: cells are not as declared, and ``on_violation`` or ``bad_cells`` says error.
    """
    checks, dropped = hold_to_declaration(table, spec, _stands_earlier)
    require_none(checks, spec)
    return (table[~dropped] if dropped.any() else table).reset_index(drop=True), checks


def hold_to_declaration(table: "pd.DataFrame", spec: DatasetSpec, repeats: Repeats) -> "tuple[list[Check], np.ndarray]":
    """Give the table the declared types and empty its cells, as declared; all checks, and which rows are to be dropped.

    Args:
        table: rows as the files have them, indexed by their numbers from 0; changed in place.
        spec: the declaration.
        repeats: which cells of a column stand in an earlier row.
    """
    import numpy as np

    checks: list[Check] = []
    dropped = np.zeros(len(table), dtype="bool")
    forms = spec.read.datetimes if spec.read else {}
    for column in spec.declared:
        raw = table[column.name]
        cast, bad = cast_to(raw, column.type, forms.get(column.name))
        checks.append(_checked(raw, column, "type", column.type.value, bad.to_numpy(), spec.bad_cells.value))
        cast = _settled(cast.mask(bad) if bad.any() else cast, column.type)
        action = spec.action_on(column)
        emptied = np.zeros(len(table), dtype="bool")
        for rule, declared, broken in _rules(raw, cast, column, repeats):
            checks.append(_checked(raw, column, rule, declared, broken, action.value))
            emptied |= broken if action is OnViolation.empty else False
            dropped |= broken if action is OnViolation.drop_row else False
        table[column.name] = _emptied(cast, emptied) if emptied.any() else cast
    return checks, dropped


def _stands_earlier(column: "pd.Series") -> "np.ndarray":
    found: np.ndarray = (column.duplicated() & column.notna()).to_numpy()
    return found


def cast_to(column: "pd.Series", kind: ColumnType, form: str | None = None) -> "tuple[pd.Series, pd.Series]":
    """The column as a type, missing where it cannot be; and where that is, n booleans.

    Args:
        column: as the files have it.
        kind: the type.
        form: of datetimes that are not in ISO 8601, as ``strptime`` takes it.
    """
    import pandas as pd

    if kind is ColumnType.string:
        return column.astype("str"), pd.Series(False, index=column.index)
    if _has_type(column, kind):
        return column, pd.Series(False, index=column.index)
    cast: pd.Series
    if kind is ColumnType.datetime:
        cast = _times(column, form or "ISO8601")
        cast = cast.where(within(cast))
    elif kind is ColumnType.boolean:
        words = column.astype("str").str.strip().str.lower()
        cast = words.map({**dict.fromkeys(_TRUE, 1.0), **dict.fromkeys(_FALSE, 0.0)})
    else:
        cast = pd.to_numeric(column, errors="coerce").astype("float64")
    bad = cast.isna() & column.notna()
    if kind is ColumnType.integer:
        bad |= cast.notna() & (cast % 1 != 0)  # infinite ones too
    return cast, bad


def _times(column: "pd.Series", form: str) -> "pd.Series":
    """Times without a zone: those with one are told in UTC, and where some have one, those without are taken as UTC."""
    import pandas as pd

    if pd.api.types.is_datetime64_dtype(column):
        return column
    zoned = column.dropna().astype("str").str.contains(_ZONE).any()
    times = pd.to_datetime(column, errors="coerce", format=form, utc=bool(zoned))
    return times.dt.tz_localize(None) if zoned else times


def _has_type(column: "pd.Series", kind: ColumnType) -> bool:
    """Whether a column would be cast to itself: whole numbers beyond 2**53 are rounded, as where cells are empty."""
    if column.dtype == "int64":
        return kind is ColumnType.integer and (not len(column) or max(-column.min(), column.max()) <= EXACT)
    return kind is ColumnType.number and column.dtype == "float64"


def _settled(cast: "pd.Series", kind: ColumnType) -> "pd.Series":
    """Whole columns of integers and booleans as such."""
    whole = kind in {ColumnType.integer, ColumnType.boolean} and not cast.isna().any()
    return cast.astype("bool" if kind is ColumnType.boolean else "int64") if whole else cast


def _rules(
    raw: "pd.Series", cast: "pd.Series", column: ColumnSpec, repeats: Repeats
) -> "list[tuple[str, Any, np.ndarray]]":
    """Each declared rule: its name, what it says, and where it is broken, n booleans. Missing cells break none."""
    found: list[tuple[str, Any, np.ndarray]] = []
    if column.minimum is not None:
        found.append(("minimum", column.minimum, (cast < _limit(column.minimum, cast)).to_numpy()))
    if column.maximum is not None:
        found.append(("maximum", column.maximum, (cast > _limit(column.maximum, cast)).to_numpy()))
    if column.allowed is not None:
        known = cast.isin([_limit(value, cast) for value in column.allowed])
        found.append(("allowed", column.allowed, (~known & cast.notna()).to_numpy()))
    if column.unique:
        found.append(("unique", True, repeats(cast)))
    if not column.nullable:
        found.append(("nullable", False, (raw.isna() | cast.isna()).to_numpy()))
    return found


def _limit(value: Any, cast: "pd.Series") -> Any:
    """A declared value, as what the column's cells are compared with; times without a zone are of the column's."""
    import pandas as pd

    if not pd.api.types.is_datetime64_any_dtype(cast):
        return value
    time, zone = pd.Timestamp(value), getattr(cast.dtype, "tz", None)
    if zone is None:
        return time.tz_convert("UTC").tz_localize(None) if time.tzinfo else time
    return time if time.tzinfo else time.tz_localize(zone)


def _emptied(cast: "pd.Series", where: "np.ndarray") -> "pd.Series":
    numbers = cast.astype("float64") if cast.dtype == "bool" else cast
    return numbers.mask(where)


def _checked(
    raw: "pd.Series", column: ColumnSpec, rule: str, declared: Any, broken: "np.ndarray", action: str
) -> Check:
    import numpy as np
    import pandas as pd

    first = np.flatnonzero(broken)[:MAX_SAMPLED_CELLS]
    cells = [None if pd.isna(raw.iloc[at]) else raw.iloc[at] for at in first]
    # A whole number in a column with empty cells was read as 4.0, and stands as 4 in the file.
    texts = [f"{cell:.15g}" if isinstance(cell, float) else cell if cell is None else _text(cell) for cell in cells]
    sample = [{"row": int(raw.index[at]) + 1, "cell": text} for at, text in zip(first, texts, strict=True)]
    return Check(column.name, rule, declared, int(broken.sum()), action, sample)


def _text(cell: Any) -> str:
    return str(cell).removesuffix(" 00:00:00")  # of a day


def require_none(checks: list[Check], spec: DatasetSpec) -> None:
    """Refuse cells that are not as declared, where the declaration says error.

    Raises:
        DatasetError: tells of all columns, with the first cells of each.
    """
    broken = [check for check in checks if check.violations and check.action == OnViolation.error.value]
    if not broken:
        return
    first = broken[0]
    of_type = all(check.check == "type" for check in broken)
    setting = "dataset.bad_cells=empty" if of_type else "on_violation of the column, or dataset.on_violation=report"
    more = [f"column '{check.column}' has {check.in_words}, {check.shown}" for check in broken[1:]]
    why = f"dataset.columns declares it so; {first.shown}"
    raise DatasetError(
        f"column '{first.column}' of dataset '{spec.name}' has {first.in_words}",
        why=why + (f"; also, {listing(more)}" if more else ""),
        fix=f"correct the cells, {_declared_otherwise(first)}, name the text in dataset.missing, or say what becomes "
        f"of such cells: {setting}",
    )


def _declared_otherwise(check: Check) -> str:
    if check.declared != ColumnType.datetime.value:
        return "change the declaration in conf/dataset"
    return advised(check.column, [str(cell["cell"]) for cell in check.sample if cell["cell"] is not None])
