"""Read the declared sources into one typed table, or say exactly which cell is not as declared."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from keystage.core.errors import DatasetError, hint, listing
from keystage.core.progress import Say
from keystage.data.checks import Check, held_to_declaration
from keystage.data.columns import ColumnType
from keystage.data.formats.opening import names_in, one_header, require_no_column, require_same_columns, rows_of
from keystage.data.formats.plain import UNNAMED
from keystage.data.roles import MARKS, mark_files, setting_of
from keystage.data.rows import places_of, selection_columns, taken_rows
from keystage.data.sources.bundled import PREFIX
from keystage.data.sources.pinned import NOTHING, Pinned
from keystage.data.sources.resolve import Source, is_local, is_pattern, is_url, local_source, resolve
from keystage.data.sources.spec import Format, HeaderKind, ReadSpec
from keystage.data.spec import DatasetSpec

if TYPE_CHECKING:
    import pandas as pd

_NO_NAME = re.compile(rf"{UNNAMED}\d+|column\d+")  # what a column without one is called


class Read(NamedTuple):
    """A table as it was read.

    Attributes:
        table: the rows, indexed anew.
        checks: what each declared column was held to, and what was found.
        rows: how many there were in the files.
        left_out: how many of these each part of ``dataset.rows`` left out, by its name.
        not_kept: the columns that ``dataset.keep`` left out.
    """

    table: "pd.DataFrame"
    checks: list[Check]
    rows: int
    left_out: dict[str, int]
    not_kept: list[str]


def read_dataset(
    spec: DatasetSpec,
    root: Path,
    *,
    seed: int = 0,
    pinned: Pinned = NOTHING,
    noted: Iterable[str] = (),
    say: Say | None = None,
) -> Read:
    """Read all sources of a dataset, below each other, with the declared types, held to the declared rules.

    Integers stand as int64, as float64 where cells are empty; numbers as float64; strings as pandas ``str``. Where
    there are ``validation_files``, column ``HELD_OUT`` is true for their rows, and ``TESTED`` for those of test files.

    Args:
        spec: the declaration.
        root: the project's folder.
        seed: of the rows that ``dataset.rows.sample`` draws.
        pinned: where the content of its URLs and of its query is.
        noted: names of files that must be among those read: DVC knows more of a pattern than is in the folder.
        say: is told what is being read.

    Raises:
        DatasetError: a file is missing, empty, not in its encoding or has another header; a column is missing; a cell
            is not of its declared type or breaks a rule, and the declaration says no other than error; no row is left.
    """
    sources = sources_of(spec, root, pinned, noted)
    frames, names = frames_of(sources, spec, say or (lambda _: None))
    table = below_each_other(frames, sources, spec)
    require_columns(spec, list(dict.fromkeys([*names, *map(str, table.columns)])))
    count = len(table)
    left_out: dict[str, int] = {}
    if spec.rows is not None:
        places = places_of((source.name, len(frame)) for source, frame in zip(sources, frames, strict=True))
        taken, left_out = taken_rows(table, spec, places, seed)
        table = table[taken]
    if spec.kept is not None:
        table = table[[name for name in table.columns if name in {*spec.kept, *MARKS}]].copy()
    held, checks = held_to_declaration(table, spec)
    not_kept = [name for name in names if name not in held] if spec.kept is not None else []
    return Read(held, checks, count, left_out, not_kept)


def sources_of(spec: DatasetSpec, root: Path, pinned: Pinned = NOTHING, noted: Iterable[str] = ()) -> list[Source]:
    """The sources of a dataset, all of which are there.

    Args:
        spec: the declaration.
        root: the project's folder.
        pinned: where the content of its URLs and of its query is.
        noted: names of files that must be among them.

    Raises:
        DatasetError: one is not.
    """
    sources = resolve(spec, root, pinned)
    read = {source.name for source in sources}
    absent = [local_source(name, spec, root) for name in noted if name not in read and is_local(name)]
    for source in [*sources, *absent]:
        if not source.name.startswith(PREFIX) and not source.path.is_file():
            raise _missing(source, root / spec.folder)
    return sources


def column_names(spec: DatasetSpec, root: Path, pinned: Pinned = NOTHING) -> list[str]:
    """The columns of the table, those included that paths give; none where the first source is not there.

    Raises:
        DatasetError: a header cannot be read.
    """
    read = spec.read or ReadSpec()
    sources = resolve(spec, root, pinned)
    names: dict[str, None] = {}
    for source in sources if read.header is HeaderKind.union else sources[:1]:
        if source.name.startswith(PREFIX) or source.path.is_file():
            names.update(dict.fromkeys([*names_in(source, spec, None), *source.partitions]))
    return [*names, *([read.source_column] if names and read.source_column else [])]


def frames_of(sources: list[Source], spec: DatasetSpec, say: Say) -> "tuple[list[pd.DataFrame], list[str]]":
    """The rows of each source, with the columns that its path gives; and all columns, those too that are not read."""
    frames: list[pd.DataFrame] = []
    every: dict[str, None] = {}
    first: list[str] | None = None
    for place, source in enumerate(sources, start=1):
        size = f", {source.path.stat().st_size / 1e6:,.1f} MB" if source.path.is_file() else ""
        say(f"reading {source.shown}{size} ({place} of {len(sources)})")
        names = names_in(source, spec, first)
        wanted = _wanted(names, source, spec)
        frame = rows_of(source, spec, names, wanted, is_first=first is None)
        if frame.empty:
            raise DatasetError(
                f"{source.shown} has no rows",
                why="it holds a header only",
                fix=f"put the data back, or take it off {source.side.setting}",
            )
        if first is None:
            first = names
        _add_columns(frame, source, spec)
        _require_same(frame, frames, source, sources[0], spec)
        frames.append(frame)
        every.update(dict.fromkeys([*names, *map(str, frame.columns)]))
    return frames, list(every)


def _wanted(names: list[str], source: Source, spec: DatasetSpec) -> list[str] | None:
    """Those of a source's columns that are read; None for all. What JSON Lines have is known when they are read."""
    if spec.kept is None:
        return None
    asked = dict.fromkeys([*spec.kept, *selection_columns(spec)])
    if source.format_by(spec.read or ReadSpec()) is Format.jsonl:
        return list(asked)
    return [name for name in names if name in asked]


