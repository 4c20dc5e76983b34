"""A registered version of a dataset: its files by digest, in a small file that git keeps.

``datasets/NAME/VERSION.yaml``: a file per version, so that two branches that register each add a file and nothing has
to be merged. The content itself is in DVC's cache, under the digests.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from keystage.core.errors import DatasetError, hint
from keystage.core.params import parse_yaml
from keystage.data.sources.spec import Side

FOLDER = "datasets"  # of the project
LATEST = "latest"
_LENGTH = 8  # hexadecimal digits of a version
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")  # a folder on every system, and no '@' or '/'


@dataclass(frozen=True)
class VersionFile:
    """A file of a version.

    Attributes:
        name: in the dataset's folder.
        md5: of its content, as DVC has it.
        size: bytes.
        side: what its rows are for: train, validation or test.
    """

    name: str
    md5: str
    size: int
    side: str = Side.train.value


@dataclass(frozen=True)
class DatasetVersion:
    """What ``keystage dataset register`` wrote.

    Attributes:
        name: of the dataset.
        version: first digits of ``digest``, from its first letter on: no YAML and no Hydra takes it for a number.
        digest: SHA-256 over the contents of the files in order and how they are read.
        path: the folder in which the files were, and to which a checkout puts them.
        files: in the order in which they are read.
        reading: how the files were read: ``missing``, ``read``, and types by column.
        registered: when, in ISO 8601, UTC.
        kind: ``files`` as declared in conf/dataset, or ``prepared`` tables of stage dataprep.
        task: what is learnt.
        label: the column that is predicted.
        rows: in all files.
        columns: type, missing cells and different values by column.
        made_from: of prepared tables, the dataset and the version of its files.
        description: for people.
        tags: for people and scripts.
    """

    name: str
    version: str
    digest: str
    path: str
    files: tuple[VersionFile, ...]
    reading: Mapping[str, Any]
    registered: str
    kind: str = "files"
    task: str = ""
    label: str = ""
    rows: int | None = None
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    made_from: str | None = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """What people call it."""
        return f"{self.name}@{self.version}"

    @property
    def record(self) -> PurePosixPath:
        """The file that holds it, in the project."""
        return PurePosixPath(FOLDER, self.name, f"{self.version}.yaml")

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def digests(self) -> list[str]:
        """MD5 of each file."""
        return [file.md5 for file in self.files]

    def as_yaml(self) -> str:
        """The text of the record."""
        import yaml

        told = {name: value for name, value in asdict(self).items() if value not in (None, "")}
        told["files"] = [
            {name: value for name, value in file.items() if (name, value) != ("side", Side.train.value)}
            for file in told["files"]
        ]
        text: str = yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=2**31, default_flow_style=None)
        return f"# Written by keystage dataset register; the files are in DVC's cache and remotes by their MD5.\n{text}"


def digest_of(files: Iterable[tuple[str, str]], reading: Mapping[str, Any]) -> str:
    """Equal for equal contents in the same order, read in the same way.

    Args:
        files: MD5 of each, and what its rows are for.
        reading: how they are read.
    """
    text = json.dumps([[list(file) for file in files], dict(reading)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def short(digest: str) -> str:
    """The version that a digest has: its digits from the first letter on, so that it is a text wherever it is read."""
    start = next((place for place, digit in enumerate(digest) if digit.isalpha()), 0)
    return digest[start : start + _LENGTH]


def from_text(text: str | bytes, shown: str) -> DatasetVersion:
    """Read a record.

    Raises:
        ConfigError: it is no YAML.
        DatasetError: it is no record.
    """
    told = parse_yaml(text, shown)
    try:
        files = tuple(VersionFile(**file) for file in told["files"])
        return DatasetVersion(**{**told, "files": files})
    except (KeyError, TypeError) as error:
        raise DatasetError(
            f"{shown} is no record of a dataset's version", why=str(error), fix=f"git restore {shown}"
        ) from error


def versions(root: Path, name: str | None = None) -> list[DatasetVersion]:
    """All registered versions, or those of one name; by name, the latest last."""
    paths = sorted((root / FOLDER).glob(f"{name or '*'}/*.yaml"))
    found = [from_text(path.read_bytes(), path.relative_to(root).as_posix()) for path in paths]
    return sorted(found, key=lambda version: (version.name, version.registered, version.version))


def find(root: Path, name: str, version: str) -> DatasetVersion:
    """A registered version; ``latest`` is the one registered last, and the first digits are enough.

    Raises:
        DatasetError: it is not there.
    """
    known = versions(root, name)
    if version == LATEST and known:
        return known[-1]
    found = [item for item in known if item.version.startswith(version)] if version else []
    if len(found) == 1:
        return found[0]
    shown = {item.version: item for item in reversed(known)}
    raise DatasetError(
        f"'{version}' begins several versions of '{name}'" if found else f"dataset '{name}' has no version '{version}'",
        why=f"{FOLDER}/{name} holds {_counted(known)}",
        fix=f"{hint(version, shown)} (keystage dataset list; one of another branch comes with its commit)"
        if shown
        else f"register what is in the workspace: keystage dataset register {name}",
    )


def require_name(name: str) -> None:
    """Refuse a name that is no folder's name everywhere.

    Raises:
        DatasetError: it is none.
    """
    if not _NAME.fullmatch(name):
        raise DatasetError(
            f"'{name}' cannot be the name of a dataset that is registered",
            why="it names a folder below datasets/",
            fix="use letters, digits, '_', '-' and '.'",
        )


def _counted(known: Sequence[DatasetVersion]) -> str:
    return "none" if not known else f"{len(known)}: {', '.join(item.version for item in known[-5:])}"
