"""Files as plain bytes: unpacked where they are compressed, and texts in UTF-8, without what is no row."""

import codecs
import csv
import io
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

from keystage.core.errors import counted
from keystage.data.sources.spec import ReadSpec, ShortRows, compression_of

logger = logging.getLogger(__name__)

UNNAMED = "Unnamed: "  # what pandas calls columns without a name, and their place from 0
_CHUNK = 2**16  # characters
_LONGEST = 2**31 - 1  # characters of a field; Python's csv takes 131,072 unless it is told otherwise


@contextmanager
def opened(path: Path, name: str) -> Iterator[IO[bytes]]:
    """The bytes of a file, decompressed where its name says so; what is pinned by its content has none in its path.

    Raises:
        ValueError: an archive holds several files.
    """
    with path.open("rb") as raw, unpacked(raw, name) as file:
        yield file


@contextmanager
def unpacked(raw: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    """As ``opened``, of an open file, whose place tells how much of it is read."""
    import bz2
    import gzip
    import lzma
    from zipfile import ZipFile

    kind = compression_of(name)
    openers: dict[str, Any] = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}
    if kind is None:
        yield raw
    elif kind != "zip":
        with openers[kind](raw, "rb") as file:
            yield file
    else:
        with ZipFile(raw) as archive:
            names = [name for name in archive.namelist() if not _is_hidden(name)]
            if len(names) != 1:
                raise ValueError(f"the archive holds {len(names)} files, not one")
            with archive.open(names[0]) as member:
                yield member


def _is_hidden(name: str) -> bool:
    """Whether a name in an archive is a folder, or is of what systems put beside data, as in folders."""
    return name.endswith("/") or any(part.startswith((".", "__")) for part in name.split("/"))


@contextmanager
def readable(path: Path, name: str) -> Iterator[Path | IO[bytes]]:
    """What pandas is to read of a text: its path, which is quicker, or its bytes where they are compressed.

    Raises:
        ValueError: an archive holds several files.
    """
    if compression_of(name) is None:
        yield path
    else:
        with opened(path, name) as file:
            yield file


def is_utf8(read: ReadSpec) -> bool:
    """Whether texts are in UTF-8, with a mark at their begin or without one."""
    return codecs.lookup(read.encoding).name in {"utf-8", "utf-8-sig", "ascii"}


def plain_text(file: IO[bytes], read: ReadSpec, separator: str, shown: str | None = None) -> IO[bytes]:
    """The lines of a text from its header on, or its first row: in UTF-8, without comments, short rows filled.

    Args:
        file: the text; closed with what is returned.
        read: how it is written, and whether short rows are filled: up to the fields of the first.
        separator: between fields.
        shown: what to call the text where the number of short rows is logged, at its end; None logs nothing.
    """
    if read.comment is None and is_utf8(read) and read.short_rows is ShortRows.error:
        for _ in range(read.skip_rows):
            file.readline()
        return file
    encoding = "utf-8-sig" if is_utf8(read) else read.encoding
    text = io.TextIOWrapper(file, encoding, errors="surrogateescape", newline="")
    return io.BufferedReader(_Plain(text, read, separator, shown))


def records(lines: Iterable[str], separator: str, quote: str) -> Iterator[list[str]]:
    """Rows in their fields; lines of nothing but spaces are none, as for pandas."""
    csv.field_size_limit(_LONGEST)
    rows = csv.reader(lines, delimiter=separator, quotechar=quote)
    return (row for row in rows if len(row) > 1 or (row and row[0].strip()))


def named(header: Iterable[str]) -> list[str]:
    """The names of columns; one that has none, as pandas writes its row names, is called as pandas does."""
    return [name or f"{UNNAMED}{place}" for place, name in enumerate(header)]


class _Plain(io.RawIOBase):
    """A text in UTF-8. Bytes that are not of its encoding stay as they are."""

    def __init__(self, text: io.TextIOWrapper, read: ReadSpec, separator: str, shown: str | None) -> None:
        self._text, self._read, self._separator, self._shown = text, read, separator, shown
        self._parts = self._kept()
        self._rest = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer; 0 at the end."""
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._rest = part.encode(errors="surrogateescape")
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Close the file too."""
        self._text.close()
        super().close()

    def _kept(self) -> Iterator[str]:
        for _ in islice(self._text, self._read.skip_rows):
            pass
        comment = self._read.comment
        lines: Iterable[str] = self._text if comment is None else self._without_comments(comment)
        if self._read.short_rows is ShortRows.fill:
            yield from self._filled(lines)
        elif comment is None:
            yield from iter(lambda: self._text.read(_CHUNK), "")
        else:
            yield from lines

    def _filled(self, lines: Iterable[str]) -> Iterator[str]:
        """Lines, each with as many fields as the first at least."""
        writer = csv.writer(_Written(), delimiter=self._separator, quotechar=self._read.quote, lineterminator="\n")
        width = count = 0
        for row in records(lines, self._separator, self._read.quote):
            width = width or len(row)
            count += len(row) < width
            yield str(writer.writerow(row + [""] * (width - len(row))))
        if count and self._shown is not None:
            have = f"{counted(count, 'row', 'rows')} of {self._shown} {'has' if count == 1 else 'have'}"
            logger.info("%s fewer than %d fields: the cells at their end are missing", have, width)

    def _without_comments(self, comment: str) -> Iterator[str]:
        """Lines, as pandas takes comments out: a line that is one is none, and in quotes there is no comment."""
        is_quoted = False
        for line in self._text:
            if comment not in line:
                is_quoted ^= line.count(self._read.quote) % 2 == 1
                yield line
                continue
            before, is_quoted = self._cut(line, comment, is_quoted=is_quoted)
            if before.strip("\r\n"):
                yield before

    def _cut(self, line: str, comment: str, *, is_quoted: bool) -> tuple[str, bool]:
        """A line up to its comment, with its end; and whether a field goes on in the next line."""
        for place, letter in enumerate(line):
            if letter == self._read.quote:
                is_quoted = not is_quoted
            elif letter == comment and not is_quoted:
                return line[:place] + line[len(line.rstrip("\r\n")) :], False
        return line, is_quoted


class _Written:
    """Gives a line back that a writer of CSV has made."""

    def write(self, line: str, /) -> str:
        return line
