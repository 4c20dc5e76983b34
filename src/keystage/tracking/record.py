"""One training, as the files tell it, in the form a tracker takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_PARAMETER_LENGTH = 500  # shown in full in MLflow's table; longer ones are cut


@dataclass(frozen=True)
class Dataset:
    """What a training was given, in MLflow's terms.

    Attributes:
        name: as declared.
        version: equal for the same contents, read in the same way: that of ``keystage dataset list``.
        digest: equal for the same files under the same names.
        source: where they are, a path of the project or an address.
        profile: numbers of rows and the like, by name.
    """

    name: str
    version: str
    digest: str
    source: str
    profile: Mapping[str, Any]


@dataclass(frozen=True)
class TrainingRecord:
    """What one training was given and what came out.

    Attributes:
        name: what the run is called; empty for a name of MLflow's making.
        digest: equal for the same training; a training that is mirrored already is not mirrored twice.
        parameters: dotted names and values.
        metrics: final numbers, by name.
        leaderboard: Parquet file with one row per trial.
        trial_seconds: wall time of each trial by its number.
        dataset: the input of the run.
        reports: files and folders attached as they are.
        tags: lineage.
    """

    name: str
    digest: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    leaderboard: Path
    trial_seconds: Mapping[str, float]
    dataset: Dataset
    reports: tuple[Path, ...]
    tags: Mapping[str, str]
