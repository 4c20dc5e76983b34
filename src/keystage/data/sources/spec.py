"""How files are read and which rows are taken. Standard library only: DVC imports this on every experiment."""

import codecs
import re
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath
from typing import Any

from keystage.data.sources.expression import require_expression


class Format(Enum):
    """What a file holds."""

    csv = "csv"
    tsv = "tsv"
    parquet = "parquet"
    jsonl = "jsonl"
    excel = "excel"


class HeaderKind(Enum):
    """Where the names of the columns stand."""

    same = "same"
    union = "union"
    first = "first"
    none = "none"


class ShortRows(Enum):
    """What becomes of rows with too few fields: stop, or take the cells at their end as missing."""

    error = "error"
    fill = "fill"


class Side(Enum):
    """What the rows of a file are for."""

    train = "train"
    validation = "validation"
    test = "test"

    @property
    def setting(self) -> str:
        """The setting that names the file."""
        names = {Side.train: "files", Side.validation: "validation_files", Side.test: "test.files"}
        return f"dataset.{names[self]}"


QUERY = "sql:query"  # what the result of dataset.read.query is called, where files have names
ENDINGS = {
    ".csv": Format.csv,
    ".txt": Format.csv,
    ".tsv": Format.tsv,
    ".tab": Format.tsv,
    ".parquet": Format.parquet,
    ".pq": Format.parquet,
    ".jsonl": Format.jsonl,
    ".ndjson": Format.jsonl,
    ".xlsx": Format.excel,
    ".xlsm": Format.excel,
    ".xlsb": Format.excel,
    ".xls": Format.excel,
    ".ods": Format.excel,
}
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zip": "zip"}
_ASKING = ("select", "with", "values", "table")  # first words of SQL that gives rows
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", flags=re.DOTALL)
_WORDS = {"tab": "\t", "space": " "}  # that a shell and YAML pass on without quotes


