"""Processes and memory of the machine, as psutil tells them."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import psutil

CLOCKS_DIFFER = 2.0  # seconds; the start of a process is known in ticks since the machine's
_LOOK = 0.5  # seconds between two looks at whether the caller is there
_SHELLS = {"ash", "bash", "cmd.exe", "dash", "fish", "ksh", "sh", "zsh"}


def free_memory() -> int:
    """Bytes that a process could get without others being swapped out."""
    return int(psutil.virtual_memory().available)


def memory_of_family(process: int) -> int:
    """Bytes that a process and all that it has started hold, whether their own or shared."""
    used = 0
    for one in _family(process):
        with suppress(psutil.Error):
            used += one.memory_info().rss
    return used


def kill_family(process: int) -> None:
    """End a process and all that it has started, at once."""
    for one in _family(process):
        with suppress(psutil.Error):
            one.kill()


def _family(process: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(process)
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []


def was_alive(process: int, moment: float) -> bool:
    """Whether the process of this number is one that was there at that moment, not a later one that got the number."""
    try:
        found = psutil.Process(process)
        return found.status() != psutil.STATUS_ZOMBIE and bool(found.create_time() <= moment + CLOCKS_DIFFER)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def working_in() -> Iterator[tuple[int, Path, list[str]]]:
    """Number, folder and command of each process that may be looked at."""
    for item in psutil.process_iter(["cwd", "cmdline"]):
        if item.info["cwd"]:
            yield item.pid, Path(item.info["cwd"]), item.info["cmdline"] or []


def end_with_dvc() -> None:
    """End this process soon after the command of DVC that has called it, should that be killed.

    DVC 3.67 waits for a stage's process (``dvc/stage/run.py``) and does not end it. It would work on for nobody, and in
    the end write over what a later run gave.
    """
    if "DVC_STAGE" not in os.environ:  # called by hand
        return
    line = [psutil.Process(), *psutil.Process().parents()[:2]]
    if len(line) > 2 and line[1].name() not in _SHELLS:
        line.pop()  # what has called DVC may go

    def watch() -> None:
        with suppress(psutil.NoSuchProcess):
            while all(child.ppid() == parent.pid and parent.is_running() for child, parent in pairwise(line)):
                time.sleep(_LOOK)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
