"""Objects of the DVC cache."""

from pathlib import Path

from keystage.adapters.dvc_state import digest


def discard_if_damaged(md5: str) -> bool:
    """Remove the cache object of a file when its content is not what its name says. Returns whether it was so."""
    from dvc.repo import Repo

    with Repo() as repo:
        path = Path(repo.cache.local.oid_to_path(md5))
    if not path.is_file() or digest(path).md5 == md5:
        return False
    path.unlink()
    return True
