"""Objects of the DVC cache, each named by the MD5 of its content. DVC takes the name's word; here the content decides.

A folder is an object too, the list of its files; its name ends in ``.dir``.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from keystage.adapters.dvc_state import digest

FOLDER = ".dir"
_NAME = re.compile(r"[0-9a-f]{32}(\.dir)?")


def object_path(cache: Path, name: str) -> Path:
    """Where the object of this name is (dvc 3.67, ``dvc/cachemgr.py``)."""
    return cache / "files" / "md5" / name[:2] / name[2:]


def content_md5(path: Path) -> str:
    """The name that DVC gives to the content of a file or a folder."""
    return digest(path).md5 if path.is_file() else str(_tree(path).oid)


def is_damaged(path: Path, name: str) -> bool:
    """Whether the object at ``path`` is there and is not what its name says."""
    return path.is_file() and digest(path).md5 != name.removesuffix(FOLDER)


def discard_if_damaged(cache: Path, name: str) -> bool:
    """Remove the object when its content is not what its name says. Of a folder, look at the files too.

    Returns:
        Whether anything was damaged.
    """
    path = object_path(cache, name)
    if is_damaged(path, name):
        path.unlink()
        return True
    files = files_of(path) if name.endswith(FOLDER) else []
    return sum(discard_if_damaged(cache, file) for file in files) > 0  # each of them, not only up to the first


def files_of(folder: Path) -> list[str]:
    """Names of the objects in a folder's object; none when it is not there."""
    return list(paths_in(folder.read_bytes()).values()) if folder.is_file() else []


def paths_in(folder: bytes) -> dict[str, str]:
    """Names of the objects by their paths in a folder, from the text of its object.

    Raises:
        ValueError, TypeError, KeyError: it is none.
    """
    return {entry["relpath"]: entry["md5"] for entry in json.loads(folder)}


def objects(cache: Path) -> dict[str, Path]:
    """Every object of the cache by name."""
    paths = sorted((cache / "files" / "md5").glob("??/*"))
    return {name: path for path in paths if _NAME.fullmatch(name := path.parent.name + path.name)}


def put_back(root: Path, copy: Path) -> None:
    """Add a file, or a folder with its files, to the cache."""
    from dvc.repo import Repo
    from dvc_objects.fs.local import localfs

    with Repo(str(root)) as repo:
        cache = repo.cache.local
        for file in [copy] if copy.is_file() else [path for path in copy.rglob("*") if path.is_file()]:
            cache.add(str(file.resolve()), localfs, content_md5(file))
        if copy.is_dir():
            tree = _tree(copy)
            cache.add(tree.path, tree.fs, tree.oid)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _tree(folder: Path) -> Any:
    """DVC's list of a folder's files."""
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    tree = Tree()  # type: ignore[no-untyped-call]  # annotated in part
    for file in folder.rglob("*"):
        if file.is_file():
            tree.add(file.relative_to(folder).parts, None, HashInfo("md5", digest(file).md5))
    tree.digest()
    return tree
