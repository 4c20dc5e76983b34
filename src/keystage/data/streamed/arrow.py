"""Arrow's types as the few that a CSV file gives: whole numbers, numbers, booleans, texts and times."""

from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError, listing

if TYPE_CHECKING:
    import pyarrow as pa


def plain(batch: "pa.RecordBatch", texts: set[str], shown: str) -> "pa.Table":
    """A batch in the types that keystage knows.

    Args:
        batch: of a Parquet file.
        texts: columns that become text whatever they are.
        shown: the file's name, for the error.

    Raises:
        DatasetError: a column holds lists, structures or bytes.
    """
    import pyarrow as pa

    table = pa.Table.from_batches([batch])
    types = {name: _plain(table.schema.field(name).type) for name in table.column_names}
    odd = [name for name, kind in types.items() if kind is None]
    if odd:
        raise DatasetError(
            f"{shown} has columns that are no numbers, texts or times: {listing(odd)}",
            why=f"'{odd[0]}' is {table.schema.field(odd[0]).type}",
            fix="take them out of the file, or apart into columns of one value each",
        )
    columns = [table.column(name).cast(kind) for name, kind in types.items()]
    named = zip(table.column_names, columns, strict=True)
    return pa.table({name: column.cast(pa.string()) if name in texts else column for name, column in named})


def _plain(kind: "pa.DataType") -> "pa.DataType | None":
    """The type that takes its place; None where there is none."""
    import pyarrow as pa
    import pyarrow.types as of

    if of.is_dictionary(kind):
        return _plain(kind.value_type)
    plain_types = (
        (of.is_boolean, pa.bool_()),
        (of.is_integer, pa.int64()),
        (of.is_floating, pa.float64()),
        (of.is_decimal, pa.float64()),
        (of.is_null, pa.float64()),
        (of.is_string, pa.string()),
        (of.is_large_string, pa.string()),
        (of.is_string_view, pa.string()),
        (of.is_time, pa.string()),
        (of.is_date, pa.timestamp("us")),
    )
    if of.is_timestamp(kind):
        return pa.timestamp("us", tz=kind.tz)
    return next((found for suits, found in plain_types if suits(kind)), None)
