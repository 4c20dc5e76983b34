"""Who is at work in a project: DVC's lock, and its note of the files that running stages read and write.

DVC 3.67 (``dvc/rwlock.py``) forgets a command that was killed when its process number is free; when another process has
got that number since, as in a container that was started again, the note holds for ever.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keystage.adapters.process import was_alive, working_in
from keystage.core.errors import ProjectError


@dataclass(frozen=True)
class Holder:
    """A command that DVC noted as running a stage.

    Attributes:
        process: its number.
        command: how it was called.
        alive: whether it still is.
    """

    process: int
    command: str
    alive: bool


def rwlock(root: Path) -> Path:
    """The file in which DVC notes what running stages read and write."""
    return root / ".dvc" / "tmp" / "rwlock"


def holders(root: Path) -> list[Holder]:
    """The commands that are noted there.

    Raises:
        ValueError: the file was cut off while it was written.
    """
    path = rwlock(root)
    if not path.is_file():
        return []
    noted, written = json.loads(path.read_text(encoding="utf-8")), path.stat().st_mtime
    entries = [entry for readers in noted.get("read", {}).values() for entry in readers]
    entries += [entry for entry in noted.get("write", {}).values() if entry]
    commands = {int(entry["pid"]): str(entry["cmd"]) for entry in entries}
    return [Holder(process, command, was_alive(process, written)) for process, command in sorted(commands.items())]


def experiments_at_work(root: Path) -> list[str]:
    """Processes that run an experiment in a copy of the project, or wait for one to run, as a person sees them."""
    root = root.resolve()
    copies = root / ".dvc" / "tmp" / "exps"
    return [
        f"process {process}: {' '.join(command)}"
        for process, folder, command in working_in()
        if folder.is_relative_to(copies) or (folder == root and "queue-worker" in command)
    ]


@contextmanager
def no_other_command(root: Path) -> Iterator[None]:
    """Keep other commands of DVC from starting, and forget those that died.

    Raises:
        ProjectError: one is at work.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo

    try:
        repo = Repo(str(root))
    except DvcException:
        yield  # its settings are broken; the command itself is about to say how
        return
    with repo:
        try:
            repo.lock.lock()
        except LockError as error:
            raise in_use("it holds .dvc/tmp/lock") from error
        try:
            _forget_dead(root, hardlink=bool(repo.config["core"].get("hardlink_lock")))
            yield
        finally:
            repo.lock.unlock()


def in_use(why: str) -> ProjectError:
    """Another command of DVC is at work."""
    return ProjectError(
        "another command of DVC is at work in this folder",
        why=why,
        fix="wait for it to end, then run the same command again (or run beside it in a copy: dvc exp run --temp)",
    )


def _forget_dead(root: Path, *, hardlink: bool) -> None:
    from dvc.lock import make_lock
    from dvc.rwlock import RWLOCK_LOCK

    folder = rwlock(root).parent
    with make_lock(str(folder / RWLOCK_LOCK), tmp_dir=str(folder), hardlink_lock=hardlink):
        try:
            alive = [holder for holder in holders(root) if holder.alive]
        except (ValueError, KeyError, TypeError, AttributeError):
            alive = []
        if alive:
            raise in_use("a stage runs in " + "; ".join(f"process {item.process}: {item.command}" for item in alive))
        rwlock(root).unlink(missing_ok=True)
