"""Stage ``register``: mirror the training to MLflow and register recipe and model as one that takes raw rows.

It always runs, so what it does is idempotent: a training that is mirrored and a model that is registered are found by
digest and left as they are.
"""

import hashlib
import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keystage.adapters import git
from keystage.adapters.mlflow_store import open_store
from keystage.compute.spec import ComputeSpec
from keystage.core.params import PARAMS_FILE, flatten, outside_key
from keystage.data.table import read_table
from keystage.pipeline import workspace
from keystage.pipeline.state import lineage_here
from keystage.registry import package
from keystage.registry.lineage import Lineage
from keystage.registry.spec import RegistrySpec
from keystage.tracking.record import TrainingRecord
from keystage.tracking.spec import TrackingSpec

logger = logging.getLogger(__name__)

EXAMPLE_ROWS = 20  # raw test rows kept as the input example, and predicted once more by the registered model


@dataclass
class RegisterParams:
    """The sections of params.yaml that register reads. The stage always runs, so none is in a key."""

    registry: RegistrySpec = outside_key("the stage always runs")
    tracking: TrackingSpec = outside_key("the stage always runs")
    compute: ComputeSpec = outside_key("the stage always runs")


def register(params: RegisterParams) -> None:
    """Mirror, package and register; say which version it is."""
    tracking, registry = params.tracking, params.registry
    lineage, home = lineage_here(_params()), workspace.main_root()
    logger.info("Opening MLflow at %s", tracking.uri)
    with (
        open_store(tracking.uri, tracking.experiment, home) as store,
        tempfile.TemporaryDirectory() as folder,
    ):
        run_id = store.mirror(_training_record(lineage.tags))
        notes = (workspace.OWN_TRANSFORMS_NOTE, workspace.OWN_ESTIMATORS_NOTE)
        own = [name.removeprefix("src/") for note in notes for name in workspace.read_json(note)]
        code = package.copy_code(Path("src"), Path(folder), own)
        digest = package.digest_of((workspace.RECIPE, workspace.MODEL, workspace.ENVIRONMENT_NOTE), code)
        name, twin = registry.model_name, store.find(registry.model_name, digest)
        if twin and not registry.always_new_version:
            logger.info("Model %s has this very model already, as version %s; no new version", name, twin)
            return
        logger.info("Packing the model and trying it on raw rows")
        packed = _package(code, digest, lineage, run_id)
        git.keep(Path(), lineage.commit, home)  # first: a version names no state that git may throw away
        number = store.register(packed, name, run_id)
        git.name_version(home, name, number, lineage.commit)
        logger.info("Registered version %s of model %s", number, name)


def _package(code: Path, digest: str, lineage: Lineage, run_id: str) -> package.ModelPackage:
    recipe, model = workspace.read_pickle(workspace.RECIPE), workspace.read_pickle(workspace.MODEL)
    return package.ModelPackage(
        pipeline=package.join(recipe, model),
        example=read_table(workspace.RAW_TEST).features.head(EXAMPLE_ROWS),
        requirements=package.requirements_of(model, recipe),
        code=code,
        digest=digest,
        tags={**lineage.tags, "keystage.training_run": run_id},
        lineage=lineage.as_metadata(),
    )


def _training_record(tags: dict[str, str]) -> TrainingRecord:
    reports = (workspace.DATA_REPORT, workspace.SEARCH_REPORT, workspace.MODEL_REPORT, workspace.METRICS)
    numbers = flatten(
        {"search": workspace.read_json(workspace.SEARCH_REPORT), **workspace.read_json(workspace.METRICS)}
    )
    return TrainingRecord(
        name=os.environ.get("DVC_EXP_NAME", ""),  # set by DVC while it runs an experiment
        digest=hashlib.sha256(workspace.LEADERBOARD.read_bytes() + workspace.MODEL.read_bytes()).hexdigest(),
        parameters=flatten(_params()),
        metrics={name: value for name, value in numbers.items() if isinstance(value, int | float)},
        leaderboard=workspace.LEADERBOARD,
        trial_seconds=workspace.read_json(workspace.record("train"))["trial_seconds"],
        reports=reports,
        tags=tags,
    )


def _params() -> dict[str, Any]:
    from omegaconf import OmegaConf

    loaded = OmegaConf.to_container(OmegaConf.load(PARAMS_FILE))
    assert isinstance(loaded, dict)
    return {str(name): value for name, value in loaded.items()}
