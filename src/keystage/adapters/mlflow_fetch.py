"""A registered version on this machine, ready to be served: here alone a reference becomes a model's folder."""

from pathlib import Path

from keystage.adapters.mlflow_versions import find
from keystage.core.errors import TrackingError
from keystage.core.params import first_line
from keystage.serving.served import ServedModel

CHAMPION = "champion"


def fetch(reference: str, tracking_uri: str, root: Path, *, allow_pickle: bool = False) -> ServedModel:
    """Find a version and bring its files here, where they are not here yet.

    Args:
        reference: ``MODEL@NUMBER``, ``MODEL@ALIAS`` or ``MODEL@latest``; ``MODEL`` alone is its champion.
        tracking_uri: as in conf/tracking.
        root: the project's folder.
        allow_pickle: take a model whose file may run code when it is read.

    Raises:
        LineageError: there is no such version.
        ServingError: it cannot be served, or is saved as a pickle.
        TrackingError: the store, or the model's files, cannot be reached.
    """
    version = find(reference if "@" in reference else f"{reference}@{CHAMPION}", tracking_uri, root)
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        folder = Path(mlflow.artifacts.download_artifacts(version.uri))
    except (MlflowException, OSError) as error:
        raise TrackingError(
            f"the files of {version} cannot be read",
            why=first_line(error),
            fix="bring them back, or name another version",
        ) from error
    served = ServedModel.read(folder, str(version))
    served.refuse_code(allowed=allow_pickle)
    return served
