"""Digests of files: of those that are there, and of those that DVC knows and would fetch.

Those of large files are remembered while size, time and inode stay the same, apart from DVC's own, which are no
measurements: what DVC restores from its cache it notes under the digest that it should have
(``dvc_data/hashfile/checkout.py``), damaged or not.
"""

import hashlib
from pathlib import Path

from keystage.reuse.named import FileDigest

WORTH_REMEMBERING = 64 * 2**20  # bytes; below, reading the file again takes less than a tenth of a second


def known_digest(path: Path) -> FileDigest | None:
    """Digest of a file, or of what DVC would put there: a table that nobody needs to fetch is still the same table.

    Args:
        path: in the project; a file, or nothing where DVC tracks one (``dvc add``).
    """
    if path.is_file():
        return digest(path)
    if not any(Path(f"{tracked}.dvc").is_file() for tracked in (path, *path.parents)):
        return None

    from dvc.api import DVCFileSystem

    files = DVCFileSystem()
    try:
        info = files.info(path.resolve().relative_to(files.repo.root_dir).as_posix())
    except FileNotFoundError:
        return None
    return FileDigest(info["md5"], info.get("size")) if info.get("md5") else None


def tracked_names(folder: Path) -> list[str]:
    """The files below a folder that DVC tracks, there or not, by their paths from it.

    Args:
        folder: in the project.
    """
    is_tracked = any(Path(f"{tracked}.dvc").is_file() for tracked in (folder, *folder.parents))
    if not is_tracked and not any(folder.rglob("*.dvc")):
        return []

    from dvc.api import DVCFileSystem

    files = DVCFileSystem()
    below = folder.resolve().relative_to(files.repo.root_dir).as_posix()
    try:
        found = files.find(below, dvc_only=True)
    except FileNotFoundError:
        return []
    return [Path(name).relative_to(below).as_posix() for name in found]


def digest(path: Path) -> FileDigest:
    """MD5 and size of a file. That of a large one is remembered while size, time and inode stay the same."""
    size = path.stat().st_size
    if size < WORTH_REMEMBERING:
        with path.open("rb") as file:
            return FileDigest(hashlib.file_digest(file, "md5").hexdigest(), size)

    from contextlib import closing

    from dvc.repo import Repo
    from dvc_data.hashfile.hash import hash_file
    from dvc_data.hashfile.state import State
    from dvc_objects.fs.local import localfs

    with Repo() as repo, closing(State(repo.root_dir, str(Path(repo.site_cache_dir) / "measured"))) as measured:
        _, found = hash_file(str(path.resolve()), localfs, "md5", state=measured)
    assert found.value
    return FileDigest(found.value, size)
