"""What conf/tracking declares. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass


@dataclass
class TrackingSpec:
    """Where runs and models are kept.

    Attributes:
        uri: an MLflow tracking URI; ``sqlite:///`` paths are relative to the project.
        experiment: MLflow's experiment, the name under which runs are listed together.
    """

    uri: str
    experiment: str
