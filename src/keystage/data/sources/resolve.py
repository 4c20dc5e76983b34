"""From the entries of ``dataset.files`` to the files that are read: names, patterns, folders, URLs, bundled tables."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from keystage.core.errors import DatasetError, listing
from keystage.data.sources.bundled import PREFIX
from keystage.data.sources.pinned import NOTHING, Pinned
from keystage.data.sources.spec import QUERY, Format, ReadSpec, Side, plain_name
from keystage.data.spec import DatasetSpec

Tracked = Callable[[Path], Iterable[str]]
_PATTERN = "*?["
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"  # what Hive, Spark and DuckDB call the folder of rows without a value


def _none_tracked(folder: Path) -> Iterable[str]:  # noqa: ARG001 - as those that look
    """Nothing but what is there is known."""
    return ()


@dataclass(frozen=True)
class Source:
    """One file that is read.

    Attributes:
        name: what notes and messages call it: its path below the dataset's folder, its URL, bundled:NAME or ``QUERY``.
        path: where its content is; no file there, when it is missing.
        shown: the name with the dataset's folder, for messages.
        partitions: columns that its path gives (``year=2024/``), None for a missing value.
        side: what its rows are for.
    """

    name: str
    path: Path
    shown: str
    partitions: dict[str, str | None] = field(default_factory=dict)
    side: Side = Side.train

    @property
    def is_local(self) -> bool:
        """Whether it is a file of the project."""
        return is_local(self.name)

    def format_by(self, read: ReadSpec) -> Format:
        """Its format: as declared, or by its ending; where that tells nothing, CSV."""
        return Format.parquet if self.name == QUERY else read.format_of(self.name) or Format.csv


def is_local(name: str) -> bool:
    """Whether a source of that name is a file of the project."""
    return not (is_url(name) or name == QUERY or name.startswith(PREFIX))


def is_url(entry: str) -> bool:
    """Whether an entry of ``dataset.files`` is somewhere else."""
    return "://" in entry


def is_pattern(entry: str) -> bool:
    """Whether an entry may stand for several files by their names."""
    return any(mark in plain_name(entry) for mark in _PATTERN)


def folder_of(place: Path) -> Path:
    """The folder that a file is in, or the one that a pattern begins with."""
    parts = place.parts
    first = next((number for number, part in enumerate(parts) if is_pattern(part)), len(parts) - 1)
    return Path(*parts[:first])


def resolve(spec: DatasetSpec, root: Path, pinned: Pinned = NOTHING, tracked: Tracked = _none_tracked) -> list[Source]:
    """The files of a dataset in the order in which they are read; those of a pattern or folder by name.

    A file that is not there is among them, and so is a pattern that nothing matches: that is for the reader to say.

    Args:
        spec: the declaration.
        root: the project's folder.
        pinned: what is behind its URLs and its query.
        tracked: gives the names below a folder that are known without being there.

    Raises:
        DatasetError: two entries stand for the same file.
    """
    sides = ((spec.entries, Side.train), (spec.validation_files, Side.validation), (spec.test_files, Side.test))
    found = [
        replace(source, side=side)
        for entries, side in sides
        for entry in entries
        for source in _of(entry, spec, root, pinned, tracked)
    ]
    twice = [name for name, times in Counter(source.name for source in found).items() if times > 1]
    if twice:
        raise DatasetError(
            f"dataset.files of '{spec.name}' stands for a file twice: {listing(twice)}",
            why="its rows would stand in training and test",
            fix="correct the names and patterns in dataset.files, validation_files and test.files",
        )
    return found


def local_source(name: str, spec: DatasetSpec, root: Path) -> Source:
    """A file of the project by its name below the dataset's folder."""
    return Source(name, root / spec.folder / name, (PurePosixPath(spec.folder) / name).as_posix(), _partitions(name))


def _of(entry: str, spec: DatasetSpec, root: Path, pinned: Pinned, tracked: Tracked) -> Iterator[Source]:
    if entry.startswith(PREFIX):
        yield Source(entry, Path(), entry)
    elif is_url(entry) or entry == QUERY:
        pins = pinned.of(entry)
        for pin in pins:
            yield Source(pin.name, pinned.path(pin), pin.name, _partitions(pin.name))
        if not pins:
            yield Source(entry, pinned.store / "none", entry)
    else:
        for name in _local_names(entry, root / spec.folder, spec.read or ReadSpec(), tracked):
            yield local_source(name, spec, root)


def _local_names(entry: str, folder: Path, read: ReadSpec, tracked: Tracked) -> list[str]:
    """The files of a name, pattern or folder below ``folder``; the entry itself when nothing is there."""
    place = folder / entry
    if place.is_file():
        return [entry]
    if is_pattern(entry):
        found = {path.relative_to(folder).as_posix() for path in folder.glob(entry) if path.is_file()}
        found |= set(matching(entry, tracked(folder)))
    else:
        below = {path.relative_to(folder).as_posix() for path in place.rglob("*") if path.is_file()}
        below |= {name for name in tracked(folder) if name.startswith(f"{PurePosixPath(entry)}/")}
        found = {name for name in below if read.format_of(name)}
    return sorted(name for name in found if not is_hidden(name, entry)) or [entry]


def matching(pattern: str, names: Iterable[str]) -> Iterator[str]:
    """The names that a pattern matches, as ``Path.glob`` does."""
    known = list(names)
    if known:
        import re

        from fsspec.utils import glob_translate

        matches = re.compile(glob_translate(pattern)).match
        yield from (name for name in known if matches(name))


def is_hidden(name: str, entry: str) -> bool:
    """Whether a part of the name says that it is no data, like _SUCCESS, and the entry does not name it."""
    asked = PurePosixPath(entry).parts
    return any(part.startswith((".", "_")) and part not in asked for part in PurePosixPath(name).parts)


def _partitions(name: str) -> dict[str, str | None]:
    """Columns by the folders on the way to a file that are called ``column=value``."""
    parts = PurePosixPath(plain_name(name)).parts[:-1]
    pairs = [part.partition("=") for part in parts if "=" in part.strip("=")]
    return {unquote(key): None if value == _NO_VALUE else unquote(value) for key, _, value in pairs if key}
