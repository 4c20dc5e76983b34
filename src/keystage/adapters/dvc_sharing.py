"""When a command uses the remote, and what is said when it cannot."""

import logging
from pathlib import Path
from typing import Any

from dvc.repo import Repo
from dvc.stage.cache import RunCacheNotFoundError, _can_hash, _get_stage_hash
from dvc.stage.serialize import to_single_stage_lockfile

from keystage.adapters.dvc_datasets import cached, in_force
from keystage.adapters.dvc_datasets import missing as lacks
from keystage.adapters.dvc_remote import RemoteResults, Run, reach, why_not
from keystage.adapters.dvc_repro import keyed_stages
from keystage.core.errors import RemoteError
from keystage.data.version import versions

logger = logging.getLogger(__name__)


class Sharing:
    """One command's use of a remote.

    Args:
        remote: as in `dvc remote list`; None takes the default one (`dvc remote default`), where there is one.
        pull: whether to ask it for results.
        required: whether the command has no use without one.

    Attributes:
        remote: the one in use; None when there is none.
        served: stages whose result came from it.
        missed: keyed stages that ran, because neither this machine nor the remote had a result.
    """

    def __init__(self, remote: str | None = None, *, pull: bool = True, required: bool = False) -> None:
        self.remote = remote
        self.served: list[str] = []
        self.missed: list[str] = []
        self._ask, self._required = pull, required
        self._results: RemoteResults | None = None

    def attach(self, repo: Repo, *, may_run: bool) -> None:
        """Have ``repo`` look in the remote before it runs a stage, for its result or else for the data it reads.

        Nothing is asked while each stage has its result on this machine.

        Args:
            repo: the project, not yet under way.
            may_run: False ends with an error where a stage would run.

        Raises:
            RemoteError: there is no such remote.
        """
        self._choose(repo)
        if self.remote is None:
            return
        self._results = None  # of the repo before, when a run is repeated
        restore = repo.stage_cache.restore

        def restore_or_fetch(stage: Any, **options: Any) -> None:
            # Read before `restore`, which overwrites the digests that dvc.lock has for the inputs.
            locked = _run_in_lock(stage)
            try:
                restore(stage, **options)
            except RunCacheNotFoundError:
                if options.get("dry") or not _can_hash(stage):
                    raise
                if found := self._fetch(repo, stage, locked, may_run=may_run):
                    # Not by `restore` again: with the inputs of now it would take the outputs of dvc.lock for theirs.
                    logger.info("Stage '%s' is in remote '%s', checking out outputs", stage.addressing, self.remote)
                    repo.stage_cache._create_stage(found, wdir=stage.wdir).checkout()
                    self.served.append(stage.addressing)
                    return
                if not may_run:
                    raise RemoteError(
                        f"stage '{stage.addressing}' has no result for the settings in force",
                        why=f"neither this machine nor remote '{self.remote}' has one",
                        fix="make it here: keystage run; or push it from where it was made: keystage push",
                    ) from None
                self.missed.append(stage.addressing)
                if self._ask and _reads_data(repo, stage):
                    self._fetch_tracked_data(repo)
                raise

        repo.stage_cache.restore = restore_or_fetch

    def push(self) -> tuple[int, int]:
        """Add the results of this machine to the remote. Returns how many results and how many files were new there.

        Raises:
            RemoteError: there is no such remote, or it did not take all.
        """
        with Repo() as repo:
            self._choose(repo)
            assert self.remote
            logger.info("Comparing with remote '%s'", self.remote)
            try:
                results = reach(repo, self.remote)
                runs, files = results.push()
                root = Path(repo.root_dir)
                files += results.push_objects(cached(root, versions(root)))
                if tracked := _tracked_data(repo):
                    repo.push(targets=[stage.addressing for stage in tracked])
            except Exception as error:
                raise RemoteError(
                    f"not all results are in remote '{self.remote}'",
                    why=why_not(repo, str(self.remote), error),
                    fix="mend that (docs/sharing.md) and run the same command again: what is there already stays",
                ) from error
        return runs, files

    def _choose(self, repo: Repo) -> None:
        known = sorted(repo.config["remote"])
        self.remote = self.remote.lower() if self.remote else repo.config["core"].get("remote")
        if self.remote is None and not self._required:
            return
        if self.remote not in known:
            raise RemoteError(
                f"there is no remote '{self.remote}'" if self.remote else "no remote is set",
                why=f"DVC knows of {', '.join(known) or 'none'}, and `dvc remote default` names the one in use",
                fix="dvc remote add --default NAME URL (docs/sharing.md)",
            )
        repo.config["core"]["remote"] = self.remote

    def _fetch(self, repo: Repo, stage: Any, locked: Run | None, *, may_run: bool) -> Run | None:
        """Bring a run of the stage's key and its outputs into the cache. Returns the run, None when there is none."""
        if not self._ask:
            return None
        try:
            if self._results is None:
                logger.info("Looking for results in remote '%s'", self.remote)
                self._results = reach(repo, str(self.remote))
            if locked:  # DVC takes no other outputs for a stage that is as dvc.lock says
                found = locked if self._results.fetch_outputs(locked) else None
            else:
                paths = self._results.runs_of(_get_stage_hash(stage))
                found = next(filter(None, map(self._results.fetch_run, paths)), None)
            if not found and (locked or paths):
                logger.info("Remote '%s' has not all outputs of stage '%s'", self.remote, stage.addressing)
        except Exception as error:  # the libraries behind DVC's plugins have no error in common
            if not may_run:
                raise RemoteError(
                    f"remote '{self.remote}' cannot be used",
                    why=why_not(repo, str(self.remote), error),
                    fix="mend that (docs/sharing.md), or make the results here: keystage run --no-pull",
                ) from error
            reason = why_not(repo, str(self.remote), error)
            logger.warning("warning: remote '%s' is left out, stages run here instead: %s", self.remote, reason)
            self._ask = False
            return None
        return found

    def _fetch_tracked_data(self, repo: Repo) -> None:
        missing = [stage for stage in _tracked_data(repo) if not all(out.exists for out in stage.outs)]
        names = [stage.addressing for stage in missing]
        root = Path(repo.root_dir)
        try:
            if names:
                repo.pull(targets=names)
            if (version := in_force(root)) and (lacking := lacks(root, version)) and self._results:
                names = [version.shown]
                self._results.fetch_outputs({"outs": [{"md5": file.md5} for file in lacking]})
        except Exception as error:
            raise RemoteError(
                f"data that DVC tracks is not here: {', '.join(names)}",
                why=f"remote '{self.remote}' did not give it: {why_not(repo, str(self.remote), error)}",
                fix="keystage push, where the data is",
            ) from error


def _tracked_data(repo: Repo) -> list[Any]:
    """What `dvc add` and `dvc import` track: no stage makes it."""
    return [stage for stage in repo.index.stages if not stage.cmd]


def _reads_data(repo: Repo, stage: Any) -> bool:
    """Whether a stage is the first of those that are reused: what it reads, no other such stage has made."""
    made = {out.fs_path for other in keyed_stages(repo) for out in other.outs}
    return not any(dep.fs_path in made for dep in stage.deps)


def _run_in_lock(stage: Any) -> Run | None:
    """The stage's run as dvc.lock has it, when command, parameters and inputs are those of dvc.lock."""
    if not _can_hash(stage) or stage.changed_stage() or not stage.deps_cached():
        return None
    return to_single_stage_lockfile(stage) if all(out.hash_info for out in stage.outs) else None
