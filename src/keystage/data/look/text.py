"""How the text of a CSV file is to be read: encoding, separator, where the rows begin, whether there is a header."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

from keystage.core.errors import DatasetError, counted, cut
from keystage.data.formats.encoding import decodes
from keystage.data.formats.plain import named, opened

SEPARATORS = (",", ";", "\t", "|", ":")  # of equally good ones the first
_IN_TIMES = ":"  # separates hours and minutes too, and so is believed last
_SAMPLE = 300  # records in which separator and header are looked for
_CHUNK = 2**20  # bytes
_SHOWN = 60  # characters of a line that is told
_BROKEN = 0.5  # of lines with letters: texts in another encoding hardly have one that is UTF-8
_GUESSED = 2**18  # bytes from which an encoding is guessed
# Letters and signs of Western languages that are common in them; Cyrillic read as Western has many that are not.
_WESTERN = set("äöüßÄÖÜéèêëÉÈàâáãåÅçÇîïíìñÑôóòõøØùûúæÆœŒ€£§°²³µ½¼±·«»…•™©®¿¡ªº\u00a0\u00b4\u00d7\u2013\u2014")
_WESTERN |= set("\u2018\u2019\u201c\u201d\u201e")
_NUMBER = re.compile(r"[+-]?[\d.,' \u00a0\u202f]*\d[\d.,]*%?(?:[eE][+-]?\d+)?")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass
class TextForm:
    """How to read a text, in the names of ``dataset.read``.

    Attributes:
        encoding: by Python's name.
        separator: between fields.
        skip_rows: lines before the header, or the rows.
        comment: the character that begins lines of no rows.
        has_header: whether the first record has the names.
        names: of the columns; column1, column2 where there is no header.
        why: what was looked at, a sentence per finding that is not the usual.
    """

    encoding: str = "utf-8"
    separator: str = ","
    skip_rows: int = 0
    comment: str | None = None
    has_header: bool = True
    names: list[str] = field(default_factory=list)
    why: list[str] = field(default_factory=list)


def text_form(path: Path, header: bool | None, encoding: tuple[str, list[str]], label: str) -> TextForm:
    """Look at the first records of a file.

    Args:
        path: of the file.
        header: whether the first record has the names of the columns; None finds out.
        encoding: of the file, and why, where it is not the usual.
        label: the name of a column: a first record that has it is a header.

    Raises:
        DatasetError: it is empty, or its records have no form in common.
    """
    form = TextForm(encoding[0], why=list(encoding[1]))
    with opened(path, path.name) as raw:
        lines = _first_lines(raw, form.encoding)
    if not any(line.strip() for line in lines):
        raise DatasetError(
            f"{path.name} is empty", why="it has no header and no rows", fix="put the data into it, then again"
        )
    if _has_comments(lines):
        _require_comments_alone(path, form.encoding)
        form.comment = "#"
        form.why.append("lines that begin with # are no rows")
        lines = [line for line in lines if not line.startswith("#")]
    form.separator, records = _separated(lines)
    width = Counter(map(len, records)).most_common(1)[0][0]
    form.skip_rows = next(place for place, record in enumerate(records) if len(record) == width)
    _require_no_open_end(path, records, form, label)
    if form.skip_rows:
        lines_before = counted(form.skip_rows, "line before the table has", "lines before the table have")
        form.why.append(f"{lines_before} fewer fields than its rows, the last: {_told(records[form.skip_rows - 1])}")
    records = [record for record in records[form.skip_rows :] if record]
    form.has_header = label in records[0] or has_header(records) if header is None else header
    if form.has_header:
        form.names = named(records[0])
    else:
        form.names = [f"column{place}" for place in range(1, width + 1)]
    if not form.has_header and header is None:
        why = "no header names the columns: the first line is taken for a row; if it is none: --header"
        form.why.append(f"{why}: {_told(records[0])}")
    return form


def _told(record: Sequence[str]) -> str:
    return cut(", ".join(record), _SHOWN)


def _require_no_open_end(path: Path, records: list[list[str]], form: TextForm, label: str) -> None:
    """Refuse rows that end with a separator where the header does not: they would have a field more than it.

    Raises:
        DatasetError: says how to mend the file.
    """
    if not form.skip_rows or label not in (header := records[form.skip_rows - 1]):
        return
    rows = list(filter(None, records[form.skip_rows :]))
    if all(len(record) == len(header) + 1 and not record[-1] for record in rows):
        mark = "\\t" if form.separator == "\t" else form.separator
        raise DatasetError(
            f"the lines of {path.name} end with '{form.separator}', and its header does not",
            why=f"the rows have {len(rows[0])} fields, of which the last is empty, and the header {len(header)}",
            fix=f"take it off their ends: sed -i 's/{mark}\\r\\?$//' {path.name}",
        )


def encoding_of(path: Path) -> tuple[str, list[str]]:
    """The encoding of a file by all of its bytes, and why, where it is not UTF-8."""
    with opened(path, path.name) as raw:
        head = raw.read(_GUESSED) + raw.readline()
        for mark, name in _BOMS:
            if head.startswith(mark):
                return name, [] if name == "utf-8" else ["its first bytes are the mark of UTF-16"]
        if head[1::2].count(0) > 0.3 * len(head) / 2:
            return "utf-16-le", ["every second byte is 0, as in UTF-16"]
        if head[::2].count(0) > 0.3 * len(head) / 2:
            return "utf-16-be", ["every second byte is 0, as in UTF-16"]
        chunks = iter(lambda: raw.read(_CHUNK) + raw.readline(), b"")  # of whole lines
        odd = next((chunk for chunk in chain([head], chunks) if not decodes(chunk, "utf-8")), None)
    if odd is None:
        return "utf-8", []
    name = _guessed(_odd_lines(odd, path))
    return name, [f"it is not UTF-8; {name} gives the letters that make most sense: look at some words with accents"]


def _odd_lines(chunk: bytes, path: Path) -> bytes:
    """The lines with letters beyond ASCII, of a part of a file that is not all UTF-8.

    Raises:
        DatasetError: most of them are UTF-8, so the file is, but for some lines.
    """
    lines = [line for line in chunk.split(b"\n") if not line.isascii()]
    broken = [line for line in lines if not decodes(line, "utf-8")]
    if len(broken) <= _BROKEN * len(lines):
        raise DatasetError(
            f"{path.name} is UTF-8 but for some lines",
            why=f"{len(broken):,} of {len(lines):,} lines with letters beyond ASCII are not: {broken[0][:_SHOWN]!r}",
            fix="correct these lines: in another encoding all others would be wrong",
        )
    return b"\n".join(lines)[:_GUESSED]


def has_header(records: Sequence[Sequence[str]]) -> bool:
    """Whether the first record names the columns.

    It does not when one of its fields is a number or empty (but the first, above the row names that pandas writes); nor
    when all columns are words, and fields of it come twice or stand below them again.
    """
    first, rest = [cell.strip() for cell in records[0]], records[1:]
    if any(not cell for cell in first[1:]) or any(is_number(cell) for cell in first):
        return False
    columns = list(zip(*(record for record in rest if len(record) == len(first)), strict=True))
    if not columns or any(all(is_number(cell.strip()) or not cell.strip() for cell in column) for column in columns):
        return True
    again = sum(name in {cell.strip() for cell in column} for name, column in zip(first, columns, strict=False))
    return again == 0 and len(set(first)) == len(first)


def is_number(text: str) -> bool:
    """Whether a cell is one in some country's writing."""
    return _NUMBER.fullmatch(text) is not None


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


