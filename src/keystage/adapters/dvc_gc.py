"""What the DVC cache holds that nothing refers to, and its removal.

DVC tells what a commit uses and removes the rest. Three things are added to its own ``dvc gc``: metrics are in the
cache too, for the run cache, though no commit uses them from there; registered datasets are kept, of whose records DVC
does not know; and runs whose outputs are gone leave the run cache.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystage.adapters.dvc_cache import object_path
from keystage.adapters.dvc_datasets import registered_in
from keystage.adapters.dvc_locks import experiments_at_work
from keystage.adapters.dvc_runs import forget, outputs_by_object, recorded_runs
from keystage.adapters.dvc_settings import cache_folder
from keystage.core.errors import ProjectError, causes, listing

if TYPE_CHECKING:
    from dvc.repo import Repo

Seen = Callable[[str], None]


@dataclass(frozen=True)
class Unused:
    """What could be removed from the cache.

    Attributes:
        objects: size in bytes by name.
        outputs: stage and output that an object was, by the object's name, where a run that is kept on record tells.
        runs: entries of the run cache that would no longer have all their outputs.
        used: what DVC must keep, in its own terms.
    """

    objects: Mapping[str, int]
    outputs: Mapping[str, str]
    runs: tuple[Path, ...]
    used: frozenset[Any]


def unused(root: Path, commits: Mapping[str, str], seen: Seen) -> Unused:
    """Look for what neither the workspace nor any of the commits refers to.

    Args:
        root: the project's folder.
        commits: by the names that lead to them.
        seen: called with a name for each commit that was looked at.

    Raises:
        ProjectError: what a commit refers to cannot be read, the cache serves other projects, or an experiment runs.
    """
    from dvc.repo import Repo

    with Repo(str(root)) as repo, _quiet():
        _require_own_cache(root)
        _require_idle(root)
        used = frozenset(_used(repo, commits, seen))
        kept = {info.value for info in used}
        makers = {out.def_path: stage.name for stage in repo.index.stages for out in stage.outs}
        objects = {
            name: Path(odb.oid_to_path(name)).stat().st_size
            for odb in _stores(repo)
            for name in set(odb.all())
            if name not in kept
        }
    cache = cache_folder(root)
    recorded = list(recorded_runs(cache))
    dead = [
        run.path
        for run in recorded
        if not all(name in kept and object_path(cache, name).is_file() for name in run.objects.values())
    ]
    outputs = outputs_by_object(cache, recorded, makers)
    return Unused(objects, {name: outputs[name] for name in objects if name in outputs}, tuple(dead), used)


def collect(root: Path, found: Unused) -> None:
    """Remove it."""
    from dvc.repo import Repo
    from dvc_data.hashfile.gc import gc

    with Repo(str(root)) as repo, _quiet():
        for odb in _stores(repo):
            gc(odb, found.used)
    for path in found.runs:
        forget(path)


def _used(repo: "Repo", commits: Mapping[str, str], seen: Seen) -> Iterator[Any]:
    names = {commit: name for name, commit in commits.items()}
    walk = repo.brancher(revs=sorted(names), all_branches=True, all_tags=True, all_experiments=True, sha_only=True)
    for commit in walk:
        name = names.get(commit, commit)
        try:
            # `force`: a folder whose list of files is missing is no reason to ask, its files are of no use without it.
            for objects in repo.index.used_objs(force=True).values():
                yield from objects
            yield from registered_in(repo)
            outs = [out for stage in repo.index.stages for out in stage.outs]
        except Exception as error:
            raise ProjectError(
                f"what {name} refers to cannot be read, so nothing is removed",
                why=" ".join(": ".join(str(cause) for cause in causes(error)).split()),
                fix=f"correct its dvc.yaml, dvc.lock or datasets/, or remove {name}, then run the same command again",
            ) from error
        yield from (out.hash_info for out in outs if not out.use_cache and out.hash_info)
        seen(name)


def _require_own_cache(root: Path) -> None:
    cache = cache_folder(root).resolve()
    if not cache.is_relative_to(root.resolve()):
        raise ProjectError(
            f"the cache at {cache} may serve other projects",
            why="what they refer to is not known here, and would be removed",
            fix="dvc gc --all-branches --all-tags --all-experiments --projects OTHER_PROJECT ...",
        )


def _require_idle(root: Path) -> None:
    if at_work := experiments_at_work(root):
        raise ProjectError(
            "experiments are running",
            why=f"what they have given so far is in no commit yet; {listing(at_work)}",
            fix="wait for them to end (dvc queue status), then run the same command again",
        )


def _stores(repo: "Repo") -> list[Any]:
    """The cache, and beside it what DVC 2 left."""
    return list(dict.fromkeys(odb for _, odb in repo.cache.by_scheme() if odb))


@contextmanager
def _quiet() -> Iterator[None]:
    """DVC warns of each output that a commit has no result of, which is nothing to act upon."""
    logger = logging.getLogger("dvc")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
