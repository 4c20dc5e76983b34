"""The files of a registered version: back into their folder, and where they were used."""

import os
from collections.abc import Mapping
from pathlib import Path

from keystage.adapters import git
from keystage.adapters.dvc_cache import object_path
from keystage.adapters.dvc_datasets import bring
from keystage.adapters.dvc_outputs import OutputStore
from keystage.adapters.dvc_settings import cache_folder
from keystage.adapters.dvc_state import digest
from keystage.core.errors import DatasetError, listing
from keystage.data.version import DatasetVersion
from keystage.pipeline.inputs import LOCK_FILE
from keystage.reuse.named import FileDigest, files_note

_MAX_LOOKED_AT = 500  # commits with a name; each takes git some milliseconds
_WORDS = {"refs/heads/": "branch ", "refs/tags/": "tag ", "refs/keystage/versions/": "", "refs/exps/": "experiment "}


def checkout(root: Path, version: DatasetVersion, into: str | None, *, force: bool) -> list[Path]:
    """Put the files of a version into its folder. Returns those that were written, relative to the project.

    Args:
        root: the project's folder, and the working directory.
        version: what to put there.
        into: another folder of the project.
        force: also over files whose content would be lost.

    Raises:
        DatasetError: a file would be lost, or one of the version cannot be had.
        RemoteError: only the remote can have it, and cannot be used.
    """
    folder = Path(into or version.path)
    wanted = {folder / file.name: file.md5 for file in version.files}
    differing = {path: md5 for path, md5 in wanted.items() if not _is(root / path, md5)}
    lost = [path for path in differing if (root / path).exists() and not _is_kept(root, path)]
    if lost and not force:
        raise DatasetError(
            f"{listing(map(str, lost))} would be lost",
            why="its content is neither in DVC's cache nor in the last commit",
            fix=f"keep it first: keystage dataset register {version.name} (or overwrite it: --force)",
        )
    if not differing:
        return []
    bring(root, version)
    store = OutputStore(root)
    for path, md5 in differing.items():
        store.copy("", md5, None, root / path)
    return list(differing)


def used_in(root: Path, version: DatasetVersion) -> list[str]:
    """What used a version, by the names that git has: models as MODEL@VERSION, branches, tags, experiments."""
    note = files_note({file.name: FileDigest(file.md5, file.size) for file in version.files})
    wanted = version.digests if version.kind == "prepared" else [_md5(note)]
    texts: dict[str, bool] = {}
    found = []
    for name, commit in list(git.refs(root).items())[:_MAX_LOOKED_AT]:
        if name.startswith("refs/keystage/states") or name == "HEAD":
            continue
        if commit not in texts:
            texts[commit] = _holds(git.file_at(root, commit, LOCK_FILE.as_posix()), wanted)
        if texts[commit]:
            found.append(_in_words(name))
    lock = root / LOCK_FILE
    here = lock.is_file() and _holds(lock.read_text(encoding="utf-8"), wanted)
    return [*found, *(["the workspace"] if here else [])]


def places(root: Path, version: DatasetVersion) -> Mapping[str, bool]:
    """Whether each file is in the cache, by name."""
    cache = cache_folder(root)
    return {file.name: object_path(cache, file.md5).is_file() for file in version.files}


def _is(path: Path, md5: str) -> bool:
    return path.is_file() and digest(path).md5 == md5


def _is_kept(root: Path, path: Path) -> bool:
    """Whether the content of a file is to be had when the file is overwritten."""
    if not (root / path).is_file():
        return False
    md5 = digest(root / path).md5
    content = git.blob(root, "HEAD", path.as_posix())
    return object_path(cache_folder(root), md5).is_file() or content == (root / path).read_bytes()


def _holds(lock: str, digests: list[str]) -> bool:
    return all(f"md5: {md5}{os.linesep}" in lock or f"md5: {md5}\n" in lock for md5 in digests)


def _in_words(ref: str) -> str:
    if ref.startswith("refs/keystage/versions/"):
        return "@".join(ref.rsplit("/", maxsplit=2)[1:])
    start = next((start for start in _WORDS if ref.startswith(start)), "")
    return _WORDS.get(start, "") + (ref.rsplit("/", maxsplit=1)[-1] if start == "refs/exps/" else ref[len(start) :])


def _md5(text: str) -> str:
    import hashlib

    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
