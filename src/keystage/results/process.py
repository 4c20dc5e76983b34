"""``keystage run`` as a process of its own, so that a caller's folder, modules and settings stay as they are."""

import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread

from keystage.adapters.dvc_checkout import environment_of_others
from keystage.core.errors import RunFailed

OnLine = Callable[[str], None]
logger = logging.getLogger(__name__)

SECONDS_BETWEEN_SIGNALS = 10.0
# DVC may not hear one that comes while it is between two stages; a kill costs nothing that was done (docs/care.md).
_SIGNALS = (signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
# A caller that a shell has started in the background ignores SIGINT, and so would all that it starts.
_PROGRAM = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('keystage.cli.main', run_name='__main__')"
)

_ERROR = re.compile(r"error\[[a-z-]+\]: (?P<what>.*)\n  why: (?P<why>.*)\n  fix: (?P<fix>.*)")
_RAISED = re.compile(r"[\w.]+(Error|Exception|Interrupt)\b")  # the last line of a traceback
_STOPPED_AT = re.compile(r"the pipeline stopped at stage '(\w+)'")


class Process:
    """A run under way, or one that has ended.

    Args:
        root: the project's folder.
        overrides: in Hydra's grammar.
        on_line: given each line that the run says, in a thread of its own.
    """

    def __init__(self, root: Path, overrides: Sequence[str], on_line: OnLine) -> None:
        command = [sys.executable, "-c", _PROGRAM, "run", "--", *overrides]
        self._lines: list[str] = []
        self._on_line, self._stopped = on_line, False
        self._process = subprocess.Popen(  # noqa: S603 - arguments of ours
            command,
            cwd=root,
            env=environment_of_others() | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs."""
        return None if self._reader.is_alive() else self._process.poll()

    def wait(self, timeout: float | None) -> None:
        """Wait for its end.

        Raises:
            TimeoutError: it has not ended within ``timeout`` seconds; it goes on.
        """
        self._reader.join(timeout)
        if self._reader.is_alive():
            raise TimeoutError(f"the run has not ended within {timeout:g} seconds; it goes on")
        self._process.wait()

    def stop(self) -> None:
        """End it as Ctrl-C does, and wait for its end: what its stages gave is kept."""
        for sent in _SIGNALS:
            if self._process.poll() is None:
                self._stopped = True
                os.killpg(self._process.pid, sent)
                self._reader.join(SECONDS_BETWEEN_SIGNALS)
        self._reader.join()
        self._process.wait()

    def failure(self) -> RunFailed:
        """What went wrong, in the words of the stage, or of whoever spoke first."""
        text = "\n".join(self._lines)
        stopped = _STOPPED_AT.search(text)
        stage, before = (stopped[1], text[: stopped.start()]) if stopped else ("", text)
        of_stage = f"stage '{stage}': " if stage else ""
        if self._stopped:
            what, why, fix = f"{of_stage}stopped", "Run.stop was called", "run again to go on from there"
        elif said := _ERROR.search(before):
            what, why, fix = of_stage + said["what"], said["why"], said["fix"]
        else:  # a bug, which ends with a traceback
            what = f"{of_stage}the run ended with code {self._process.returncode}"
            raised = [line for line in before.splitlines() if _RAISED.match(line)] or self._lines or ["it said nothing"]
            why, fix = raised[-1], "look at all that it said: the lines of this error (`.lines`)"
        return RunFailed(what, why=why, fix=fix, stage=stage, lines=tuple(self._lines))

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as said:
            for line in said:
                self._lines.append(line.rstrip("\n"))
                try:
                    self._on_line(self._lines[-1])
                except Exception:  # the caller's own; the run must not wait for ever for its lines to be read
                    logger.exception("on_line failed, and is not called any more")
                    self._on_line = _nothing


def _nothing(_line: str) -> None:
    """Say nothing."""
