"""The version that answers now, and its exchange for another while requests go on."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keystage.core.errors import KeystageError
from keystage.serving.batching import Batcher, Records
from keystage.serving.served import ServedModel

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """How a model is served.

    Attributes:
        processes: that hold the model.
        cores: that they share.
        max_bytes: of a request's body.
        max_rows: of a request.
        poll: seconds between looks at the registry; 0 for never.
        drain: seconds after the word to stop in which requests are still taken, so that balancers can turn away.
        together: see ``Batcher``.
        max_waiting: the same.
    """

    processes: int = 1
    cores: int = 1
    max_bytes: int = 16 * 2**20
    max_rows: int = 10_000
    poll: float = 10.0
    drain: float = 1.0
    together: bool = True
    max_waiting: int = 100_000


class Holder:
    """What requests are answered by.

    Args:
        model: the first version.
        settings: see there.
        look: finds the version that is to be served now, in a thread of its own; None where it cannot change.
    """

    def __init__(self, model: ServedModel, settings: Settings, look: Callable[[], ServedModel] | None = None) -> None:
        self.settings = settings
        self.draining = False
        self.failed = ""
        self._look = look
        self._batcher = self._batcher_of(model)
        self._task: asyncio.Task[None] | None = None

    @property
    def model(self) -> ServedModel:
        """The version that answers now."""
        return self._batcher.model

    def about(self) -> dict[str, Any]:
        """For whoever asks for the version; with the reason why a newer one does not answer, where there is one."""
        return self.model.about() | ({"reload_failed": self.failed} if self.failed else {})

    async def start(self) -> None:
        """Load the model, and begin to look for others."""
        await self._batcher.start()
        if self._look and self.settings.poll:
            self._task = asyncio.create_task(self._watch())

    async def score(self, records: Records) -> tuple[str, list[dict[str, Any]]]:
        """The version that has answered, and its answers; see ``Batcher.score``."""
        batcher = self._batcher
        return batcher.model.name, await batcher.score(records)

    async def close(self) -> None:
        """Answer all that wait, and end."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._batcher.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self.settings.poll)
            try:
                await self._reload()
                self.failed = ""
            except Exception as error:  # noqa: BLE001 - whatever it is, the version that works goes on
                said = f"{type(error).__name__}: {error}" if not isinstance(error, KeystageError) else str(error)
                if said != self.failed:
                    logger.warning("%s goes on, the registry's version cannot be taken: %s", self.model.name, said)
                self.failed = said

    async def _reload(self) -> None:
        assert self._look
        found = await asyncio.to_thread(self._look)
        if (found.name, found.digest) == (self.model.name, self.model.digest):
            return
        logger.info("Loading %s beside %s", found.name, self.model.name)
        fresh = self._batcher_of(found)
        await fresh.start()
        old, self._batcher = self._batcher, fresh
        logger.info("Serving %s", found.name)
        await old.close()

    def _batcher_of(self, model: ServedModel) -> Batcher:
        settings = self.settings
        return Batcher(
            model,
            settings.processes,
            settings.cores,
            together=settings.together,
            max_waiting=settings.max_waiting,
        )
