"""Processes and memory of the machine, as psutil tells them."""

from collections.abc import Iterator
from pathlib import Path

import psutil

CLOCKS_DIFFER = 2.0  # seconds; the start of a process is known in ticks since the machine's


def free_memory() -> int:
    """Bytes that a process could get without others being swapped out."""
    return int(psutil.virtual_memory().available)


def was_alive(process: int, moment: float) -> bool:
    """Whether the process of this number is one that was there at that moment, not a later one that got the number."""
    try:
        return bool(psutil.Process(process).create_time() <= moment + CLOCKS_DIFFER)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def working_in() -> Iterator[tuple[int, Path, list[str]]]:
    """Number, folder and command of each process that may be looked at."""
    for item in psutil.process_iter(["cwd", "cmdline"]):
        if item.info["cwd"]:
            yield item.pid, Path(item.info["cwd"]), item.info["cmdline"] or []
