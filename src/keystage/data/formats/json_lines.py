"""JSON Lines: an object in each line. A line that is none is told by its number."""

from collections.abc import Iterator
from itertools import islice
from types import NoneType
from typing import TYPE_CHECKING, Any

from keystage.core.errors import DatasetError
from keystage.core.params import first_line
from keystage.data.columns import ColumnType
from keystage.data.formats.failures import in_words
from keystage.data.formats.plain import opened
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import ReadSpec
from keystage.data.spec import DatasetSpec

if TYPE_CHECKING:
    import pandas as pd


HEADER_LINES = 1000  # of which the columns are known before all lines are read


def lines_header(source: Source) -> list[str]:
    """The keys of the first ``HEADER_LINES`` lines, in the order in which they come."""
    names: dict[str, None] = {}
    for _, row in islice(_rows(source), HEADER_LINES):
        names.update(dict.fromkeys(row))
    return list(names)


def read_lines(source: Source, spec: DatasetSpec, wanted: list[str] | None) -> "pd.DataFrame":
    """The rows of a file. A key that a line lacks is a missing cell; what is nested stands as JSON.

    Args:
        source: the file.
        spec: which columns are text.
        wanted: the columns that are read, where there are such; None reads all.

    Raises:
        DatasetError: a line is no object of JSON.
    """
    import pandas as pd

    columns: dict[str, list[Any]] = {}
    count = 0
    for _, row in _rows(source):
        for name, cell in row.items() if wanted is None else ((key, row[key]) for key in wanted if key in row):
            cells = columns.get(name)
            if cells is None:
                cells = columns[name] = []
            if len(cells) < count:
                cells.extend([None] * (count - len(cells)))
            cells.append(cell)
        count += 1
    texts = {column.name for column in spec.declared if column.type is ColumnType.string}
    for name, cells in columns.items():
        cells.extend([None] * (count - len(cells)))
        kinds = {type(cell) for cell in cells}
        odd = kinds & {dict, list} | (kinds - {str, NoneType} if name in texts else set())
        if odd:
            columns[name] = [_as_json(cell) if type(cell) in odd else cell for cell in cells]
    return pd.DataFrame(columns, index=range(count))


def _as_json(cell: Any) -> str:
    import orjson

    return orjson.dumps(cell).decode()


def _rows(source: Source) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line that is not empty: its number from 1, and its object."""
    import orjson

    with in_words(source, ReadSpec()), opened(source.path, source.name) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = orjson.loads(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
            except orjson.JSONDecodeError as error:
                raise _bad(source, number, first_line(error)) from error
            if not isinstance(row, dict):
                raise _bad(source, number, f"it is {type(row).__name__}, where an object {{...}} is wanted")
            yield number, row


def _bad(source: Source, number: int, why: str) -> DatasetError:
    return DatasetError(
        f"line {number} of {source.shown} is no object of JSON",
        why=why,
        fix="correct the line; when the file is no JSON Lines, say what it is in dataset.read.format",
    )
