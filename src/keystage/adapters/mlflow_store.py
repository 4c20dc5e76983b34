"""MLflow: runs mirror trainings, registered versions hold packages.

MLflow 3.17 migrates a new SQLite store without a lock, and of four processes that open one at the same moment three die
('duplicate column name: step'). Queue workers do just that, so a local store is opened under a file lock. Nor are the
migrations a transaction: a store whose making was killed can never be opened again, so it is made beside its place.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystage.adapters.mlflow_model import log_model
from keystage.core.errors import TrackingError
from keystage.registry.package import ModelPackage
from keystage.search.trials import rows_of
from keystage.tracking.record import MAX_PARAMETER_LENGTH, TrainingRecord

if TYPE_CHECKING:
    import pandas as pd

MODEL_DIGEST = "keystage.model_digest"
TRAINING_DIGEST = "keystage.training_digest"
BEGUN = "keystage.begun"  # the digest of a training that is being mirrored
MAX_METRICS_PER_BATCH = 1000  # the limit of MLflow's log-batch request
SQLITE = "sqlite:///"
_LOCK_TIMEOUT = 120  # seconds; another worker registers in less
_REACH_TIMEOUT = 5  # seconds in which a server must answer its health check


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
                self._client.log_artifact(run_id, str(path), "reports")
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

    def find(self, name: str, digest: str) -> str | None:
        """The newest version of a model whose package has this digest."""
        versions = self._client.search_model_versions(f"name = '{name}'")
        same = [int(item.version) for item in versions if item.tags.get(MODEL_DIGEST) == digest]
        return str(max(same)) if same else None

    def register(self, package: ModelPackage, name: str, run_id: str) -> str:
        """Make a version of the package under a run. Returns its number.

        Raises:
            RegistryError: the package cannot be saved, or as loaded it does not predict what it should.
        """
        from mlflow.exceptions import MlflowException

        model_id, uri = log_model(package, run_id)
        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        tags = {MODEL_DIGEST: package.digest, **package.tags}
        made = self._client.create_model_version(name, uri, run_id, tags=tags, model_id=model_id)
        return str(made.version)


def resolve_uri(uri: str, root: Path) -> str:
    """The URI with a relative SQLite path taken from the project's folder, wherever the process runs."""
    if uri.startswith(SQLITE) and not uri.startswith(SQLITE + "/"):
        return f"{SQLITE}{root / uri.removeprefix(SQLITE)}"
    return uri


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
                _make(Path(resolved.removeprefix(SQLITE)))
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


def _make(store: Path) -> None:
    """Make a local store, whole or not at all."""
    from mlflow import MlflowClient

    if store.is_file():
        return
    beside = store.with_name(f"{store.name}.new")
    for left in store.parent.glob(f"{beside.name}*"):
        left.unlink()
    MlflowClient(f"{SQLITE}{beside}").search_experiments(max_results=1)
    beside.rename(store)


def reach(uri: str, *, then: str) -> None:
    """Import MLflow, made to speak and to wait no longer than it must, for a server that answers.

    Args:
        uri: absolute.
        then: what to do when the server is up again.

    Raises:
        TrackingError: the server does not answer.
    """
    if uri.startswith(("http://", "https://")):
        _require_answer(uri, then)
    # MLflow's own defaults go on trying for minutes; a server that answered its health check does not need that.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    # Addresses and bars of its own would drown the four lines that matter.
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow  # noqa: F401

    # Only after the import, which sets the levels of its own.
    for name in ("mlflow", "mlflow.store.db.utils", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _require_answer(uri: str, then: str) -> None:
    import requests

    try:
        requests.get(f"{uri.rstrip('/')}/health", timeout=_REACH_TIMEOUT).raise_for_status()
    except requests.RequestException as error:
        raise TrackingError(
            f"the tracking server at {uri} does not answer",
            why=f"{type(error).__name__} for {uri.rstrip('/')}/health; nothing is lost, the model is in the DVC cache",
            fix=f"start the server, then: {then}",
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


def _batches(items: list[Any], size: int) -> Iterator[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
