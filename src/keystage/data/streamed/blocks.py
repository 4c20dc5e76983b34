"""Files as blocks of whole rows, small enough to be held several at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from keystage.core.errors import DatasetError
from keystage.data.formats.delimited import separator_of
from keystage.data.formats.failures import in_words
from keystage.data.formats.plain import plain_text, unpacked
from keystage.data.sources.bundled import PREFIX
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import Format, ReadSpec
from keystage.data.stream import STREAMED

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 16 * 2**20  # of CSV: some 100,000 rows of 20 columns
BATCH_ROWS = 100_000  # of Parquet
SHORT = 1000  # bytes of a block that are looked at first
_CACHED = 2**18  # bytes that are looked at without leaving the cache
MOST_BYTES = 8 * BLOCK_BYTES  # after which a row must have ended


@dataclass(frozen=True)
class Block:
    """Rows that follow each other in one file.

    Attributes:
        content: CSV text of whole lines without the header, in UTF-8 and without comments; or a batch of Parquet.
        place: of the file among those of the dataset, from 0.
        share: of all bytes of the dataset, those read when this block is done, between 0 and 1.
    """

    content: "memoryview | pa.RecordBatch"
    place: int
    share: float


def require_streamed(sources: Sequence[Source], read: ReadSpec) -> None:
    """Refuse what is not read in blocks.

    Raises:
        DatasetError: names the source.
    """
    for source in sources:
        kind, bundled = source.format_by(read), source.name.startswith(PREFIX)
        if kind in STREAMED and not bundled:
            continue
        what = "comes with a package" if bundled else f"is {kind.value}"
        raise DatasetError(
            f"{source.shown} cannot be read in blocks",
            why=f"dataset.stream reads files of {', '.join(kind.value for kind in STREAMED)}; this {what}",
            fix="write it as Parquet, or set dataset.stream=null, which reads all rows into memory",
        )


def blocks_of(sources: Sequence[Source], read: ReadSpec) -> Iterator[Block]:
    """All rows of files, in their order. How rows fall into blocks depends on the files alone.

    Args:
        sources: the files.
        read: how they are written.

    Raises:
        DatasetError: a file has no rows, is damaged, or the quotes of one do not match.
    """
    sizes = [source.path.stat().st_size for source in sources]
    whole, before = sum(sizes) or 1, 0
    for place, (source, size) in enumerate(zip(sources, sizes, strict=True)):
        found = False
        is_text = source.format_by(read) is not Format.parquet
        for content, share in _texts(source, read, is_first=place == 0) if is_text else _batches(source.path):
            found = True
            yield Block(content, place, (before + share * size) / whole)
        if not found:
            raise DatasetError(
                f"{source.shown} has no rows",
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


def _texts(source: Source, read: ReadSpec, *, is_first: bool) -> Iterator[tuple[memoryview, float]]:
    """The text of a file without its header, cut behind lines that end outside of quotes."""
    size = source.path.stat().st_size or 1
    # The share goes by packed bytes: how many they are when unpacked is not known before the end.
    with (
        in_words(source, read),
        source.path.open("rb") as raw,
        unpacked(raw, source.name) as file,
        plain_text(file, read, separator_of(source, read), source.shown) as text,
    ):
        if read.has_header(is_first=is_first):
            _skip_header(text, read.quote.encode())
        for block in _whole_rows(text, source, read.quote.encode()):
            yield block, min(1.0, raw.tell() / size)


def _whole_rows(file: IO[bytes], source: Source, quote: bytes) -> Iterator[memoryview]:
    rest, done = b"", 0
    while read := file.read(BLOCK_BYTES):
        text = rest + read
        done += len(read)
        end = _end_of_rows(text, quote)
        rest = text[end:]
        if text[: min(end, SHORT)].strip() or text[:end].strip():  # Arrow refuses blocks of empty lines alone
            yield memoryview(text)[:end]
        if len(rest) > MOST_BYTES:
            raise DatasetError(
                f"the quotes of {source.shown} do not match",
                why=f"no row ends in the {len(rest) / 1e6:,.0f} MB before byte {done:,}",
                fix='write a quote in a cell twice and the cell in quotes: "5"" pipe"; or set dataset.stream=null',
            )
    if rest.strip():
        yield memoryview(rest)


def _skip_header(file: IO[bytes], quote: bytes) -> None:
    """Read the header, which may hold lines in quotes, and empty lines before it."""
    read = b""
    while line := file.readline():
        read += line
        if read.strip(b"\r\n\xef\xbb\xbf") and not read.count(quote) % 2:
            return


def _end_of_rows(text: bytes, quote: bytes) -> int:
    """How many bytes end with the last line end outside of quotes; 0 where there is none.

    A quote in a cell is written twice, so it changes nothing in whether their number is even.
    """
    inside = _count(text, quote) % 2
    end = len(text)
    while (at := text.rfind(b"\n", 0, end)) >= 0:
        inside = (inside + text.count(quote, at, end)) % 2
        if not inside:
            return at + 1
        end = at
    return 0


def _count(text: bytes, quote: bytes) -> int:
    """How often a quote stands in a text: what ``text.count`` says, in a third of the time (16 MB in 3 ms, not 10)."""
    import numpy as np

    if quote not in text:
        return 0
    if len(quote) > 1:
        return text.count(quote)
    letters = np.frombuffer(text, "uint8")
    parts = (letters[at : at + _CACHED] for at in range(0, len(letters), _CACHED))
    return sum(int(np.count_nonzero(part == quote[0])) for part in parts)
