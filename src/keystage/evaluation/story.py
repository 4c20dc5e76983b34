"""All that is told of a model on the test rows: what reports/evaluation.json holds."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from keystage.evaluation.groups import per_class, segments
from keystage.evaluation.importance import dependence, importance
from keystage.evaluation.intervals import Intervals, intervals
from keystage.evaluation.spec import EvaluationSpec
from keystage.evaluation.subject import Subject
from keystage.evaluation.worst import worst

if TYPE_CHECKING:
    import pandas as pd

DIGITS = 10  # significant ones of what is computed: other threads add in another order
_NO_ITEMS: list[dict[str, Any]] = []


def story(
    of: Subject,
    spec: EvaluationSpec,
    segment_columns: "pd.DataFrame",
    found: Mapping[str, float],
    naive: Mapping[str, float],
    seed: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Metrics with intervals beside the baseline, by class and segment, importances, the worst predictions.

    Args:
        of: the test rows.
        spec: how much is told.
        segment_columns: n x s cells of the columns by which the metric is told.
        found: metrics of the model by name.
        naive: metrics of the baseline.
        seed: of all draws.
        say: takes what is being done.
    """
    scored, notes = of.scored, of.notes
    bootstrap: dict[str, Any] = {"resamples": spec.resamples, "level": spec.level, "seed": seed}

    def part(name: str, work: Callable[[], Any], instead: Any = _NO_ITEMS) -> Any:
        say(name)
        return of.part(name, work, instead)

    ends: Intervals = part(
        "intervals", lambda: intervals(scored, list(of.metrics.values()), of.units, **bootstrap), Intervals()
    )
    notes.extend(ends.notes)
    by_class = part("metrics by class", lambda: per_class(scored)) if scored.classes else []
    by_segment = part(
        "metrics by segment", lambda: segments(scored, segment_columns, of.primary, of.units, notes, **bootstrap)
    )
    important = (
        part("importances", lambda: importance(of.asked, of.raw, scored, of.judged, spec.importance, seed, notes, say))
        if spec.importance.repeats
        else []
    )
    chief = [item["column"] for item in important]
    depends = part("dependences", lambda: dependence(of.asked, of.raw, scored, chief, seed, notes))
    rows = part("worst predictions", lambda: worst(scored, of.raw, spec.worst, notes))
    return {
        "task": "forecasting" if of.asked.history is not None else scored.task.value,
        "rows": scored.rows,
        "label": str(of.table.label.name),
        "classes": [str(name) for name in scored.classes],
        "primary": of.primary.name,
        "metrics": {name: _metric(of, name, value, naive, ends) for name, value in found.items()},
        "interval": {"level": spec.level, "resamples": ends.resamples, "method": ends.method},
        "baseline": {"name": of.naive_name},
        "per_class": by_class,
        "segments": by_segment,
        "importance": important,
        "dependence": depends,
        "worst": rows,
    }


def _metric(of: Subject, name: str, value: float, naive: Mapping[str, float], ends: Intervals) -> dict[str, Any]:
    low, high = ends.ends.get(name, (None, None))
    better = of.metrics[name].greater_is_better
    return {"value": value, "low": low, "high": high, "baseline": naive.get(name), "greater_is_better": better}


def rounded(value: Any) -> Any:
    """Numbers to ``DIGITS`` significant digits; what is no number is null, as JSON has no NaN."""
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if not isinstance(value, float):
        return value
    finite = value == value and abs(value) != float("inf")
    return float(f"{value:.{DIGITS}g}") if finite else None
