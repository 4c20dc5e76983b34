"""The dataset of a run: the files in its folder, or those of a registered version of it."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from keystage.adapters.dvc_datasets import lay_out, require_here
from keystage.adapters.dvc_state import known_digest, tracked_names
from keystage.core.errors import DatasetError, listing
from keystage.core.params import as_text
from keystage.data.given import GivenTest
from keystage.data.sources.pinned import Pinned
from keystage.data.sources.resolve import resolve
from keystage.data.sources.spec import Side
from keystage.data.spec import DatasetSpec, Task
from keystage.data.version import DatasetVersion, digest_of, find, short
from keystage.reuse.named import FileDigest, dataset_files

logger = logging.getLogger(__name__)


def files_in_force(spec: DatasetSpec, root: Path, pinned: Pinned) -> dict[str, FileDigest | None]:
    """The declared files by name, as they are or as a registered version has them; of that, none need be here.

    Args:
        spec: the declaration.
        root: the project's folder.
        pinned: what is behind its URLs and its query.

    Raises:
        DatasetError: there is no such version, or it has other files than ``dataset.files`` names.
    """
    if spec.version is None:
        return dataset_files(spec, root, known_digest, pinned, tracked_names)
    version = version_in_force(spec, root)
    return {file.name: FileDigest(file.md5, file.size) for file in version.files}


def version_in_force(spec: DatasetSpec, root: Path) -> DatasetVersion:
    """The registered version that ``dataset.version`` names, by its full name.

    Raises:
        DatasetError: there is none, or the settings name other files than it has.
    """
    version = find(root, spec.name, str(spec.version))
    if version.version != spec.version:
        raise DatasetError(
            f"dataset.version '{spec.version}' names no version for good",
            why="what is latest, or begins like that, changes as versions are registered, and params.yaml would not",
            fix=f"name it in full: dataset.version={version.version}",
        )
    if version.kind != "files":
        raise DatasetError(
            f"{version.shown} cannot be read in place of the dataset's files",
            why="it holds prepared tables, which stage dataprep gives",
            fix="read it by hand: keystage dataset checkout " + version.shown,
        )
    named = resolve(spec, root, tracked=lambda _: [file.name for file in version.files])
    if [(file.name, file.side) for file in version.files] != [(each.name, each.side.value) for each in named]:
        of_side = {side: ",".join(file.name for file in version.files if file.side == side.value) for side in Side}
        raise DatasetError(
            f"{version.shown} has other files than the settings name",
            why=f"it has {'; '.join(f'for {side.value} [{files}]' for side, files in of_side.items() if files)}; the "
            f"settings name {listing(each.name for each in named)}",
            fix=f"name those: 'dataset.files=[{of_side[Side.train]}]' "
            f"'dataset.validation_files=[{of_side[Side.validation]}]', and in dataset.test.files those for the test",
        )
    return version


def prepare_folder(spec: DatasetSpec, root: Path) -> None:
    """Lay out a registered version for stage dataprep, and say so where it is declared to be read differently now."""
    if spec.version is None:
        return
    version = version_in_force(spec, root)
    lay_out(root, version, root / spec.folder)
    logger.info("The dataset is %s, registered %s", version.shown, version.registered)
    now = reading_of(spec)
    if differing := [name for name in now if now[name] != version.reading.get(name)]:
        logger.warning(
            "warning: %s is read as conf/dataset declares now; when it was registered, %s was another",
            version.shown,
            " and ".join(differing),
        )


def require_files(spec: DatasetSpec, root: Path) -> None:
    """Refuse to begin with a registered version that is not here.

    Raises:
        DatasetError: names the command that brings it.
    """
    if spec.version is not None:
        require_here(root, version_in_force(spec, root))


def reading_of(spec: DatasetSpec) -> dict[str, Any]:
    """What decides how bytes become cells, as JSON has it."""
    return _reading(spec.missing, {item.name: item.type.value for item in spec.columns}, spec.read)


def content_of(dataset: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """Digest of what a run read, equal to that of the registered version with this content.

    Args:
        dataset: the section of params.yaml.
        files: MD5 by name.
    """
    types = {item["name"]: item["type"] for item in dataset.get("columns") or ()}
    reading = _reading(dataset.get("missing"), types, dataset.get("read"))
    return digest_of([(files[name], side) for name, side in _in_order(dataset, files)], reading)


def _in_order(dataset: Mapping[str, Any], files: Mapping[str, str]) -> list[tuple[str, str]]:
    """The files as they are read, each with what its rows are for; those from elsewhere come last."""
    named, validation = list(dataset["files"]), list(dataset.get("validation_files") or ())
    tested = (dataset.get("test") or {}).get("files") or []
    found: dict[str, str] = {}
    if named:
        test = GivenTest(tested) if tested else None
        spec = DatasetSpec(
            named, "", Task.regression, "", path=dataset.get("path", ""), validation_files=validation, test=test
        )
        sources = resolve(spec, Path(), tracked=lambda _: files)
        found = {source.name: source.side.value for source in sources if source.name in files}
    return [*found.items(), *((name, Side.train.value) for name in sorted(files) if name not in found)]


def version_of(dataset: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """The version that the content of a run has, registered or not."""
    return short(content_of(dataset, files))


def _reading(missing: Any, types: Mapping[str, str], read: Any) -> dict[str, Any]:
    told = {"missing": list(missing or ()), "types": dict(types)}
    if read is not None:
        plain = asdict(read) if is_dataclass(read) and not isinstance(read, type) else read
        told["read"] = json.loads(as_text(plain))
    return told
