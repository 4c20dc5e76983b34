"""The three forms of a file, read block by block: CSV, Parquet and JSON Lines."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError, listing
from keystage.core.params import first_line
from keystage.serving.csv_files import BLOCK_BYTES, csv_header, open_csv

if TYPE_CHECKING:
    import pyarrow as pa

FORMS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet", ".jsonl": "lines", ".ndjson": "lines"}
BLOCK_ROWS = 32_768  # of Parquet
HEADER_LINES = 100  # of JSON Lines that are looked at to know the columns


@dataclass(frozen=True)
class Block:
    """Some rows of a file, one after the other.

    Attributes:
        number: from 0.
        form: arrow, or lines.
        body: the rows.
        first: number of the first of them in the file, from 1; the header of a CSV is not counted.
        rows: how many, those that cannot be read included.
        unreadable: of rows that are not in the body, by number, the reason.
        read: share of the file that is read when this is.
    """

    number: int
    form: str
    body: bytes = field(repr=False)
    first: int
    rows: int
    unreadable: dict[int, str]
    read: float

    def number_of(self, place: int) -> int:
        """The number in the file of the row at ``place`` in the body."""
        number = self.first + place
        for odd in sorted(self.unreadable):
            if odd <= number:
                number += 1
        return number


def form_of(path: Path) -> str:
    """The form by the file's ending.

    Raises:
        DatasetError: it is none of those that are known.
    """
    if path.suffix.lower() not in FORMS:
        raise DatasetError(
            f"{path.name} is in no form that is known",
            why=f"the form is told by the file's ending: {listing(FORMS)}",
            fix="rename it, or convert it",
        )
    return FORMS[path.suffix.lower()]


def columns_of(path: Path) -> list[str]:
    """The names of a file's columns.

    Raises:
        DatasetError: the file is not there, is empty, or is not what its ending says.
    """
    import pyarrow as pa

    form = form_of(path)
    if not path.is_file():
        raise DatasetError(f"{path} does not exist", why="it is to be scored", fix="correct the path")
    try:
        if form == "parquet":
            import pyarrow.parquet

            names = list(pa.parquet.read_schema(path).names)
        elif form == "csv":
            names = csv_header(path)
        else:
            names = _names_in_lines(path)
    except UnicodeError as error:
        raise DatasetError(
            f"{path} is not UTF-8",
            why=f"its header cannot be read: {first_line(error)}",
            fix=f"convert it, from latin1 say: iconv -f latin1 -t utf-8 {path} > converted.csv",
        ) from error
    except (ValueError, OSError) as error:  # Arrow's error of a broken file is a ValueError too
        raise DatasetError(f"{path} cannot be read as {form}", why=first_line(error), fix="correct the file") from error
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DatasetError(
            f"{path.name} has two columns of one name: {listing(twice)}",
            why="the model takes columns by their names",
            fix="give each column a name of its own",
        )
    return names


def blocks(path: Path, columns: Sequence[str], missing: Sequence[str]) -> Generator[Block, None, None]:
    """The rows of a file in blocks, the same ones whenever it is read; close it where it is not read to its end.

    Args:
        path: of the file.
        columns: that are wanted.
        missing: texts of a CSV that stand for a missing cell.

    Raises:
        DatasetError: the file is not what its ending says.
    """
    import pyarrow as pa

    readers: dict[str, Callable[..., Generator[Block, None, None]]] = {
        "csv": _csv_blocks,
        "parquet": _parquet_blocks,
        "lines": _line_blocks,
    }
    block = None
    try:
        with closing(readers[form_of(path)](path, columns, missing)) as found:
            for block in found:
                yield block
    except (pa.ArrowInvalid, OSError) as error:
        raise DatasetError(
            f"{path} cannot be read to its end",
            why=first_line(error),
            fix="correct the file; a quotation mark that is never closed looks like this too",
        ) from error
    if block is None:
        yield Block(0, "lines", b"", 1, 0, {}, 1.0)


def _csv_blocks(path: Path, columns: Sequence[str], missing: Sequence[str]) -> Generator[Block, None, None]:
    unreadable: dict[int, str] = {}
    size, first = path.stat().st_size, 1
    with open_csv(path, columns, missing, unreadable) as reader:
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


def _parquet_blocks(path: Path, columns: Sequence[str], _: Sequence[str]) -> Generator[Block, None, None]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        total, first = file.metadata.num_rows, 1
        for number, batch in enumerate(file.iter_batches(BLOCK_ROWS, columns=list(columns), use_threads=False)):
            done = first - 1 + batch.num_rows
            yield Block(number, "arrow", _stream(batch), first, batch.num_rows, {}, done / total)
            first = done + 1


def _line_blocks(path: Path, *_: Sequence[str]) -> Generator[Block, None, None]:
    size, first, read, number = path.stat().st_size, 1, 0, 0
    with path.open("rb") as file:
        while body := file.read(BLOCK_BYTES):
            body += file.readline()
            read += len(body)
            rows = body.count(b"\n") + (not body.endswith(b"\n"))
            yield Block(number, "lines", body, first, rows, {}, read / size)
            first, number = first + rows, number + 1


def _names_in_lines(path: Path) -> list[str]:
    import json

    names: dict[str, None] = {}
    with path.open("rb") as file:
        for line, _ in zip(file, range(HEADER_LINES), strict=False):
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
