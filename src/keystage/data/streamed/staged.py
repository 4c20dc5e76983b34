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

_OF_CSV, _OF_PARQUET = 0.8, 2.5  # bytes staged per byte of a file; 0.6 and 1.7 were measured


class Staging:
    """Parts of a table as files of Arrow; the folder is gone at the end, after an error too.

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

        table = pa.Table.from_pandas(frame, preserve_index=False)
        options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
        with (
            pa.OSFile(str(self._part(number)), "wb") as file,
            pa.ipc.new_file(file, table.schema, options=options) as to,
        ):
            to.write_table(table)

    def parts(self) -> list[int]:
        """The numbers of the parts, in the order of the rows."""
        return sorted(int(path.stem) for path in self._folder.glob("*.arrow"))

    def read(self, number: int, types: Mapping[str, str], columns: list[str] | None = None) -> "pd.DataFrame":
        """A part in these types, or some columns of it."""
        import pyarrow as pa

        with pa.OSFile(str(self._part(number)), "rb") as file:
            schema = pa.ipc.open_file(file).schema
            places = None if columns is None else [schema.get_field_index(name) for name in columns]
            options = pa.ipc.IpcReadOptions(use_threads=False, included_fields=places)
            table = pa.ipc.open_file(file, options=options).read_all()
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True, split_blocks=True)
        return conform(frame, {name: types[name] for name in frame.columns})

    def _part(self, number: int) -> Path:
        return self._folder / f"{number:06d}.arrow"
