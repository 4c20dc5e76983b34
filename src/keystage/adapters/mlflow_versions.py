"""Registered versions, read: which one is meant, and what it tells of where it comes from."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keystage.adapters.mlflow_store import SQLITE, reach, resolve_uri
from keystage.core.errors import TrackingError, hint, listing
from keystage.core.params import first_line
from keystage.registry.lineage import Lineage, LineageError

LATEST = "latest"


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
        LineageError: there is no such version, or it does not tell where it comes from.
        TrackingError: the store cannot be reached or read.
    """
    name, _, wanted = reference.rpartition("@")
    if not name:
        raise LineageError(
            f"'{reference}' names no version",
            why="a version is named MODEL@NUMBER, MODEL@latest, or MODEL@ALIAS with an alias of MLflow's",
            fix=f"write {reference}@{LATEST}",
        )
    uri = resolve_uri(tracking_uri, root)
    if uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).is_file():
        raise LineageError(
            f"no model is registered at {tracking_uri}", why="the store is not there yet", fix="keystage run"
        )
    reach(uri, then="run this command again")
    import mlflow
    from mlflow.exceptions import MlflowException

    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = mlflow.MlflowClient()
    try:
        found = {str(item.version): item for item in client.search_model_versions(f"name = '{name}'")}
        if not found:
            raise _unknown_model(name, sorted(item.name for item in client.search_registered_models()))
        aliases = {str(key): str(value) for key, value in client.get_registered_model(name).aliases.items()}
        numbers = sorted(found, key=int)
        number = numbers[-1] if wanted == LATEST else aliases.get(wanted, wanted)
        if number not in found:
            raise LineageError(
                f"model {name} has no version '{wanted}'",
                why=f"it has {listing(numbers)}" + (f", and the aliases {listing(aliases)}" if aliases else ""),
                fix=hint(f"{name}@{wanted}", [f"{name}@{known}" for known in (*numbers, *aliases, LATEST)]),
            )
        one = found[number]
        return Version(
            model=name,
            number=number,
            run_id=str(one.run_id),
            tracking_uri=uri,
            tags=dict(one.tags),
            others={key: dict(found[key].tags) for key in numbers if key != number},
            lineage=Lineage.from_metadata(_metadata(f"models:/{name}/{number}"), shown=f"{name}@{number}"),
        )
    except MlflowException as error:
        raise TrackingError(
            f"MLflow at {tracking_uri} refused a request", why=first_line(error), fix="mend what it names"
        ) from error


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


def _unknown_model(name: str, known: list[str]) -> LineageError:
    return LineageError(
        f"there is no model '{name}'",
        why=f"registered are: {listing(known) or 'none'}",
        fix=hint(name, known) if known else "register one: keystage run",
    )
