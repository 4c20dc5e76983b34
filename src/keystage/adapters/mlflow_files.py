"""A local tracking store as the files it is: read without MLflow, whose import takes seconds."""

import re
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlsplit

from keystage.adapters.mlflow_store import TRAINING_DIGEST

WAIT = 2.0  # seconds for another process to let go of the file
_NOTED = (
    "SELECT storage_location FROM model_versions WHERE storage_location IS NOT NULL "
    "UNION SELECT artifact_uri FROM runs JOIN tags ON tags.run_uuid = runs.run_uuid "
    "WHERE tags.key = ? AND runs.lifecycle_stage = 'active'"
)


def schema(store: Path) -> str | None:
    """The version of the store's tables; none where their making was cut off, or where it is no store at all."""
    with closing(_open(store)) as database:
        try:
            found = database.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "no such table" not in str(error):
                raise
            return None
    return str(found[0]) if found else None


def newest_schema() -> str:
    """The version that the installed MLflow wants (mlflow 3.17, ``mlflow/store/db_migrations``)."""
    found = find_spec("mlflow")
    assert found
    assert found.origin
    texts = [path.read_text("utf-8") for path in Path(found.origin).parent.glob("store/db_migrations/versions/*.py")]
    made, followed = (
        {str(match) for text in texts for match in re.findall(rf'^{name} = "(\w+)"', text, flags=re.MULTILINE)}
        for name in ("revision", "down_revision")
    )
    (newest,) = made - followed
    return newest


def noted_folders(store: Path) -> list[Path]:
    """Where MLflow noted the files of our trainings and of registered versions, as far as that is on this machine."""
    with closing(_open(store)) as database:
        noted = [str(row[0]) for row in database.execute(_NOTED, [TRAINING_DIGEST])]
    return [Path(urlsplit(uri).path) for uri in noted if urlsplit(uri).scheme in {"", "file"}]


def _open(store: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(store))}?mode=ro", uri=True, timeout=WAIT)
