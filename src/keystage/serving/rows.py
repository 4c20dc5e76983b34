"""Raw rows as they come, made into a table that the model's door takes: from Arrow, from JSON Lines, from requests.

A cell that no table can hold is left out of it and told with its place. Whether a number is one, the door decides.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keystage.serving.scoring import MAX_CELL, unfit_cell
from keystage.serving.written import Bad, read_as_written

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_WORDS = {**dict.fromkeys(("true", "1", "yes"), 1.0), **dict.fromkeys(("false", "0", "no"), 0.0)}


def from_arrow(
    body: bytes,
    kinds: Mapping[str, str],
    booleans: Sequence[str],
    written: Mapping[str, Any],
    given: Mapping[str, str | None],
) -> tuple["pd.DataFrame", "pa.Table", Bad]:
    """A table that came as an Arrow stream.

    Args:
        body: the stream; cells of CSV are bytes.
        kinds: number, text or date, by column of the model.
        booleans: columns whose text is true or false, 1 or 0, yes or no, as in the files that the model was made from.
        written: how texts write numbers and times, as ``read_as_written`` takes it.
        given: further columns, the same in each row.

    Returns:
        The model's columns; all columns; and the cells that are no UTF-8, no number or no time.
    """
    import pyarrow as pa

    table = pa.ipc.open_stream(body).read_all()
    table, bad = _as_text(table)
    for name, cell in given.items():
        table = table.append_column(name, pa.array([cell] * len(table), pa.string()))
    frame = _frame(table, kinds, booleans)
    return frame, table, read_as_written(frame, kinds, written) | bad


def from_lines(
    body: bytes,
    kinds: Mapping[str, str],
    keep: Sequence[str],
    booleans: Sequence[str],
    given: Mapping[str, str | None],
) -> tuple["pd.DataFrame", "pa.Table", Bad]:
    """A table out of JSON Lines; a line's place is its index, also where lines before it are broken.

    Args:
        body: whole lines, each an object. A name that a line lacks is a missing cell.
        kinds: as in ``from_arrow``.
        keep: further columns.
        booleans: as in ``from_arrow``.
        given: as in ``from_arrow``; a line that has such a name itself has its own cell.

    Returns:
        The model's columns; the same and those to keep; and the lines that are no objects.
    """
    import pyarrow as pa
    import pyarrow.json

    # As text, or Arrow would make dates of what looks like one.
    fields = [(name, pa.string()) for name, kind in kinds.items() if kind != "number"]
    options = pa.json.ParseOptions(explicit_schema=pa.schema(fields), unexpected_field_behavior="infer")
    read = pa.json.ReadOptions(use_threads=False, block_size=len(body) + 1)
    try:
        table = pa.json.read_json(pa.BufferReader(body), read_options=read, parse_options=options)
        quick = _is_plain(table) and len(table) == body.count(b"\n") + (not body.endswith(b"\n"))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        quick = False
    if quick:
        for name in (*kinds, *keep):
            if name not in table.column_names:
                table = table.append_column(name, pa.array([given.get(name)] * len(table), pa.string()))
        return _frame(table, kinds, booleans), table, {}
    found, bad = _line_by_line(body)
    records = {place: {**given, **record} for place, record in found.items()}
    frame, worse = from_records(list(records.values()), kinds, list(records), nested_as_text=True)
    kept = pa.table({name: _kept([record.get(name) for record in records.values()]) for name in keep})
    return _told_apart(frame, booleans), kept, bad | worse


def from_records(
    records: Sequence[Mapping[str, Any]],
    kinds: Mapping[str, str],
    places: Sequence[int] | None = None,
    *,
    nested_as_text: bool = False,
) -> tuple["pd.DataFrame", Bad]:
    """A table out of JSON objects.

    Args:
        records: n objects.
        kinds: as in ``from_arrow``.
        places: index of each; 0 to n-1 when not given.
        nested_as_text: take a list or an object for its JSON where text is wanted, as files are read for training; in a
            request it is a mistake.

    Returns:
        The model's columns, and the cells that hold a list or an object, which are missing in the table.
    """
    import orjson
    import pandas as pd

    index = list(range(len(records))) if places is None else list(places)
    columns: dict[str, Any] = {}
    bad: Bad = {}
    for name, kind in kinds.items():
        cells = [record.get(name) for record in records]
        for place, cell in enumerate(cells):
            if isinstance(cell, list | dict) and kind == "text" and nested_as_text:
                cells[place] = orjson.dumps(cell).decode()
            elif isinstance(cell, list | dict):
                bad.setdefault(index[place], {"column": name, "reason": unfit_cell(name, cell, kind)})
                cells[place] = None
        if kind == "text":
            texts = [cell if cell is None or isinstance(cell, str) else str(cell) for cell in cells]
            columns[name] = pd.Series(texts, index=index, dtype="str")
        else:
            columns[name] = _numbers_or_cells(cells, index)
    return pd.DataFrame(columns, index=index), bad


def _numbers_or_cells(cells: list[Any], index: list[int]) -> "pd.Series":
    import pandas as pd

    if all(cell is None or type(cell) in (int, float) for cell in cells):
        try:
            return pd.Series(cells, index=index, dtype="float64")
        except OverflowError:  # an integer of hundreds of digits
            cells = [float("inf") if isinstance(cell, int) and abs(cell) > 10**300 else cell for cell in cells]
    return pd.Series(cells, index=index, dtype="object")


def _frame(table: "pa.Table", kinds: Mapping[str, str], booleans: Sequence[str]) -> "pd.DataFrame":
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = []
    for name, kind in kinds.items():
        column = table[name]
        if kind == "text" and pa.types.is_boolean(column.type):
            column = pc.if_else(column, "True", "False")  # the words of training; Arrow would write true
        elif kind == "text" and not pa.types.is_string(column.type):
            column = column.cast(pa.string())
        columns.append(column)
    return _told_apart(pa.table(columns, names=list(kinds)).to_pandas(), booleans)


def _told_apart(frame: "pd.DataFrame", booleans: Sequence[str]) -> "pd.DataFrame":
    """Words of columns that are true or false as numbers; others stay as they are."""
    for name in booleans:
        if name in frame and not _is_number(frame[name]):
            words = frame[name].astype("str").str.strip().str.lower().map(_WORDS)
            frame[name] = words.where(words.notna(), frame[name].astype("object"))
    return frame


def _is_number(column: "pd.Series") -> bool:
    import pandas as pd

    return pd.api.types.is_numeric_dtype(column)


def _as_text(table: "pa.Table") -> tuple["pa.Table", Bad]:
    """Columns of bytes as text."""
    import pyarrow as pa

    bad: Bad = {}
    for place, name in enumerate(table.column_names):
        column = table[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_binary(column.type):
            try:
                column = column.cast(pa.string())
            except pa.ArrowInvalid:
                column = pa.array([_decoded(cell, row, name, bad) for row, cell in enumerate(column.to_pylist())])
        elif pa.types.is_decimal(column.type):
            column = column.cast(pa.float64())
        table = table.set_column(place, name, column)
    return table, bad


def _decoded(cell: bytes | None, row: int, name: str, bad: Bad) -> str | None:
    try:
        return None if cell is None else cell.decode()
    except UnicodeDecodeError:
        bad.setdefault(row, {"column": name, "reason": unfit_cell(name, cell, "UTF-8")})
        return None


def _is_plain(table: "pa.Table") -> bool:
    """Whether Arrow has taken every cell as it is: nothing nested, and no text for a time."""
    import pyarrow as pa

    return not any(pa.types.is_nested(kind) or pa.types.is_temporal(kind) for kind in table.schema.types)


def _line_by_line(body: bytes) -> tuple[dict[int, Mapping[str, Any]], Bad]:
    records: dict[int, Mapping[str, Any]] = {}
    bad: Bad = {}
    for place, line in enumerate(body.split(b"\n")):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            bad[place] = {"column": "", "reason": f"the line is no JSON: {str(error)[:MAX_CELL]}"}
            continue
        if isinstance(found, dict):
            records[place] = found
        else:
            bad[place] = {"column": "", "reason": "the line is no JSON object"}
    return records, bad


def _kept(cells: list[Any]) -> "pa.Array":
    import pyarrow as pa

    try:
        return pa.array(cells)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # of several kinds
        return pa.array(
            [None if cell is None else cell if isinstance(cell, str) else json.dumps(cell) for cell in cells]
        )
