"""What the cells of a file seem to be: marks of numbers, texts for missing cells, and the type of each column."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keystage.core.times import are_times, common_forms, exchanged
from keystage.data.columns import ColumnType
from keystage.data.marks import Marks

if TYPE_CHECKING:
    import pandas as pd

# Texts that stand for no value where all other cells of their column are numbers, times or booleans.
MISSING = (
    "NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "null", "Null", "None", "none", "?", "-", "--", ".", "#N/A",
    "#VALUE!", "#DIV/0!", "missing", "Missing", "\\N", "(null)", "<NA>",
)  # fmt: skip
PLAIN_MISSING = ("NULL", "\\N", "#N/A", "<NA>", "(null)")  # and these in any column
_BOOLEAN = {"true", "false"}
_CODE = re.compile(r"0\d+")  # a number that is none: 007
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?")
_FEW = 0.05  # of the different cells of a column, which may be words beside its numbers
NUMBERS = {ColumnType.integer, ColumnType.number}
MANY_CLASSES = 20  # different whole numbers, above which they are amounts
MAX_INTEGER = 2**53  # what a double can count; longer digits are identifiers


PLAIN = Marks()
_WRITINGS = (PLAIN, Marks(",", None), Marks(".", ","), Marks(",", "."), Marks(".", " "), Marks(",", " "),
             Marks(".", "'"), Marks(".", "\u2019"), Marks(",", "\u00a0"), Marks(",", "\u202f"))  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """What a column seems to be.

    Attributes:
        type: as a declaration has it.
        time: the form of times that are not in ISO 8601.
        other: another form that all of them have as well: whether 03/04/2024 is in March or April nobody can see.
    """

    type: ColumnType
    time: str | None = None
    other: str | None = None


def cells_by_column(table: "pd.DataFrame") -> "dict[str, pd.Series]":
    """The different cells of each column, empty ones left out, with how often each stands."""
    found = {str(name): table[name].dropna().astype("str").str.strip().value_counts() for name in table.columns}
    for counts in found.values():
        counts.index = counts.index.astype("object")  # which are gone over many times: Arrow's are made anew each time
    return found


def marks_of(cells: "Mapping[str, pd.Series]", separator: str) -> tuple[Marks, list[str]]:
    """How numbers are written in most columns, and why, where it is not the usual way.

    1,234 may be a thousand or about one: where fields are separated by something else than a comma, it is the decimal
    mark, else there would be no need to avoid it. Where they are, a comma in quotes is one if more columns are numbers
    that way.
    """
    looked = [list(counts.index[:20_000]) for counts in cells.values()]
    commas = [marks for marks in _WRITINGS if marks.decimal == ","]
    others = [marks for marks in _WRITINGS if marks not in commas]
    order = [*others, *commas] if separator == "," else [*commas[:2], *others, *commas[2:]]
    counted = {marks: sum(_are(marks, values) for values in looked) for marks in order}
    best = max(counted.values())
    plain = counted[PLAIN]
    found = PLAIN if plain == best else next(marks for marks in order if counted[marks] == best)
    if found == PLAIN:
        return found, []
    more = best - plain
    thousands = f", and '{found.thousands}' stands between thousands" if found.thousands else ""
    count = f"{more} of the columns {'is' if more == 1 else 'are'} numbers that way alone"
    return found, [f"'{found.decimal}' is the decimal mark{thousands}: {count}"]


def blanks_in(table: "pd.DataFrame", cells: "Mapping[str, pd.Series]") -> set[str]:
    """Texts of nothing but spaces, of columns that have such: in ``cells`` they are empty."""
    blank = [name for name in table.columns if "" in cells[str(name)].index]
    return {text for name in blank for text in table[name].dropna().unique() if not text.strip()}


def missing_in(cells: "Mapping[str, pd.Series]", marks: Marks, blanks: set[str]) -> list[str]:
    """Texts that stand for a missing cell, the empty one first; those of spaces alone do so in any column."""
    found = {"", *blanks}
    for counts in cells.values():
        values = list(counts.index)
        here = [value for value in values if value in MISSING]
        others = [value for value in values if value not in MISSING]
        if here and others and kind_of(others, marks).type is not ColumnType.string:
            found |= set(here)
        found |= {value for value in here if value in PLAIN_MISSING}
    return sorted(found)


def kind_of(values: Iterable[str], marks: Marks) -> Kind:
    """The narrowest type that all cells have, of different ones without missing cells.

    Digits that begin with 0, or are longer than what a double can count, are texts.
    """
    every = list(values)
    if not every:
        return Kind(ColumnType.string)
    if {value.lower() for value in every} <= _BOOLEAN:
        return Kind(ColumnType.boolean)
    if any(_CODE.fullmatch(value) for value in every):
        return Kind(ColumnType.string)
    pattern = marks.pattern
    if all(pattern.fullmatch(value) for value in every):
        return Kind(_number_kind(every, marks))
    if all(_ISO.fullmatch(value) for value in every) and are_times(every, "ISO8601"):
        return Kind(ColumnType.datetime)
    forms = common_forms(every)
    if not forms:
        return Kind(ColumnType.string)
    return Kind(ColumnType.datetime, forms[0], next((form for form in forms[1:] if exchanged(form) == forms[0]), None))


def kind_by_type(column: "pd.Series") -> ColumnType:
    """The type of a column that has one; what has none is text."""
    import pandas as pd

    for test, kind in (
        (pd.api.types.is_bool_dtype, ColumnType.boolean),
        (pd.api.types.is_integer_dtype, ColumnType.integer),
        (pd.api.types.is_numeric_dtype, ColumnType.number),
        (pd.api.types.is_datetime64_any_dtype, ColumnType.datetime),
    ):
        if test(column):
            return kind
    return ColumnType.string


def are_classes(numbers: "pd.Series") -> bool:
    """Whether numbers, missing ones left out, are classes: two, or few whole ones of which most come again."""
    distinct = int(numbers.nunique())
    whole = bool((numbers.dropna() % 1 == 0).all())
    return distinct == 2 or (whole and distinct <= min(MANY_CLASSES, 0.2 * len(numbers)))


def as_years(column: "pd.Series", kind: Kind) -> "pd.Series | None":
    """Whole numbers of four digits as the first days of years; None where there are others."""
    import pandas as pd

    if kind.type is not ColumnType.integer or not column.between(1000, 9999).all():
        return None
    return pd.to_datetime(column.astype("str"), format="%Y", utc=True)


def _number_kind(values: list[str], marks: Marks) -> ColumnType:
    import pandas as pd

    numbers = pd.to_numeric(marks.plain(pd.Series(values)), errors="coerce")
    if (numbers % 1 == 0).all() and not any(marks.decimal in value for value in values):
        return ColumnType.integer if (numbers.abs() < MAX_INTEGER).all() else ColumnType.string
    return ColumnType.number


def _are(marks: Marks, values: list[str]) -> bool:
    """Whether nearly all cells but those that may stand for missing ones are numbers in this writing."""
    others = [value for value in values if value not in MISSING]
    fullmatch, left = marks.pattern.fullmatch, _FEW * len(others)
    for value in others:
        left -= fullmatch(value) is None
        if left < 0:
            return False
    return bool(others)


def typed(column: "pd.Series", kind: Kind, marks: Marks, missing: list[str]) -> "pd.Series":
    """The cells of a text column as what they are; those that stand for none, or are none, are missing.

    Texts keep the spaces at their ends, as they do in a run: with them they are others.
    """
    import pandas as pd

    cells = column.str.strip()
    empty = cells.isin(missing)
    if kind.type in {ColumnType.string, ColumnType.boolean}:
        return column.mask(empty)
    cells = cells.mask(empty)
    if kind.type in NUMBERS:
        return pd.to_numeric(marks.plain(cells), errors="coerce")
    return pd.to_datetime(cells, errors="coerce", format=kind.time or "ISO8601", utc=True)
