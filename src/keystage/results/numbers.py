"""The metrics of a run as one table, from the reports of its stages."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from keystage.core.errors import ResultError
from keystage.pipeline import workspace
from keystage.results import taking
from keystage.results.origin import Origin

if TYPE_CHECKING:
    import pandas as pd

EVALUATION = workspace.REPORTS / "evaluation.json"
COUNT = "rows"  # beside the metrics, and none


def metrics_of(origin: Origin) -> "pd.DataFrame":
    """A row per metric, a column per place it was measured: test, model, best_trial, low, high, baseline.

    ``attrs["rows"]`` is the number of test rows, ``attrs["primary"]`` the metric that the search was led by.

    Raises:
        ResultError: the report of stage ``evaluate`` is gone.
    """
    import pandas as pd

    measured: dict[str, Any] = json.loads(taking.read(origin, workspace.METRICS.as_posix()))
    columns = {name: _numbers(values) for name, values in measured.items() if isinstance(values, Mapping)}
    rows = columns.get("test", {}).pop(COUNT, None)
    primary = None
    with suppress(ResultError):  # of a run that a search led
        searched = json.loads(taking.read(origin, workspace.SEARCH_REPORT.as_posix()))
        columns |= {name: _numbers(searched[name]) for name in ("model", "best_trial") if name in searched}
        primary = next(iter(columns.get("model", {})), None)
    with suppress(ResultError):
        told = json.loads(taking.read(origin, EVALUATION.as_posix()))["metrics"]
        for part in ("low", "high", "baseline"):
            columns[part] = {name: entry[part] for name, entry in told.items() if entry.get(part) is not None}
    table = pd.DataFrame(columns).astype("float64")
    table.index.name = "metric"
    table.attrs.update({"rows": rows, "primary": primary})
    return table


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in values.items() if isinstance(value, int | float)}
