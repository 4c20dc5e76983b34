"""Rebuild the state that a version was made from, beside the project: its code, its settings, its packages, no cache.

The project's folder, index, branches, cache and tracking store stay as they are.
"""

import json
import logging
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from keystage.adapters import git
from keystage.adapters.dvc_checkout import PROJECT_CACHE, bring, isolate, reproduce_in, run_in
from keystage.adapters.dvc_datasets import bring as bring_registered
from keystage.adapters.dvc_state import digest
from keystage.adapters.pip_environment import built
from keystage.core.errors import ProjectError, listing
from keystage.data.sources.resolve import is_local, is_url
from keystage.data.sources.spec import QUERY
from keystage.data.version import find
from keystage.pipeline import workspace
from keystage.pipeline.inputs import LOCK_FILE
from keystage.pipeline.pinning import give
from keystage.pipeline.progress import steps_shown
from keystage.registry.lineage import Lineage, LineageError
from keystage.reuse.environment import read_environment
from keystage.search.trials import StoppedBy

logger = logging.getLogger(__name__)

_OURS = Path(".dvc", "tmp", "keystage")
_MARKER = Path(".dvc", "tmp", "keystage-rebuild.json")  # in the rebuild: whose it is, and whether it is whole
LAST_STAGE = "report"  # after it comes register, and the registry is not touched


@dataclass(frozen=True)
class Rebuild:
    """A state checked out, and run when it is whole.

    Attributes:
        checkout: the worktree.
        project: the project's folder in it.
        python: which ran it.
        trials: how many trials the search was given in place of its time budget; None when the settings were kept.
    """

    checkout: Path
    project: Path
    python: Path
    trials: int | None


def rebuild(shown: str, lineage: Lineage, root: Path, into: Path | None = None, *, keep_failed: bool = True) -> Rebuild:
    """Check out a version's state and run its pipeline up to its report, without anything computed before.

    What is left of an earlier rebuild in the same place is removed first.

    Args:
        shown: what to call the version.
        lineage: of the version.
        root: the project's folder.
        into: an empty folder, or none yet; by default one of ours below .dvc/tmp.
        keep_failed: leave the folder to be looked into when the rebuild fails or is interrupted.

    Raises:
        LineageError: the state, or data of it, is not to be found, or its pipeline stops.
        ProjectError: ``into`` is in use.
    """
    checkout = place_of(lineage, root, into)
    if not git.has(root, lineage.commit):
        raise LineageError(
            f"the state of {shown} is not in this repository",
            why=f"it is commit {lineage.commit}, and git fetches states of versions only when it is asked to",
            fix="git fetch origin 'refs/keystage/*:refs/keystage/*'",
        )
    with _alone(root, lineage):
        _require_ours(checkout, root, into)
        git.remove_worktree(root, checkout)
        logger.info("Checking out commit %s into %s", lineage.commit[:12], checkout)
        try:
            project = git.add_worktree(root, checkout, lineage.commit)
            _mark(project, whole=False)
            isolate(project, root)
            _bring_data(shown, lineage, root, project)
            made = Rebuild(checkout, project, _python_for(lineage, root, project), _replayed_trials(lineage))
            _run(shown, lineage, made)
            _mark(project, whole=True, python=str(made.python), trials=made.trials)
        except BaseException:
            if not keep_failed:
                git.remove_worktree(root, checkout)
            raise
    return made


def found(lineage: Lineage, root: Path, into: Path | None = None) -> Rebuild | None:
    """An earlier rebuild of the same state, when it is whole."""
    checkout = place_of(lineage, root, into)
    project = checkout / git.prefix(root)
    if not (project / _MARKER).is_file():
        return None
    told = json.loads((project / _MARKER).read_text(encoding="utf-8"))
    if not told["whole"] or git.head(project).removesuffix("-dirty") != lineage.commit:
        return None
    return Rebuild(checkout, project, Path(told["python"]), told["trials"])


def remove(made: Rebuild, root: Path) -> None:
    """Leave nothing of a rebuild behind."""
    git.remove_worktree(root, made.checkout)


def place_of(lineage: Lineage, root: Path, into: Path | None) -> Path:
    """Where a state is rebuilt: versions of the same state share a place."""
    return into.resolve() if into else root / _OURS / "rebuilds" / lineage.commit[:12]


