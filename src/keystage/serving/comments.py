"""Comments taken out of a text as it is read, as pandas takes them out of the files that a model learns from."""

import io
from collections.abc import Iterator
from itertools import islice
from typing import Any


class WithoutComments(io.RawIOBase):
    """The lines of a text in UTF-8, without comments and without the lines that hold nothing else.

    Args:
        text: its lines, ends included; closed with this.
        comment: the character after which the rest of a line is not read.
        quote: what stands around a field, in which the character has no meaning.
        skip: lines at the begin that are left out, whatever they hold.
    """

    def __init__(self, text: io.TextIOWrapper, comment: str, quote: str, skip: int) -> None:
        self._text, self._comment, self._quote, self._skip = text, comment, quote, skip
        self._lines = self._kept()
        self._rest = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer; 0 at the end."""
        while not self._rest:
            line = next(self._lines, None)
            if line is None:
                return 0
            self._rest = line.encode(errors="surrogateescape")
        part = self._rest[: len(buffer)]
        buffer[: len(part)] = part
        self._rest = self._rest[len(part) :]
        return len(part)

    def close(self) -> None:
        """Close the text too."""
        self._text.close()
        super().close()

    def _kept(self) -> Iterator[str]:
        is_quoted = False
        for line in islice(self._text, self._skip, None):
            if self._comment not in line:
                is_quoted ^= line.count(self._quote) % 2 == 1
                yield line
                continue
            before, is_quoted = self._cut(line, is_quoted=is_quoted)
            if before.strip("\r\n"):
                yield before

    def _cut(self, line: str, *, is_quoted: bool) -> tuple[str, bool]:
        """A line up to its comment, with its end; and whether a field goes on in the next line."""
        for place, letter in enumerate(line):
            if letter == self._quote:
                is_quoted = not is_quoted
            elif letter == self._comment and not is_quoted:
                return line[:place] + line[len(line.rstrip("\r\n")) :], False
        return line, is_quoted
