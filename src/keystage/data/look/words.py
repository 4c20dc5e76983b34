"""Texts that are numbers or dates but for some words, or for signs: a recipe can read them."""

from typing import TYPE_CHECKING

from keystage.core.errors import counted
from keystage.data.look.columns import PLAIN

if TYPE_CHECKING:
    import pandas as pd

MOSTLY, HALF = 0.9, 0.5  # of the cells
# A number with marks of thousands, and with a sign of money or percent: $1,234.56, 12,5 %, EUR 300.
_SIGN = r"(?:[$€£¥%]|[A-Z]{3})?"
_LIKE_DATES = r"(?:\w+,? )?\w{1,9}[-./ ]\w{1,9},?[-./ ]\d{2,4}(?:[T ]\d.*)?|\d{4}[-./]\d{1,2}[-./]\d{1,2}(?:[T ]\d.*)?"
_MINUS = "[-+\u2212]?"
_NUMBER = rf"{_MINUS}{_SIGN}\s?[-+]?\d{{1,3}}(?:[.,'\s]?\d{{3}})*(?:[.,]\d+)?(?:[eE][-+]?\d+)?\s?{_SIGN}"
_NUMBER_IN_WORDS = rf"\(?{_NUMBER}[)-]?|[-+]?inf"


def words_told(column: "pd.Series") -> str | None:
    """A sentence about texts that are numbers but for some words."""
    numbers = _numbers_among(column)
    words = column[numbers.index[~numbers]]
    if not len(numbers) or numbers.mean() < HALF:
        return None
    if words.empty:
        odd = not_plain(column)
        few = len(odd) and len(odd) <= (1 - MOSTLY) * len(numbers)
        return (
            f"'{column.name}' holds numbers, of which some are written like '{odd.iloc[0]}': it is text"
            if few
            else None
        )
    others = f"{counted(len(words), 'cell', 'cells')} such as '{words.iloc[0].strip()}'"
    return (
        f"'{column.name}' holds numbers, but for {others}: it is declared as text; where they say that there is none, "
        "add them to missing, and declare it as number"
    )


def not_plain(column: "pd.Series") -> "pd.Series":
    """The cells that are no plain numbers; missing ones are left out."""
    cells = column.dropna().astype("str")
    return cells[~cells.str.strip().str.fullmatch(PLAIN.pattern.pattern)]


def mostly_numbers(column: "pd.Series") -> bool:
    """Whether texts are numbers with signs of money or percent, but for a few words: a recipe can read those."""
    import pandas as pd

    return not pd.api.types.is_numeric_dtype(column) and _are_most(_numbers_among(column))


def mostly_dates(column: "pd.Series") -> bool:
    """Whether texts look like dates, be it in several forms: a recipe can read those."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return False
    return _are_most(column.dropna().astype("str").str.strip().str.fullmatch(_LIKE_DATES))


def _numbers_among(column: "pd.Series") -> "pd.Series":
    """Which cells are numbers with or without such signs; missing ones are left out."""
    return column.dropna().astype("str").str.strip().str.fullmatch(_NUMBER_IN_WORDS)


def _are_most(numbers: "pd.Series") -> bool:
    return bool(len(numbers)) and numbers.mean() >= MOSTLY
