"""Do what ``dvc repro`` does in this process, and tell afterwards what ran and what was reused."""

import logging
import os
import re
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystage.core.errors import KeystageError

if TYPE_CHECKING:
    from keystage.adapters.dvc_sharing import Sharing


class Outcome(Enum):
    """What became of a stage; the value is what a person reads."""

    ran = "Ran"
    fetched = "Reused from the remote"
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


def reproduce(sharing: "Sharing | None" = None, *, may_run: bool = True) -> dict[str, Outcome]:
    """Do what ``dvc repro`` does in the working directory. Returns what became of each stage, in order.

    Args:
        sharing: the remote that is asked for the result of a stage before the stage runs.
        may_run: False runs no keyed stage, and of those that always run only what keyed ones depend on.

    Raises:
        PipelineFailedError: DVC ended with an error, which has been shown.
        RemoteError: there is no such remote, or ``may_run`` is False and a stage has no result.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.ui import ui

    # Stages call `python`, which must be the one with keystage's libraries even when its environment is not activated.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    ui.enable()
    listener = _Listener()
    dvc_log = logging.getLogger("dvc")
    dvc_log.addHandler(listener)
    try:
        with Repo() as repo:
            if sharing:
                sharing.attach(repo, may_run=may_run)
            repo.reproduce(targets=[] if may_run else [stage.addressing for stage in keyed_stages(repo)])
    except DvcException as error:
        if isinstance(error.__cause__, KeystageError):
            raise error.__cause__ from None
        dvc_log.exception("")
        done = list(listener.outcomes)
        raise PipelineFailedError(
            f"the pipeline stopped at stage '{done[-1]}'" if done else "the pipeline did not start",
            why="the lines above say it; the stages before it are in the cache and will be reused",
            fix="mend what they name, then run the same command again",
        ) from error
    finally:
        dvc_log.removeHandler(listener)
    return listener.outcomes | dict.fromkeys(sharing.served if sharing else (), Outcome.fetched)


def keyed_stages(repo: Any) -> list[Any]:
    """The stages that are reused while nothing in their keys has changed."""
    return [stage for stage in repo.index.stages if stage.cmd and not stage.always_changed]
