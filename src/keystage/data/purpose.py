"""What a column seems to be for.

The rules are those of Azure ML SDK v1 (columnpurpose_detector.py:54-118), with its gaps closed: identifiers are found
among integers too, and texts with 70 to 90 % different values, which it leaves out without a word, are categories.
"""

import re
from enum import Enum
from typing import TYPE_CHECKING, Any

from keystage.core.times import ISO_DAY

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MANY = (200, 0.05)  # different values, or share of the rows, from which on a text is no plain category
FEW_INTEGERS = (50, 0.05)  # up to which an integer is a category
IDENTIFIER_SHARE = 0.9  # different values among texts without spaces, above which they are identifiers
CATEGORY = (10_000, 0.7)  # different texts, and their share, below which they are categories, with spaces or without
SPACES = 1.0  # per cell, above which a text that is no category has words
MIN_ROWS = 20  # fewer values can all differ by chance
DENSE = 2  # all different, an identifier's integers lie in a range of at most so many times their number,
SPARSE = 20  # or of so many where they ascend
YEARS = (1500, 2200)  # and what a column of years may be called
_OF_YEARS = re.compile(r"(^|[^a-z])(year|yr|time|date|season|vintage|jahr|ann[eé]e|a[nñ]o|anno)s?($|[^a-z])")
MAX_LOOKED_AT = 10_000  # different texts, for spaces and dates
_NAMED = re.compile(r"(^|[^a-z])(id|key|uuid|guid|no|nr|number|code)$|[a-z]I[dD]$", re.ASCII)  # of identifiers
_YES_NO = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"})


class Purpose(Enum):
    """What a column seems to be for; ``constant`` has one value, or none."""

    number = "number"
    category = "category"
    boolean = "boolean"
    datetime = "datetime"
    identifier = "identifier"
    text = "text"
    constant = "constant"


def purpose_of(column: "pd.Series", values: Any, counts: "np.ndarray", rows: int | None = None) -> Purpose:
    """The purpose of a column of n rows.

    Args:
        column: its cells.
        values: its k different values without missing, sorted where they are numbers.
        counts: how often each stands.
        rows: of a text, how many there are where ``column`` is a sample of them.
    """
    import pandas as pd

    if len(values) <= 1:
        return Purpose.constant
    if pd.api.types.is_datetime64_any_dtype(column):
        return Purpose.datetime
    if pd.api.types.is_bool_dtype(column):
        return Purpose.boolean
    if pd.api.types.is_numeric_dtype(column):
        return _of_numbers(column, values, counts)
    return _of_texts(pd.Series(values).astype("str"), counts, rows or len(column))


def _of_numbers(column: "pd.Series", values: "np.ndarray", counts: "np.ndarray") -> Purpose:
    import numpy as np

    name = str(column.name)
    if list(values[:3]) == [0, 1]:
        return Purpose.boolean
    if not (np.isfinite(values[[0, -1]]).all() and (values % 1 == 0).all()):
        return Purpose.number
    number = len(values)
    if number >= MIN_ROWS and number > IDENTIFIER_SHARE * counts.sum():
        spread = (float(values[-1]) - float(values[0]) + 1) / number
        unique = number == counts.sum()
        dense = spread <= DENSE or (spread <= SPARSE and column.dropna().is_monotonic_increasing)
        named = _NAMED.search(name) or _NAMED.search(name.lower())
        if named or (unique and dense and not _are_years(name, values)):
            return Purpose.identifier
    limit, share = FEW_INTEGERS
    return Purpose.category if number <= min(limit, share * len(column)) else Purpose.number


def _are_years(name: str, values: "np.ndarray") -> bool:
    """Whether sorted whole numbers are years, by their name too: others of four digits are as often identifiers."""
    first, last = YEARS
    return bool(first <= values[0] and values[-1] <= last and _OF_YEARS.search(name.lower()))


def _of_texts(values: "pd.Series", counts: "np.ndarray", rows: int) -> Purpose:
    import numpy as np

    head = values.head(MAX_LOOKED_AT)
    if head.str.match(ISO_DAY).all():
        import pandas as pd

        if pd.to_datetime(head, errors="coerce", format="ISO8601", utc=True).notna().all():
            return Purpose.datetime
    if len(values) == 2 and set(values.str.strip().str.lower()) in _YES_NO:
        return Purpose.boolean
    number, share = len(values), len(values) / counts.sum()
    if number < min(MANY[0], MANY[1] * rows) or counts.sum() < MIN_ROWS:
        return Purpose.category
    if number < CATEGORY[0] and share < CATEGORY[1]:
        return Purpose.category
    spaces = float(np.average(head.str.count(" "), weights=counts[: len(head)]))
    if spaces > SPACES:
        return Purpose.text
    return Purpose.identifier if share > IDENTIFIER_SHARE else Purpose.category
