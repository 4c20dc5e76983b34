"""Digests of files; those of large ones are remembered while size, time and inode stay the same, in DVC's own store."""

import hashlib
from pathlib import Path

from keystage.reuse.named import FileDigest

WORTH_REMEMBERING = 64 * 2**20  # bytes; below, reading the file again takes less than a tenth of a second


def digest(path: Path) -> FileDigest:
    """MD5 and size of a file."""
    size = path.stat().st_size
    if size < WORTH_REMEMBERING:
        with path.open("rb") as file:
            return FileDigest(hashlib.file_digest(file, "md5").hexdigest(), size)

    from dvc.repo import Repo
    from dvc_data.hashfile.hash import hash_file
    from dvc_objects.fs.local import localfs

    with Repo() as repo:
        _, found = hash_file(str(path.resolve()), localfs, "md5", state=repo.state)
    assert found.value
    return FileDigest(found.value, size)
