"""Requests that wait: how many may."""

import asyncio
from pathlib import Path

import pytest

from keystage.serving.batching import Batcher
from keystage.serving.requests import RequestError
from keystage.serving.served import ServedModel


def test_rows_are_refused_while_too_many_wait_and_taken_again_once_they_do_not() -> None:
    async def ask() -> None:
        # No process is started, so that whatever is asked waits.
        batcher = Batcher(ServedModel("Any@1", Path(), {}), 1, 1, max_waiting=5)
        large = asyncio.create_task(batcher.score([{}] * 9))
        await asyncio.sleep(0)  # one request may be larger: it would never be taken otherwise

        with pytest.raises(RequestError, match="9 rows wait already; ask again") as refused:
            await batcher.score([{}])

        assert refused.value.status == 429
        large.cancel()
        await asyncio.gather(large, return_exceptions=True)
        taken = [asyncio.create_task(batcher.score([{}] * rows)) for rows in (2, 3)]
        await asyncio.sleep(0)
        with pytest.raises(RequestError, match="5 rows wait"):
            await batcher.score([{}])
        for task in taken:
            task.cancel()
        await asyncio.gather(*taken, return_exceptions=True)

    asyncio.run(ask())
