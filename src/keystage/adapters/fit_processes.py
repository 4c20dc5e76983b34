"""Fits in processes of their own, one per core, so that one that overruns its time or memory can be stopped.

A learner's fit is a call into C that hears no signal and looks at no clock; only the end of its process ends it.
On Linux and macOS the processes are forked from a server that has imported the learners once, so a new one is there at
once and they share the libraries' memory.
"""

import multiprocessing
import os
import pickle
import signal
import threading
import time
from dataclasses import dataclass, fields
from multiprocessing import connection
from pathlib import Path
from typing import Any

import psutil

from keystage.search.fitting import Done, Job, Material, fit_all, fit_fold
from keystage.search.trials import End, FoldResult

_PRELOADED = [
    "keystage.search.fitting",
    "keystage.search.learners.imports",
]
_MEMORY_LOOKS = 0.2  # seconds between two looks at the processes' memory
MEGABYTE = 2**20


@dataclass
class _Process:
    process: Any
    pipe: Any
    job: Job | None = None
    begun: float = 0.0
    ends: float | None = None


def start_server() -> None:
    """Begin to import the learners in the process that others are forked from; returns at once."""
    context = _context()
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload(_PRELOADED)
        from multiprocessing.forkserver import ensure_running

        ensure_running()


class FitProcesses:
    """Processes that fit.

    Args:
        number: how many at the same time.
        material: a file that ``write_material`` wrote.
        fits: where models and predictions of folds are kept.
        memory: megabytes that all of them together may use; None for no limit.
    """

    def __init__(self, number: int, material: Path, fits: Path, memory: int | None) -> None:
        self._context = _context()
        self._material, self._fits, self._memory = material, fits, memory
        self._looked = 0.0
        self._processes = [self._start() for _ in range(number)]

    @property
    def idle(self) -> int:
        """How many have nothing to do."""
        return sum(item.job is None for item in self._processes)

    def begin(self, job: Job, soft: float | None, hard: float | None) -> None:
        """Give a job to an idle process.

        Args:
            job: what to fit.
            soft: seconds after which boosting stops with the trees it has; None for no limit.
            hard: seconds after which the process is stopped; None for no limit.
        """
        item = next(item for item in self._processes if item.job is None)
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
            ends = [item.ends for item in self._processes if item.job and item.ends is not None]
            pause = min([until, *ends]) - now
            if self._memory is not None:
                pause = min(pause, _MEMORY_LOOKS)
            connection.wait([item.pipe for item in self._processes if item.job], timeout=max(0.0, pause))

    def abandon(self) -> None:
        """Stop the fits under way: nobody waits for them any more."""
        for place, item in enumerate(self._processes):
            if item.job:
                self._stop(item)
                self._processes[place] = self._start()

    def close(self) -> None:
        """Stop all, whatever they do."""
        for item in self._processes:
            self._stop(item)
        self._processes = []

    def _ended(self) -> list[Done]:
        done = []
        for place, item in enumerate(self._processes):
            if item.job is None or not item.pipe.poll():
                continue
            try:
                result, model = item.pipe.recv()
            except (EOFError, ConnectionResetError):
                # Stopped from outside: by the system for want of memory, or by a fault in a library.
                item.process.join()
                error = f"its process ended with code {item.process.exitcode}"
                done.append(self._replace(place, End.failed, error))
                continue
            done.append(Done(item.job, result, model))
            item.job = None
        return done

    def _overrun(self) -> list[Done]:
        now = time.monotonic()
        done = [
            self._replace(place, End.timeout, f"stopped after {now - item.begun:.1f} seconds")
            for place, item in enumerate(self._processes)
            if item.job and item.ends is not None and now >= item.ends
        ]
        if self._memory is not None and now - self._looked >= _MEMORY_LOOKS:
            self._looked = now
            used = {place: _memory_of(item.process.pid) for place, item in enumerate(self._processes) if item.job}
            if used and sum(used.values()) > self._memory:
                largest = max(used, key=lambda place: used[place])
                error = f"stopped at {used[largest]:.0f} MB; all fits together used {sum(used.values()):.0f} MB"
                done.append(self._replace(largest, End.memory, error))
        return done

    def _replace(self, place: int, end: End, error: str) -> Done:
        item = self._processes[place]
        assert item.job is not None
        done = Done(item.job, FoldResult(None, time.monotonic() - item.begun, end=end, error=error))
        self._stop(item)
        self._processes[place] = self._start()
        return done

    def _start(self) -> _Process:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_work, args=(theirs, str(self._material), str(self._fits)), daemon=True, name="keystage fit"
        )
        process.start()
        theirs.close()
        return _Process(process, ours)

    def _stop(self, item: _Process) -> None:
        item.process.kill()
        item.process.join()
        item.pipe.close()
        for left in self._fits.glob(f"*.{item.process.pid}"):
            left.unlink(missing_ok=True)


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
    _end_with_parent()
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    material = _read_material(Path(material_file))
    with threadpool_limits(1):  # the cores are shared out by process, and sums do not depend on their number
        while True:
            try:
                job, soft = pipe.recv()
            except EOFError:
                return
            pipe.send(_do(material, job, soft, Path(fits)))


def _do(material: Material, job: Job, soft: float | None, fits: Path) -> tuple[FoldResult, Path | None]:
    if job.fold is not None:
        return fit_fold(material, job.proposal, job.fold, fits, soft), None
    return fit_all(material, job.proposal, dict(job.found), fits)


def _end_with_parent() -> None:
    """A process whose parent was killed would fit to its end for nobody."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _memory_of(process: int) -> float:
    """Megabytes that are this process's own or that it shares."""
    try:
        return float(psutil.Process(process).memory_info().rss) / MEGABYTE
    except psutil.Error:
        return 0.0


def _context() -> Any:
    methods = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