@dataclass
class ReadSpec:
    """How the files are read, where they are not what their endings say: CSV in UTF-8, with commas and a header.

    Attributes:
        format: csv, tsv, parquet, jsonl or excel; null goes by each file's ending.
        separator: between the fields of a CSV: a character, or the word ``tab``; null: a comma, of .tsv a tab.
        encoding: of CSV, by Python's names: utf-8, cp1252, latin-1, utf-16.
        header: ``same``: each file has one, with the same columns; ``union``: with other columns, and cells of columns
            that a file lacks are missing; ``first``: the first file alone has one; ``none``: no file has one.
        names: of the columns where no file has a header; null calls them column1, column2 and so on.
        quote: what stands around a field that has separators or line ends in it.
        decimal: the decimal mark.
        thousands: the mark between thousands; null: there is none.
        comment: a character after which the rest of a line is not read; null: there is none.
        skip_rows: lines before the header, or before the rows where there is none, in each file.
        short_rows: what becomes of rows of a CSV with fewer fields than there are columns: ``error``, or ``fill``: the
            cells at their end are missing.
        sheet: of a workbook; null takes the first.
        datetimes: of columns declared as datetime that are not in ISO 8601, their form: ``{day: "%d.%m.%Y"}``.
        source_column: a column of this name is added, with the name of each row's file.
        query: SQL, whose result is the dataset; ``dataset.files`` is empty then.
        url_variable: the environment variable that holds the database's URL, as SQLAlchemy writes it.
    """

    format: Format | None = None
    separator: str | None = None
    encoding: str = "utf-8"
    header: HeaderKind = HeaderKind.same
    names: list[str] | None = None
    quote: str = '"'
    decimal: str = "."
    thousands: str | None = None
    comment: str | None = None
    skip_rows: int = 0
    short_rows: ShortRows = ShortRows.error
    sheet: str | None = None
    datetimes: dict[str, str] = field(default_factory=dict)
    source_column: str | None = None
    query: str | None = None
    url_variable: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no file can be read by."""
        self._require_marks()
        self._require_names()
        if (self.query is None) != (self.url_variable is None):
            raise ValueError("dataset.read.query and dataset.read.url_variable need each other: give both, or neither")
        if self.query is not None and first_word(self.query) not in _ASKING:
            raise ValueError(f"dataset.read.query must ask and change nothing: begin it with {', '.join(_ASKING)}")

    def _require_marks(self) -> None:
        self.separator = _WORDS.get(self.separator or "", self.separator)
        for name in ("separator", "quote", "decimal", "thousands", "comment"):
            value = getattr(self, name)
            if value is not None and len(value) != 1:
                raise ValueError(f"dataset.read.{name} must be one character, not '{value}'")
        if self.decimal == self.thousands:
            raise ValueError(
                f"dataset.read.decimal, '{self.decimal}', stands between thousands too: give one of them another mark"
            )

    def _require_names(self) -> None:
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            raise ValueError(
                f"dataset.read.encoding: Python knows no '{self.encoding}'; utf-8, cp1252 and utf-16 are common"
            ) from None
        if self.skip_rows < 0:
            raise ValueError("dataset.read.skip_rows must be 0 or more")
        if self.names is not None and self.header is not HeaderKind.none:
            raise ValueError("dataset.read.names is for files without a header: dataset.read.header=none")

    def has_header(self, *, is_first: bool) -> bool:
        """Whether a file, the first one or another, begins with the names of the columns."""
        return self.header is not HeaderKind.none and (is_first or self.header is not HeaderKind.first)

    def format_of(self, name: str) -> Format | None:
        """The format of a file, as declared or by its ending; None where neither tells."""
        return self.format or ENDINGS.get(ending_of(name))

    def separator_in(self, kind: Format) -> str:
        """The character between the fields of a text of that format."""
        return self.separator or ("\t" if kind is Format.tsv else ",")


@dataclass
class RowsSpec:
    """Which rows are taken, in this order: by a condition, by their time, by chance.

    Attributes:
        where: a condition over columns, like ``Age > 30 and Sex == 'male'`` (``keystage.data.sources.expression``).
        after: rows of this time or a later one.
        before: rows of an earlier time than this.
        column: by which ``after`` and ``before`` go; null is ``dataset.time``.
        sample: how many rows, drawn by ``seed``: a share below 1, or a number of rows.
    """

    where: str | None = None
    after: Any = None
    before: Any = None
    column: str | None = None
    sample: float | None = None

    def __post_init__(self) -> None:
        """Refuse what takes no row, or what cannot be said of one."""
        if self.where is not None:
            require_expression(self.where)
        for name in ("after", "before"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float | str)):
                raise ValueError(f"dataset.rows.{name} must be a time in ISO 8601 or a number, not {value!r}")
        if self.column is not None and not self.has_window:
            raise ValueError("dataset.rows.column is for dataset.rows.after and before: give one of them")
        if type(self.after) is type(self.before) and self.has_window and self.after >= self.before:
            raise ValueError(f"dataset.rows: no time is from {self.after} on and before {self.before}")
        whole = self.sample is None or 0 < self.sample < 1 or (self.sample >= 1 and float(self.sample).is_integer())
        if not whole:
            raise ValueError(f"dataset.rows.sample must be a share between 0 and 1, or a number of rows: {self.sample}")

    @property
    def has_window(self) -> bool:
        """Whether rows are taken by their time."""
        return self.after is not None or self.before is not None


def first_word(query: str) -> str:
    """What a query begins with, comments and brackets aside, in small letters; empty of an empty one."""
    words = _COMMENT.sub(" ", query).replace("(", " ").split()
    return words[0].lower() if words else ""


def ending_of(name: str) -> str:
    """The ending that tells the format: of ``a.csv.gz`` and of ``https://host/a.csv?version=2`` it is .csv."""
    path = PurePosixPath(plain_name(name))
    return path.with_suffix("").suffix.lower() if path.suffix.lower() in COMPRESSIONS else path.suffix.lower()


def compression_of(name: str) -> str | None:
    """How a file is compressed, by its ending; None when it is not."""
    return COMPRESSIONS.get(PurePosixPath(plain_name(name)).suffix.lower())


def plain_name(name: str) -> str:
    """A file's name, or the path of a URL without what follows it."""
    return name.partition("?")[0].partition("#")[0] if "://" in name else name
