"""What a DVC remote holds, and how results come from there and get there.

``runs/`` has one small file per run of a stage (its key, and the digests of its outputs: DVC's run cache), ``files/``
the outputs by digest. Of DVC's own commands, `dvc repro --pull` copies all runs each time, and `dvc push --run-cache`
leaves out the outputs of earlier runs (dvc 3.67, dvc/stage/cache.py and dvc/repo/push.py). Here one key is asked for at
a time, and a run is there only when its outputs are. docs/adr/0008 has the reasons.
"""

import logging
import re
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from dvc.fs import RemoteMissingDepsError, generic, localfs
from dvc.fs.callbacks import TqdmCallback
from dvc.repo import Repo
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.tree import Tree

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")
Run = dict[str, Any]  # as in dvc.lock: command, inputs, parameters and outputs of a stage
RunName = tuple[str, str]  # the key, and the digest of the run's own file

LOCKED_PLUGINS = ("azure", "gs", "s3", "ssh")  # those of requirements/remotes.txt
ANSWER_TIMEOUT = 15.0  # seconds; the libraries behind the plugins try for minutes
_RUN_NAME = re.compile(r"[0-9a-f]{64}")  # any other name is an upload that somebody has begun
_FOLDER = ".dir"  # ends the digest of a folder, whose object lists the files in it


@dataclass(frozen=True)
class RemoteResults:
    """Results in a remote that has answered; see ``reach``."""

    repo: Repo
    objects: Any  # outputs there, by digest
    runs: str  # path there

    def runs_of(self, key: str) -> list[str]:
        """Paths of a key's runs, the one that was shared first at the head.

        Two machines may have given two results for one key. Each clone then takes the same one, whatever else is added.
        """
        fs = self.objects.fs
        paths = self._list(fs.join(self.runs, key[:2], key))
        return sorted(paths, key=lambda path: (fs.modified(path), path)) if len(paths) > 1 else paths

    def fetch_run(self, path: str) -> Run | None:
        """Bring a run and its outputs into the cache. Returns the run, None when not all of it was there."""
        runs, name = self.repo.stage_cache, self._name_of(path)
        here = Path(runs._get_cache_path(*name))
        generic.copy(self.objects.fs, path, localfs, str(here))
        run: Run | None = runs._load_cache(*name)  # None when the file is none of a run
        if run and self.fetch_outputs(run):
            return run
        here.unlink(missing_ok=True)
        return None

    def holds(self, digests: Iterable[str]) -> set[str]:
        """Those of the digests that are there; of a folder, the list of its files."""
        wanted = list(digests)
        return set(self.objects.oids_exist(wanted)) if wanted else set()

    def fetch_outputs(self, run: Run) -> bool:
        """Bring the outputs of a run into the cache. Returns whether all were there, as their digests say."""
        outputs = _outputs(run)
        return self._fetch(outputs) and self._fetch(self._files_of_folders(outputs))

    def push(self) -> tuple[int, int]:
        """Add all runs in the cache, and first their outputs. Returns how many runs and how many files were new."""
        there = {self._name_of(path) for path in self._list(self.runs)}
        here = self._complete_runs()
        # The outputs of runs that are there are compared too: what was lost there is replaced.
        outputs = set().union(*here.values())
        files = self.push_objects(outputs)
        new = sorted(set(here) - there)
        if new:
            fs = self.objects.fs
            with TqdmCallback(desc="Pushing runs", unit="file", size=len(new)) as progress:
                paths = [self.repo.stage_cache._get_cache_path(*name) for name in new]
                targets = [fs.join(self.runs, key[:2], key, digest) for key, digest in new]
                generic.copy(localfs, paths, fs, targets, callback=progress, batch_size=fs.jobs)
        return len(new), files

    def push_objects(self, digests: Iterable[str]) -> int:
        """Add objects of the cache that are not there. Returns how many were new."""
        wanted = set(digests)
        missing = sorted(wanted - self.holds(wanted))
        if missing:
            cache = self.repo.cache.local
            with TqdmCallback(desc="Pushing outputs", unit="file") as progress:
                paths = [cache.oid_to_path(digest) for digest in missing]
                self.objects.add(paths, localfs, missing, check_exists=False, callback=progress)
        return len(missing)

    def _list(self, folder: str) -> list[str]:
        fs = self.objects.fs
        try:
            return [path for path in fs.find(folder) if _RUN_NAME.fullmatch(fs.name(path))]
        except FileNotFoundError:
            return []

    def _name_of(self, path: str) -> RunName:
        key, digest = self.objects.fs.parts(path)[-2:]
        return key, digest

    def _fetch(self, digests: Iterable[str]) -> bool:
        cache, errors = self.repo.cache.local, list[BaseException]()
        wanted = sorted(digest for digest in digests if not cache.exists(digest))
        if wanted:
            paths = [self.objects.oid_to_path(digest) for digest in wanted]
            # dvc-objects 5.2 raises FileNotFoundError for a single file in spite of on_error.
            with TqdmCallback(desc="Fetching outputs", unit="file") as progress, suppress(FileNotFoundError):
                cache.add(
                    paths, self.objects.fs, wanted, check_exists=False, verify=True, callback=progress,
                    on_error=lambda _, error: errors.append(error),
                )  # fmt: skip
        if serious := [error for error in errors if not isinstance(error, FileNotFoundError)]:
            raise serious[0]
        # One whose content is not what its digest says has been removed by `verify`.
        return all(map(cache.exists, wanted))

    def _complete_runs(self) -> dict[RunName, set[str]]:
        """The runs in the cache whose outputs are in it too, with the digests of these."""
        cache, runs, complete = self.repo.cache.local, self.repo.stage_cache, {}
        paths = [path for path in Path(runs.cache_dir).glob("*/*/*") if _RUN_NAME.fullmatch(path.name)]
        with TqdmCallback(desc="Reading runs", unit="file", size=len(paths)) as progress:
            for path in progress.wrap(paths):
                if run := runs._load_cache(path.parent.name, path.name):
                    with suppress(FileNotFoundError):
                        outputs = _outputs(run)
                        outputs |= self._files_of_folders(outputs)
                        if all(map(cache.exists, outputs)):
                            complete[path.parent.name, path.name] = outputs
        return complete

    def _files_of_folders(self, digests: Iterable[str]) -> set[str]:
        folders = [HashInfo("md5", digest) for digest in digests if digest.endswith(_FOLDER)]
        return {found.value for folder in folders for _, _, found in Tree.load(self.repo.cache.local, folder)}


