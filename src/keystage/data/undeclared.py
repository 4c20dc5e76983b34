"""What the readers of datasets need to know of files that nobody has declared."""

from collections.abc import Sequence

from keystage.data.columns import ColumnSpec, ColumnType
from keystage.data.sources.spec import ReadSpec
from keystage.data.spec import DatasetSpec, Task


def undeclared(
    files: Sequence[str],
    folder: str = "",
    read: ReadSpec | None = None,
    missing: Sequence[str] = ("",),
    texts: Sequence[str] = (),
) -> DatasetSpec:
    """A declaration without label, and of no columns but those that are read as texts.

    Args:
        files: names below ``folder``, or patterns.
        folder: in the project.
        read: how they are read.
        missing: texts that stand for a missing cell.
        texts: columns that are read as such.
    """
    columns = [ColumnSpec(name, ColumnType.string) for name in texts]
    return DatasetSpec(list(files), "", Task.regression, "", folder, columns, read=read, missing=list(missing))
