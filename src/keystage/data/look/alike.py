"""The files of a dataset are read alike: whether texts of several files can be."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError
from keystage.data.columns import ColumnType
from keystage.data.formats.failures import in_words
from keystage.data.formats.plain import opened
from keystage.data.formats.separators import likely_separator
from keystage.data.look.columns import cells_by_column, kind_of, marks_of
from keystage.data.look.encoding import encoding_of
from keystage.data.look.text import TextForm
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import ReadSpec

if TYPE_CHECKING:
    import pandas as pd

_CHUNK = 2**20  # bytes
_FIX = "write the files alike; or declare those of each kind apart, by a pattern such as 'data/sales/2024-*.csv'"


def encoding_of_all(sources: Sequence[Source]) -> tuple[str, list[str]]:
    """The encoding by which all files can be read, and why, where it is not UTF-8.

    Raises:
        DatasetError: two files are in different ones, and letters of one would be read as others without a word.
    """
    found = {}
    for source in sources:
        with in_words(source, ReadSpec()):
            found[source.shown] = encoding_of(source)
    if len({name for name, _ in found.values()}) > 1:
        # Letters of ASCII are the same in nearly all.
        plain = {source.shown for source in sources if found[source.shown][0] == "utf-8" and _is_ascii(source.path)}
        found = {shown: encoding for shown, encoding in found.items() if shown not in plain}
    (first, (name, why)), *others = found.items()
    odd = next(((shown, other) for shown, (other, _) in others if other != name), None)
    if odd is not None:
        raise DatasetError(
            f"{first} and {odd[0]} are in two encodings",
            why=f"the first is {name}, the second {odd[1]}, and the files of a dataset are read alike",
            fix=_FIX,
        )
    return name, why


def require_same_separator(sources: Sequence[Source], frames: "Sequence[pd.DataFrame]", form: TextForm) -> None:
    """Refuse a file whose lines have no separator of the first one's, but another.

    Raises:
        DatasetError: names the two files and what stands between their fields.
    """
    for source, frame in zip(sources, frames, strict=True):
        if frame.shape[1] > 1 or len(form.names) == 1:
            continue
        if likely := likely_separator(str(frame.columns[0])):
            raise DatasetError(
                f"{source.shown} is separated by {likely!r}, and {sources[0].shown} by {form.separator!r}",
                why="the files of a dataset are read alike",
                fix=_FIX,
            )


def require_alike(
    sources: Sequence[Source], frames: "Sequence[pd.DataFrame]", columns: Sequence[str], sep: str
) -> None:
    """Refuse numbers or times that one file writes in another way than the next: together they would be texts.

    Args:
        sources: the files.
        frames: their cells, as texts.
        columns: those that are texts when all files are looked at together.
        sep: what stands between fields.

    Raises:
        DatasetError: names the column, and two files.
    """
    for name in columns:
        filled = [
            (source, frame[[name]]) for source, frame in zip(sources, frames, strict=True) if frame[name].notna().any()
        ]
        ways = {source.shown: _way(column, sep) for source, column in filled}
        told = {way: f"{shown} has {' '.join(way)}" for shown, way in ways.items() if way and way[1]}
        if None not in ways.values() and len(told) > 1 and len({what for what, _ in told}) == 1:
            raise DatasetError(
                f"'{name}' is written in two ways",
                why=f"{', '.join(list(told.values())[:2])}; together they would be texts",
                fix=_FIX,
            )


def _way(column: "pd.DataFrame", separator: str) -> tuple[str, str] | None:
    """Of numbers and times, what they are and how they are written; None of what is neither."""
    cells = cells_by_column(column)
    marks, _ = marks_of(cells, separator)
    (counts,) = cells.values()
    kind = kind_of(counts.index, marks)
    if kind.type is ColumnType.integer:
        return "whole numbers", ""  # which fit to any
    if kind.type is ColumnType.number:
        return "numbers", f"with '{marks.decimal}' for decimals"
    return ("times", f"like {kind.time or 'ISO 8601'}") if kind.type is ColumnType.datetime else None


def _is_ascii(path: Path) -> bool:
    with opened(path, path.name) as raw:
        return all(chunk.isascii() for chunk in iter(lambda: raw.read(_CHUNK), b""))
