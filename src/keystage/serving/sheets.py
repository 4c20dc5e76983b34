"""A sheet of raw rows, read whole: a workbook holds a million rows at most."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from keystage.data.columns import ColumnSpec, ColumnType
from keystage.data.sources.spec import Format
from keystage.data.spec import DatasetSpec
from keystage.data.undeclared import undeclared
from keystage.serving.raw_file import RawFile

if TYPE_CHECKING:
    import pyarrow as pa


def sheet_names(file: RawFile) -> list[str]:
    """The names of the columns."""
    from keystage.data.formats.opening import names_in

    return names_in(file.source, _spec(file), None)


def sheet_rows(file: RawFile, columns: Sequence[str], names: Sequence[str]) -> "pa.Table":
    """The rows, a column of several kinds of cells as text.

    Args:
        file: the workbook.
        columns: that are wanted.
        names: of all columns.
    """
    import pyarrow as pa

    from keystage.data.formats.opening import rows_of

    frame = rows_of(file.source, _spec(file), list(names), list(columns), is_first=True)
    mixed = [name for name in frame if frame[name].dtype == "object"]
    return pa.Table.from_pandas(frame.astype(dict.fromkeys(mixed, "str")), preserve_index=False)


def _spec(file: RawFile) -> DatasetSpec:
    """As the readers of datasets are told how to read."""
    read = replace(file.read, format=Format.excel, datetimes={})  # numbers and times are read in the model's process
    spec = undeclared([file.path.name], read=read, missing=file.missing)
    return replace(spec, columns=[ColumnSpec(name, ColumnType.string) for name in file.texts])
