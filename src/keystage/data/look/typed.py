"""Files whose cells have types that nobody has declared: Parquet, JSON Lines, workbooks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keystage.core.errors import counted, listing
from keystage.data.columns import ColumnType
from keystage.data.formats.columnar import read_parquet, told_columns
from keystage.data.formats.excel import header_with
from keystage.data.formats.opening import names_in, rows_of, without_missing_texts
from keystage.data.look.columns import PLAIN, Kind, cells_by_column, kind_by_type, kind_of, typed
from keystage.data.look.seen import Seen, below_each_other
from keystage.data.look.told import long_told
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import Format, ReadSpec
from keystage.data.undeclared import undeclared

if TYPE_CHECKING:
    import pandas as pd


def seen_in_types(sources: Sequence[Source], form: Format, label: str, most: int | None) -> Seen:
    """Read files of one form; texts of JSON and of sheets may be times or numbers all the same.

    Args:
        sources: at least one.
        form: of all of them.
        label: the column to predict, by which the header of a sheet is known.
        most: how many rows of each are looked at; None looks at all.

    Raises:
        DatasetError: a file is damaged, or has other columns than the first.
    """
    sheet, above = header_with(sources[0], label) if form is Format.excel else (None, 0)
    nested, whole, unsigned = told_columns(sources[0]) if form is Format.parquet else ([], [], [])
    read = ReadSpec(skip_rows=above, sheet=sheet)
    spec = undeclared([source.name for source in sources], read=read, texts=unsigned)

    def rows(source: Source) -> "pd.DataFrame":
        names = names_in(source, spec, None)
        wanted = [name for name in names if name not in nested] if nested else None
        if most is None:
            return rows_of(source, spec, names, wanted, is_first=True)
        return without_missing_texts(read_parquet(source, spec, wanted, most), spec)

    table = below_each_other(sources, map(rows, sources))
    kinds = {}
    for name in table.columns:
        is_whole = name in whole if form is Format.parquet else _are_whole(table[name])
        stays = form is Format.parquet and name not in unsigned
        table[name], kinds[str(name)] = _settled(table[name], stays=stays, whole=is_whole)
    seen = Seen(table, kinds, why=long_told(cells_by_column(table[unsigned]), {name: kinds[name] for name in unsigned}))
    if nested:
        seen.keep = list(map(str, table.columns))
        seen.why.append(f"keeps all columns but those that are no numbers, texts or times: {listing(nested)}")
    if sheet is not None:
        seen.read["sheet"] = sheet
        seen.why.append(f"the first sheet with '{label}' in one of its first rows is '{sheet}'")
    if above:
        seen.read["skip_rows"] = above
        seen.why.append(f"{counted(above, 'row stands', 'rows stand')} above the header, the one with '{label}' in it")
    return seen


def _settled(column: "pd.Series", *, stays: bool, whole: bool) -> "tuple[pd.Series, Kind]":
    """A column as what its texts say, and what that is.

    Args:
        column: as the files have it.
        stays: whether texts are texts, but for booleans with gaps: those of Parquet are.
        whole: whether the file says that its numbers are whole; pandas has them as float64 where some are missing.
    """
    cells = column.astype("str") if column.dtype == "object" else column
    kind = Kind(kind_by_type(cells))
    if kind.type is ColumnType.number and whole:
        return cells, Kind(ColumnType.integer)
    if kind.type is not ColumnType.string:
        return cells, kind
    found = kind_of(cells.dropna().str.strip().unique(), PLAIN)
    if stays and found.type is not ColumnType.boolean:
        return cells, kind
    return typed(cells, found, PLAIN, [""]), found


def _are_whole(column: "pd.Series") -> bool:
    """Whether the numbers of a column with gaps are, which pandas has as float64."""
    import pandas as pd

    numbers = column.dropna()
    has_gaps = 0 < len(numbers) < len(column)
    return pd.api.types.is_float_dtype(column) and has_gaps and bool((numbers % 1 == 0).all())
