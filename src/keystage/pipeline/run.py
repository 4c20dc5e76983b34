"""Run one stage: check what it stands on, keep to the compute profile, call it, and tell errors from bugs."""

import logging
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from keystage.adapters import git
from keystage.compute import limits
from keystage.compute.spec import ComputeProfile, ComputeSpec
from keystage.config.compose import require_in_sync
from keystage.core import log
from keystage.core.disk import disk_error
from keystage.core.errors import INTERRUPTED, ChangedInputError, KeystageError, ProjectError
from keystage.core.params import PARAMS_FILE, load_params
from keystage.pipeline import workspace
from keystage.pipeline.conf import KEYED_STAGES, ConfParams, notes
from keystage.pipeline.datasets import require_files
from keystage.pipeline.inputs import discard_damaged_twins, fingerprints, require_unchanged, require_whole

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Params = TypeVar("Params", bound="DataclassInstance")
Stage = Callable[[Params], Mapping[str, Any] | None]
logger = logging.getLogger(__name__)

_OWN = {"keystage", "project", "hydra_plugins"}


def run_forking_stage(stage: Stage[Params], params: type[Params]) -> None:
    """Run a stage that forks processes, in one that shares the libraries' memory with them; see ``run_stage``."""
    from keystage.adapters.fork_server import run_forked

    _end_with_dvc()
    limits.apply(ComputeProfile(cores=1))  # one thread each: such a stage shares its cores out by process
    sys.exit(run_forked(run_stage, stage, params))


def run_stage(stage: Stage[Params], params: type[Params]) -> None:
    """Run ``stage`` with its parameters from params.yaml in the working directory, and end the process.

    A ``KeystageError`` becomes three lines on standard error and its exit code; any other exception is a bug of ours
    and keeps its traceback.

    Args:
        stage: takes the parameters, reads and writes files; may return facts for its record.
        params: a dataclass with one field per section of params.yaml that the stage reads.
    """
    log.configure()
    try:
        if multiprocessing.parent_process() is None:
            _end_with_dvc()
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
    except Exception as error:
        if not (worded := disk_error(error, workspace.ARTIFACTS)):
            raise
        _end(worded)


def _end_with_dvc() -> None:
    from keystage.adapters.process import end_with_dvc

    end_with_dvc()


def _run(stage: Stage[Params], params: type[Params], root: Path) -> None:
    name = stage.__name__
    require_in_sync(root)
    before = fingerprints(name)
    if name != "conf":
        require_whole(before)
    named = load_params(ConfParams, root / PARAMS_FILE) if name in KEYED_STAGES else None
    if named is not None:
        _require_noted(named, name, root)
        if name == "dataprep":
            require_files(named.dataset, root)
    loaded = load_params(params, root / PARAMS_FILE)
    profile = _profile(loaded, name)
    limits.apply(profile)
    begun = time.monotonic()
    facts = stage(loaded) or {}
    require_unchanged(name, before)
    if named is not None:
        _require_noted(named, name, root)
        record = {**_record(root), "cores": limits.cores(profile), "seconds": time.monotonic() - begun, **facts}
        workspace.write_json(record, workspace.record(name))
        discard_damaged_twins(name)


def _require_noted(params: ConfParams, stage: str, root: Path) -> None:
    """Stage conf notes what the settings name; a stage asked for alone would stand on the notes of an earlier run."""
    for path, text in notes(params, root).items():
        if path == workspace.SIZES_NOTE:
            continue
        if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text:
            raise ChangedInputError(
                f"{path} is not of what is there now",
                why=f"what it notes changed since stage 'conf' ran, and stage '{stage}' is not run on it",
                fix="run the pipeline from its start, not one stage alone: dvc repro",
            )


def _record(root: Path) -> dict[str, Any]:
    """Where a result was made. No other stage but register reads it, and no key holds it."""
    differing = workspace.read_json(workspace.ENVIRONMENT_NOTE)["differing"]
    return {
        "run": workspace.run_identity(),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": git.head(root),
        "experiment": os.environ.get("DVC_EXP_NAME", ""),  # set by DVC while it runs an experiment
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "not_locked": differing,
    }


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
