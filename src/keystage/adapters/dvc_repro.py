"""Run ``dvc repro`` in this process, and tell afterwards what ran and what was reused."""

import logging
import os
import re
import sys
from enum import Enum
from pathlib import Path

from keystage.core.errors import KeystageError


class Outcome(Enum):
    """What became of a stage; the value is what a person reads."""

    ran = "Ran"
    restored = "Reused from an earlier run"
    unchanged = "Reused, nothing changed"


class PipelineFailedError(KeystageError):
    """A stage failed; it has said why."""

    code = "pipeline"


# DVC's own words for a stage: dvc 3.67, dvc/stage/run.py and dvc/stage/__init__.py and dvc/repo/reproduce.py.
_MESSAGES = {
    Outcome.ran: re.compile(r"Running (?:stage|callback stage) '(?P<stage>[^']+)'"),
    Outcome.restored: re.compile(r"Stage '(?P<stage>[^']+)' is cached - skipping run"),
    Outcome.unchanged: re.compile(r"Stage '(?P<stage>[^']+)' didn't change, skipping"),
}


class _Listener(logging.Handler):
    """Sorts the stages by what DVC says of them."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.outcomes: dict[str, Outcome] = {}  # by stage, in the order of the run

    def emit(self, record: logging.LogRecord) -> None:
        for outcome, pattern in _MESSAGES.items():
            if found := pattern.search(record.getMessage()):
                self.outcomes[found["stage"]] = outcome


def reproduce() -> dict[str, Outcome]:
    """Run ``dvc repro`` in the working directory. Returns what became of each stage, in order.

    Raises:
        PipelineFailedError: DVC ended with an error, which it has shown.
    """
    from dvc.cli import main as dvc

    # Stages call `python`, which must be the one with keystage's libraries even when its environment is not activated.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    listener = _Listener()
    logging.getLogger("dvc").addHandler(listener)
    try:
        code = dvc(["repro"])
    finally:
        logging.getLogger("dvc").removeHandler(listener)
    if code != 0:
        done = list(listener.outcomes)
        raise PipelineFailedError(
            f"the pipeline stopped at stage '{done[-1]}'" if done else "the pipeline did not start",
            why="the lines above say it; the stages before it are in the cache and will be reused",
            fix="mend what they name, then run the same command again",
        )
    return listener.outcomes
