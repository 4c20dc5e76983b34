"""The datasets of a project by name: what conf/dataset declares, and the versions that are registered of it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from keystage.adapters import dvc_datasets
from keystage.adapters.dvc_state import digest
from keystage.compute.limits import cores
from keystage.compute.spec import ComputeProfile
from keystage.core.errors import ChangedInputError, ConfigError, DatasetError, hint, listing
from keystage.core.params import first_line, parse_yaml, read_yaml, typed_params
from keystage.data.sources.resolve import is_local
from keystage.data.sources.spec import Side
from keystage.data.spec import DatasetSpec
from keystage.data.version import (
    DatasetVersion,
    VersionFile,
    digest_of,
    from_text,
    require_name,
    short,
    versions,
)
from keystage.pipeline import workspace
from keystage.pipeline.datasets import reading_of, version_of

logger = logging.getLogger(__name__)

CONF = Path("conf", "dataset")
MAX_COLUMNS = 200  # of which a record tells; it is a small file


@dataclass
class _Declaration:
    dataset: DatasetSpec


@dataclass(frozen=True)
class Registration:
    """What became of a registration.

    Attributes:
        version: of the content.
        is_new: whether no version had it.
        changed: whether anything was written.
    """

    version: DatasetVersion
    is_new: bool
    changed: bool


def declared(root: Path) -> dict[str, dict[str, Any]]:
    """The options of conf/dataset as they stand in their files, by the name of the option."""
    found = {
        path.stem: parse_yaml(path.read_bytes(), str(CONF / path.name)) for path in sorted((root / CONF).glob("*.yaml"))
    }
    return {option: told for option, told in found.items() if isinstance(told, dict)}


def declared_as(root: Path, name: str) -> dict[str, Any] | None:
    """What conf/dataset says of a dataset, by its option or its name; None where it says nothing."""
    options = declared(root)
    if name in options:
        return options[name]
    return next((told for option, told in options.items() if told.get("name", option) == name), None)


def declaration(root: Path, name: str) -> DatasetSpec:
    """The declaration of a dataset, by its option or its name.

    Raises:
        DatasetError: there is none.
        ConfigError: it is not right.
    """
    from omegaconf.errors import OmegaConfBaseException

    options = declared(root)
    named = {str(told.get("name", option)): option for option, told in reversed(options.items())}
    option = name if name in options else named.get(name)
    if option is None:
        every = dict.fromkeys([*named, *options])
        raise DatasetError(
            f"there is no dataset '{name}'",
            why=f"no file of conf/dataset has that name, and none declares it: {listing(sorted(named))}",
            fix=f"{hint(name, every)} (of a new table: keystage dataset new FILE --label COLUMN)",
        )
    told = {"name": option, "path": f"data/{option}", **options[option]}
    try:
        return typed_params(_Declaration, {"dataset": told}).dataset
    except (OmegaConfBaseException, ValueError) as error:
        raise ConfigError(
            f"conf/dataset/{option}.yaml declares no dataset", why=first_line(error), fix="correct the file"
        ) from error


def register(root: Path, name: str, description: str | None, tags: Mapping[str, str]) -> Registration:
    """Register what a dataset's folder holds now: its files go to DVC's cache, their digests into ``datasets/``.

    Args:
        root: the project's folder, and the working directory.
        name: of the option, or as it declares it.
        description: for people; None leaves an earlier one.
        tags: added to earlier ones.

    Raises:
        DatasetError: there is no such dataset, or its files cannot be read as declared.
        ChangedInputError: a file changed meanwhile.
    """
    from keystage.data.loosely import profiled_loosely
    from keystage.data.reading import sources_of

    spec = replace(declaration(root, name), version=None)
    require_name(spec.name)
    if elsewhere := [entry for entry in spec.all_entries if not is_local(entry)]:
        raise DatasetError(
            f"dataset '{spec.name}' is read from elsewhere: {listing(elsewhere)}",
            why="a version is made of files in the project, which DVC keeps",
            fix=f"put a copy into data/{spec.name}, and name that in dataset.files",
        )
    sources = sources_of(spec, root)
    logger.info("Reading %s: %s", spec.name, listing(source.name for source in sources))
    files = _files(root / spec.path, {source.name: source.side.value for source in sources})
    rows, profiles = profiled_loosely(spec, root, cores(ComputeProfile(0)))
    content = digest_of([(file.md5, file.side) for file in files], reading_of(spec))
    columns = {} if len(profiles) > MAX_COLUMNS else {item.column: _summary(item) for item in profiles}
    version = DatasetVersion(
        name=spec.name,
        version=short(content),
        digest=content,
        path=spec.path,
        files=files,
        reading=reading_of(spec),
        registered=_now(),
        task=spec.task.value,
        label=spec.label,
        rows=rows,
        columns=columns,
        description=description,
        tags=dict(tags),
    )
    return _kept(root, version, [root / spec.path / file.name for file in files], description, tags)


def register_prepared(root: Path, name: str, description: str | None, tags: Mapping[str, str]) -> Registration:
    """Register the prepared training and test rows that stage dataprep gave last.

    Raises:
        DatasetError: there are none, or a dataset is declared under that name.
    """
    require_name(name)
    if name in {str(told.get("name", option)) for option, told in declared(root).items()}:
        raise DatasetError(
            f"'{name}' is declared in conf/dataset, and its versions are its files",
            why="prepared tables are another dataset, and cannot be read in its place",
            fix=f"give them a name of their own: keystage dataset register {name}-prepared --prepared",
        )
    paths = [root / workspace.TRAIN_TABLE, root / workspace.TEST_TABLE]
    if not all(path.is_file() for path in paths):
        raise DatasetError(
            "there are no prepared tables", why=f"stage dataprep gives {workspace.TRAIN_TABLE}", fix="keystage run"
        )
    from pyarrow.parquet import ParquetFile

    dataset = read_yaml(root / "params.yaml")["dataset"]
    tables = [ParquetFile(path) for path in paths]
    files = _files(paths[0].parent, {path.name: Side(path.stem).value for path in paths})
    content = digest_of([(file.md5, file.side) for file in files], {})
    version = DatasetVersion(
        name=name,
        version=short(content),
        digest=content,
        path=f"data/{name}",
        files=files,
        reading={},
        registered=_now(),
        kind="prepared",
        task=str(dataset["task"]),
        label=str(dataset["label"]),
        rows=sum(table.metadata.num_rows for table in tables),
        columns={item.name: {"type": str(item.type)} for item in tables[0].schema_arrow},
        made_from=_made_from(root, dataset),
        description=description,
        tags=dict(tags),
    )
    return _kept(root, version, paths, description, tags)


def names(root: Path) -> list[str]:
    """Every name that a dataset has: declared ones and those of versions."""
    options = [str(told.get("name", option)) for option, told in declared(root).items()]
    return list(dict.fromkeys([*options, *(version.name for version in versions(root))]))


def _files(folder: Path, names_of: Mapping[str, str]) -> tuple[VersionFile, ...]:
    found = []
    for name, side in names_of.items():
        measured = digest(folder / name)
        found.append(VersionFile(name, measured.md5, measured.size or 0, side))
    return tuple(found)


def _kept(
    root: Path, version: DatasetVersion, paths: list[Path], description: str | None, tags: Mapping[str, str]
) -> Registration:
    """Put the files into the cache and the record beside the others; of one that is there, change what people wrote."""
    record = root / version.record
    known = from_text(record.read_bytes(), version.record.as_posix()) if record.is_file() else None
    if known and known.digest != version.digest:
        raise DatasetError(
            f"another content is registered as {version.shown}",
            why="the first digits of two digests are the same",
            fix=f"rename one of them: git mv {version.record} {version.record.with_stem(known.digest)}",
        )
    dvc_datasets.add(root, paths)
    if lost := dvc_datasets.missing(root, version):
        raise ChangedInputError(
            f"{listing(file.name for file in lost)} changed while it was registered",
            why="what is in the cache is not what was read",
            fix="let it rest, then run the same command again",
        )
    if known:
        version = replace(known, description=description or known.description, tags={**known.tags, **tags})
    changed = version != known
    if changed:
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(version.as_yaml(), encoding="utf-8")
    return Registration(version, known is None, changed)


def _made_from(root: Path, dataset: Mapping[str, Any]) -> str | None:
    note = root / workspace.DATASET_NOTE
    return f"{dataset['name']}@{version_of(dataset, workspace.read_json(note))}" if note.is_file() else None


def _summary(profile: Any) -> dict[str, Any]:
    """A line of a record."""
    told = {"type": profile.purpose.value, "missing": profile.missing, "distinct": profile.distinct}
    return told | ({"mean": float(f"{profile.mean:.6g}")} if profile.mean is not None else {})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
