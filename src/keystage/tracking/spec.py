"""What conf/tracking declares. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass
from pathlib import Path

from keystage.core.params import PARAMS_FILE, load_params


@dataclass
class TrackingSpec:
    """Where runs and models are kept.

    Attributes:
        uri: an MLflow tracking URI; ``sqlite:///`` paths are relative to the project.
        experiment: MLflow's experiment, the name under which runs are listed together.
    """

    uri: str
    experiment: str


def tracking_of(root: Path) -> TrackingSpec:
    """The store that params.yaml of a project names."""

    @dataclass
    class Params:
        tracking: TrackingSpec

    return load_params(Params, root / PARAMS_FILE).tracking