@contextmanager
def _alone(root: Path, lineage: Lineage) -> Iterator[None]:
    from filelock import FileLock, Timeout

    folder = root / _OURS
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / f"{lineage.commit[:12]}.lock", timeout=0):
            yield
    except Timeout:
        raise ProjectError(
            "this state is being rebuilt already", why="another process holds its lock", fix="wait for it to end"
        ) from None


def _require_ours(checkout: Path, root: Path, into: Path | None) -> None:
    """A folder that a person names may hold anything."""
    if into is None or not checkout.exists() or (checkout / git.prefix(root) / _MARKER).is_file():
        return
    if not checkout.is_dir() or any(checkout.iterdir()):
        raise ProjectError(
            f"{checkout} is not empty", why="a rebuild makes the folder, and removes what is in it", fix="name another"
        )


def _mark(project: Path, **told: object) -> None:
    (project / _MARKER).parent.mkdir(parents=True, exist_ok=True)
    (project / _MARKER).write_text(json.dumps(told), encoding="utf-8")


def _bring_data(shown: str, lineage: Lineage, root: Path, project: Path) -> None:
    """The dataset's files that git does not hold: from the project when they are the same there, else from DVC."""
    if version := lineage.dataset.get("version"):
        registered = find(project, str(lineage.dataset["name"]), str(version))
        bring_registered(root, registered)
        bring_registered(project, registered, PROJECT_CACHE)
        return
    folder = PurePosixPath(lineage.dataset["path"])
    names = {(folder / name).as_posix(): told["md5"] for name, told in lineage.files.items() if is_local(name)}
    _fix_sources(shown, lineage, root, project)
    for name, md5 in names.items():
        own, wanted = root / name, project / name
        if not wanted.is_file() and own.is_file() and digest(own).md5 == md5:
            wanted.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(own, wanted)
    if missing := [name for name in names if not (project / name).is_file()]:
        logger.info("Fetching %s", listing(missing))
        bring(project, missing)
    if missing := [name for name in names if not (project / name).is_file()]:
        raise LineageError(
            f"data of {shown} is not to be found: {listing(f'{name} (MD5 {names[name]})' for name in missing)}",
            why="it is neither in the commit, nor in this folder with that content, nor in DVC's cache and remote",
            fix="bring it back, or the remote that holds it (dvc remote list), then run this again",
        )


def _fix_sources(shown: str, lineage: Lineage, root: Path, project: Path) -> None:
    """What came from elsewhere is read as it was then; what the sources hold today may be something else."""
    elsewhere = {name: told["md5"] for name, told in lineage.files.items() if is_url(name) or name == QUERY}
    tested = (lineage.dataset.get("test") or {}).get("files") or []
    entries = [*lineage.dataset["files"], *(lineage.dataset.get("validation_files") or []), *tested]
    if lost := give(elsewhere, entries, root / workspace.SOURCES, project):
        logger.info("Of %s no copy is left of %s: it is fetched anew", shown, listing(lost))


def _python_for(lineage: Lineage, root: Path, project: Path) -> Path:
    """This Python, when its packages are those the version was made with; else one with its lock."""
    lock, instead = str(lineage.environment["lock"]), dict(lineage.environment["not_locked"])
    if read_environment(project / lock, shown=lock).differing == instead:
        return Path(sys.executable)
    logger.info("Its packages are not those installed here; setting them up from its %s", lock)
    with steps_shown() as show:
        return built(root / _OURS / "environments", project / lock, instead, show)


def _replayed_trials(lineage: Lineage) -> int | None:
    """A search that its time budget ended repeats when it is given the number of trials it came to (docs/adr/0004)."""
    ended = lineage.search.get("stopped_by") == StoppedBy.time_budget.value
    return int(lineage.search["trials"]) if ended else None


def _run(shown: str, lineage: Lineage, made: Rebuild) -> None:
    (made.project / LOCK_FILE).unlink()  # nothing but settings, code and data may tell what comes out
    if made.trials is not None:
        logger.info("Its time budget ended the search after %d trials; the rebuild does as many", made.trials)
        instead = ("automl.time_budget=null", f"automl.max_trials={made.trials}")
        arguments = ("-m", "keystage.cli.main", "compose", *lineage.parameters["overrides"], *instead)
        code = run_in(made.project, made.python, *arguments, PYTHONPATH="src")
    else:
        code = 0
    if code or reproduce_in(made.project, made.python, LAST_STAGE):
        raise LineageError(
            f"the pipeline of {shown} cannot be run again",
            why=f"the lines above say it; it ran in {made.project}",
            fix="mend what they name, then run this again",
        )
