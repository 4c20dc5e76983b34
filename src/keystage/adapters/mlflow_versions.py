"""Registered versions, read: which one is meant, and what it tells of where it comes from."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keystage.adapters.mlflow_registry import open_registry
from keystage.core.errors import TrackingError
from keystage.core.params import first_line
from keystage.registry.lineage import Lineage


@dataclass(frozen=True)
class Version:
    """A registered version.

    Attributes:
        model: its name.
        number: of the version.
        run_id: the MLflow run it was registered under.
        tracking_uri: of the store it is in, absolute.
        tags: as they are now; anyone may edit them.
        others: tags of the model's other versions, by number.
        lineage: as the model itself tells it.
    """

    model: str
    number: str
    run_id: str
    tracking_uri: str
    tags: Mapping[str, str] = field(repr=False)
    others: Mapping[str, Mapping[str, str]] = field(repr=False)
    lineage: Lineage = field(repr=False)

    @property
    def uri(self) -> str:
        """By which MLflow loads it."""
        return f"models:/{self.model}/{self.number}"

    def __str__(self) -> str:
        return f"{self.model}@{self.number}"


def find(reference: str, tracking_uri: str, root: Path) -> Version:
    """The version that ``MODEL@NUMBER``, ``MODEL@latest`` or ``MODEL@ALIAS`` names.

    Args:
        reference: as a person writes it.
        tracking_uri: as in conf/tracking.
        root: the project's folder, which a relative SQLite path belongs to.

    Raises:
        RegistryError: there is no such version.
        LineageError: it does not tell where it comes from.
        TrackingError: the store cannot be reached or read.
    """
    with open_registry(tracking_uri, root) as registry:
        model, one = registry.version(reference)
        return Version(
            model=one.model,
            number=one.number,
            run_id=one.run_id,
            tracking_uri=registry.tracking_uri,
            tags=one.tags,
            others={other.number: other.tags for other in model.versions if other is not one},
            lineage=Lineage.from_metadata(_metadata(f"models:/{one.model}/{one.number}"), shown=str(one)),
        )


@contextmanager
def settings_kept() -> Iterator[None]:
    """Leave MLflow set to the store it is set to, as a caller's own: MLflow has one per process."""
    import mlflow

    tracking, registry = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    try:
        yield
    finally:
        mlflow.set_tracking_uri(tracking)
        mlflow.set_registry_uri(registry)


def load_model(version: Version) -> Any:
    """The registered model: a scikit-learn pipeline that takes raw rows.

    Raises:
        TrackingError: its files are gone, or cannot be loaded with the packages that are installed.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    with settings_kept():
        mlflow.set_tracking_uri(version.tracking_uri)
        mlflow.set_registry_uri(version.tracking_uri)
        try:
            return mlflow.sklearn.load_model(version.uri)
        except (MlflowException, OSError, ImportError) as error:
            raise TrackingError(
                f"{version} cannot be loaded", why=first_line(error), fix=f"make it again: keystage rebuild {version}"
            ) from error


def trial_scores(version: Version, metric: str) -> dict[int, float]:
    """The score of each trial of the search that gave the version, by number; empty when its run is gone."""
    import mlflow
    from mlflow.exceptions import MlflowException

    client = mlflow.MlflowClient(tracking_uri=version.tracking_uri)
    try:
        series = client.get_metric_history(version.run_id, f"trial.{metric}")
    except MlflowException:
        return {}
    return {int(point.step): float(point.value) for point in series}


def _metadata(uri: str) -> dict[str, Any] | None:
    """What a model keeps beside its files; MLflow fetches the one small file it stands in."""
    from mlflow.models import Model

    try:
        return Model.load(uri).metadata
    except OSError as error:
        raise TrackingError(
            f"the files of {uri} cannot be read",
            why=first_line(error),
            fix="bring them back; those of a local store are in mlartifacts/, and do not move with the project",
        ) from error
