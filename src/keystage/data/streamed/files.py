"""The files of a dataset with what is known of each before its rows are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keystage.data.formats.opening import names_in, one_header, require_no_column, require_same_columns
from keystage.data.reading import as_numbers, require_columns
from keystage.data.rows import require_selection, selection_columns
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import HeaderKind, ReadSpec
from keystage.data.spec import DatasetSpec
from keystage.data.streamed.blocks import require_streamed

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class File:
    """One file.

    Attributes:
        source: where it is.
        names: the columns that it holds.
        wanted: those of them that are read: that are kept, or that rows are taken by.
        given: columns that its path gives, its name, and those that other files have alone (``header: union``): each of
            one value, NaN for a missing one.
    """

    source: Source
    names: list[str]
    wanted: list[str]
    given: dict[str, Any]

    def with_given(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Rows of the file with the columns that it does not hold."""
        import pandas as pd

        for name, value in self.given.items():
            kind = "str" if isinstance(value, str) else None
            frame[name] = pd.Series([value], dtype=kind).repeat(len(frame)).reset_index(drop=True)
        return frame


def files_of(sources: Sequence[Source], spec: DatasetSpec) -> list[File]:
    """The files of a dataset.

    Raises:
        DatasetError: one cannot be read in blocks or has other columns than the first, or what the declaration names
            is in none.
    """
    read = spec.read or ReadSpec()
    require_streamed(sources, read)
    first = names_in(sources[0], spec, None)
    names = [first, *(names_in(source, spec, first) for source in sources[1:])]
    given = _given(sources, names, spec)
    every = [[*held, *more] for held, more in zip(names, given, strict=True)]
    if read.header is HeaderKind.union:
        _give_others(given, every)
    else:
        for source, columns in zip(sources[1:], every[1:], strict=True):
            require_same_columns(source, columns, sources[0], every[0], one_header(spec.name))
    require_columns(spec, [*names[0], *given[0]])
    require_selection([*names[0], *given[0]], spec)
    kept = None if spec.kept is None else {*spec.kept, *selection_columns(spec)}
    return [
        File(
            source,
            held,
            [name for name in held if kept is None or name in kept],
            {name: value for name, value in more.items() if kept is None or name in kept},
        )
        for source, held, more in zip(sources, names, given, strict=True)
    ]


def _give_others(given: list[dict[str, Any]], every: list[list[str]]) -> None:
    """Columns that a file has not, and others have, are missing in all of its rows."""
    union = dict.fromkeys(name for columns in every for name in columns)
    for more, columns in zip(given, every, strict=True):
        held = set(columns)
        more.update({name: float("nan") for name in union if name not in held})


def _given(sources: Sequence[Source], names: list[list[str]], spec: DatasetSpec) -> list[dict[str, Any]]:
    """By file, the columns that its path gives and it does not hold: numbers, where all of them are such."""
    import pandas as pd

    found: list[dict[str, Any]] = [{} for _ in sources]
    texts = {column.name for column in spec.declared if column.type.value == "string"}
    for name in dict.fromkeys(name for source in sources for name in source.partitions):
        places = [at for at, source in enumerate(sources) if name in source.partitions and name not in names[at]]
        values = pd.Series([sources[at].partitions[name] for at in places], dtype="str")
        for at, value in zip(places, values if name in texts else as_numbers(values), strict=True):
            found[at][name] = value
    added = spec.read.source_column if spec.read else None
    if added is None:
        return found
    for at, source in enumerate(sources):
        require_no_column(added, [*names[at], *found[at]], source)
        found[at][added] = source.name
    return found
