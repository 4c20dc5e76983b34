"""Files of raw rows and how they are read: as those were that the model has learnt from, unless told otherwise."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from keystage.core.errors import DatasetError, hint, listing
from keystage.core.params import first_line
from keystage.data.formats.plain import opened, plain_text
from keystage.data.look.encoding import require_text
from keystage.data.sources.resolve import Source, folder_of, is_pattern, matching, resolve
from keystage.data.sources.spec import ENDINGS, Format, HeaderKind, ReadSpec, ending_of
from keystage.data.undeclared import undeclared

# Settings of dataset.read that say how one file is read.
_OF_A_FILE = (
    *("format", "separator", "encoding", "header", "names", "quote", "decimal", "thousands", "comment", "skip_rows"),
    *("short_rows", "sheet", "datetimes"),
)
_HEAD = 4096  # bytes that tell what a file without a known ending is


class Form(StrEnum):
    """How a file's rows come out of it."""

    csv = "csv"
    parquet = "parquet"
    lines = "lines"
    sheet = "sheet"


_FORMS = {
    Format.csv: Form.csv,
    Format.tsv: Form.csv,
    Format.parquet: Form.parquet,
    Format.jsonl: Form.lines,
    Format.excel: Form.sheet,
}


@dataclass(frozen=True)
class RawFile:
    """Raw rows that are to be scored.

    Attributes:
        path: of the file.
        read: how it is read, where its ending does not say it.
        missing: texts that stand for a missing cell.
        texts: columns that the model takes as text: a workbook's ``007`` is no 7 there.
        given: cells of columns that the file has not, the same in each row: its path gives them (``year=2024/``), or
            they are missing.
    """

    path: Path
    read: ReadSpec = field(default_factory=ReadSpec)
    missing: Sequence[str] = ("",)
    texts: Sequence[str] = ()
    given: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def form(self) -> Form:
        """As it is to be read; else by the file's ending.

        Raises:
            DatasetError: neither tells it.
        """
        return _FORMS[self._format()]

    @property
    def source(self) -> Source:
        """As those of a dataset are called."""
        return Source(self.path.name, self.path, str(self.path))

    @property
    def separator(self) -> str:
        """Between the fields of a CSV."""
        return self.read.separator_in(self._format())

    @property
    def has_header(self) -> bool:
        """Whether the first line that is read has the names of the columns."""
        return self.read.header is not HeaderKind.none

    def _format(self) -> Format:
        found = self.read.format or ENDINGS.get(ending_of(self.path.name))
        if found is None:
            with self.open() as file:
                require_text(file.read(_HEAD), self.source)
            raise DatasetError(
                f"{self.path.name} is in no form that is known",
                why=f"the form is told by the file's ending: {listing(ENDINGS)}",
                fix="rename it, or say its form: --read format=csv",
            )
        return found

    def open(self) -> AbstractContextManager[IO[bytes]]:
        """The file's bytes, decompressed where its ending says that they are compressed."""
        return opened(self.path, self.path.name)

    @contextmanager
    def open_rows(self) -> Iterator[IO[bytes]]:
        """A text from its header on, as ``plain_text`` gives it."""
        with self.open() as file:
            yield plain_text(file, self.read, self.separator, self.path.name)


def sources_at(place: Path) -> list[Source]:
    """The files of a name, a folder or a pattern, in the order in which those of a dataset are read.

    Raises:
        DatasetError: there is none.
    """
    root = Path(place.anchor)
    found = resolve(undeclared([place.relative_to(root).as_posix()]), root)
    if found[0].path.is_file():
        return found
    if place.is_dir():
        raise DatasetError(
            f"{place} holds no file whose ending is known",
            why=f"known are {listing(ENDINGS)}",
            fix="name a file, or a pattern such as 'data/new/*.data'",
        )
    raise DatasetError(
        f"no file matches {place}" if is_pattern(place.as_posix()) else f"{place} does not exist",
        why="it is to be scored",
        fix="correct the path",
    )


def stands_among(written: Path, place: Path) -> bool:
    """Whether a file is, or would be when it is there, one of those of a folder or a pattern."""
    where, file = place.resolve(), written.resolve()
    if place.is_dir():
        return file.is_relative_to(where)
    return is_pattern(place.as_posix()) and bool(list(matching(where.as_posix(), [file.as_posix()])))


def name_among(file: Path, place: Path) -> str:
    """What ``dataset.read.source_column`` calls a file of a folder, or of the one that a pattern begins with."""
    return file.relative_to(place if place.is_dir() else folder_of(place)).as_posix()


def read_as(declared: Mapping[str, Any], changes: Sequence[str] = ()) -> ReadSpec:
    """How files are read, by what the model tells of ``dataset.read`` and by what the command says.

    Args:
        declared: ``dataset.read`` of the model's dataset; empty where it had none.
        changes: settings in its place, as ``separator=;``.

    Raises:
        DatasetError: there is no such setting, or no file can be read so.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    settings = {name: value for name, value in declared.items() if name in _OF_A_FILE}
    for change in changes:
        name, sign, value = change.partition("=")
        if name in _OF_A_FILE and not sign:
            raise DatasetError(f"--read {name} has no value", why="it takes SETTING=VALUE", fix=f"--read {name}=VALUE")
        if name not in _OF_A_FILE:
            raise DatasetError(
                f"--read {change} says nothing of how a file is read",
                why=f"it takes SETTING=VALUE, of {listing(_OF_A_FILE)}",
                fix=hint(name, _OF_A_FILE),
            )
        settings[name] = _value_of(name, value)
    try:
        read = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(ReadSpec), settings))
    except (OmegaConfBaseException, ValueError) as error:
        raise DatasetError(
            "no file can be read so", why=first_line(error), fix="correct --read SETTING=VALUE"
        ) from error
    assert isinstance(read, ReadSpec)
    return read


def _value_of(name: str, value: str) -> Any:
    """A setting as the command line has it; nothing is null."""
    if name == "names":
        return value.split(",")
    if name == "datetimes":
        return dict(pair.partition(":")[::2] for pair in value.split(","))
    return value or next(item.default for item in fields(ReadSpec) if item.name == name)
