"""How the text of a CSV file is to be read: its separator, where its rows begin, whether there is a header."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import IO

from keystage.core.errors import DatasetError, counted, cut
from keystage.data.formats.plain import named, opened
from keystage.data.formats.separators import SEPARATORS
from keystage.data.sources.resolve import Source

_IN_TIMES = ":"  # separates hours and minutes too, and so is believed last
_TRIED = (*SEPARATORS, _IN_TIMES)  # of equally good ones the first
_SAMPLE = 300  # records in which separator and header are looked for
_TITLES = 30  # records among which the header is looked for by the label
_CHUNK = 2**20  # bytes
_SPACED = 4  # fields parted by spaces beside others: of fewer it may be a number or a time with a space in it
_ALIKE = 0.95  # of the lines
_SHOWN = 60  # characters of a line that is told
_NUMBER = re.compile(r"[+-]?[\d.,' \u00a0\u202f]*\d[\d.,]*%?(?:[eE][+-]?\d+)?")


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


def text_form(source: Source, header: bool | None, encoding: tuple[str, list[str]], label: str) -> TextForm:
    """Look at the first records of a file.

    Args:
        source: the file.
        header: whether the first record has the names of the columns; None finds out.
        encoding: of the file, and why, where it is not the usual.
        label: the name of a column: a first record that has it is a header.

    Raises:
        DatasetError: it is empty, or its records have no form in common.
    """
    form = TextForm(encoding[0], why=list(encoding[1]))
    with opened(source.path, source.name) as raw:
        lines = _first_lines(raw, form.encoding)
    if not any(line.strip() for line in lines):
        raise DatasetError(
            f"{source.shown} is empty", why="it has no header and no rows", fix="put the data into it, then again"
        )
    if _has_comments(lines):
        _require_comments_alone(source, form.encoding)
        form.comment = "#"
        form.why.append("lines that begin with # are no rows")
        lines = [line for line in lines if not line.startswith("#")]
    form.separator, records = _separated(lines)
    width = Counter(map(len, records)).most_common(1)[0][0]
    _require_no_spaces(source, records, width)
    form.skip_rows = next(place for place, record in enumerate(records) if len(record) == width)
    _require_no_open_end(source, records, form, label)
    if header is not False:
        form.skip_rows = _padded_before(records, form.skip_rows, label)
    if form.skip_rows:
        lines_before = counted(form.skip_rows, "line before the table has", "lines before the table have")
        last = next(filter(any, reversed(records[: form.skip_rows])), [])
        form.why.append(f"{lines_before} fewer fields than its rows, or empty ones, the last: {_told(last)}")
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


def _padded_before(records: Sequence[Sequence[str]], first: int, label: str) -> int:
    """How many lines stand before the header, where some have empty fields up to its width, as spreadsheets write them.

    Args:
        records: the first of the file.
        first: the place of the first that is as wide as most.
        label: the header has it, and more cells than each line before it, of which a title may be that name alone.
    """
    filled = [sum(map(bool, record)) for record in records[: first + _TITLES]]
    those = [place for place in range(first, len(filled)) if label in records[place]]
    place = max(those, key=lambda place: filled[place], default=first)  # of equal ones the first
    return place if max(filled[first:place], default=0) < filled[place] else first


def _told(record: Sequence[str]) -> str:
    return cut(", ".join(filter(None, record)), _SHOWN)


def _require_no_open_end(source: Source, records: list[list[str]], form: TextForm, label: str) -> None:
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
            f"the lines of {source.shown} end with '{form.separator}', and its header does not",
            why=f"the rows have {len(rows[0])} fields, of which the last is empty, and the header {len(header)}",
            fix=f"take it off their ends: sed -i 's/{mark}\\r\\?$//' {quote(source.shown)}",
        )


def _require_no_spaces(source: Source, records: Sequence[Sequence[str]], width: int) -> None:
    """Refuse fields that are parted by spaces, as tables for reading have them.

    Raises:
        DatasetError: says how to mend the file.
    """
    parts = [record[0].split() for record in records if record and record[0].strip()]
    count, often = Counter(map(len, parts)).most_common(1)[0]
    tokens = [token for found in parts[1:] for token in found]
    mostly_words = sum(map(is_number, tokens)) * 2 <= len(tokens)
    if often < _ALIKE * len(parts) or count < 2 or (width > 1 and (count < _SPACED or mostly_words)):
        return
    header = "" if not any(map(is_number, parts[0])) else ", header=None"
    to = str(Path(source.shown).with_suffix(".spaces.csv"))
    convert = f"import pandas; pandas.read_csv('{source.shown}', sep=r'\\s+'{header}).to_csv('{to}', index=False)"
    raise DatasetError(
        f"the fields of {source.shown} are parted by spaces",
        why=f"a separator is one character; most lines have {count} fields: {cut(' '.join(parts[-1]), _SHOWN)}",
        fix=f'python -c "{convert}", then declare {to}',
    )


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


def _require_comments_alone(source: Source, encoding: str) -> None:
    """Refuse a file whose cells have the character that begins its comments: they would be cut there.

    Raises:
        DatasetError: names the first such line.
    """
    with opened(source.path, source.name) as raw, io.TextIOWrapper(raw, encoding, errors="replace") as lines:
        cut = next((number for number, line in enumerate(lines, 1) if "#" in line and not line.startswith("#")), None)
    if cut is not None:
        raise DatasetError(
            f"{source.shown} has lines that begin with #, and cells with # in them",
            why=f"the cells would be cut there, the first in line {cut}",
            fix=f"take the lines that begin with # out: grep -v '^#' {quote(source.shown)} > rows{source.path.suffix}",
        )


def _separated(lines: Sequence[str]) -> tuple[str, list[list[str]]]:
    """The separator by which most records have the same number of fields.

    Of equally good ones, that by which fewer fields have another separator in them and are no numbers, then the one
    with more fields. ``csv.Sniffer`` takes the letter t for the separator of one column of words like item7, and commas
    for that of "1,5;2,5" where no header settles it.
    """
    tried = {mark: list(csv.reader(lines, delimiter=mark)) for mark in _TRIED}

    def rank(mark: str) -> tuple[float, float, int]:
        counted = Counter(len(record) for record in tried[mark] if record)
        width, often = max(counted.items(), key=lambda item: (item[1], item[0]))
        if width == 1:
            return (0.0, 0.0, 1)
        cells = [cell for record in tried[mark] for cell in record]
        alike = often / counted.total() / (2 if mark in _IN_TIMES else 1)
        clean = sum(is_number(cell) or not any(other in cell for other in SEPARATORS) for cell in cells)
        return (round(alike, 2), round(clean / len(cells), 2), width)

    best = max(_TRIED, key=rank)
    if rank(best)[0] == 0.0:
        best = ","  # a single column
    return best, tried[best]
