"""A table that nobody has declared, read whole or in part, and what it takes to read it so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keystage.core.errors import DatasetError, counted, listing
from keystage.data.columns import ColumnType
from keystage.data.formats.columnar import nested_columns, read_parquet
from keystage.data.formats.excel import rows_above
from keystage.data.formats.failures import IN_QUOTES, said_of
from keystage.data.formats.opening import names_in, require_same_columns, rows_of, without_missing_texts
from keystage.data.formats.plain import readable
from keystage.data.look.alike import encoding_of_all, require_alike
from keystage.data.look.columns import (
    PLAIN,
    Kind,
    blanks_in,
    cells_by_column,
    kind_by_type,
    kind_of,
    marks_of,
    missing_in,
)
from keystage.data.look.text import TextForm, text_form
from keystage.data.look.told import markers_told, numbers_told, short_told, spaces_told
from keystage.data.marks import Marks
from keystage.data.reading import as_numbers
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import Format, ReadSpec, ShortRows, compression_of
from keystage.data.stream import STREAMED
from keystage.data.undeclared import undeclared

if TYPE_CHECKING:
    import pandas as pd

LARGE = 500 * 10**6  # bytes of CSV, whose texts take several times as much when they are looked at
PART_ROWS = 1_000_000  # of a large table that are looked at
_PACKED = 5  # bytes of CSV for one of Parquet or of a compressed file, as they come in practice


@dataclass
class Seen:
    """What files hold.

    Attributes:
        table: all rows, numbers and times as such.
        kinds: what each column seems to be.
        read: the settings of ``dataset.read`` that are not the usual.
        missing: texts that stand for missing cells.
        why: what was found and is not the usual, a sentence each.
        is_part: whether the files have more rows, too many to look at.
        keep: the columns that can be read, where others cannot; empty where all can.
    """

    table: "pd.DataFrame"
    kinds: dict[str, Kind]
    read: dict[str, Any] = field(default_factory=dict)
    missing: list[str] = field(default_factory=lambda: [""])
    why: list[str] = field(default_factory=list)
    is_part: bool = False
    keep: list[str] = field(default_factory=list)


def seen_in(sources: Sequence[Source], label: str, *, has_header: bool | None = None) -> Seen:
    """Read some files of one form; of large ones that can be read in blocks the first rows.

    Args:
        sources: at least one.
        label: the column to predict, whose name tells a header.
        has_header: whether the first line of a text names the columns; None finds out.

    Raises:
        DatasetError: a file is empty or no table, or has other columns than the first.
    """
    kind = sources[0].format_by(ReadSpec())
    odd = next((source for source in sources if source.format_by(ReadSpec()) is not kind), None)
    if odd is not None:
        raise DatasetError(
            f"{sources[0].shown} and {odd.shown} are of two forms",
            why="the files of a dataset are read alike",
            fix="name files of one form, by a pattern such as 'data/sales/*.csv'",
        )
    most = max(1, PART_ROWS // len(sources)) if kind in STREAMED and _size_of(sources) > LARGE else None
    if kind in {Format.csv, Format.tsv}:
        form = text_form(sources[0].path, has_header, encoding_of_all(sources), label)
        seen = _texts(sources, form, most)
    else:
        seen = _typed_files(sources, kind, label, most)
    seen.is_part = most is not None
    for name in sources[0].partitions:
        seen.table[name] = as_numbers(seen.table[name])
        seen.kinds[name] = Kind(kind_by_type(seen.table[name]))
    return seen


def _size_of(sources: Sequence[Source]) -> int:
    """About how many bytes the rows of files take as CSV that is not compressed."""
    return sum(
        source.path.stat().st_size
        * (_PACKED if compression_of(source.name) or source.format_by(ReadSpec()) is Format.parquet else 1)
        for source in sources
    )


def _texts(sources: Sequence[Source], form: TextForm, most: int | None) -> Seen:
    import pandas as pd

    _require_names(sources[0], form)
    frames = [_rows(source, form, most) for source in sources]
    short = short_told(sources, frames, form)
    raw = _below_each_other(sources, frames)
    own = [name for name in raw.columns if name not in sources[0].partitions]
    cells = cells_by_column(raw[own])
    marks, why = marks_of(cells, form.separator)
    missing = missing_in(cells, marks, blanks_in(raw[own]))
    kinds = {
        name: kind_of((value for value in counts.index if value not in missing), marks)
        for name, counts in cells.items()
    }
    texts = [name for name, kind in kinds.items() if kind.type is ColumnType.string]
    require_alike(sources, frames, texts if len(frames) > 1 else [], form.separator)
    why += spaces_told(raw[own], texts)
    if missing != [""]:
        why.append(f"missing cells are written {', '.join(repr(text) for text in missing if text)}")
    why += markers_told(cells, missing)
    table = pd.DataFrame({name: _typed(raw[name], kinds[str(name)], marks, missing) for name in own})
    why += numbers_told(table, cells)
    table[list(sources[0].partitions)] = raw[list(sources[0].partitions)]
    read = _read(form, marks) | ({"short_rows": ShortRows.fill.value} if short else {})
    return Seen(table, kinds, read, missing, [*form.why, *short, *why])


def _rows(source: Source, form: TextForm, most: int | None) -> "pd.DataFrame":
    import pandas as pd

    try:
        with readable(source.path, source.name) as text:
            rows: pd.DataFrame = pd.read_csv(
                text,
                sep=form.separator,
                encoding="utf-8-sig" if form.encoding == "utf-8" else form.encoding,
                skiprows=form.skip_rows,
                comment=form.comment,
                header=0 if form.has_header else None,
                names=None if form.has_header else form.names,
                dtype="str",
                keep_default_na=False,
                na_values=[""],
                index_col=False,
                nrows=most,
            )
    except (pd.errors.ParserError, UnicodeDecodeError, ValueError) as error:
        raise DatasetError(
            f"{source.shown} cannot be read as a table separated by {form.separator!r}",
            why=said_of(error),
            fix=f"correct it, then run the same command again: {IN_QUOTES}",
        ) from error
    return rows


def _typed_files(sources: Sequence[Source], form: Format, label: str, most: int | None) -> Seen:
    """Files whose cells have types; texts of JSON and of sheets may be times or numbers all the same."""
    above = rows_above(sources[0], label) if form is Format.excel else 0
    spec = undeclared([source.name for source in sources], read=ReadSpec(skip_rows=above))
    nested = nested_columns(sources[0]) if form is Format.parquet else []

    def rows(source: Source) -> "pd.DataFrame":
        names = names_in(source, spec, None)
        wanted = [name for name in names if name not in nested] if nested else None
        if most is None:
            return rows_of(source, spec, names, wanted, is_first=True)
        return without_missing_texts(read_parquet(source, spec, wanted, most), spec)

    table = _below_each_other(sources, map(rows, sources))
    kinds = {}
    for name in table.columns:
        table[name], kinds[str(name)] = _settled(table[name], form)
    seen = Seen(table, kinds)
    if nested:
        seen.keep = list(map(str, table.columns))
        seen.why.append(f"keeps all columns but those that are no numbers, texts or times: {listing(nested)}")
    if above:
        seen.read["skip_rows"] = above
        seen.why.append(f"{counted(above, 'row stands', 'rows stand')} above the header, the one with '{label}' in it")
    return seen


def _settled(column: "pd.Series", form: Format) -> "tuple[pd.Series, Kind]":
    """A column as what its texts say, and what that is; texts of Parquet stay, but for booleans with gaps."""
    cells = column.astype("str") if column.dtype == "object" else column
    kind = Kind(kind_by_type(cells))
    if kind.type is not ColumnType.string:
        return cells, kind
    found = kind_of(cells.dropna().str.strip().unique(), PLAIN)
    if form is Format.parquet and found.type is not ColumnType.boolean:
        return cells, kind
    return _typed(cells, found, PLAIN, [""]), found


def _below_each_other(sources: Sequence[Source], frames: "Iterable[pd.DataFrame]") -> "pd.DataFrame":
    """All rows, with the columns that the paths give."""
    import pandas as pd

    tables: list[pd.DataFrame] = []
    fix = "give them the same header, or declare the files by hand with dataset.read.header=union"
    for source, frame in zip(sources, frames, strict=True):
        if frame.empty:
            raise DatasetError(f"{source.shown} has no rows", why="it holds a header only", fix="put the data into it")
        for name, value in source.partitions.items():
            frame[name] = pd.Series(value, index=frame.index, dtype="str")
        tables.append(frame)
        require_same_columns(source, frame.columns, sources[0], tables[0].columns, fix)
    return pd.concat(tables, ignore_index=True)


def _require_names(source: Source, form: TextForm) -> None:
    twice = [name for name in dict.fromkeys(form.names) if form.names.count(name) > 1]
    if twice:
        raise DatasetError(
            f"{source.shown} has two columns of one name: {listing(twice)}",
            why="a column is declared, dropped and prepared by its name",
            fix="give each column of the header a name of its own; where that line is none: --no-header",
        )


def _read(form: TextForm, marks: Marks) -> dict[str, Any]:
    """What is not the usual, by the names of ``dataset.read``."""
    told: dict[str, Any] = {
        "separator": None if form.separator == "," else {"\t": "tab"}.get(form.separator, form.separator),
        "encoding": None if form.encoding == "utf-8" else form.encoding,
        "header": None if form.has_header else "none",
        "decimal": None if marks.decimal == "." else marks.decimal,
        "thousands": marks.thousands,
        "comment": form.comment,
        "skip_rows": form.skip_rows or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _typed(column: "pd.Series", kind: Kind, marks: Marks, missing: list[str]) -> "pd.Series":
    import pandas as pd

    cells = column.str.strip()
    cells = cells.mask(cells.isin(missing))
    if kind.type in {ColumnType.integer, ColumnType.number}:
        return pd.to_numeric(marks.plain(cells), errors="coerce")
    if kind.type is ColumnType.datetime:
        return pd.to_datetime(cells, errors="coerce", format=kind.time or "ISO8601", utc=True)
    return cells
