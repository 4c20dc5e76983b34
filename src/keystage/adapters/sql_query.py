"""The result of a query as a Parquet file, through SQLAlchemy. Nothing is committed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystage.core.errors import DatasetError, listing
from keystage.core.params import first_line
from keystage.core.progress import Say

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import URL

_ROWS_AT_ONCE = 50_000
# Where a query that begins as one that asks could change something all the same.
_READ_ONLY = {"sqlite": "PRAGMA query_only = ON", "postgresql": "SET TRANSACTION READ ONLY"}


def write_result(query: str, variable: str, target: Path, say: Say) -> int:
    """Write what a query gives as Parquet; equal results give equal bytes.

    Args:
        query: SQL, as the database takes it.
        variable: the environment variable with the database's URL.
        target: the file.
        say: is told how many rows have come.

    Returns:
        How many rows it has.

    Raises:
        DatasetError: the variable is not set, the database cannot be reached, or refuses the query.
    """
    import pyarrow as pa
    from pyarrow import parquet
    from sqlalchemy import create_engine

    url = os.environ.get(variable, "")
    if not url:
        raise DatasetError(
            f"the environment variable {variable} is not set",
            why="dataset.read.url_variable names it, for the URL of the database",
            fix=f"export {variable}='postgresql+psycopg://user:password@host/database' (SQLAlchemy's form of your own)",
        )
    say("asking the database")
    with _in_words(variable):
        engine = create_engine(url)
        _require_file(engine.url, variable)
        with engine.connect().execution_options(stream_results=True) as connection:
            if guard := _READ_ONLY.get(engine.dialect.name):
                connection.exec_driver_sql(guard)
            result = connection.exec_driver_sql(query)
            if not result.returns_rows:
                raise DatasetError(
                    "dataset.read.query gives no rows", why="it is no SELECT", fix="write a SELECT; nothing was changed"
                )
            names = list(map(str, result.keys()))
            cells: list[list[Any]] = [[] for _ in names]
            while rows := result.fetchmany(_ROWS_AT_ONCE):
                for column, values in zip(cells, zip(*rows, strict=True), strict=True):
                    column.extend(values)
                say(f"asking the database: {len(cells[0]):,} rows")
        engine.dispose()
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DatasetError(
            f"the result of dataset.read.query has two columns of one name: {listing(twice)}",
            why="a column is declared, dropped and prepared by its name",
            fix="name them in the query: SELECT a.id AS a_id, b.id AS b_id",
        )
    parquet.write_table(pa.table([_array(column) for column in cells], names=names), target)
    return len(cells[0]) if cells else 0


def _require_file(url: "URL", variable: str) -> None:
    """Refuse a SQLite file that is not there: SQLite would make an empty one."""
    name = url.database or ""
    in_memory = name in {"", ":memory:"} or name.startswith("file:")
    if url.get_backend_name() == "sqlite" and not in_memory and not Path(name).is_file():
        raise DatasetError(
            f"there is no database {name}",
            why=f"{variable} names that file, and SQLite would make an empty one",
            fix=f"correct the path: export {variable}=sqlite:///data/name.db, or sqlite:////absolute/path/name.db",
        )


def _array(values: list[Any]) -> "pa.Array":
    """A column; what Arrow has no single type for stands as text."""
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


@contextmanager
def _in_words(variable: str) -> Iterator[None]:
    from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

    try:
        yield
    except (ImportError, NoSuchModuleError) as error:
        raise DatasetError(
            f"the driver of the database in {variable} is not installed",
            why=first_line(error),
            fix="pip install the driver, like psycopg for postgresql+psycopg://",
        ) from error
    except ArgumentError as error:  # its text may hold the URL, and that a password
        raise DatasetError(
            f"{variable} holds no URL of a database",
            why="SQLAlchemy cannot take it apart",
            fix=f"export {variable}='postgresql+psycopg://user:password@host/database'",
        ) from error
    except DBAPIError as error:
        raise DatasetError(
            "the database did not answer dataset.read.query",
            why=first_line(error.orig or error),
            fix=f"correct the query in conf/dataset, or the URL in {variable}",
        ) from error
    except SQLAlchemyError as error:
        raise DatasetError(
            "dataset.read.query failed", why=first_line(error), fix="correct the query in conf/dataset"
        ) from error
