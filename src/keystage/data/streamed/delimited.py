"""Text in lines and fields as a table of Arrow."""

import re
from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError
from keystage.core.params import first_line
from keystage.data.formats.delimited import separator_of
from keystage.data.formats.encoding import encoding_error
from keystage.data.formats.short_rows import FIX
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import ReadSpec
from keystage.data.spec import DatasetSpec
from keystage.data.streamed.files import File

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMN = re.compile(r"In CSV column #(\d+):")  # from 0, before what Arrow could not convert there
TRUE, FALSE = ["true", "True", "TRUE"], ["false", "False", "FALSE"]  # those that pandas takes for booleans


def fitting(
    content: memoryview, file: File, types: "dict[str, pa.DataType]", spec: DatasetSpec
) -> "tuple[pa.Table, set[str]]":
    """The rows of a block; and columns that stand as text, because cells are not of their type.

    Args:
        content: whole lines without the header.
        file: that they are of.
        types: by column; of others it is found.
        spec: how the file is written, and which texts are missing cells.

    Raises:
        DatasetError: the rows have not the number of cells that the header has, or are not in their encoding.
    """
    import pyarrow as pa

    texts: set[str] = set()
    read = spec.read or ReadSpec()
    while True:
        try:
            table = _read(content, file, types | dict.fromkeys(texts, pa.string()), spec)
        except pa.ArrowInvalid as error:
            found = _COLUMN.search(str(error))
            name = None if found is None or "UTF8" in str(error) else file.names[int(found[1])]
            if name is None or name in texts:
                raise _unreadable(file.source, read, error) from error
            texts.add(name)
        else:
            if not (odd := _not_numbers(table) - texts):
                return table, texts
            texts |= odd


def _not_numbers(table: "pa.Table") -> set[str]:
    """Columns of numbers with cells like ``nan``: a text that Arrow takes for one."""
    import pyarrow.compute as pc
    import pyarrow.types as of

    numbers = [name for name in table.column_names if of.is_floating(table.schema.field(name).type)]
    return {name for name in numbers if pc.any(pc.is_nan(table.column(name))).as_py()}


def _read(content: memoryview, file: File, types: "dict[str, pa.DataType]", spec: DatasetSpec) -> "pa.Table":
    import pyarrow as pa
    from pyarrow import csv

    read = spec.read or ReadSpec()
    return csv.read_csv(
        pa.BufferReader(pa.py_buffer(content)),
        csv.ReadOptions(use_threads=False, column_names=file.names, block_size=len(content) + 1),
        # A block that holds all there is may have line ends in quotes without being asked.
        csv.ParseOptions(delimiter=separator_of(file.source, read), quote_char=read.quote),
        csv.ConvertOptions(
            column_types=types,
            include_columns=file.wanted,
            decimal_point=read.decimal,
            null_values=spec.missing,
            strings_can_be_null=True,
            true_values=TRUE,
            false_values=FALSE,
        ),
    )


def _unreadable(source: Source, read: ReadSpec, error: Exception) -> DatasetError:
    why = first_line(error)
    if "UTF8" in why:
        return encoding_error(source, read, error)
    return DatasetError(
        f"{source.shown} is not a CSV table of one number of cells in each row",
        why=why,
        fix=FIX,
    )
