"""Rows of a text with fewer fields than its header, which pandas fills with missing cells without a word."""

import io
import logging
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError, counted, cut
from keystage.data.formats.plain import opened, plain_text, records
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import ReadSpec, ShortRows

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

FIX = (
    "correct them; where only cells at the end were left out, and are missing: read: {short_rows: fill} in conf/dataset"
)
_SHOWN = 60  # characters of a row that is told


def require_full(
    source: Source, read: ReadSpec, frame: "pd.DataFrame", names: list[str], separator: str, *, has_header: bool
) -> None:
    """Refuse rows that end before their last field, or log how many there are where they are declared to be filled.

    Args:
        source: the text.
        read: how it is written.
        frame: its rows as they were read. Where all of them have a cell in the last column, none is short.
        names: of the columns of the file.
        separator: between fields.
        has_header: whether the first row is none.

    Raises:
        DatasetError: tells how many there are, and which is the first.
    """
    last = names[-1]
    if last in frame.columns and bool(frame[last].notna().all()):
        return
    as_written = replace(read, short_rows=ShortRows.error)
    found = short_rows(source, as_written, len(names), separator, has_header=has_header)
    if found and read.short_rows is ShortRows.fill:
        logger.info("%s: the cells at their end are missing", found)
    elif found:
        raise DatasetError(
            found,
            why="fields may be lost, or stand in the column of another: a line end in a cell without quotes does that",
            fix=FIX,
        )


def short_rows(
    source: Source, read: ReadSpec, width: int, separator: str, *, has_header: bool, most: int | None = None
) -> str | None:
    """How many rows have fewer fields than there are columns, and which is the first, as the begin of a sentence.

    Args:
        source: the text, which can be read.
        read: how it is written.
        width: the number of fields of a whole row.
        separator: between fields.
        has_header: whether the first row is none.
        most: how many rows are looked at, the first ones; None looks at all.
    """
    with (
        opened(source.path, source.name) as file,
        plain_text(file, read, separator) as plain,
        io.TextIOWrapper(plain, "utf-8-sig", errors="replace", newline="") as text,
    ):
        rows = islice(records(text, separator, read.quote), int(has_header), most and most + has_header)
        short = ((number, row) for number, row in enumerate(rows, start=1) if len(row) < width)
        first = next(short, None)
        if first is None:
            return None
        count = 1 + sum(1 for _ in short)
    shown = cut(separator.join(first[1]), _SHOWN)
    have = f"{counted(count, 'row', 'rows')} {'has' if count == 1 else 'have'} fewer than {width} fields"
    return f"{have}, the first is row {first[0]}, '{shown}', of {source.shown}"
