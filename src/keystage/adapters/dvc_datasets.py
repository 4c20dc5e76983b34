"""Files of registered datasets in DVC's cache and remotes, by digest, beside the results of stages."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystage.adapters.dvc_cache import content_md5, discard_if_damaged, is_damaged, object_path
from keystage.adapters.dvc_settings import cache_folder
from keystage.core.errors import DatasetError, listing
from keystage.core.params import PARAMS_FILE, read_yaml
from keystage.data.version import FOLDER, DatasetVersion, VersionFile, find, from_text

if TYPE_CHECKING:
    from dvc.repo import Repo

logger = logging.getLogger(__name__)


def add(root: Path, files: Sequence[Path]) -> None:
    """Put files into the cache, each under the digest of its content; one that is there in another form is replaced."""
    from dvc.repo import Repo
    from dvc_objects.fs.local import localfs

    with Repo(str(root)) as repo:
        cache = repo.cache.local
        for file in files:
            md5 = content_md5(file)
            discard_if_damaged(cache_folder(root), md5)
            cache.add(str(file.resolve()), localfs, md5)


def missing(root: Path, version: DatasetVersion) -> list[VersionFile]:
    """The files of a version that the cache does not have, or has with another content."""
    cache = cache_folder(root)
    paths = {file: object_path(cache, file.md5) for file in version.files}
    return [file for file, path in paths.items() if not path.is_file() or is_damaged(path, file.md5)]


def lay_out(root: Path, version: DatasetVersion, folder: Path) -> None:
    """Make a folder in which each file of the version is a link to the cache, whether it is there by now or not."""
    cache = cache_folder(root).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for file in version.files:
        link, target = folder / file.name, object_path(cache, file.md5)
        if link.is_symlink() and link.readlink() == target:
            continue
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def bring(root: Path, version: DatasetVersion, remote: str | None = None) -> int:
    """Bring into the cache what it lacks of a version. Returns the number of files that came.

    Raises:
        DatasetError: nobody has some of it.
        RemoteError: the remote cannot be used.
    """
    from keystage.adapters.dvc_outputs import OutputStore

    wanted = missing(root, version)
    cache, store = cache_folder(root), OutputStore(root, remote)
    for file in wanted:
        discard_if_damaged(cache, file.md5)
    store.bring(file.md5 for file in wanted)
    for file in missing(root, version):  # in the folder or in git, where a cache was removed
        store.copy(f"{version.path}/{file.name}", file.md5, "HEAD", object_path(cache, file.md5))
    if gone := missing(root, version):
        raise DatasetError(
            f"{listing(file.name for file in gone)} of {version.shown} cannot be had",
            why="neither DVC's cache has it, nor the dataset's folder, nor "
            + (f"remote '{store.remote}'" if store.remote else "a remote: none is set (docs/sharing.md)"),
            fix=f"where it was registered: keystage push; then here: keystage dataset pull {version.shown}",
        )
    return len(wanted)


def require_here(root: Path, version: DatasetVersion) -> None:
    """Refuse to read a version that the cache does not have whole.

    Raises:
        DatasetError: names the files and the command that brings them.
    """
    if gone := missing(root, version):
        raise DatasetError(
            f"{listing(file.name for file in gone)} of {version.shown} is not on this machine",
            why="DVC's cache does not have it, or has another content under its digest",
            fix=f"bring it from the remote: keystage dataset pull {version.shown}",
        )


def in_force(root: Path) -> DatasetVersion | None:
    """The registered version that params.yaml names; None where it names none, or one that is not there."""
    with suppress(DatasetError):
        dataset = read_yaml(root / PARAMS_FILE).get("dataset") or {}
        return find(root, str(dataset["name"]), str(dataset["version"])) if dataset.get("version") else None
    return None


def registered_in(repo: "Repo") -> Iterator[Any]:
    """What the records of the commit that ``repo`` looks at refer to, in DVC's own terms.

    Raises:
        KeystageError: a record cannot be read.
    """
    from dvc_data.hashfile.hash_info import HashInfo

    fs = repo.fs
    folder = fs.join(repo.root_dir, FOLDER)
    if not fs.isdir(folder):
        return
    for path in fs.find(folder):
        if path.endswith(".yaml"):
            with fs.open(path, "rb") as file:
                version = from_text(file.read(), fs.name(path))
            yield from (HashInfo("md5", md5) for md5 in version.digests)


def cached(root: Path, versions: Iterable[DatasetVersion]) -> set[str]:
    """Digests of the versions' files that are in the cache."""
    cache = cache_folder(root)
    every = {md5 for version in versions for md5 in version.digests}
    return {md5 for md5 in every if object_path(cache, md5).is_file()}
