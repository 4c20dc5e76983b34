"""What the readers of datasets need to know of files that nobody has declared."""

from collections.abc import Sequence

from keystage.data.sources.spec import ReadSpec
from keystage.data.spec import DatasetSpec, Task


def undeclared(
    files: Sequence[str], folder: str = "", read: ReadSpec | None = None, missing: Sequence[str] = ("",)
) -> DatasetSpec:
    """A declaration without label and columns.

    Args:
        files: names below ``folder``, or patterns.
        folder: in the project.
        read: how they are read.
        missing: texts that stand for a missing cell.
    """
    return DatasetSpec(list(files), "", Task.regression, "", folder, read=read, missing=list(missing))
