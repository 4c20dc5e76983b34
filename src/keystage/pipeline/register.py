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
from keystage.registry import package
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
    lineage = _lineage()
    logger.info("Opening MLflow at %s", tracking.uri)
    with (
        open_store(tracking.uri, tracking.experiment, workspace.main_root()) as store,
        tempfile.TemporaryDirectory() as folder,
    ):
        run_id = store.mirror(_training_record(lineage))
        code = package.copy_code(Path("src"), Path(folder))
        digest = package.digest_of((workspace.RECIPE, workspace.MODEL, workspace.ENVIRONMENT_NOTE), code)
        name, twin = registry.model_name, store.find(registry.model_name, digest)
        if twin and not registry.always_new_version:
            logger.info("Model %s has this very model already, as version %s; no new version", name, twin)
            return
        logger.info("Packing the model and trying it on raw rows")
        packed = _package(code, digest, {**lineage, "keystage.training_run": run_id})
        logger.info("Registered version %s of model %s", store.register(packed, name, run_id), name)


def _package(code: Path, digest: str, lineage: dict[str, str]) -> package.ModelPackage:
    model = workspace.read_pickle(workspace.MODEL)
    return package.ModelPackage(
        pipeline=package.join(workspace.read_pickle(workspace.RECIPE), model),
        example=read_table(workspace.RAW_TEST).features.head(EXAMPLE_ROWS),
        requirements=package.requirements_of(model),
        code=code,
        digest=digest,
        lineage=lineage,
    )


def _training_record(lineage: dict[str, str]) -> TrainingRecord:
    reports = (workspace.DATA_REPORT, workspace.SEARCH_REPORT, workspace.METRICS)
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
        tags=lineage,
    )


def _lineage() -> dict[str, str]:
    """Where the model comes from, as tags."""
    params = _params()
    keyed = {name: params[name] for name in ("seed", "dataset", "prep", "automl")}
    return {
        "keystage.dataset": str(params["dataset"]["name"]),
        "keystage.git_commit": git.head(Path()),
        "keystage.data_digest": package.digest_of_mapping(workspace.read_json(workspace.DATA_REPORT)["sources"]),
        "keystage.params_digest": package.digest_of_mapping(keyed),
        "keystage.lock_digest": hashlib.sha256(workspace.ENVIRONMENT_NOTE.read_bytes()).hexdigest(),
    }


def _params() -> dict[str, Any]:
    from omegaconf import OmegaConf

    loaded = OmegaConf.to_container(OmegaConf.load(PARAMS_FILE))
    assert isinstance(loaded, dict)
    return {str(name): value for name, value in loaded.items()}
