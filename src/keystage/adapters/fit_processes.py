"""Fits in processes of their own, one per core, so that one that overruns its time or memory can be stopped.

A learner's fit is a call into C that hears no signal and looks at no clock; only the end of its process ends it.
The processes are forked from a server, so a new one is there at once (``fork_server``).
"""

import ctypes
import pickle
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from multiprocessing import connection
from pathlib import Path
from typing import Any

from keystage.adapters.fork_server import context, end_with_parent
from keystage.adapters.process import kill_family, memory_of_family
from keystage.search.fitting import Done, Job, Material, fit_all, fit_fold
from keystage.search.trials import End, FoldResult

_MEMORY_LOOKS = 0.2  # seconds between two looks at the processes' memory
_TICK = 0.5  # seconds between two looks at the clock
MEGABYTE = 2**20


@dataclass
class _Place:
    """Room for one fit at a time; its process is begun with the first and after one that was stopped."""

    process: Any = None
    pipe: Any = None
    job: Job | None = None
    begun: float = 0.0
    ends: float | None = None


class FitProcesses:
    """Processes that fit.

    Args:
        number: how many at the same time.
        material: a file that ``write_material`` wrote.
        fits: where models and predictions of folds are kept.
        memory: megabytes that all of them together may use; None for no limit.
    """

    def __init__(self, number: int, material: Path, fits: Path, memory: int | None) -> None:
        self._context = context()
        self._material, self._fits, self._memory = material, fits, memory
        self._looked = 0.0
        self._places = [_Place() for _ in range(number)]

    @property
    def idle(self) -> int:
        """How many have nothing to do."""
        return sum(item.job is None for item in self._places)

    def begin(self, job: Job, soft: float | None, hard: float | None) -> None:
        """Give a job to an idle process.

        Args:
            job: what to fit.
            soft: seconds after which boosting stops with the trees it has; None for no limit.
            hard: seconds after which the process is stopped; None for no limit.
        """
        item = next(item for item in self._places if item.job is None)
        if item.process is None:
            self._start(item)
        item.job, item.begun = job, time.monotonic()
        item.ends = None if hard is None else item.begun + hard
        item.pipe.send((job, soft))

    def wait(self, seconds: float) -> list[Done]:
        """The fits that ended, at the latest after some seconds; those that overran are stopped."""
        until = time.monotonic() + seconds
        while True:
            done = self._ended() + self._overrun()
            now = time.monotonic()
            if done or now >= until:
                return done
            ends = [item.ends for item in self._places if item.job and item.ends is not None]
            pause = min([until, *ends]) - now
            if self._memory is not None:
                pause = min(pause, _MEMORY_LOOKS)
            connection.wait([item.pipe for item in self._places if item.job], timeout=max(0.0, pause))

    def all_of(self, jobs: Iterable[tuple[Job, float | None]], ends: float | None) -> Iterator[Done]:
        """Do jobs, and give each as it ends; none when the time is over.

        Args:
            jobs: each with the seconds after which boosting stops by itself; None for no limit.
            ends: time on ``time.monotonic``'s clock; None for no limit.
        """
        waiting, under_way = list(jobs), 0
        while waiting or under_way:
            left = _TICK if ends is None else min(_TICK, ends - time.monotonic())
            if left <= 0:
                return
            while waiting and self.idle:
                self.begin(*waiting.pop(0), None)
                under_way += 1
            for done in self.wait(left):
                under_way -= 1
                yield done

    def abandon(self) -> None:
        """Stop the fits under way: nobody waits for them any more."""
        for item in self._places:
            if item.job:
                self._stop(item)

    def close(self) -> None:
        """Stop all, whatever they do."""
        for item in self._places:
            if item.process:
                self._stop(item)

    def _ended(self) -> list[Done]:
        done = []
        for item in self._places:
            if item.job is None or not item.pipe.poll():
                continue
            try:
                result, model = item.pipe.recv()
            except (EOFError, ConnectionResetError):
                # Stopped from outside: by the system for want of memory, or by a fault in a library.
                item.process.join()
                error = f"its process ended with code {item.process.exitcode}"
                done.append(self._stopped(item, End.failed, error))
                continue
            done.append(Done(item.job, result, model))
            item.job = None
        return done

    def _overrun(self) -> list[Done]:
        now = time.monotonic()
        done = [
            self._stopped(item, End.timeout, f"stopped after {now - item.begun:.1f} seconds")
            for item in self._places
            if item.job and item.ends is not None and now >= item.ends
        ]
        if self._memory is not None and now - self._looked >= _MEMORY_LOOKS:
            self._looked = now
            used = [(memory_of_family(item.process.pid) / MEGABYTE, item) for item in self._places if item.job]
            together = sum(memory for memory, _ in used)
            if used and together > self._memory:
                most, item = max(used, key=lambda pair: pair[0])
                done.append(
                    self._stopped(item, End.memory, f"stopped at {most:.0f} MB; all fits used {together:.0f} MB")
                )
        return done

    def _stopped(self, item: _Place, end: End, error: str) -> Done:
        assert item.job is not None
        done = Done(item.job, FoldResult(None, time.monotonic() - item.begun, end=end, error=error))
        self._stop(item)
        return done

    def _start(self, item: _Place) -> None:
        item.pipe, theirs = self._context.Pipe()
        item.process = self._context.Process(
            target=_work, args=(theirs, str(self._material), str(self._fits)), daemon=True, name="keystage fit"
        )
        item.process.start()
        theirs.close()

    def _stop(self, item: _Place) -> None:
        kill_family(item.process.pid)
        item.process.join()
        item.pipe.close()
        for left in self._fits.glob(f"*.{item.process.pid}"):
            left.unlink(missing_ok=True)
        item.process = item.job = None


def write_material(material: Material, path: Path) -> None:
    """What all fits need, in a file that the processes read; the table is mapped, so they share its memory."""
    import numpy as np

    np.save(path.with_suffix(".npy"), material.features)
    rest = {item.name: getattr(material, item.name) for item in fields(material) if item.name != "features"}
    with path.open("wb") as file:
        pickle.dump(rest, file, protocol=5)


def remove_material(path: Path) -> None:
    """Remove what ``write_material`` wrote; what a killed run left is written over by the next."""
    for file in (path, path.with_suffix(".npy")):
        file.unlink(missing_ok=True)


def _read_material(path: Path) -> Material:
    import numpy as np

    features = np.load(path.with_suffix(".npy"), mmap_mode="r")
    with path.open("rb") as file:
        return Material(features=features, **pickle.load(file))


def _work(pipe: Any, material_file: str, fits: str) -> None:
    """What a process does: fit one job after the other until nobody is there to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks; it stops this one
    end_with_parent()
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    material = _read_material(Path(material_file))
    with threadpool_limits(1):  # the cores are shared out by process, and sums do not depend on their number
        while True:
            try:
                job, soft = pipe.recv()
            except EOFError:
                return
            pipe.send(_do(material, job, soft, Path(fits)))
            _give_back()


def _do(material: Material, job: Job, soft: float | None, fits: Path) -> tuple[FoldResult, Path | None]:
    if job.fold is not None:
        return fit_fold(material, job.proposal, job.fold, fits, soft), None
    return fit_all(material, job.proposal, dict(job.found), fits)


def _give_back() -> None:
    """Have the C library return freed memory to the system: glibc keeps what lies below a block in use.

    After a forest of 150 trees on 4,000 rows that is 60 to 90 MB, which would stay until the search ends.
    """
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
