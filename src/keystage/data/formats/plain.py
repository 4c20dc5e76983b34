"""Files as plain bytes: unpacked where they are compressed, and texts in UTF-8, without what is no row."""

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

from keystage.data.sources.spec import ReadSpec, compression_of

_CHUNK = 2**16  # characters


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
            if len(archive.namelist()) != 1:
                raise ValueError(f"the archive holds {len(archive.namelist())} files, not one")
            with archive.open(archive.namelist()[0]) as member:
                yield member


def is_utf8(read: ReadSpec) -> bool:
    """Whether texts are in UTF-8, with a mark at their begin or without one."""
    return codecs.lookup(read.encoding).name in {"utf-8", "utf-8-sig", "ascii"}


def plain_text(file: IO[bytes], read: ReadSpec) -> IO[bytes]:
    """The lines of a text from its header on, or its first row: in UTF-8, without comments.

    Args:
        file: the text; closed with what is returned.
        read: how it is written.
    """
    if read.comment is None and is_utf8(read):
        for _ in range(read.skip_rows):
            file.readline()
        return file
    encoding = "utf-8-sig" if is_utf8(read) else read.encoding
    return io.BufferedReader(_Plain(io.TextIOWrapper(file, encoding, errors="surrogateescape", newline=""), read))


class _Plain(io.RawIOBase):
    """A text in UTF-8. Bytes that are not of its encoding stay as they are."""

    def __init__(self, text: io.TextIOWrapper, read: ReadSpec) -> None:
        self._text, self._read = text, read
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
        if self._read.comment is None:
            yield from iter(lambda: self._text.read(_CHUNK), "")
        else:
            yield from self._without_comments(self._read.comment)

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
