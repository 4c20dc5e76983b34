"""The worst predictions as rows, with their raw cells: where people begin to look."""

from typing import TYPE_CHECKING, Any

from keystage.evaluation.scores import Scored

if TYPE_CHECKING:
    import pandas as pd

MAX_COLUMNS = 40  # of a row; wider ones are cut


def worst(scored: Scored, raw: "pd.DataFrame", count: int, notes: list[str]) -> list[dict[str, Any]]:
    """Rows with the greatest errors, the greatest first.

    The error of a class is 1 less the probability of the true one, that of a number the distance.

    Args:
        scored: n test rows.
        raw: the same rows, n x m raw cells.
        count: how many at most.
        notes: takes what was cut.
    """
    import numpy as np

    rows = np.arange(scored.rows)
    said = scored.predicted
    error = 1 - said[rows, scored.truth] if scored.classes else np.abs(scored.truth - said)
    shown = list(raw.columns[:MAX_COLUMNS])
    if len(shown) < raw.shape[1]:
        notes.append(f"worst predictions show {MAX_COLUMNS} of {raw.shape[1]} columns")
    return [
        {
            "row": int(row),
            **_said(scored, int(row)),
            "error": float(error[row]),
            "columns": {str(name): cell(raw[name].iloc[row]) for name in shown},
        }
        for row in np.argsort(-error, kind="stable")[:count]
    ]


def _said(scored: Scored, row: int) -> dict[str, Any]:
    """What is true, what was predicted, and with which probability."""
    if not scored.classes:
        return {"actual": float(scored.truth[row]), "predicted": float(scored.predicted[row]), "probability": None}
    assert scored.decided is not None
    code = scored.decided[row]
    names = {"actual": str(scored.classes[scored.truth[row]]), "predicted": str(scored.classes[code])}
    return {**names, "probability": float(scored.predicted[row, code])}


def cell(value: Any) -> Any:
    """A cell as JSON has it: missing is null, a time is text."""
    import pandas as pd

    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value
