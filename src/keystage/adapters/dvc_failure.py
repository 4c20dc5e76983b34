"""Why ``dvc repro`` ended with an error: damage that is gone now, another command, the disk, git, memory."""

import errno
import re
from pathlib import Path

from keystage.adapters.dvc_locks import in_use
from keystage.adapters.dvc_runs import forget, recorded_runs
from keystage.adapters.dvc_settings import cache_folder
from keystage.core.disk import disk_error, room
from keystage.core.errors import INTERRUPTED, DamagedOutputError, DiskError, KeystageError, ProjectError, causes

_EXITED = re.compile(r"exited with (-?\d+)$")  # dvc 3.67, dvc/stage/exceptions.py
_KILLED = (-9, 128 + 9)
_STOPPED = (-2, INTERRUPTED)  # the shell that runs the stage is stopped too, or says that the stage was


class PipelineFailedError(KeystageError):
    """A stage failed; it has said why."""

    code = "pipeline"


def was_damage(error: BaseException) -> bool:
    """Whether it was damage, which is gone now.

    A stage that finds damage says so by its exit code. In the run cache, DVC removes an entry that is no YAML, and
    stumbles over others: no text, no outputs, or not all of them.
    """
    if (code := _exit_code(error)) is not None or worded(error):
        return code == DamagedOutputError.exit_code
    damaged = [run.path for run in recorded_runs(cache_folder(Path())) if not run.whole]
    for path in damaged:
        forget(path)
    return bool(damaged)


def worded(error: BaseException) -> KeystageError | None:
    """What is no stage's failure, in our words."""
    from dvc.exceptions import CacheLinkError
    from dvc.lock import LockError

    for cause in causes(error):
        if isinstance(cause, KeystageError):
            return cause
        if isinstance(cause, LockError):
            return in_use(" ".join(str(cause).partition("\n\n")[0].split()))
        if isinstance(cause, CacheLinkError):
            return DiskError(
                "results cannot come from the cache into the project",
                why=f"not even a test file can be written: {room(Path())}",
                fix="make room, or make the project writable, then run the same command again",
            )
        if isinstance(cause, OSError) and cause.errno == errno.EEXIST and str(cause.filename).endswith("index.lock"):
            return ProjectError(
                "the results are there, but git does not take the new dvc.lock",
                why=f"{cause.filename} exists: a git command is at work, or one was killed",
                fix="when none is at work, remove that file, then run the same command again",
            )
    if _exit_code(error) in _STOPPED:
        return PipelineFailedError(
            "the run was stopped",
            why="Ctrl-C, or a signal like it; nothing is wrong",
            fix="run the same command again: it goes on from there",
        )
    if _exit_code(error) in _KILLED:
        return PipelineFailedError(
            "a stage was killed",
            why="the system ends a process in this way when memory runs out",
            fix="free memory, or give the stage fewer cores (compute@compute.train=one_core), then run again",
        )
    return disk_error(error, cache_folder(Path()))


def _exit_code(error: BaseException) -> int | None:
    """What the stage's command ended with, if that is the error."""
    from dvc.stage.exceptions import StageCmdFailedError

    for cause in causes(error):
        if isinstance(cause, StageCmdFailedError) and (found := _EXITED.search(str(cause))):
            return int(found[1])
    return None
