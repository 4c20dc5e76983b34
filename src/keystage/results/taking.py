"""Outputs of a run, taken from where they are into a folder."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from keystage.adapters.dvc_outputs import OutputStore, Place
from keystage.core.errors import ResultError, listing
from keystage.pipeline.progress import steps_shown
from keystage.results.origin import Origin
from keystage.results.output import chosen, outputs_in, places_in_folder

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class File:
    """A file to copy: its path in the project, its MD5, and where to."""

    path: str
    md5: str
    target: Path


def where(origin: Origin, remote: str | None = None) -> dict[str, Place]:
    """Where each output of a run is, by its path.

    Args:
        origin: the run.
        remote: of `dvc remote list`; None for the default one.

    Raises:
        RemoteError: there is no remote of that name.
    """
    outputs = [(item.path, item.md5) for item in origin.outputs]
    return OutputStore(origin.root, remote).places(outputs, origin.commit)


def take(
    origin: Origin, names: Sequence[str], folder: Path, *, force: bool = False, remote: str | None = None
) -> list[Path]:
    """Copy outputs of a run into a folder, each held to its MD5. Nothing is run.

    Args:
        origin: the run.
        names: of outputs; ``all`` for all of them.
        folder: made when it is absent.
        force: whether files that are there may be overwritten.
        remote: of `dvc remote list`; None for the default one.

    Returns:
        The files and folders that were made.

    Raises:
        ResultError: there is no such output, it is gone, or a file is in the way.
        RemoteError: only the remote can have it, and cannot be used.
    """
    outputs = chosen(origin.outputs, names, origin.name)
    store = OutputStore(origin.root, remote)
    commit = origin.commit
    store.bring(item.md5 for item in outputs if store.here(item.path, item.md5, commit) is Place.gone)
    found = {item.path: store.files(item.path, item.md5, commit) for item in outputs}
    _require(origin, [path for path, listed in found.items() if listed is None])
    targets = {path: folder / place for path, place in places_in_folder(outputs).items()}
    files = [
        File(name, md5, targets[path] / PurePosixPath(name).relative_to(path))
        for path, listed in found.items()
        for name, md5 in (listed or {}).items()
    ]
    if not force and (taken := [str(file.target) for file in files if file.target.exists()]):
        raise ResultError(
            f"{listing(taken)} {'is' if len(taken) == 1 else 'are'} there already",
            why="files that are there are not overwritten",
            fix="name another folder, or overwrite them: --force (force=True in Python)",
        )
    _copy(origin, store, files)
    return list(targets.values())


def read(origin: Origin, path: str) -> bytes:
    """The content of an output that is a file, held to its MD5.

    Args:
        origin: the run.
        path: of the output in the project.

    Raises:
        ResultError: the run has no such output, or it is gone.
        RemoteError: only the remote can have it, and cannot be used.
    """
    (output,) = chosen(outputs_in(origin.stages, notes=True), [path], origin.name)
    content = OutputStore(origin.root).read(output.path, output.md5, origin.commit)
    if content is None:
        raise gone(origin, [path])
    return content


def gone(origin: Origin, paths: Iterable[str]) -> ResultError:
    """What to say of outputs that are nowhere."""
    return ResultError(
        f"{listing(paths)} of {origin.name} is gone",
        why="neither the project's folder nor DVC's cache, git or a remote has it with the MD5 that is recorded",
        fix=f"make it again: {origin.again}",
    )


def _require(origin: Origin, missing: Sequence[str]) -> None:
    if missing:
        raise gone(origin, missing)


def _copy(origin: Origin, store: OutputStore, files: Sequence[File]) -> None:
    """Copy each file, whole or not at all, and say afterwards which ones were not to be had."""
    copied = 0

    def seen(size: int) -> None:
        nonlocal copied
        copied += size
        say(f"{file.path}: {copied / MEGABYTE:.1f} MB copied")

    missing = []
    with steps_shown() as say:
        for file in files:
            there = store.copy(file.path, file.md5, origin.commit, file.target, seen)
            missing += [] if there else [file.path]
    _require(origin, missing)
