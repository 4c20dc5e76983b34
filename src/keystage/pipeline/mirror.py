"""What the mirror in MLflow is given of a training: its settings, numbers, input, and the files for people."""

import hashlib
import os
from pathlib import Path
from typing import Any

from keystage.core.params import PARAMS_FILE, flatten
from keystage.pipeline import workspace
from keystage.pipeline.datasets import version_of
from keystage.pipeline.inputs import PIPELINE_FILE
from keystage.registry.lineage import Lineage
from keystage.reuse.key import stages_in
from keystage.tracking.record import Dataset, TrainingRecord


def reports() -> tuple[Path, ...]:
    """What stage register depends on below reports/: dvc.yaml is the one list of what the mirror attaches."""
    listed = [Path(name) for name in stages_in(PIPELINE_FILE)["register"]["deps"]]
    return tuple(path for path in listed if workspace.REPORTS in path.parents and path.exists())


def training_record(lineage: Lineage) -> TrainingRecord:
    """The training whose results are in this folder.

    Args:
        lineage: of them.
    """
    search, metrics = workspace.read_json(workspace.SEARCH_REPORT), workspace.read_json(workspace.METRICS)
    numbers = flatten({"search": search, **metrics})
    dataset, rows = lineage.dataset, workspace.read_json(workspace.DATA_REPORT).get("rows", {})
    version = version_of(dataset, {name: file["md5"] for name, file in lineage.files.items()})
    return TrainingRecord(
        name=os.environ.get("DVC_EXP_NAME", ""),  # set by DVC while it runs an experiment
        digest=hashlib.sha256(workspace.LEADERBOARD.read_bytes() + workspace.MODEL.read_bytes()).hexdigest(),
        parameters=flatten(parameters()),
        metrics={name: value for name, value in numbers.items() if isinstance(value, int | float)},
        leaderboard=workspace.LEADERBOARD,
        trial_seconds=workspace.read_json(workspace.record("train"))["trial_seconds"],
        dataset=Dataset(str(dataset["name"]), version, lineage.data_digest, str(dataset["path"]), {"rows": rows}),
        reports=reports(),
        tags=lineage.tags,
    )


def parameters() -> dict[str, Any]:
    """All of params.yaml."""
    from omegaconf import OmegaConf

    loaded = OmegaConf.to_container(OmegaConf.load(PARAMS_FILE))
    assert isinstance(loaded, dict)
    return {str(name): value for name, value in loaded.items()}