def _add_columns(frame: "pd.DataFrame", source: Source, spec: DatasetSpec) -> None:
    """Columns that the path gives, unless the file has them, and the one of the file's name."""
    for name, value in source.partitions.items():
        if name not in frame.columns:
            frame[name] = value
            frame[name] = frame[name].astype("str")
    added = spec.read.source_column if spec.read else None
    if added is not None:
        require_no_column(added, frame.columns, source)
        frame[added] = source.name
        frame[added] = frame[added].astype("str")


def _require_same(
    frame: "pd.DataFrame", frames: "list[pd.DataFrame]", source: Source, first: Source, spec: DatasetSpec
) -> None:
    """Refuse a source with other columns than the first, unless that is declared."""
    if not frames or (spec.read is not None and spec.read.header is HeaderKind.union):
        return
    require_same_columns(source, frame.columns, first, frames[0].columns, one_header(spec.name))


def below_each_other(frames: "list[pd.DataFrame]", sources: list[Source], spec: DatasetSpec) -> "pd.DataFrame":
    """One table of all rows, each column in one type."""
    import pandas as pd

    table: pd.DataFrame = pd.concat(frames, ignore_index=True)
    texts = {column.name for column in spec.declared if column.type is ColumnType.string}
    given = {name for source in sources for name in source.partitions} - texts
    for name in table.columns:
        if table[name].dtype == "object":  # numbers in one file, words in another
            table[name] = table[name].astype("str")
        if name in given and table[name].dtype == "str":
            table[name] = as_numbers(table[name])
    mark_files(table, [source.side for source in sources], [len(frame) for frame in frames])
    return table


def as_numbers(column: "pd.Series") -> "pd.Series":
    """Numbers, where all values are such: as a CSV's column is typed by its whole content."""
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    return numbers if numbers.notna().eq(column.notna()).all() and numbers.notna().any() else column


def _missing(source: Source, folder: Path) -> DatasetError:
    if is_url(source.name) or not source.is_local:
        return DatasetError(
            f"the content of {source.shown} is not on this machine",
            why="stage 'conf' fetches it, and has not, or the copy was removed",
            fix="run the pipeline from its start: keystage run",
        )
    beside = source.path.parent if source.path.parent.is_dir() and not is_pattern(source.name) else folder
    present = sorted(item.name for item in beside.glob("*")) if beside.is_dir() else []
    what = f"no file matches {source.shown}" if is_pattern(source.name) else f"{source.shown} does not exist"
    if source.path.is_dir():
        what = f"{source.shown} holds no file whose ending is known"
    setting = source.side.setting
    return DatasetError(
        what,
        why=f"{setting} names it; the folder holds: {listing(present) or 'nothing'}",
        fix=f"restore the file (git restore, dvc pull) or correct dataset.path and {setting} in conf/dataset",
    )


def require_columns(spec: DatasetSpec, header: list[str]) -> None:
    """Refuse, with a ``DatasetError``, what names a column that the table does not have."""
    declared = [("dataset.label", spec.label)]
    declared += [("dataset.columns", column.name) for column in spec.declared]
    declared += [("dataset.keep", name) for name in spec.keep or ()]
    declared += [("dataset.drop", name) for name in spec.drop if spec.keep is None]
    declared += [(setting_of(role), name) for role, name in spec.roles.items()]
    unnamed = any(_NO_NAME.fullmatch(name) for name in header)  # titles of a report have few fields
    below = "; where lines stand above the header, say how many: dataset.read.skip_rows" if unnamed else ""
    for key, name in declared:
        if name not in header:
            raise DatasetError(
                f"column '{name}' is not in dataset '{spec.name}'",
                why=f"{key} names it; the files have {len(header)} columns: {listing(header)}",
                fix=f"correct {key} in conf/dataset, then run again: {hint(name, header)}{below}",
            )
