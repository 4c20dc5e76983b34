"""What clients send, made into rows, and what is told to those whose request cannot be answered."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from keystage.core.errors import hints, listing

SHAPES = ("rows", "dataframe_records", "dataframe_split")  # the last two are those of MLflow's own server
MAX_TOLD = 20  # rows named in one answer


class RequestError(Exception):
    """A request that cannot be answered, and is the client's to mend.

    Args:
        status: of HTTP: 400 for what is no request, 413 for too much, 422 for rows that do not fit the model,
            429 when too many wait.
        message: what is wrong.
        rows: which rows, and which column of each, as far as that is known.
    """

    def __init__(self, status: int, message: str, rows: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.status, self.message, self.rows = status, message, list(rows)

    def body(self) -> dict[str, Any]:
        """For the client."""
        return {"error": self.message, "rows": self.rows[:MAX_TOLD]}


def records_of(body: bytes, columns: Sequence[str], max_rows: int) -> list[dict[str, Any]]:
    """The rows of a request.

    Args:
        body: JSON: an object with one of ``rows``, ``dataframe_records`` or ``dataframe_split``.
        columns: that each row must have; further ones are left out.
        max_rows: that a request may hold.

    Returns:
        n objects with these columns.

    Raises:
        RequestError: it is no such request, or a row lacks a column.
    """
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"the body is no JSON: {error}") from error
    shapes = [name for name in SHAPES if name in told] if isinstance(told, dict) else []
    if len(shapes) != 1:
        raise RequestError(400, f"the body is to be an object with one of: {', '.join(SHAPES)}")
    given = told[shapes[0]]
    rows = _rows_of_split(given) if shapes[0] == "dataframe_split" else given
    if not isinstance(rows, list):
        raise RequestError(400, f"'{shapes[0]}' is to be a list of rows")
    if len(rows) > max_rows:
        raise RequestError(413, f"{len(rows)} rows are more than the {max_rows} that one request may hold")
    return [_columns_of(row, place, columns) for place, row in enumerate(rows)]


def _rows_of_split(given: Any) -> list[dict[str, Any]]:
    names, data = (given.get("columns"), given.get("data")) if isinstance(given, dict) else (None, None)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or not isinstance(data, list):
        raise RequestError(400, "'dataframe_split' is to be an object with 'columns', a list of names, and 'data'")
    for place, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(names):
            told = {"row": place, "column": "", "reason": f"it is no list of {len(names)} cells"}
            raise RequestError(422, f"row {place} is no list of {len(names)} cells, one for each of 'columns'", [told])
    return [dict(zip(names, row, strict=True)) for row in data]


def _columns_of(row: Any, place: int, columns: Sequence[str]) -> dict[str, Any]:
    if not isinstance(row, dict):
        told = {"row": place, "column": "", "reason": "it is no object"}
        raise RequestError(422, f"row {place} is no object of columns and cells", [told])
    absent = [name for name in columns if name not in row]
    if absent:
        near = hints(absent, row) if row else "the row is empty"
        end = "" if near.endswith("?") else "."
        raise RequestError(
            422,
            f"row {place} lacks column '{absent[0]}'; {near}{end} A missing cell is null. Taken: {listing(columns)}",
            [{"row": place, "column": name, "reason": "the column is missing"} for name in absent],
        )
    return {name: row[name] for name in columns}
