"""What the parsers of text say of a file, as errors that name it and the mend."""

import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from keystage.core.errors import DatasetError
from keystage.core.params import first_line
from keystage.data.formats.encoding import encoding_error
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import ReadSpec, compression_of

IN_QUOTES = "cells that hold separators, quotes or line ends stand in quotes, and a quote within one is written twice"
_LONG = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
_OPEN = re.compile(r"EOF inside string starting at row (\d+)")  # from 0, the header too


def said_of(error: Exception) -> str:
    """What pandas' C parser says of a text that is no table, in other words where there are such."""
    if found := _LONG.search(str(error)):
        return f"line {found[2]} has {found[3]} fields, where {found[1]} are expected"
    if found := _OPEN.search(str(error)):
        return f"a quote that begins a cell of row {int(found[1]) + 1}, the header counted, has no end"
    return " ".join(str(error).split())


@contextmanager
def in_words(source: Source, read: ReadSpec) -> Iterator[None]:
    """Reading goes on in the block.

    Raises:
        DatasetError: in place of what pandas and the decompressors raise.
    """
    import pandas as pd

    shown = source.shown
    try:
        yield
    except pd.errors.EmptyDataError as error:
        raise DatasetError(
            f"{shown} is empty",
            why="it has no header and no rows",
            fix="put the data back, or take it off dataset.files",
        ) from error
    except UnicodeError as error:
        raise encoding_error(source, read, error) from error
    except pd.errors.ParserWarning as error:
        raise DatasetError(
            f"the rows of {shown} have more fields than its header",
            why=first_line(error),
            fix="complete the header, or take the separator off the ends of the lines",
        ) from error
    except pd.errors.ParserError as error:
        why = said_of(error)
        raise DatasetError(f"{shown} is not a CSV table", why=why, fix=f"correct it: {IN_QUOTES}") from error
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, OSError, ValueError) as error:
        # Decompressors raise OSErrors of their own, and ValueErrors of archives that hold several files.
        if compression_of(source.name) is None or getattr(error, "errno", None) is not None:
            raise
        raise DatasetError(
            f"{shown} is damaged, or not compressed as its ending says",
            why=first_line(error),
            fix="get the file anew, correct its ending, or pack one file into each archive",
        ) from error
