"""Run one stage: check params.yaml, keep to the compute profile, call it, and tell errors from bugs."""

import logging
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from keystage.compute import limits
from keystage.compute.spec import ComputeProfile, ComputeSpec
from keystage.config.compose import require_in_sync
from keystage.core import log
from keystage.core.errors import KeystageError, StaleParamsError
from keystage.core.params import PARAMS_FILE, load_params

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Params = TypeVar("Params", bound="DataclassInstance")
logger = logging.getLogger(__name__)


def run_stage(stage: Callable[[Params], None], params: type[Params]) -> None:
    """Run ``stage`` with its parameters from params.yaml in the working directory, and end the process.

    A ``KeystageError`` becomes three lines on standard error and its exit code; any other exception is a bug of ours
    and keeps its traceback.

    Args:
        stage: takes the parameters, reads and writes files.
        params: a dataclass with one field per section of params.yaml that the stage reads.
    """
    log.configure()
    root = Path.cwd()
    try:
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
    except KeystageError as error:
        logger.error("%s", error)  # noqa: TRY400 - the traceback says nothing to the person who must act
        sys.exit(error.exit_code)


def _profile(loaded: Any, stage: str) -> ComputeProfile:
    """The stage's own profile; a stage that declares no compute section gets one core."""
    for item in fields(loaded):
        value = getattr(loaded, item.name)
        if isinstance(value, ComputeSpec):
            profile: ComputeProfile = getattr(value, stage)
            return profile
    return ComputeProfile(cores=1)
