"""The loop of a process that holds a model: it answers blocks of files, and rows of requests, until its input ends."""

import traceback
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from keystage.serving import rows
from keystage.serving.messages import receive, send
from keystage.serving.parts import write_part
from keystage.serving.scoring import Scorer, as_records

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def answer(model: Any, requests: IO[bytes], answers: IO[bytes]) -> None:
    """Say what comes out of the model, then answer until there is no more to read."""
    scorer = Scorer(model)
    send(answers, {"outputs": scorer.outputs(), "columns": scorer.columns})
    while (message := receive(requests)) is not None:
        header, body = message
        work = _block if "part" in header else _records
        try:
            told = work(scorer, header, body)
        except Exception as error:  # noqa: BLE001 - whatever a model raises is told to whoever asked
            traceback.print_exc()
            told = {"failed": f"{type(error).__name__}: {str(error).strip()}".split("\n")[0]}
        send(answers, told)


def _block(scorer: Scorer, header: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Score a block of a file and write the part that comes of it."""
    import pyarrow as pa

    kinds, keep, booleans, given = header["kinds"], header["keep"], header["booleans"], header["given"]
    if header["form"] == "lines":
        frame, table, bad = rows.from_lines(body, kinds, keep, booleans, given)
    else:
        frame, table, bad = rows.from_arrow(body, kinds, booleans, header["written"], given)
    places = {place: number for number, place in enumerate(frame.index)}
    scored, unfit = scorer.score(frame.drop(index=[place for place in bad if place in places]), booleans)
    chosen = [places[place] for place in scored.index]
    kept = table.select(keep) if len(chosen) == len(frame) else table.select(keep).take(pa.array(chosen, pa.int64()))
    write_part(_joined(kept, scored), Path(header["part"]))
    return {"rows": len(scored), "bad": sorted((bad | unfit).items())}


def _joined(kept: "pa.Table", scored: "pd.DataFrame") -> "pa.Table":
    import pyarrow as pa

    columns = dict(zip(kept.column_names, kept.columns, strict=True))
    return pa.table(columns | {name: pa.array(scored[name]) for name in scored})


def _records(scorer: Scorer, header: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Score the rows of requests that came together."""
    import json

    frame, bad = rows.from_records(json.loads(body), header["kinds"])
    scored, unfit = scorer.score(frame.drop(index=list(bad)))
    told = bad | unfit
    answers: list[Any] = [None] * len(frame)
    for place, record in zip(scored.index, as_records(scored), strict=True):
        answers[int(place)] = record
    return {"answers": answers, "bad": sorted(told.items())}