def _outputs(run: Run) -> set[str]:
    return {out["md5"] for out in run["outs"]}


def reach(repo: Repo, name: str) -> RemoteResults:
    """Connect to a remote.

    Raises:
        TimeoutError: it has not answered within ``ANSWER_TIMEOUT``.
        Exception: whatever the libraries behind DVC's plugins raise when a remote cannot be used.
    """
    objects = repo.cloud.get_remote_odb(name, "keystage push")
    fs = objects.fs
    runs = fs.join(fs.parent(fs.parent(objects.path)), "runs")  # beside files/md5
    within(ANSWER_TIMEOUT, lambda: fs.exists(runs))
    return RemoteResults(repo, objects, runs)


def missing_plugin(url: str) -> str:
    """The command that installs what DVC needs to reach a kind of remote."""
    scheme = url.partition("://")[0]
    return "make remotes" if scheme in LOCKED_PLUGINS else f"pip install dvc-{scheme}"


def why_not(repo: Repo, name: str, error: BaseException) -> str:
    """Why a remote cannot be used, in one line."""
    url = repo.config["remote"][name]["url"]
    if isinstance(error, ImportError | RemoteMissingDepsError):
        scheme = url.partition("://")[0]
        return f"{url} needs the package dvc-{scheme}, which is not installed: {missing_plugin(url)}"
    lines = str(error).strip().splitlines()
    return f"{url}: {lines[0] if lines else type(error).__name__}"


def within(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """What ``ask`` returns or raises. A call that hangs is left behind: its thread ends with the process."""
    answer: Future[Answer] = Future()

    def work() -> None:
        try:
            answer.set_result(ask())
        except Exception as error:  # noqa: BLE001 - raised where the answer is waited for
            answer.set_exception(error)

    Thread(target=work, daemon=True).start()
    try:
        return answer.result(timeout=seconds)
    except TimeoutError:
        raise TimeoutError(f"no answer within {seconds:.0f} seconds") from None
