"""Sheets of workbooks: xlsx, xlsm, xlsb, xls and ods."""

from typing import TYPE_CHECKING, NamedTuple

from keystage.core.errors import DatasetError, hint, listing
from keystage.core.params import first_line
from keystage.data.columns import ColumnType
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import ReadSpec
from keystage.data.spec import DatasetSpec

if TYPE_CHECKING:
    import pandas as pd

_LOOKED_AT = 50  # rows among which a header is looked for


def sheet_header(source: Source, read: ReadSpec) -> list[str]:
    """The first row that is read.

    Raises:
        DatasetError: it is no workbook, or has no such sheet, or the sheet is empty.
    """
    import pandas as pd

    with _workbook(source) as book:
        rows = pd.read_excel(
            book, sheet_name=_sheet(source, book, read), header=None, nrows=1, skiprows=read.skip_rows, dtype="str"
        )
    if rows.empty:
        raise DatasetError(
            f"{source.shown} is empty",
            why="the sheet has no header and no rows",
            fix="put the data back, or name another sheet in dataset.read.sheet",
        )
    return [f"column{place}" if pd.isna(name) else str(name) for place, name in enumerate(rows.iloc[0], start=1)]


class Header(NamedTuple):
    """Where the header of a table is: the sheet, None for the first; and how many rows stand above it."""

    sheet: str | None
    rows_above: int


def header_with(source: Source, label: str) -> Header:
    """The header that has the label among its cells: the widest row with most rows below it, on any sheet.

    Of a workbook with one sheet, its first row where there is none.

    Raises:
        DatasetError: it is no workbook, or none of several sheets has such a row.
    """
    import pandas as pd

    first: dict[str, str] = {}
    found: dict[Header, int] = {}
    with _workbook(source) as book:
        for number, sheet in enumerate(map(str, book.sheet_names)):
            rows = pd.read_excel(book, sheet_name=sheet, header=None, nrows=_LOOKED_AT, dtype="str")
            for place, row in enumerate(rows.itertuples(index=False)):
                if label in row:
                    found[Header(sheet if number else None, place)] = rows.iloc[place].count() * (len(rows) - place - 1)
            first[sheet] = listing(rows.iloc[0].dropna()) if len(rows) else "nothing"
    if found:
        return max(found, key=lambda header: found[header])  # of equal ones the first
    if len(first) == 1:
        return Header(None, 0)
    raise DatasetError(
        f"no sheet of {source.shown} has '{label}' in one of its first {_LOOKED_AT} rows",
        why=f"they begin with {'; '.join(f'{sheet}: {cells}' for sheet, cells in first.items())}",
        fix="--label: name a cell of the header, as it is written there",
    )


def read_sheet(
    source: Source, spec: DatasetSpec, names: list[str], wanted: list[str] | None, *, has_header: bool
) -> "pd.DataFrame":
    """The rows of a sheet. Empty cells are missing.

    Args:
        source: the workbook.
        spec: which texts are missing cells, and which columns are text.
        names: of its columns.
        wanted: those that are read; None reads all.
        has_header: whether its first row is one.

    Raises:
        DatasetError: it is no workbook, or has no such sheet.
    """
    import pandas as pd

    read = spec.read or ReadSpec()
    texts = {column.name for column in spec.declared if column.type is ColumnType.string}
    with _workbook(source) as book:
        frame: pd.DataFrame = pd.read_excel(
            book,
            sheet_name=_sheet(source, book, read),
            header=None,
            names=names,
            skiprows=read.skip_rows + has_header,
            # As the cells are: pandas would make a number of a text like 007.
            dtype={name: "str" if name in texts else "object" for name in names},
            keep_default_na=False,
            na_values=[*spec.missing, ""],
        )
    frame = frame.infer_objects()
    return frame if wanted is None else frame[wanted]


def _workbook(source: Source) -> "pd.ExcelFile":
    import pandas as pd
    from python_calamine import CalamineError

    try:
        return pd.ExcelFile(source.path, engine="calamine")
    except (CalamineError, ValueError, OSError) as error:
        raise DatasetError(
            f"{source.shown} is no workbook, or damaged",
            why=first_line(error),
            fix="save it anew; when it holds something else, say so in dataset.read.format",
        ) from error


def _sheet(source: Source, book: "pd.ExcelFile", read: ReadSpec) -> str:
    sheets = [str(name) for name in book.sheet_names]
    if read.sheet is None:
        return sheets[0]
    if read.sheet not in sheets:
        raise DatasetError(
            f"{source.shown} has no sheet '{read.sheet}'",
            why=f"dataset.read.sheet names it; the workbook has: {listing(sheets)}",
            fix=f"{hint(read.sheet, sheets)} (of a file that is to be scored: --read sheet=NAME --read skip_rows=0, "
            "where its header is the first row)",
        )
    return read.sheet
