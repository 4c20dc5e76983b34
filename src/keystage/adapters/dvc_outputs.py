"""The content of outputs, by digest: in the project's folder, in DVC's cache, in git, in a remote, or gone.

What is read is held to its digest, because DVC takes the name's word for it (docs/adr/0010).
"""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from keystage.adapters import git
from keystage.adapters.dvc_cache import FOLDER, content_md5, object_path, paths_in
from keystage.adapters.dvc_settings import cache_folder, settings
from keystage.core.errors import RemoteError, hint, listing

if TYPE_CHECKING:
    from keystage.adapters.dvc_remote import RemoteResults

logger = logging.getLogger(__name__)

_PART = ".part"  # ends the name of a file that is being copied
_CHUNK = 2**20  # bytes
Seen = Callable[[int], None]  # bytes that were copied


class Place(Enum):
    """Where the content of an output is; the value is what a person reads."""

    cache = "cache"
    folder = "folder"
    git = "git"
    remote = "remote"
    unknown = "remote does not answer"
    gone = "gone"


class OutputStore:
    """The places in which a project's results can be.

    Args:
        root: the project's folder.
        remote: as in `dvc remote list`; None takes the default one, where there is one.

    Raises:
        RemoteError: there is no remote of that name.
    """

    def __init__(self, root: Path, remote: str | None = None) -> None:
        self._root, self._cache = root, cache_folder(root)
        known = settings(root)
        self.remote = remote or known["core"].get("remote")
        if self.remote and self.remote not in known["remote"]:
            raise RemoteError(
                f"there is no remote '{self.remote}'",
                why=f"DVC knows of {listing(sorted(known['remote'])) or 'none'}",
                fix=hint(self.remote, known["remote"]) if known["remote"] else "dvc remote add --default NAME URL",
            )

    def places(self, outputs: Iterable[tuple[str, str]], commit: str | None) -> dict[str, Place]:
        """Where each output is, by its path: in the nearest place. The remote is asked for what is nowhere else.

        Args:
            outputs: path and digest of each.
            commit: of the run, in which git may hold it.
        """
        digests = dict(outputs)
        found = {path: self.here(path, md5, commit) for path, md5 in digests.items()}
        missing = {path: digests[path] for path, place in found.items() if place is Place.gone}
        if missing and self.remote:
            try:
                there = self._ask(missing.values())
                found |= {path: Place.remote for path, md5 in missing.items() if md5 in there}
            except RemoteError as error:
                logger.warning("warning: %s: %s", error.what, error.why)
                found |= dict.fromkeys(missing, Place.unknown)
        return found

    def bring(self, digests: Iterable[str]) -> None:
        """Fetch those from the remote that the cache has not, or has in part. What the remote has not stays missing.

        Raises:
            RemoteError: the remote cannot be used.
        """
        wanted = [md5 for md5 in digests if not self._is_cached(md5)]
        if not (wanted and self.remote):
            return
        logger.info("Fetching from remote '%s'", self.remote)
        with _asked(self._root, self.remote) as results:
            for md5 in wanted:
                results.fetch_outputs({"outs": [{"md5": md5}]})

    def read(self, path: str, md5: str, commit: str | None) -> bytes | None:
        """The content of a file; None where it is not to be had.

        Raises:
            RemoteError: only the remote can have it, and cannot be used.
        """
        with TemporaryDirectory() as folder:
            copy = Path(folder) / "copy"
            return copy.read_bytes() if self.copy(path, md5, commit, copy) else None

    def files(self, path: str, md5: str, commit: str | None) -> dict[str, str] | None:
        """Digest by path of an output's files: itself, or those in its folder; None where it is not on this machine."""
        place = self.here(path, md5, commit)
        if place is Place.gone:
            return None
        if not md5.endswith(FOLDER):
            return {path: md5}
        if (listed := self.read("", md5, None)) is not None:
            return {f"{path}/{name}": file for name, file in paths_in(listed).items()}
        if place is not Place.folder:
            return None
        found = [item for item in (self._root / path).rglob("*") if item.is_file()]
        return {item.relative_to(self._root).as_posix(): content_md5(item) for item in found}

    def copy(self, path: str, md5: str, commit: str | None, target: Path, seen: Seen = lambda _: None) -> bool:
        """Copy a file to ``target``, whole or not at all.

        Args:
            path: in the project; empty for what is in the cache alone.
            md5: of its content. What is in the cache under that name and is something else is removed.
            commit: in which git may hold it.
            target: in a folder that is made when it is absent.
            seen: told the bytes, as they are copied.

        Returns:
            Whether it was to be had.

        Raises:
            RemoteError: only the remote can have it, and cannot be used.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + _PART)
        try:
            for may_fetch in (True, False):
                if self._copied(path, md5, commit, part, seen):
                    part.replace(target)
                    return True
                if may_fetch:
                    self.bring([md5])
            return False
        finally:
            part.unlink(missing_ok=True)

    def _copied(self, path: str, md5: str, commit: str | None, part: Path, seen: Seen) -> bool:
        kept = object_path(self._cache, md5)
        if kept.is_file():
            if _copied(kept, part, md5, seen):
                return True
            logger.warning("warning: %s in the cache was not what its name says, and is removed", kept)
            kept.unlink()
        if path and (self._root / path).is_file() and _copied(self._root / path, part, md5, seen):
            return True
        content = git.blob(self._root, commit, path) if commit and path else None
        if content is None or _md5(content) != md5:
            return False
        part.write_bytes(content)
        return True

    def here(self, path: str, md5: str, commit: str | None) -> Place:
        """The nearest place of this machine that has an output; ``Place.gone`` when none has."""
        if self._is_cached(md5):
            return Place.cache
        here = self._root / path
        if here.exists() and (content_md5(here) if here.is_dir() else _md5_of(here)) == md5:
            return Place.folder
        content = git.blob(self._root, commit, path) if commit else None
        return Place.git if content is not None and _md5(content) == md5 else Place.gone

    def _is_cached(self, md5: str) -> bool:
        path = object_path(self._cache, md5)
        if not (path.is_file() and md5.endswith(FOLDER)):
            return path.is_file()
        try:
            return all(object_path(self._cache, name).is_file() for name in paths_in(path.read_bytes()).values())
        except (ValueError, TypeError, KeyError):
            return False

    def _ask(self, digests: Iterable[str]) -> set[str]:
        with _asked(self._root, str(self.remote)) as results:
            return results.holds(digests)


def _copied(source: Path, part: Path, md5: str, seen: Seen) -> bool:
    """Copy a file, and say whether it is what its digest says."""
    found = hashlib.md5(usedforsecurity=False)
    with source.open("rb") as file, part.open("wb") as copy:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
            copy.write(chunk)
            seen(len(chunk))
    return found.hexdigest() == md5.removesuffix(FOLDER)


def _md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@contextmanager
def _asked(root: Path, remote: str) -> "Iterator[RemoteResults]":
    """A remote that has answered.

    Raises:
        RemoteError: it does not, or it ends in the middle.
    """
    from dvc.repo import Repo

    from keystage.adapters.dvc_remote import reach, why_not

    with Repo(str(root)) as repo:
        try:
            yield reach(repo, remote)
        except Exception as error:  # the libraries behind DVC's plugins have no error in common
            raise RemoteError(
                f"remote '{remote}' cannot be used",
                why=why_not(repo, remote, error),
                fix="mend that (docs/sharing.md), then run the same command again",
            ) from error
