"""Do what ``dvc repro`` does in this process, and tell afterwards what ran, what was reused, or what went wrong."""

import logging
import os
import re
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystage.adapters.dvc_failure import PipelineFailedError, was_damage, worded
from keystage.adapters.dvc_runs import drop_broken_lock, drop_empty, save_unsaved
from keystage.adapters.dvc_settings import cache_folder
from keystage.core.errors import listing

if TYPE_CHECKING:
    from keystage.adapters.dvc_sharing import Sharing

logger = logging.getLogger(__name__)

MOST_REPEATS = 3  # each one removed what was damaged; more than one means that the disk goes on damaging


class Outcome(Enum):
    """What became of a stage; the value is what a person reads."""

    ran = "Ran"
    fetched = "Reused from the remote"
    restored = "Reused from an earlier run"
    unchanged = "Reused, nothing changed"


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
                stage = found["stage"]
                # In a repetition, what ran before is unchanged: it ran all the same.
                self.outcomes[stage] = Outcome.ran if self.outcomes.get(stage) is Outcome.ran else outcome


def reproduce(sharing: "Sharing | None" = None, *, may_run: bool = True) -> dict[str, Outcome]:
    """Do what ``dvc repro`` does in the working directory, again when a stage has found and removed a damaged result.

    Args:
        sharing: the remote that is asked for the result of a stage before the stage runs.
        may_run: False runs no keyed stage, and of those that always run only what keyed ones depend on.

    Returns:
        What became of each stage, in order.

    Raises:
        PipelineFailedError: DVC ended with an error, which has been shown.
        DiskError: the disk is full or read-only, or denies access.
        ProjectError: another command is at work.
        RemoteError: there is no such remote, or ``may_run`` is False and a stage has no result.
    """
    from dvc.ui import ui

    # Stages call `python`, which must be the one with keystage's libraries even when its environment is not activated.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    ui.enable()
    _tidy()
    listener = _Listener()
    logging.getLogger("dvc").addHandler(listener)
    try:
        for repeats_left in reversed(range(MOST_REPEATS + 1)):
            try:
                _reproduce(sharing, may_run=may_run)
                break
            except Exception as error:
                if not (repeats_left and was_damage(error)):
                    raise _in_words(error, list(listener.outcomes)) from error
                logger.warning("What was damaged is removed. Running once more: the stages give it anew.")
    finally:
        logging.getLogger("dvc").removeHandler(listener)
    return listener.outcomes | dict.fromkeys(sharing.served if sharing else (), Outcome.fetched)


def keyed_stages(repo: Any) -> list[Any]:
    """The stages that are reused while nothing in their keys has changed."""
    return [stage for stage in repo.index.stages if stage.cmd and not stage.always_changed]


def _tidy() -> None:
    """Put right what a run that was cut off may have left, and what DVC would not get over."""
    if drop_broken_lock(Path()):
        logger.warning("dvc.lock was cut off. It is written anew, and the results are found by their keys.")
    for key in (cache_folder(Path()) / "runs").glob("*/*"):
        drop_empty(key)
    if saved := save_unsaved(Path()):
        logger.info("Kept of the run before: %s", listing(map(str, saved)))


def _reproduce(sharing: "Sharing | None", *, may_run: bool) -> None:
    from dvc.repo import Repo

    with Repo() as repo:
        if sharing:
            sharing.attach(repo, may_run=may_run)
        repo.reproduce(targets=[] if may_run else [stage.addressing for stage in keyed_stages(repo)])


def _in_words(error: Exception, begun: list[str]) -> Exception:
    """What to raise: our words, or DVC's after they are shown, or what is no error of theirs as it is."""
    from dvc.exceptions import DvcException

    if found := worded(error):
        return found
    if not isinstance(error, DvcException):
        return error
    logging.getLogger("dvc").error("", exc_info=error)
    return PipelineFailedError(
        f"the pipeline stopped at stage '{begun[-1]}'" if begun else "the pipeline did not start",
        why="the lines above say it; the stages before it are in the cache and will be reused",
        fix="mend what they name, then run the same command again",
    )
