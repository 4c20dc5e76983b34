"""In which encoding a file is, by its bytes, and whether it is a text at all."""

import re
from itertools import chain
from pathlib import Path
from shlex import quote

from keystage.core.errors import DatasetError
from keystage.data.formats.encoding import BYTE_ORDER_MARKS, decodes
from keystage.data.formats.plain import opened
from keystage.data.sources.resolve import Source

_CHUNK = 2**20  # bytes
_SHOWN = 60  # bytes of a line that is told
_BROKEN = 0.5  # of lines with letters: texts in another encoding hardly have one that is UTF-8
_GUESSED = 2**18  # bytes from which an encoding is guessed
# Letters and signs of Western languages that are common in them; Cyrillic read as Western has many that are not.
_WESTERN = set("äöüßÄÖÜéèêëÉÈàâáãåÅçÇîïíìñÑôóòõøØùûúæÆœŒ€£§°²³µ½¼±·«»…•™©®¿¡ªº\u00a0\u00b4\u00d7\u2013\u2014")
_WESTERN |= set("\u2018\u2019\u201c\u201d\u201e")

_SQLITE = b"SQLite format 3\0"
_BINARY = {
    b"PAR1": "Parquet",
    b"PK\3\4": "a zip file or a workbook",
    b"\x1f\x8b": "compressed by gzip",
    b"ARROW1": "Arrow's Feather",
    b"\x89HDF": "HDF5",
    b"\x80\4": "a pickle of Python",
    b"\x80\5": "a pickle of Python",
}  # by their first bytes


def encoding_of(source: Source) -> tuple[str, list[str]]:
    """The encoding of a file by all of its bytes, and why, where it is not UTF-8.

    Raises:
        DatasetError: it is no text, or most of it is in one encoding and some lines are not.
    """
    with opened(source.path, source.name) as raw:
        head = raw.read(_GUESSED) + raw.readline()
        require_text(head, source)
        for mark, name in BYTE_ORDER_MARKS:
            if head.startswith(mark):
                return name, [] if name == "utf-8" else ["its first bytes are the mark of UTF-16"]
        if head[1::2].count(0) > 0.3 * len(head) / 2:
            return "utf-16-le", ["every second byte is 0, as in UTF-16"]
        if head[::2].count(0) > 0.3 * len(head) / 2:
            return "utf-16-be", ["every second byte is 0, as in UTF-16"]
        chunks = iter(lambda: raw.read(_CHUNK) + raw.readline(), b"")  # of whole lines
        before = 0
        for odd in chain([head], chunks):
            if not decodes(odd, "utf-8"):
                break
            before += odd.count(b"\n")
        else:
            return "utf-8", []
    name = _guessed(_odd_lines(odd, before, source))
    return name, [f"it is not UTF-8; {name} gives the letters that make most sense: look at some words with accents"]


def require_text(head: bytes, source: Source) -> None:
    """Refuse what is no text of a table.

    Args:
        head: the first bytes of the file.
        source: the file.

    Raises:
        DatasetError: calls it what it is, and says how to make a table of it.
    """
    if head.startswith(_SQLITE):
        raise DatasetError(
            f"{source.shown} is a database of SQLite",
            why="of a database a dataset is what a query gives, and a look at the file cannot know which",
            fix="declare it by hand, with read.query and read.url_variable: docs/datasets.md, 'A query'",
        )
    begin = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if re.match(rb"\[\s*\{", begin):
        lines = str(Path(source.shown).with_suffix(".jsonl"))
        convert = f"import json; print(*map(json.dumps, json.load(open('{source.shown}'))), sep='\\n')"
        raise DatasetError(
            f"{source.shown} is an array of JSON",
            why="objects are read line by line, one in each, as JSON Lines have them",
            fix=f'python -c "{convert}" > {quote(lines)}, then take {lines}',
        )
    if re.match(rb"\{\s*\"", begin):
        raise DatasetError(
            f"{source.shown} is an object of JSON",
            why="of JSON a table has a line per row, each an object of its own",
            fix="with a line per row, give it the ending .jsonl; else write its list of rows so, or as CSV",
        )
    if re.match(rb"<(!doctype|\?xml|html|head|body|table|div|script)\b", begin):
        raise DatasetError(
            f"{source.shown} is a page of HTML or XML, no table",
            why=f"it begins with {head[:_SHOWN]!r}",
            fix="get the file itself: many sites answer with a page where a login or another address is wanted",
        )
    found = next((name for mark, name in _BINARY.items() if head.startswith(mark)), None)
    if found is not None:
        raise DatasetError(
            f"{source.shown} is {found}, no text",
            why=f"it begins with {head[:8]!r}",
            fix="give it the ending of what it is, or convert it to Parquet or CSV",
        )


def _odd_lines(chunk: bytes, before: int, source: Source) -> bytes:
    """The lines with letters beyond ASCII, of a part of a file that is not all UTF-8 and follows so many lines.

    Raises:
        DatasetError: most of them are UTF-8, so the file is, but for some lines.
    """
    numbered = [(number, line) for number, line in enumerate(chunk.split(b"\n"), before + 1) if not line.isascii()]
    lines = [line for _, line in numbered]
    broken = [(number, line) for number, line in numbered if not decodes(line, "utf-8")]
    if len(broken) <= _BROKEN * len(lines):
        raise DatasetError(
            f"{source.shown} is UTF-8 but for some lines",
            why=f"{len(broken):,} of {len(lines):,} lines with letters beyond ASCII are not, the first "
            f"is line {broken[0][0]}: {broken[0][1][:_SHOWN]!r}",
            fix="correct these lines: in another encoding all others would be wrong",
        )
    return b"\n".join(lines)[:_GUESSED]


def _guessed(odd: bytes) -> str:
    """Windows' Western encoding where its letters are common ones, else what charset-normalizer finds likeliest."""
    try:
        letters = [letter for letter in odd.decode("cp1252") if ord(letter) > 127]
    except UnicodeDecodeError:
        letters = []
    if letters and sum(letter in _WESTERN for letter in letters) >= 0.9 * len(letters):
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(odd).best()
    return best.encoding.replace("_", "-") if best else "latin-1"
