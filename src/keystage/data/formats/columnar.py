"""Tables of Arrow: Parquet files. Their types become the few that a CSV would give: numbers, texts, times."""

import re
from typing import TYPE_CHECKING, NamedTuple

from keystage.core.errors import DatasetError, listing
from keystage.core.params import first_line
from keystage.data.columns import ColumnType
from keystage.data.sources.resolve import Source
from keystage.data.spec import DatasetSpec

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_PANDAS_INDEX = re.compile(r"__index_level_\d+__")  # row names that pandas has written beside the columns


def parquet_header(source: Source) -> list[str]:
    """The names of the columns.

    Raises:
        DatasetError: it is no Parquet, or damaged.
    """
    return [name for name, _ in _columns_of(source)]


class ToldColumns(NamedTuple):
    """Columns of a file that are no plain numbers, texts or times, by their names.

    Attributes:
        nested: lists, structures, bytes, durations.
        integers: of any width.
        unsigned: those of 64 bits without a sign, whose greatest numbers no integer here can hold.
    """

    nested: list[str]
    integers: list[str]
    unsigned: list[str]


def told_columns(source: Source) -> ToldColumns:
    """What the file itself says of its columns.

    Raises:
        DatasetError: it is no Parquet, or damaged.
    """
    from pyarrow.types import is_integer, is_uint64

    columns = _columns_of(source)
    return ToldColumns(
        [name for name, kind in columns if _plain_type(kind) is None],
        [name for name, kind in columns if is_integer(kind)],
        [name for name, kind in columns if is_uint64(kind)],
    )


def _columns_of(source: Source) -> "list[tuple[str, pa.DataType]]":
    import pyarrow as pa
    from pyarrow.parquet import read_schema

    try:
        schema = read_schema(source.path)
    except (pa.ArrowInvalid, OSError) as error:
        raise damaged(source, error) from error
    return [(field.name, field.type) for field in schema if not _PANDAS_INDEX.fullmatch(field.name)]


def read_parquet(
    source: Source, spec: DatasetSpec, wanted: list[str] | None, most: int | None = None
) -> "pd.DataFrame":
    """The rows of a file.

    Args:
        source: the file.
        spec: which columns are text.
        wanted: the columns that are read; None reads all.
        most: how many rows are read, the first ones; None reads all.

    Raises:
        DatasetError: it is no Parquet, or damaged, or a column has a type that no feature can have.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(source.path) as file:
            head = None if most is None else next(file.iter_batches(most, columns=wanted), None)
            table = file.read(columns=wanted) if head is None else pa.Table.from_batches([head])
            table = table.select([name for name in table.column_names if not _PANDAS_INDEX.fullmatch(name)])
    except (pa.ArrowInvalid, OSError) as error:
        raise damaged(source, error) from error
    frame: pd.DataFrame = plain(table, spec, source).to_pandas(ignore_metadata=True)
    return frame


def plain(table: "pa.Table", spec: DatasetSpec, source: Source) -> "pa.Table":
    """The same values in the few types that are told apart here; columns that are declared as text are text.

    Raises:
        DatasetError: a column holds lists, structures or bytes, or numbers beyond 64 bits.
    """
    import pyarrow as pa

    texts = {column.name for column in spec.declared if column.type is ColumnType.string}
    kinds = {name: _plain_type(table.schema.field(name).type) for name in table.column_names}
    if nested := [name for name, kind in kinds.items() if kind is None]:
        raise DatasetError(
            f"{source.shown} has columns that are no numbers, texts or times: {listing(nested)}",
            why=f"'{nested[0]}' is {table.schema.field(nested[0]).type}",
            fix="take them out or apart in the file, or name the columns that are wanted in dataset.keep",
        )
    arrays = []
    for name, kind in kinds.items():
        cells = table.column(name)
        try:
            as_text = name in texts and pa.types.is_integer(cells.type)
            found = cells if as_text else cells.cast(kind)
        except pa.ArrowInvalid as error:
            raise DatasetError(
                f"{source.shown} has a number that does not fit 64 bits, in column '{name}'",
                why=first_line(error),
                fix=f"declare it in dataset.columns as {{name: {name}, type: string}}, or leave it out by dataset.keep",
            ) from error
        arrays.append(found.cast(pa.string()) if name in texts else found)
    return pa.table(arrays, names=table.column_names)


def _plain_type(kind: "pa.DataType") -> "pa.DataType | None":
    """The type that a column of another becomes; None where there is none."""
    import pyarrow.types as of
    from pyarrow import bool_, float64, int64, string, timestamp

    if of.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if of.is_null(kind) or of.is_floating(kind) or of.is_decimal(kind):
        return float64()
    if of.is_timestamp(kind) or of.is_date(kind):
        return timestamp("us")  # those with a zone are told in UTC
    if of.is_string(kind) or of.is_large_string(kind) or of.is_string_view(kind) or of.is_time(kind):
        return string()
    if of.is_boolean(kind):
        return bool_()
    return int64() if of.is_integer(kind) else None


def damaged(source: Source, error: BaseException) -> DatasetError:
    """What to say of a file that is no Parquet."""
    return DatasetError(
        f"{source.shown} is no Parquet file, or damaged",
        why=first_line(error),
        fix="get the file anew; when it holds something else, say so in dataset.read.format",
    )
