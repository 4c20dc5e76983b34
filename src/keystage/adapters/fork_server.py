"""Processes that are forked from one that has imported the learners, where the system can fork.

A new one is there at once, and all of them share one copy of the libraries in memory.
"""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from multiprocessing import connection, forkserver
from typing import Any

_PRELOADED = ["keystage.search.fitting", "keystage.search.learners.imports"]
_SERVER: Any = forkserver._forkserver


def start_server() -> None:
    """Begin to import the learners in the process that others are forked from; returns at once."""
    if context().get_start_method() == "forkserver" and forkserver.get_inherited_fds() is None:
        forkserver.set_forkserver_preload(_PRELOADED)
        forkserver.ensure_running()


def run_forked(function: Callable[..., None], *arguments: Any) -> int:
    """Run a function in a process of the server's, and return its exit code.

    What it imports it then shares with the fits that it begins: one copy of the libraries in memory instead of two, and
    one import instead of two.
    """
    start_server()
    address = _SERVER._forkserver_address  # see _fork_from
    process = context().Process(target=_forked, args=(address, function, *arguments))
    process.start()
    while True:
        try:
            process.join()
        except KeyboardInterrupt:
            continue  # Ctrl-C is for the process that works as well; it says so and ends
        code: int = process.exitcode
        return code if code >= 0 else 128 - code  # as shells tell of a signal


def end_with_parent() -> None:
    """A process whose parent was killed would fit to its end for nobody."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def context() -> Any:
    """Of multiprocessing: forking from the server, or spawning where nothing can fork."""
    methods = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")


def _forked(address: str | None, function: Callable[..., None], *arguments: Any) -> None:
    end_with_parent()
    _fork_from(address)
    function(*arguments)


def _fork_from(address: str | None) -> None:
    """Have this process ask for others at the server that it came from.

    By its docstring it would, but Python 3.11 to 3.13 tell whether there is a server by a number that the process has
    which began it, so that one forked from it begins a second one (``multiprocessing/forkserver.py``,
    ``ensure_running``). From 3.14 on a server wants a key as well, and there it is the second one.
    """
    if address is not None and sys.version_info < (3, 14):
        _SERVER._forkserver_address = address
        _SERVER.ensure_running = lambda: None
