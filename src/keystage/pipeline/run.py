"""Run one stage: check params.yaml, keep to the compute profile, call it, and tell errors from bugs."""

import logging
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from keystage.compute import limits
from keystage.compute.spec import ComputeProfile, ComputeSpec
from keystage.config.compose import require_in_sync
from keystage.core import log
from keystage.core.errors import KeystageError, ProjectError, StaleParamsError
from keystage.core.params import PARAMS_FILE, load_params

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Params = TypeVar("Params", bound="DataclassInstance")
logger = logging.getLogger(__name__)

INTERRUPTED = 130  # what shells report for Ctrl-C
_OWN = {"keystage", "project", "hydra_plugins"}


def run_stage(stage: Callable[[Params], None], params: type[Params]) -> None:
    """Run ``stage`` with its parameters from params.yaml in the working directory, and end the process.

    A ``KeystageError`` becomes three lines on standard error and its exit code; any other exception is a bug of ours
    and keeps its traceback.

    Args:
        stage: takes the parameters, reads and writes files.
        params: a dataclass with one field per section of params.yaml that the stage reads.
    """
    log.configure()
    try:
        _run(stage, params, Path.cwd())
    except KeystageError as error:
        _end(error)
    except KeyboardInterrupt:
        logger.error("Stopped. What stages before this one gave is kept; run again to go on from there.")  # noqa: TRY400
        sys.exit(INTERRUPTED)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in _OWN:
            raise
        _end(
            ProjectError(
                f"this Python has no module '{error.name}'",
                why=f"stages call `python`, which is {sys.executable} here",
                fix="source .venv/bin/activate (make run sets it up), then run again",
            )
        )


def _run(stage: Callable[[Params], None], params: type[Params], root: Path) -> None:
    require_in_sync(root)
    before = (root / PARAMS_FILE).read_bytes()
    loaded = load_params(params, root / PARAMS_FILE)
    limits.apply(_profile(loaded, stage.__name__))
    stage(loaded)
    if (root / PARAMS_FILE).read_bytes() != before:
        # DVC hashes params.yaml after the run, and would file this result under the new parameters.
        raise StaleParamsError(
            f"params.yaml changed while stage '{stage.__name__}' ran",
            why="its result belongs to the earlier parameters and was not kept",
            fix="let one run end before the next is composed, then: dvc repro",
        )


def _end(error: KeystageError) -> NoReturn:
    """Three lines for the person who must act, to whom a traceback says nothing."""
    logger.error("%s", error)
    sys.exit(error.exit_code)


def _profile(loaded: Any, stage: str) -> ComputeProfile:
    """The stage's own profile; a stage that declares no compute section gets one core."""
    for item in fields(loaded):
        value = getattr(loaded, item.name)
        if isinstance(value, ComputeSpec):
            profile: ComputeProfile = getattr(value, stage)
            return profile
    return ComputeProfile(cores=1)