def _first_lines(raw: IO[bytes], encoding: str) -> list[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)(errors="replace")
    text = ""
    while text.count("\n") <= _SAMPLE and (chunk := raw.read(_CHUNK // 4)):
        text += decoder.decode(chunk)
    lines = text.splitlines(keepends=True)
    return lines[:_SAMPLE] if len(lines) > 1 else lines


def _has_comments(lines: Sequence[str]) -> bool:
    """Whether the first line is a comment: it begins with #, and is no header, which has as many fields as rows."""
    rows = [line for line in lines if not line.startswith("#")]
    if not lines[0].startswith("#") or not rows:
        return False
    separator, records = _separated(rows)
    width = Counter(map(len, records)).most_common(1)[0][0]
    return width == 1 or len(next(csv.reader(lines[:1], delimiter=separator))) != width


def _require_comments_alone(path: Path, encoding: str) -> None:
    """Refuse a file whose cells have the character that begins its comments: they would be cut there.

    Raises:
        DatasetError: names the first such line.
    """
    with opened(path, path.name) as raw, io.TextIOWrapper(raw, encoding, errors="replace") as lines:
        cut = next((number for number, line in enumerate(lines, 1) if "#" in line and not line.startswith("#")), None)
    if cut is not None:
        raise DatasetError(
            f"{path.name} has lines that begin with #, and cells with # in them",
            why=f"the cells would be cut there, the first in line {cut}",
            fix=f"take the lines that begin with # out: grep -v '^#' {path.name} > rows{path.suffix}",
        )


def _separated(lines: Sequence[str]) -> tuple[str, list[list[str]]]:
    """The separator by which most records have the same number of fields.

    Of equally good ones, that by which fewer fields have another separator in them and are no numbers, then the one
    with more fields. ``csv.Sniffer`` takes the letter t for the separator of one column of words like item7, and commas
    for that of "1,5;2,5" where no header settles it.
    """
    tried = {mark: list(csv.reader(lines, delimiter=mark)) for mark in SEPARATORS}

    def rank(mark: str) -> tuple[float, float, int]:
        counted = Counter(len(record) for record in tried[mark] if record)
        width, often = max(counted.items(), key=lambda item: (item[1], item[0]))
        if width == 1:
            return (0.0, 0.0, 1)
        cells = [cell for record in tried[mark] for cell in record]
        alike = often / counted.total() / (2 if mark in _IN_TIMES else 1)
        clean = sum(is_number(cell) or not any(other in cell for other in SEPARATORS) for cell in cells)
        return (round(alike, 2), round(clean / len(cells), 2), width)

    best = max(SEPARATORS, key=rank)
    if rank(best)[0] == 0.0:
        best = ","  # a single column
    return best, tried[best]
