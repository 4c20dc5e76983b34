"""Where MLflow is: its address, whether it answers, and a local store of its own that is made whole or not at all."""

import logging
import os
from pathlib import Path

from keystage.core.errors import TrackingError

SQLITE = "sqlite:///"
_REACH_TIMEOUT = 5  # seconds in which a server must answer its health check


def resolve_uri(uri: str, root: Path) -> str:
    """The URI with a relative SQLite path taken from the project's folder, wherever the process runs."""
    if uri.startswith(SQLITE) and not uri.startswith(SQLITE + "/"):
        return f"{SQLITE}{root / uri.removeprefix(SQLITE)}"
    return uri


def make(store: Path) -> None:
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
