"""Raw rows read block by block: CSV, Parquet and JSON Lines in bounded memory, and workbooks."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError, listing
from keystage.core.params import first_line
from keystage.serving.csv_files import BLOCK_BYTES, csv_header, open_csv
from keystage.serving.encodings import other_encoding, require_as_read
from keystage.serving.raw_file import Form, RawFile
from keystage.serving.sheets import sheet_names, sheet_rows

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_ROWS = 32_768  # of Parquet and workbooks
HEADER_LINES = 100  # of JSON Lines that are looked at to know the columns


@dataclass(frozen=True)
class Block:
    """Some rows of a file, one after the other.

    Attributes:
        number: from 0.
        form: arrow, or lines.
        body: the rows.
        first: number of the first of them in its file, from 1; the header of a CSV is not counted.
        rows: how many, those that cannot be read included.
        unreadable: of rows that are not in the body, by number, the reason.
        read: share of the file that is read when this is.
        file: which of several files, from 0.
    """

    number: int
    form: str
    body: bytes = field(repr=False)
    first: int
    rows: int
    unreadable: dict[int, str]
    read: float
    file: int = 0

    def number_of(self, place: int) -> int:
        """The number in the file of the row at ``place`` in the body."""
        number = self.first + place
        for odd in sorted(self.unreadable):
            if odd <= number:
                number += 1
        return number


def columns_of(file: RawFile) -> list[str]:
    """The names of a file's columns.

    Raises:
        DatasetError: the file is empty, or is not what its ending says.
    """
    path, form = file.path, file.form
    readers: dict[Form, Callable[[RawFile], list[str]]] = {
        Form.csv: csv_header,
        Form.parquet: _parquet_names,
        Form.lines: _names_in_lines,
        Form.sheet: sheet_names,
    }
    try:
        if form is Form.csv:
            require_as_read(file)
        names = readers[form](file)
        if form is Form.lines and not names:
            require_as_read(file)
    except UnicodeError as error:
        raise other_encoding(file) from error
    except (ValueError, OSError, EOFError) as error:  # Arrow's error of a broken file is a ValueError too
        raise DatasetError(f"{path} cannot be read as {form}", why=first_line(error), fix="correct the file") from error
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DatasetError(
            f"{path.name} has two columns of one name: {listing(twice)}",
            why="the model takes columns by their names",
            fix=_other_header(file),
        )
    return names


def _other_header(file: RawFile) -> str:
    own = "give each column a name of its own"
    if file.read.skip_rows:
        lines = f"the first {file.read.skip_rows} lines, as those of the model's files"
        return f"{own}; it was read without {lines}: where its first line has the names, --read skip_rows=0"
    return (
        f"{own}, or where its first line is a row: --read header=first, where the first of several files alone has a "
        "header, or --read header=none --read names=A,B"
    )


def all_blocks(files: Sequence[tuple[RawFile, Sequence[str]]], columns: Sequence[str]) -> Generator[Block, None, None]:
    """The blocks of several files, numbered through; close it where they are not read to their end.

    Args:
        files: each with the names of its columns.
        columns: that are wanted; those that a file has are read.

    Raises:
        DatasetError: a file is not what its ending says.
    """
    number = 0
    for place, (file, names) in enumerate(files):
        with closing(blocks(file, [name for name in columns if name in names], names)) as found:
            for block in found:
                yield replace(block, number=number, file=place)
                number += 1


def blocks(file: RawFile, columns: Sequence[str], names: Sequence[str]) -> Generator[Block, None, None]:
    """The rows of a file in blocks, the same ones whenever it is read; close it where it is not read to its end.

    Args:
        file: what is read.
        columns: that are wanted.
        names: of all columns, as ``columns_of`` gives them.

    Raises:
        DatasetError: the file is not what its ending says.
    """
    import pyarrow as pa

    readers: dict[Form, Callable[..., Generator[Block, None, None]]] = {
        Form.csv: _csv_blocks,
        Form.parquet: _parquet_blocks,
        Form.lines: _line_blocks,
        Form.sheet: _sheet_blocks,
    }
    block = None
    try:
        with closing(readers[file.form](file, columns, names)) as found:
            for block in found:
                yield block
    except UnicodeError as error:
        raise other_encoding(file) from error
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        raise DatasetError(
            f"{file.path} cannot be read to its end",
            why=first_line(error),
            fix="correct the file; a quotation mark that is never closed looks like this too",
        ) from error
    if block is None:
        yield Block(0, "lines", b"", 1, 0, {}, 1.0)


def _csv_blocks(file: RawFile, columns: Sequence[str], names: Sequence[str]) -> Generator[Block, None, None]:
    unreadable: dict[int, str] = {}
    size, first = file.path.stat().st_size, 1
    with open_csv(file, columns, names, unreadable) as reader:
        number = -1
        for number, batch in enumerate(reader):
            last = first + batch.num_rows
            odd = {}
            for row in sorted(unreadable):
                if row < last:
                    odd[row] = unreadable.pop(row)
                    last += 1
            read = min(1.0, BLOCK_BYTES * (number + 1) / size)
            yield Block(number, "arrow", _stream(batch), first, last - first, odd, read)
            first = last
        if unreadable:
            yield Block(number + 1, "lines", b"", first, len(unreadable), dict(unreadable), 1.0)


def _parquet_names(file: RawFile) -> list[str]:
    from pyarrow import parquet

    return list(parquet.read_schema(file.path).names)


def _parquet_blocks(file: RawFile, columns: Sequence[str], _: Sequence[str]) -> Generator[Block, None, None]:
    from pyarrow import parquet

    with parquet.ParquetFile(file.path) as opened:
        total, first = opened.metadata.num_rows, 1
        for number, batch in enumerate(opened.iter_batches(BLOCK_ROWS, columns=list(columns), use_threads=False)):
            done = first - 1 + batch.num_rows
            yield Block(number, "arrow", _stream(batch), first, batch.num_rows, {}, done / total)
            first = done + 1


def _line_blocks(file: RawFile, *_: Sequence[str]) -> Generator[Block, None, None]:
    size, first, read, number = file.path.stat().st_size, 1, 0, 0
    with file.open() as opened:
        while body := opened.read(BLOCK_BYTES):
            body += opened.readline()
            read += len(body)
            rows = body.count(b"\n") + (not body.endswith(b"\n"))
            yield Block(number, "lines", body, first, rows, {}, min(1.0, read / size))
            first, number = first + rows, number + 1


def _sheet_blocks(file: RawFile, columns: Sequence[str], names: Sequence[str]) -> Generator[Block, None, None]:
    table = sheet_rows(file, columns, names)
    for number, batch in enumerate(table.to_batches(BLOCK_ROWS)):
        first = 1 + number * BLOCK_ROWS
        read = (first - 1 + batch.num_rows) / len(table)
        yield Block(number, "arrow", _stream(batch), first, batch.num_rows, {}, read)


def _names_in_lines(file: RawFile) -> list[str]:
    import json

    names: dict[str, None] = {}
    with file.open() as opened:
        for line, _ in zip(opened, range(HEADER_LINES), strict=False):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            names |= dict.fromkeys(found) if isinstance(found, dict) else {}
    return list(names)


def _stream(batch: "pa.RecordBatch") -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    body: bytes = sink.getvalue().to_pybytes()
    return body
