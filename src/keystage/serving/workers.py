"""Processes that hold a model each, and predict side by side.

Processes, not threads: of two threads in one process most of the second waits for the first (docs/adr/0016), and a
process of its own runs the code that the model brings along.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Queue
from threading import BoundedSemaphore
from types import TracebackType
from typing import IO, Any, Self

import keystage
from keystage.serving.errors import ServingError
from keystage.serving.messages import receive, send
from keystage.serving.served import ServedModel

HOME = Path(keystage.__path__[0])
PROGRAM = HOME / "adapters" / "mlflow_worker.py"
WAITING = 2  # blocks per process that are read ahead: one that is predicted, one that comes next
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_NUM_THREADS")


def command(folder: Path) -> list[str]:
    """How a process is started."""
    return [sys.executable, "-P", str(PROGRAM), str(folder), str(HOME)]


def environment(threads: int) -> dict[str, str]:
    """Variables of a process that may take so many cores; see ``keystage.compute.limits``."""
    limits = dict.fromkeys(_THREADS, str(threads)) | {"OMP_WAIT_POLICY": "PASSIVE"}
    return {**os.environ, **limits, "PYTHONPATH": ""}


def cannot_load(model: str, said: bytes) -> ServingError:
    """The words for a process that ended before it answered."""
    lines = said.decode(errors="replace").strip().splitlines()
    return ServingError(
        f"{model} cannot be loaded, or its process was ended",
        why=lines[-1] if lines else "the process said nothing; the system ends one when memory runs out",
        fix="install what the model requires (requirements.txt beside it), or free memory, and run this again",
    )


class Worker:
    """One process. Not for several threads at a time."""

    def __init__(self, model: ServedModel, threads: int) -> None:
        self._name = model.name
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command(model.folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=environment(threads),
            start_new_session=True,  # an interrupt is for the process that leads
        )
        assert self._process.stdin
        assert self._process.stdout
        self._in: IO[bytes] = self._process.stdin
        self._out: IO[bytes] = self._process.stdout

    def hello(self) -> dict[str, Any]:
        """What the model gives, once it is loaded."""
        return self._receive()

    def ask(self, header: Mapping[str, Any], body: bytes) -> dict[str, Any]:
        """Send a message and wait for the answer.

        Raises:
            ServingError: the process has ended.
        """
        try:
            send(self._in, header, body)
        except BrokenPipeError as error:
            raise self._ended() from error
        return self._receive()

    def close(self) -> None:
        """End the process; what it is doing is lost."""
        self._process.kill()
        self._process.wait()
        for stream in (self._in, self._out):
            with suppress(BrokenPipeError):
                stream.close()
        self._said.close()

    def _receive(self) -> dict[str, Any]:
        message = receive(self._out)
        if message is None:
            raise self._ended()
        told: dict[str, Any] = message[0]
        if "failed" in told:
            raise ServingError(
                f"{self._name} fails while it predicts",
                why=str(told["failed"]),
                fix="look at the transforms and estimators of your own in src/project; what is done so far is kept",
            )
        return told

    def _ended(self) -> ServingError:
        self._process.wait()
        self._said.seek(0)
        return cannot_load(self._name, self._said.read())


class Pool:
    """Several processes with the same model, and a thread for each that waits for it.

    Args:
        model: that all load.
        count: of processes.
        cores: that they share.
    """

    def __init__(self, model: ServedModel, count: int, cores: int) -> None:
        self._workers = [Worker(model, max(1, cores // count)) for _ in range(count)]
        self._idle: Queue[Worker] = Queue()
        self._threads = ThreadPoolExecutor(count)
        self._room = BoundedSemaphore(count * WAITING)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=kind is None, cancel_futures=True)
        for worker in self._workers:
            worker.close()
        self._threads.shutdown(wait=True)

    def hello(self) -> dict[str, Any]:
        """What the model gives, once all have loaded it."""
        told: dict[str, Any] = {}
        for worker in self._workers:
            told = worker.hello()
            self._idle.put(worker)
        return told

    def submit(
        self, header: Mapping[str, Any], body: bytes, then: Callable[[dict[str, Any]], Any]
    ) -> "Future[dict[str, Any]]":
        """Have a message answered, as soon as there is room; ``then`` gets the answer, in another thread."""
        self._room.acquire()

        def work() -> dict[str, Any]:
            worker = self._idle.get()
            try:
                answer = worker.ask(header, body)
                then(answer)
                return answer
            finally:
                self._idle.put(worker)
                self._room.release()

        return self._threads.submit(work)
