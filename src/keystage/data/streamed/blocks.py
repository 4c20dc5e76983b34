"""Files as blocks of whole rows, small enough to be held several at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from keystage.core.errors import DatasetError, listing

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 16 * 2**20  # of CSV: some 100,000 rows of 20 columns
BATCH_ROWS = 100_000  # of Parquet
SHORT = 1000  # bytes of a block that may be empty lines
MOST_BYTES = 8 * BLOCK_BYTES  # after which a row must have ended
STREAMED = (".csv", ".parquet")


@dataclass(frozen=True)
class Block:
    """Rows that follow each other in one file.

    Attributes:
        content: CSV text of whole lines without the header, or a batch of Parquet.
        place: of the file among those of the dataset, from 0.
        share: of all bytes of the dataset, those read when this block is done, between 0 and 1.
    """

    content: "memoryview | pa.RecordBatch"
    place: int
    share: float


def require_streamed(paths: list[Path], shown: list[str]) -> None:
    """Refuse what is not read in blocks.

    Raises:
        DatasetError: a file is not there, or of another format.
    """
    for path, name in zip(paths, shown, strict=True):
        if not path.is_file():
            present = sorted(item.name for item in path.parent.glob("*")) if path.parent.is_dir() else []
            raise DatasetError(
                f"{name} does not exist",
                why=f"dataset.files names it; the folder holds: {listing(present) or 'nothing'}",
                fix="restore the file (git restore, dvc pull) or correct dataset.path and dataset.files",
            )
        if path.suffix.lower() not in STREAMED:
            raise DatasetError(
                f"{name} cannot be read in blocks",
                why=f"dataset.stream is set, which reads {' and '.join(STREAMED)}, not '{path.suffix}'",
                fix="write the file as Parquet, or set dataset.stream=null, which reads all rows into memory",
            )


def header_of(path: Path, shown: str) -> list[str]:
    """The names of a file's columns.

    Raises:
        DatasetError: the file is empty or not UTF-8, or two columns have one name.
    """
    import pandas as pd

    try:
        names = _names(path)
    except pd.errors.EmptyDataError as error:
        raise DatasetError(
            f"{shown} is empty",
            why="it has no header and no rows",
            fix="put the data back, or take it off dataset.files",
        ) from error
    except UnicodeDecodeError as error:
        raise _not_text(shown, str(error)) from error
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DatasetError(
            f"{shown} has two columns of one name: {listing(twice)}",
            why="a column is declared, dropped and prepared by its name",
            fix="give each column of the header a name of its own",
        )
    return names


def _names(path: Path) -> list[str]:
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet as pq

        return list(pq.read_schema(path).names)
    import pandas as pd

    return [str(name) for name in pd.read_csv(path, encoding="utf-8", header=None, nrows=1, dtype="str").iloc[0]]


def blocks_of(paths: list[Path], shown: list[str]) -> Iterator[Block]:
    """All rows of files, in their order. How rows fall into blocks depends on the files alone.

    Raises:
        DatasetError: a file has no rows, or the quotes of one do not match.
    """
    sizes = [path.stat().st_size for path in paths]
    whole, before = sum(sizes) or 1, 0
    for place, (path, name, size) in enumerate(zip(paths, shown, sizes, strict=True)):
        found = False
        contents = _batches(path) if path.suffix.lower() == ".parquet" else _texts(path, name)
        for content, share in contents:
            found = True
            yield Block(content, place, (before + share * size) / whole)
        if not found:
            raise DatasetError(
                f"{name} has no rows",
                why="it holds a header only",
                fix="put the data back, or take it off dataset.files",
            )
        before += size


def _batches(path: Path) -> "Iterator[tuple[pa.RecordBatch, float]]":
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        rows, done = file.metadata.num_rows, 0
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            done += len(batch)
            if len(batch):
                yield batch, done / rows


def _texts(path: Path, shown: str) -> Iterator[tuple[memoryview, float]]:
    """A CSV file without its header, cut behind lines that end outside of quotes."""
    size = path.stat().st_size
    rest = b""
    with path.open("rb") as file:
        _skip_header(file)
        while True:
            text = bytearray(len(rest) + BLOCK_BYTES)
            text[: len(rest)] = rest
            read = file.readinto(memoryview(text)[len(rest) :])
            filled = len(rest) + read
            if not read:
                break
            end = _end_of_rows(text, filled)
            rest = bytes(memoryview(text)[end:filled])
            if end and (end > SHORT or text[:end].strip()):  # Arrow refuses blocks of empty lines alone
                yield memoryview(text)[:end], file.tell() / size
            if len(rest) > MOST_BYTES:
                raise DatasetError(
                    f"the quotes of {shown} do not match",
                    why=f"no row ends in the {len(rest) / 1e6:,.0f} MB before byte {file.tell():,}",
                    fix='write a quote in a cell twice and the cell in quotes: "5"" pipe"; or set dataset.stream=null',
                )
    if rest.strip():
        yield memoryview(rest), 1.0


def _skip_header(file: BinaryIO) -> None:
    """Read the header, which may hold lines in quotes, and empty lines before it."""
    read = b""
    while line := file.readline():
        read += line
        if read.strip(b"\r\n\xef\xbb\xbf") and not read.count(b'"') % 2:
            return


def _end_of_rows(text: bytearray, filled: int) -> int:
    """How many bytes end with the last line end outside of quotes; 0 where there is none.

    A quote in a cell is written twice, so it changes nothing in whether their number is even.
    """
    inside = text.count(b'"', 0, filled) % 2
    end = filled
    while (at := text.rfind(b"\n", 0, end)) >= 0:
        inside = (inside + text.count(b'"', at, end)) % 2
        if not inside:
            return at + 1
        end = at
    return 0


def _not_text(shown: str, why: str) -> DatasetError:
    return DatasetError(
        f"{shown} is not UTF-8", why=why, fix=f"convert it: iconv -f latin1 -t utf-8 {shown} > converted.csv"
    )
