"""A block of a file as a typed table. Cells that are not of their type are left as texts, for the checks to say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from keystage.data.columns import NUMERIC, ColumnType, declared_type
from keystage.data.formats.columnar import plain
from keystage.data.formats.opening import without_missing_texts
from keystage.data.marks import Marks
from keystage.data.sources.spec import ReadSpec
from keystage.data.spec import DatasetSpec
from keystage.data.streamed.blocks import blocks_of
from keystage.data.streamed.delimited import FALSE, TRUE, fitting
from keystage.data.streamed.files import File

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Kind(Enum):
    """What the cells of a column that is not declared are."""

    empty = "empty"
    boolean = "boolean"
    integer = "integer"
    number = "number"
    text = "text"


_NUMBERS = {*NUMERIC, Kind.integer, Kind.number}


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

    def table(self, content: "memoryview | pa.RecordBatch", file: File) -> "pd.DataFrame":
        """The rows of a block, indexed from 0.

        Whole numbers stand as int64, as float64 where cells are empty; times as datetime64; texts as pandas ``str``. A
        column of a block with cells that are not of their declared type stands as text.

        Args:
            content: CSV text without a header, or a batch of Parquet.
            file: that it is of.

        Raises:
            OtherKind: the table has to be read anew, with other kinds.
            DatasetError: the rows have no such columns, or are not UTF-8.
        """
        if isinstance(content, memoryview):
            types = {name: self._type(name) for name in file.wanted}
            table, texts = fitting(content, file, types, self.spec)
            return file.with_given(self._typed(self._settled(table), texts))
        import pyarrow as pa

        batch = plain(pa.Table.from_batches([content]).select(file.wanted), self.spec, file.source)
        return file.with_given(without_missing_texts(self._settled(batch), self.spec))

    def _type(self, name: str) -> "pa.DataType":
        import pyarrow as pa

        kind = self._kind(name)
        if self._marks.thousands and kind in _NUMBERS:
            return pa.string()  # Arrow knows no mark between thousands
        kinds: dict[Any, pa.DataType] = {
            ColumnType.integer: pa.int64(),
            ColumnType.number: pa.float64(),
            ColumnType.datetime: pa.timestamp("us"),
            Kind.integer: pa.int64(),
            Kind.number: pa.float64(),
            Kind.boolean: pa.bool_(),
            Kind.empty: pa.null(),
        }
        if self.spec.read and name in self.spec.read.datetimes:
            return pa.string()  # pandas reads its form
        return kinds.get(kind, pa.string())

    def _kind(self, name: str) -> "ColumnType | Kind":
        """What a column is declared as, or else taken for."""
        return declared_type(self.spec.declared, name) or self.kinds.get(name, Kind.text)

    @property
    def _marks(self) -> Marks:
        read = self.spec.read or ReadSpec()
        return Marks(read.decimal, read.thousands)

    def _settled(self, table: "pa.Table") -> "pd.DataFrame":
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True, date_as_object=False, split_blocks=True)
        for name in frame.columns[frame.dtypes == "object"]:
            frame[name] = _of_objects(frame[name])
        return frame

    def _typed(self, frame: "pd.DataFrame", texts: set[str]) -> "pd.DataFrame":
        """Columns of numbers that Arrow gives as texts, and those of other cells than was thought, as what they are."""
        declared, others, marks = {column.name for column in self.spec.declared}, dict[str, Kind](), self._marks
        numbers = {name for name in frame.columns if self._kind(name) in _NUMBERS}
        for name in texts | (numbers if marks.thousands else set()):
            if marks != Marks() and name in numbers:
                frame[name] = marks.numbers(frame[name], declared=name in declared)
            if name not in declared and frame[name].dtype == "str":
                kind, frame[name] = _widened(frame[name], self.kinds[name])
                others |= {name: kind} if kind is not self.kinds[name] else {}
        if others:
            raise OtherKind({name: others[name] for name in frame.columns if name in others})
        return frame


def first_kinds(files: Sequence[File], spec: DatasetSpec) -> dict[str, Kind]:
    """What each column that is not declared seems to be in the first block of the first file that holds it.

    Raises:
        DatasetError: the rows have no such columns, or are not in their encoding.
    """
    kinds: dict[str, Kind] = {}
    known = {column.name for column in spec.declared}
    for file in files:
        if set(file.wanted) - known:
            block = next(blocks_of([file.source], spec.read or ReadSpec()))
            kinds = _kinds_in(block.content, file, spec) | kinds
            known.update(file.wanted)
    return kinds


def _kinds_in(content: "memoryview | pa.RecordBatch", file: File, spec: DatasetSpec) -> dict[str, Kind]:
    import pyarrow as pa

    if not isinstance(content, memoryview):
        return {}
    declared = {column.name for column in spec.declared}
    given = {name: pa.string() for name in file.wanted if name in declared}
    table, texts = fitting(content, file, given, spec)
    return {
        name: Kind.text if name in texts else _kind(table.column(name), spec.read or ReadSpec())
        for name in file.wanted
        if name not in declared
    }


def _kind(column: "pa.ChunkedArray", read: ReadSpec) -> Kind:
    import pandas as pd
    import pyarrow.types as of

    kind = column.type
    if read.thousands and of.is_string(kind):
        numbers = Marks(read.decimal, read.thousands).numbers(column.to_pandas(), declared=False)
        return Kind.number if pd.api.types.is_numeric_dtype(numbers) else Kind.text
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
    if kind is Kind.empty and texts.dropna().isin([*TRUE, *FALSE]).all():
        return Kind.boolean, texts
    return Kind.text, texts


def _of_objects(column: "pd.Series") -> "pd.Series":
    """Booleans of which some are missing are texts, as in a table read at once; a column without cells is a number."""
    if column.isna().all():
        return column.astype("float64")
    return column.map({True: "True", False: "False"}).astype("str")
