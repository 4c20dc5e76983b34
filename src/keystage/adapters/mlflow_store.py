"""MLflow: runs mirror trainings, registered versions hold packages.

MLflow 3.17 migrates a new SQLite store without a lock, and of four processes that open one at the same moment three die
('duplicate column name: step'). Queue workers do just that, so a local store is opened under a file lock. Nor are the
migrations a transaction: a store whose making was killed can never be opened again, so it is made beside its place.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystage.adapters.mlflow_connection import SQLITE, make, reach, resolve_uri
from keystage.adapters.mlflow_model import LoggedModel, log_model
from keystage.adapters.mlflow_registry import MlflowRegistry
from keystage.core.errors import TrackingError
from keystage.registry.package import ModelPackage
from keystage.registry.spec import ModelFormat
from keystage.search.trials import rows_of
from keystage.tracking.record import MAX_PARAMETER_LENGTH, Dataset, TrainingRecord

if TYPE_CHECKING:
    import pandas as pd

TRAINING_DIGEST = "keystage.training_digest"
BEGUN = "keystage.begun"  # the digest of a training that is being mirrored
MAX_METRICS_PER_BATCH = 1000  # the limit of MLflow's log-batch request
_LOCK_TIMEOUT = 120  # seconds; another worker registers in less


class MlflowStore:
    """Tracking store and model registry at one URI.

    Args:
        uri: absolute; see ``resolve_uri``.
        experiment: MLflow experiment of the runs; made when absent.
        artifacts: folder for the artifacts of a local store.
    """

    def __init__(self, uri: str, experiment: str, artifacts: Path) -> None:
        import mlflow

        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        self._client = mlflow.MlflowClient()
        self.registry = MlflowRegistry(self._client, uri)
        found = self._client.get_experiment_by_name(experiment)
        if found is not None:
            self._experiment = found.experiment_id
        else:
            local = str(artifacts / experiment) if uri.startswith(SQLITE) else None
            self._experiment = self._client.create_experiment(experiment, artifact_location=local)

    def mirror(self, record: TrainingRecord) -> str:
        """Write a training as one run, unless it is there already. Returns the run's id."""
        import pandas as pd
        from mlflow.entities import Metric, Param, RunTag

        runs = self._client.search_runs(
            [self._experiment], f"tags.`{TRAINING_DIGEST}` = '{record.digest}'", max_results=1
        )
        if runs:
            return str(runs[0].info.run_id)
        cut_off = f"attributes.status = 'RUNNING' AND tags.`{BEGUN}` = '{record.digest}'"
        for left in self._client.search_runs([self._experiment], cut_off):
            self._client.set_terminated(left.info.run_id, "KILLED")
        board = pd.read_parquet(record.leaderboard)
        run = self._client.create_run(self._experiment, run_name=record.name or None, tags={BEGUN: record.digest})
        run_id = str(run.info.run_id)
        try:
            begun = run.info.start_time
            final = [Metric(name, float(value), begun, 0) for name, value in record.metrics.items()]
            for batch in _batches([*final, *_trial_metrics(board, record.trial_seconds, begun)], MAX_METRICS_PER_BATCH):
                self._client.log_batch(run_id, metrics=batch)
            params = [Param(name, str(value)[:MAX_PARAMETER_LENGTH]) for name, value in record.parameters.items()]
            self._client.log_batch(run_id, params=params)
            self._client.log_table(run_id, board, "leaderboard.json")
            for path in record.reports:
                log = self._client.log_artifacts if path.is_dir() else self._client.log_artifact
                log(run_id, str(path), path.as_posix() if path.is_dir() else path.parent.as_posix())
            self._client.log_inputs(run_id, [_dataset_input(record.dataset)])
            # The digest comes last: a run that was cut off is written anew, not taken for whole.
            tags = [
                RunTag(TRAINING_DIGEST, record.digest),
                *(RunTag(name, value) for name, value in record.tags.items()),
            ]
            self._client.log_batch(run_id, tags=tags)
        except BaseException:
            self._client.set_terminated(run_id, "FAILED")
            raise
        self._client.set_terminated(run_id)
        return run_id

    def log(self, package: ModelPackage, run_id: str, form: ModelFormat) -> LoggedModel:
        """Write a package under a run, as a model that is no version yet.

        Raises:
            RegistryError: the package cannot be saved.
        """
        return log_model(package, run_id, form)

    def attach(self, logged: LoggedModel, files: Iterable[Path]) -> None:
        """Put files beside those of a model."""
        for path in files:
            self._client.log_model_artifact(logged.identity, str(path))

    def discard(self, logged: LoggedModel, run_id: str, notes: Mapping[str, str]) -> None:
        """Give up a model that becomes no version, and note why on its run."""
        self._client.delete_logged_model(logged.identity)
        for name, value in notes.items():
            self._client.set_tag(run_id, name, value)

    def notes(self, run_id: str) -> dict[str, str]:
        """The tags of a run."""
        return dict(self._client.get_run(run_id).data.tags)

    def register(self, logged: LoggedModel, name: str, run_id: str, description: str, tags: Mapping[str, str]) -> str:
        """Make a version of a model that was logged. Returns its number."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        made = self._client.create_model_version(
            name, logged.uri, run_id, tags=dict(tags), model_id=logged.identity, description=description
        )
        return str(made.version)


@contextmanager
def open_store(uri: str, experiment: str, root: Path) -> Iterator[MlflowStore]:
    """Open the store for one stage; a local one is locked against other workers meanwhile.

    Args:
        uri: as in conf/tracking.
        experiment: MLflow experiment.
        root: the project's folder, which a relative SQLite path and local artifacts belong to.

    Raises:
        TrackingError: the store cannot be reached or read.
    """
    from filelock import FileLock, Timeout

    resolved = resolve_uri(uri, root)
    reach(resolved, then="dvc repro register (or take the local store: keystage run tracking=local)")
    lock = (
        FileLock(f"{resolved.removeprefix(SQLITE)}.lock", timeout=_LOCK_TIMEOUT)
        if resolved.startswith(SQLITE)
        else None
    )
    from mlflow.exceptions import MlflowException

    try:
        with lock or nullcontext():
            if resolved.startswith(SQLITE):
                make(Path(resolved.removeprefix(SQLITE)))
            yield MlflowStore(resolved, experiment, root / "mlartifacts")
    except Timeout as error:
        raise TrackingError(
            f"{uri} is in use by another run",
            why=f"its lock was not free within {_LOCK_TIMEOUT} seconds",
            fix="wait for the other run to end, then: dvc repro register",
        ) from error
    except MlflowException as error:
        raise TrackingError(
            f"MLflow at {uri} refused a request",
            why=str(error).strip().split("\n")[0],
            fix="mend what it names, then: dvc repro register (earlier stages are reused)",
        ) from error


def _trial_metrics(board: "pd.DataFrame", seconds: Mapping[str, float], begun: int) -> list[Any]:
    """Score, best so far and seconds of each trial, as series over the trials."""
    from mlflow.entities import Metric

    name = str(board["metric"].iloc[0])
    rows = rows_of(board, seconds)
    place = {row.trial: rank for rank, row in enumerate(rows)}
    best = len(rows) - 1
    series: list[Any] = []
    for row in sorted(rows, key=lambda item: item.trial):
        best = min(best, place[row.trial])
        values = {name: row.score, f"best_{name}": rows[best].score, "seconds": row.seconds}
        series += [
            Metric(f"trial.{key}", value, begun, row.trial) for key, value in values.items() if value is not None
        ]
    return series


def _dataset_input(dataset: Dataset) -> Any:
    from mlflow.entities import Dataset as Entity
    from mlflow.entities import DatasetInput, InputTag

    shown = Entity(
        name=dataset.name,
        digest=dataset.version,
        source_type="local" if "://" not in dataset.source else "http",
        source=json.dumps({"uri": dataset.source}),
        profile=json.dumps(dict(dataset.profile)),
    )
    return DatasetInput(
        shown, [InputTag("mlflow.data.context", "training"), InputTag("keystage.data_digest", dataset.digest)]
    )


def _batches(items: list[Any], size: int) -> Iterator[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
