"""What files hold that nobody has declared, and what it takes to read them so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keystage.core.errors import DatasetError
from keystage.data.formats.opening import require_same_columns
from keystage.data.look.columns import PLAIN, Kind
from keystage.data.marks import Marks
from keystage.data.sources.resolve import Source

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Seen:
    """What files hold.

    Attributes:
        table: all rows, numbers and times as such.
        kinds: what each column seems to be.
        read: the settings of ``dataset.read`` that are not the usual.
        missing: texts that stand for missing cells.
        why: what was found and is not the usual, a sentence each.
        is_part: whether the files have more rows, too many to look at.
        keep: the columns that can be read, where others cannot; empty where all can.
        marks: how its numbers are written.
    """

    table: "pd.DataFrame"
    kinds: dict[str, Kind]
    read: dict[str, Any] = field(default_factory=dict)
    missing: list[str] = field(default_factory=lambda: [""])
    why: list[str] = field(default_factory=list)
    is_part: bool = False
    keep: list[str] = field(default_factory=list)
    marks: Marks = PLAIN


def below_each_other(sources: Sequence[Source], frames: "Iterable[pd.DataFrame]") -> "pd.DataFrame":
    """All rows, with the columns that the paths give.

    Args:
        sources: the files.
        frames: their rows.

    Raises:
        DatasetError: a file has no rows, or other columns than the first.
    """
    import pandas as pd

    tables: list[pd.DataFrame] = []
    fix = "give them the same header, or declare the files by hand with dataset.read.header=union"
    for source, frame in zip(sources, frames, strict=True):
        if frame.empty:
            raise DatasetError(f"{source.shown} has no rows", why="it holds a header only", fix="put the data into it")
        for name, value in source.partitions.items():
            frame[name] = pd.Series(value, index=frame.index, dtype="str")
        tables.append(frame)
        require_same_columns(source, frame.columns, sources[0], tables[0].columns, fix)
    return pd.concat(tables, ignore_index=True)
