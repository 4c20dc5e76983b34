"""Requests that wait at the same time are predicted together, by processes that hold the model.

Nothing waits for others to come: a process that is free takes all that are there. Under load these are many, and one
call for many rows costs little more than one for a single row.
"""

import asyncio
import contextlib
import json
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from keystage.serving.errors import ServingError
from keystage.serving.messages import LENGTHS, packed
from keystage.serving.requests import RequestError
from keystage.serving.served import ServedModel
from keystage.serving.workers import cannot_load, command, environment

MAX_BATCH = 4096  # rows in one call
Records = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Waiting:
    """A request, and where its answer goes."""

    records: Records
    answer: "asyncio.Future[list[dict[str, Any]]]"


class Batcher:
    """Processes with one version of a model, and the requests that wait for them.

    Args:
        model: the version.
        processes: how many load it.
        cores: that they share.
        together: join requests; off only to measure what that gives.
        max_waiting: rows that may wait; 0 for any number.
    """

    def __init__(
        self, model: ServedModel, processes: int, cores: int, *, together: bool = True, max_waiting: int = 0
    ) -> None:
        self.model = model
        self._count, self._threads = processes, max(1, cores // processes)
        self._most = MAX_BATCH if together else 1
        self._queue: asyncio.Queue[Waiting | None] = asyncio.Queue()
        self._max_waiting, self._rows = max_waiting, 0
        self._loops: list[asyncio.Task[None]] = []
        self._kinds = dict(model.columns)

    async def start(self) -> None:
        """Load the model in every process.

        Raises:
            ServingError: it cannot be loaded.
        """
        started = await asyncio.gather(*(self._start_one() for _ in range(self._count)), return_exceptions=True)
        failed = [item for item in started if isinstance(item, BaseException)]
        processes = [item for item in started if isinstance(item, Process)]
        if failed:
            for process in processes:
                process.kill()
            raise failed[0]
        self._loops = [asyncio.create_task(self._run(process)) for process in processes]

    async def score(self, records: Records) -> list[dict[str, Any]]:
        """Predictions for the rows of a request, in their order.

        Raises:
            RequestError: rows do not fit the model; it names them. Or so many wait that these are not taken.
            ServingError: the processes that hold the model have ended, and could not be started anew.
        """
        if self._max_waiting and self._rows and self._rows + len(records) > self._max_waiting:
            raise RequestError(HTTPStatus.TOO_MANY_REQUESTS, f"{self._rows} rows wait already; ask again in a moment")
        waiting = Waiting(records, asyncio.get_running_loop().create_future())
        self._rows += len(records)
        self._queue.put_nowait(waiting)
        try:
            return await waiting.answer
        finally:
            self._rows -= len(records)

    async def close(self) -> None:
        """Answer all that wait, then end the processes."""
        for _ in self._loops:
            self._queue.put_nowait(None)
        await asyncio.gather(*self._loops, return_exceptions=True)

    async def _start_one(self) -> Process:
        with tempfile.TemporaryFile() as said:
            process = await asyncio.create_subprocess_exec(
                *command(self.model.folder),
                stdin=PIPE,
                stdout=PIPE,
                stderr=said,
                env=environment(self._threads),
                start_new_session=True,
            )
            try:
                await _receive(process)
            except asyncio.IncompleteReadError as error:
                await process.wait()
                said.seek(0)
                raise cannot_load(self.model.name, said.read()) from error
        return process

    async def _run(self, process: Process) -> None:
        while (first := await self._queue.get()) is not None:
            batch, rows = [first], len(first.records)
            while rows < self._most and not self._queue.empty():
                more = self._queue.get_nowait()
                if more is None:  # the word to end is for after these
                    self._queue.put_nowait(None)
                    break
                batch.append(more)
                rows += len(more.records)
            process = await self._answer(process, batch)
        assert process.stdin
        process.stdin.close()
        await process.wait()

    async def _answer(self, process: Process, batch: list[Waiting], attempts: int = 2) -> Process:
        """Answer a batch, or where that fails, each request alone. Returns the process, or a new one where it ended."""
        try:
            told = await self._ask(process, [record for item in batch for record in item.records])
        except (asyncio.IncompleteReadError, ConnectionError):
            told = {"ended": True}
            try:
                process = await self._start_one()
            except ServingError as error:
                _fail(batch, error)
                return process
        if "answers" in told:
            _hand_out(batch, told)
        elif len(batch) > 1:
            for item in batch:
                process = await self._answer(process, [item])
        elif "failed" in told:
            _fail(batch, RequestError(422, f"the model cannot score these rows: {told['failed']}"))
        elif attempts > 1:
            process = await self._answer(process, batch, attempts - 1)
        else:
            _fail(batch, cannot_load(self.model.name, b"it ended over the rows of this request, twice"))
        return process

    async def _ask(self, process: Process, records: Records) -> dict[str, Any]:
        assert process.stdin
        process.stdin.write(packed({"kinds": self._kinds}, json.dumps(records).encode()))
        await process.stdin.drain()
        return await _receive(process)


async def _receive(process: Process) -> dict[str, Any]:
    assert process.stdout
    head, body = LENGTHS.unpack(await process.stdout.readexactly(LENGTHS.size))
    told: dict[str, Any] = json.loads(await process.stdout.readexactly(head))
    await process.stdout.readexactly(body)
    return told


def _fail(batch: Sequence[Waiting], error: Exception) -> None:
    for item in batch:
        with contextlib.suppress(asyncio.InvalidStateError):  # whoever asked has gone
            item.answer.set_exception(error)


def _hand_out(batch: Sequence[Waiting], told: Mapping[str, Any]) -> None:
    """To each request its own rows; a request with a bad row is refused, those beside it are not."""
    begin, bad = 0, dict(told["bad"])
    for item in batch:
        end = begin + len(item.records)
        odd = [{"row": place - begin, **bad[place]} for place in range(begin, end) if place in bad]
        with contextlib.suppress(asyncio.InvalidStateError):
            if odd:
                item.answer.set_exception(RequestError(422, f"row {odd[0]['row']}: {odd[0]['reason']}", odd))
            else:
                item.answer.set_result(told["answers"][begin:end])
        begin = end
