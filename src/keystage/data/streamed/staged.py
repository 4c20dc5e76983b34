"""Typed rows on disk, in the folder of the project, between the two looks that are taken at a table."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from keystage.core.disk import nearest_folder
from keystage.core.errors import DiskError
from keystage.data.streamed.types import conform

if TYPE_CHECKING:
    import pandas as pd

_OF_CSV, _OF_PARQUET = 0.7, 2.0  # bytes staged per byte of a file; 0.4 and 1.2 were measured


class Staging:
    """Parts of a table as Parquet files; the folder is gone at the end, after an error too.

    Args:
        folder: is made empty.
        sources: the files that are to be staged.

    Raises:
        DiskError: there is less room than that needs.
    """

    def __init__(self, folder: Path, sources: Sequence[Path]) -> None:
        self._folder = folder
        needed = sum(
            path.stat().st_size * (_OF_PARQUET if path.suffix.lower() == ".parquet" else _OF_CSV) for path in sources
        )
        free = shutil.disk_usage(nearest_folder(folder)).free
        if free < needed:
            raise DiskError(
                f"there is not enough room to stage the table in {folder}",
                why=f"it takes about {needed / 1e6:,.0f} MB while the stage runs, and {free / 1e6:,.0f} MB are free",
                fix="make room (keystage gc says what the cache can give back), or set dataset.stream.train_on=sample, "
                "which stages nothing",
            )

    def __enter__(self) -> Self:
        self.clear()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def clear(self) -> None:
        """Begin anew."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)

    def write(self, frame: "pd.DataFrame", number: int) -> None:
        """Keep a part; parts may be written at the same time and in any order."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pandas(frame, preserve_index=False)
        texts = [field.name for field in table.schema if pa.types.is_string(field.type) or _is_large(field.type)]
        pq.write_table(table, self._part(number), use_dictionary=texts, write_statistics=False)

    def parts(self) -> list[int]:
        """The numbers of the parts, in the order of the rows."""
        return sorted(int(path.stem) for path in self._folder.glob("*.parquet"))

    def rows(self, number: int) -> int:
        """How many rows a part has."""
        import pyarrow.parquet as pq

        return int(pq.read_metadata(self._part(number)).num_rows)

    def read(self, number: int, types: Mapping[str, str], columns: list[str] | None = None) -> "pd.DataFrame":
        """A part in these types, or some columns of it."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(self._part(number)) as file:
            frame: pd.DataFrame = file.read(columns=columns, use_threads=False).to_pandas()
        return conform(frame, {name: types[name] for name in frame.columns})

    def _part(self, number: int) -> Path:
        return self._folder / f"{number:06d}.parquet"


def _is_large(kind: object) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_large_string(kind))
