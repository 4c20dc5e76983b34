"""Tables that are written part by part, in the form that ``keystage.data.table`` gives whole ones."""

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from keystage.core.errors import DatasetError
from keystage.core.params import first_line

if TYPE_CHECKING:
    import pyarrow as pa


class Parts:
    """One Parquet file, part by part; to be used in ``with``. The first part says the types of the columns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pa.parquet.ParquetWriter | None = None

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(self, table: "pa.Table") -> None:
        """Add rows.

        Raises:
            DatasetError: the columns are of other types than in the first part.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._writer is None:
            # Numbers seldom repeat, and a dictionary of them takes as long as all the rest.
            texts = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
            self._writer = pq.ParquetWriter(self._path, table.schema, use_dictionary=texts)
        try:
            self._writer.write_table(table.cast(self._writer.schema))
        except (pa.ArrowInvalid, ValueError) as error:
            raise DatasetError(
                f"the recipe gives blocks of rows other columns or types, so {self._path} cannot be written",
                why=first_line(error),
                fix="give each column of your transform one type, float64 where cells may be missing, or set "
                "dataset.stream.train_on=sample",
            ) from error
