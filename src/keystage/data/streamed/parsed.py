"""A block of a file as a typed table. Cells that are not of their type are left as texts, for the checks to say so."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from keystage.core.errors import DatasetError
from keystage.core.params import first_line
from keystage.data.columns import ColumnType
from keystage.data.spec import DatasetSpec
from keystage.data.streamed.arrow import plain

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_COLUMN = re.compile(r"In CSV column #(\d+):")  # from 0, before what Arrow could not convert there
_TRUE, _FALSE = ["true", "True", "TRUE"], ["false", "False", "FALSE"]  # those that pandas takes for booleans


class Kind(Enum):
    """What the cells of a column that is not declared are."""

    empty = "empty"
    boolean = "boolean"
    integer = "integer"
    number = "number"
    text = "text"


class OtherKind(Exception):  # noqa: N818 - no failure: what is read is read anew
    """Cells of a block are not what the first block of the table was taken for.

    Args:
        kinds: what these columns are taken for from here on.
    """

    def __init__(self, kinds: dict[str, Kind]) -> None:
        super().__init__(str(kinds))
        self.kinds = kinds


@dataclass(frozen=True)
class Parser:
    """Makes tables of blocks.

    Attributes:
        spec: the declaration.
        kinds: what columns that are not declared are taken for.
    """

    spec: DatasetSpec
    kinds: dict[str, Kind]

    def table(self, content: "memoryview | pa.RecordBatch", names: list[str], shown: str) -> "pd.DataFrame":
        """The rows of a block, indexed from 0.

        Whole numbers stand as int64, as float64 where cells are empty; times as datetime64; texts as pandas ``str``. A
        column of a block with cells that are not of their declared type stands as text.

        Args:
            content: CSV text without a header, or a batch of Parquet.
            names: the columns of the file.
            shown: the file's name, for errors.

        Raises:
            OtherKind: the table has to be read anew, with other kinds.
            DatasetError: the rows have no such columns, or are not UTF-8.
        """
        if not isinstance(content, memoryview):
            return self._settled(plain(content, self._texts, shown), set())
        types, texts = {name: self._type(name) for name in names}, set[str]()
        while True:
            try:
                table = _read(content, names, types, self.spec.missing)
            except _arrow_error() as error:
                if (name := _unfit(error, names)) is None or name in texts:
                    raise _unreadable(shown, error) from error
                found = {name}
            else:
                found = _not_numbers(table) - texts
            if not found:
                return self._settled(table, texts)
            texts |= found
            types |= dict.fromkeys(found, _string())

    @property
    def _texts(self) -> set[str]:
        return {column.name for column in self.spec.columns if column.type is ColumnType.string}

    def _type(self, name: str) -> "pa.DataType":
        import pyarrow as pa

        declared = {column.name: column.type for column in self.spec.columns}.get(name)
        kinds: dict[Any, pa.DataType] = {
            ColumnType.integer: pa.int64(),
            ColumnType.number: pa.float64(),
            ColumnType.datetime: pa.timestamp("us"),
            Kind.integer: pa.int64(),
            Kind.number: pa.float64(),
            Kind.boolean: pa.bool_(),
            Kind.empty: pa.null(),
        }
        return kinds.get(declared or self.kinds.get(name, Kind.text), pa.string())

    def _settled(self, table: "pa.Table", texts: set[str]) -> "pd.DataFrame":
        """As pandas, where what is not declared has one type per column."""
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True, date_as_object=False, split_blocks=True)
        declared, others = {column.name for column in self.spec.columns}, dict[str, Kind]()
        for name in frame.columns:
            if frame[name].dtype == "object":
                frame[name] = _of_objects(frame[name])
            if name in texts and name not in declared:
                kind, frame[name] = _widened(frame[name], self.kinds[name])
                others |= {name: kind} if kind is not self.kinds[name] else {}
        if others:
            raise OtherKind(others)
        return frame


def kinds_in(
    content: "memoryview | pa.RecordBatch", names: list[str], spec: DatasetSpec, shown: str
) -> dict[str, Kind]:
    """What the columns of a block that are not declared seem to be.

    Raises:
        DatasetError: the rows have no such columns, or are not UTF-8.
    """
    declared = {column.name for column in spec.columns}
    if not isinstance(content, memoryview):
        return {}
    given = {name: _string() for name in names if name in declared}
    try:
        table = _read(content, names, given, spec.missing)
    except _arrow_error() as error:
        raise _unreadable(shown, error) from error
    odd = _not_numbers(table)
    return {
        name: Kind.text if name in odd else _kind(table.schema.field(name).type)
        for name in names
        if name not in declared
    }


def _kind(kind: "pa.DataType") -> Kind:
    import pyarrow.types as of

    if of.is_null(kind):
        return Kind.empty
    if of.is_boolean(kind):
        return Kind.boolean
    if of.is_integer(kind):
        return Kind.integer
    return Kind.number if of.is_floating(kind) else Kind.text


def _widened(texts: "pd.Series", kind: Kind) -> "tuple[Kind, pd.Series]":
    """What cells are that were taken for something else: pandas reads more forms of numbers than Arrow does."""
    import pandas as pd

    if kind in {Kind.integer, Kind.number, Kind.empty}:
        numbers = pd.to_numeric(texts, errors="coerce")
        if numbers.notna().equals(texts.notna()):
            return (Kind.number if kind is Kind.empty else kind), numbers.astype("float64")
    if kind is Kind.empty and texts.dropna().isin([*_TRUE, *_FALSE]).all():
        return Kind.boolean, texts
    return Kind.text, texts


def _of_objects(column: "pd.Series") -> "pd.Series":
    """Booleans of which some are missing are texts, as in a table read at once; a column without cells is a number."""
    if column.isna().all():
        return column.astype("float64")
    return column.map({True: "True", False: "False"}).astype("str")


def _not_numbers(table: "pa.Table") -> set[str]:
    """Columns of numbers with cells like ``nan``: a text that Arrow takes for one."""
    import pyarrow.compute as pc
    import pyarrow.types as of

    numbers = [name for name in table.column_names if of.is_floating(table.schema.field(name).type)]
    return {name for name in numbers if pc.any(pc.is_nan(table.column(name))).as_py()}


def _read(content: memoryview, names: list[str], types: "dict[str, pa.DataType]", missing: list[str]) -> "pa.Table":
    import pyarrow as pa
    from pyarrow import csv

    return csv.read_csv(
        pa.BufferReader(pa.py_buffer(content)),
        csv.ReadOptions(use_threads=False, column_names=names, block_size=len(content) + 1),
        csv.ParseOptions(),  # a block that holds all there is may have line ends in quotes without being asked
        csv.ConvertOptions(
            column_types=types,
            null_values=missing,
            strings_can_be_null=True,
            true_values=_TRUE,
            false_values=_FALSE,
        ),
    )


def _unfit(error: BaseException, names: list[str]) -> str | None:
    """The column with a cell that is not of its type; None where that is not what is wrong."""
    found = _COLUMN.search(str(error))
    return None if found is None or "UTF8" in str(error) else names[int(found[1])]


def _arrow_error() -> type[Exception]:
    from pyarrow import ArrowInvalid

    kind: type[Exception] = ArrowInvalid
    return kind


def _string() -> "pa.DataType":
    from pyarrow import string

    return string()


def _unreadable(shown: str, error: BaseException) -> DatasetError:
    why = first_line(error)
    if "UTF8" in why:
        return DatasetError(
            f"{shown} is not UTF-8", why=why, fix=f"convert it: iconv -f latin1 -t utf-8 {shown} > converted.csv"
        )
    return DatasetError(
        f"{shown} is not a CSV table of one number of cells in each row",
        why=why,
        fix="correct such lines; with dataset.stream=null, short ones are filled with missing cells",
    )
