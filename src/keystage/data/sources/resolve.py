"""From the entries of ``dataset.files`` to the files that are read: names, patterns, folders, URLs, bundled tables."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from keystage.core.errors import DatasetError, listing
from keystage.data.sources.bundled import PREFIX
from keystage.data.sources.pinned import NOTHING, QUERY, Pinned
from keystage.data.sources.spec import Format, ReadSpec, plain_name
from keystage.data.spec import DatasetSpec

_PATTERN = "*?["
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"  # what Hive, Spark and DuckDB call the folder of rows without a value


@dataclass(frozen=True)
class Source:
    """One file that is read.

    Attributes:
        name: what notes and messages call it: its path below the dataset's folder, its URL, bundled:NAME or ``query``.
        path: where its content is; no file there, when it is missing.
        shown: the name with the dataset's folder, for messages.
        partitions: columns that its path gives (``year=2024/``), None for a missing value.
        held_out: whether its rows are for validation.
    """

    name: str
    path: Path
    shown: str
    partitions: dict[str, str | None] = field(default_factory=dict)
    held_out: bool = False

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


def resolve(spec: DatasetSpec, root: Path, pinned: Pinned = NOTHING) -> list[Source]:
    """The files of a dataset in the order in which they are read; those of a pattern or folder by name.

    A file that is not there is among them, and so is a pattern that nothing matches: that is for the reader to say.

    Args:
        spec: the declaration.
        root: the project's folder.
        pinned: what is behind its URLs and its query.

    Raises:
        DatasetError: two entries stand for the same file.
    """
    found = [source for entry in spec.entries for source in _of(entry, spec, root, pinned, held_out=False)]
    found += [source for entry in spec.validation_files for source in _of(entry, spec, root, pinned, held_out=True)]
    twice = [name for name, times in Counter(source.name for source in found).items() if times > 1]
    if twice:
        raise DatasetError(
            f"dataset.files of '{spec.name}' stands for a file twice: {listing(twice)}",
            why="its rows would stand in training and test",
            fix="correct the names and patterns in dataset.files and dataset.validation_files",
        )
    return found


def _of(entry: str, spec: DatasetSpec, root: Path, pinned: Pinned, *, held_out: bool) -> Iterator[Source]:
    if entry.startswith(PREFIX):
        yield Source(entry, Path(), entry, held_out=held_out)
    elif is_url(entry) or entry == QUERY:
        pins = pinned.of(entry)
        for pin in pins:
            yield Source(pin.name, pinned.path(pin), pin.name, _partitions(pin.name), held_out)
        if not pins:
            yield Source(entry, pinned.store / "none", entry, held_out=held_out)
    else:
        for name in local_names(entry, root / spec.path, spec.read or ReadSpec()):
            shown = (PurePosixPath(spec.path) / name).as_posix()
            yield Source(name, root / spec.path / name, shown, _partitions(name), held_out)


def local_names(entry: str, folder: Path, read: ReadSpec) -> list[str]:
    """The files of a name, pattern or folder below ``folder``; the entry itself when nothing is there."""
    place = folder / entry
    if place.is_dir():
        found: Iterable[Path] = (path for path in place.rglob("*") if read.format_of(path.name))
    elif not place.is_file() and is_pattern(entry):
        found = folder.glob(entry)
    else:
        return [entry]
    names = (path.relative_to(folder).as_posix() for path in found if path.is_file())
    return sorted(name for name in names if not is_hidden(name, entry)) or [entry]


def is_hidden(name: str, entry: str) -> bool:
    """Whether a part of the name says that it is no data, like _SUCCESS, and the entry does not name it."""
    asked = PurePosixPath(entry).parts
    return any(part.startswith((".", "_")) and part not in asked for part in PurePosixPath(name).parts)


def _partitions(name: str) -> dict[str, str | None]:
    """Columns by the folders on the way to a file that are called ``column=value``."""
    parts = PurePosixPath(plain_name(name)).parts[:-1]
    pairs = [part.partition("=") for part in parts if "=" in part.strip("=")]
    return {unquote(key): None if value == _NO_VALUE else unquote(value) for key, _, value in pairs if key}
