"""By class, and by declared segment: where the model is better and where it is worse."""

from typing import TYPE_CHECKING, Any

from keystage.core.errors import listing
from keystage.evaluation.intervals import Units, intervals
from keystage.evaluation.scores import Scored
from keystage.search.metrics import Metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

LEAST_ROWS = 10  # of a group: a metric of fewer says nothing
MOST_GROUPS = 12  # of a segment; the rarer values are told together
MOST_NUMBERS = 10  # different numbers that are told each by itself; more are told by quartiles
MISSING, OTHERS = "(missing)", "(others)"


def per_class(scored: Scored) -> list[dict[str, Any]]:
    """Precision, recall, F1, ROC AUC one against the rest and test rows of each class, in the order of the codes."""
    import numpy as np
    from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

    labels = range(len(scored.classes))
    precision, recall, f1, _ = precision_recall_fscore_support(
        scored.truth, scored.decided, labels=labels, sample_weight=scored.weights, zero_division=0
    )
    rows = np.bincount(scored.truth, minlength=len(scored.classes))
    found: list[dict[str, Any]] = []
    for code in labels:
        both = 0 < rows[code] < scored.rows
        auc = (
            float(roc_auc_score(scored.truth == code, scored.predicted[:, code], sample_weight=scored.weights))
            if both
            else None
        )
        numbers = {"precision": precision[code], "recall": recall[code], "f1": f1[code]}
        named = {name: float(value) for name, value in numbers.items()}
        found.append({"class": str(scored.classes[code]), "rows": int(rows[code]), **named, "roc_auc": auc})
    return found


def segments(
    scored: Scored, columns: "pd.DataFrame", metric: Metric, units: Units, notes: list[str], **bootstrap: Any
) -> list[dict[str, Any]]:
    """The metric by the values of each column, with intervals and the largest gap.

    Args:
        scored: n rows.
        columns: n x s, the columns by which it is told.
        metric: one.
        units: what intervals draw.
        notes: takes what could not be told.
        bootstrap: of ``intervals``.
    """
    return [_segment(scored, columns[name], metric, units, notes, bootstrap) for name in columns]


def _segment(
    scored: Scored, column: "pd.Series", metric: Metric, units: Units, notes: list[str], bootstrap: dict[str, Any]
) -> dict[str, Any]:
    named, order = group_names(column)
    groups: list[dict[str, Any]] = []
    silent: dict[str, list[str]] = {}
    for group in order:
        chosen = (named == group).to_numpy()
        told: dict[str, Any] = {"group": group, "rows": int(chosen.sum()), "value": None, "low": None, "high": None}
        groups.append(told)
        part = scored.at(chosen)
        reason = _silent(part, metric)
        if reason:
            silent.setdefault(reason, []).append(f"{group} ({part.rows})")
            continue
        told["value"] = part.score(metric)
        ends = intervals(part, [metric], units.at(chosen), **bootstrap).ends
        told["low"], told["high"] = ends[metric.name]
    for reason, names in silent.items():
        notes.append(f"segment {column.name}: no {metric.name} of {listing(names)}: {reason}")
    return {"column": str(column.name), "metric": metric.name, "groups": groups, "gap": _gap(groups, metric)}


def _silent(part: Scored, metric: Metric) -> str:
    """Why a group has no value; empty when it has one."""
    if part.rows < LEAST_ROWS:
        return f"fewer than {LEAST_ROWS} rows"
    if part.weights is not None and not part.weights.sum():
        return "the rows all weigh 0"
    if metric.needs_all_classes and not part.has_all_classes:
        return "a class has no row there"
    return ""


def group_names(column: "pd.Series") -> "tuple[pd.Series, Sequence[str]]":
    """The group of each of n rows, and the groups in the order in which they are told.

    That is the largest first, of numbers the least first, what is missing last.
    """
    import pandas as pd

    is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    is_time = pd.api.types.is_datetime64_any_dtype(column)
    if (is_number or is_time) and column.nunique() > MOST_NUMBERS:
        return _quartiles(column)
    named = column.map(_shown, na_action="ignore").astype("object").fillna(MISSING)
    counts = named[named != MISSING].value_counts(sort=False)
    counts = counts.sort_index().sort_values(ascending=False, kind="stable")
    rare = list(counts.index[MOST_GROUPS - 1 :]) if len(counts) > MOST_GROUPS else []
    others = f"{OTHERS[:-1]}: {len(rare)} values)"
    named = named.where(~named.isin(set(rare)), others)
    order = [name for name in counts.index if name not in set(rare)]
    if is_number:
        order.sort(key=float)
    order += [others] if len(rare) else []
    return named, [*order, MISSING] if (named == MISSING).any() else order


def _quartiles(column: "pd.Series") -> "tuple[pd.Series, Sequence[str]]":
    import pandas as pd

    cut = pd.qcut(column, 4, duplicates="drop")
    names = {interval: f"{_shown(interval.left)} to {_shown(interval.right)}" for interval in cut.cat.categories}
    least = column.min()
    if names:  # pandas widens the first one by a little, to hold its least value
        first = cut.cat.categories[0]
        names[first] = f"{_shown(least)} to {_shown(first.right)}"
    named = cut.map(names).astype("object").fillna(MISSING)
    order = list(names.values())
    return named, [*order, MISSING] if (named == MISSING).any() else order


def _shown(value: Any) -> str:
    """A number without needless digits, a date without a time of 00:00; the rest as it is."""
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).removesuffix("T00:00:00")
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _gap(groups: list[dict[str, Any]], metric: Metric) -> dict[str, Any] | None:
    """Between the best and the worst of the groups that have a value."""
    told = [group for group in groups if group["value"] is not None]
    if len(told) < 2:
        return None
    told.sort(key=lambda group: metric.loss(group["value"]))
    best, worst = told[0], told[-1]
    return {"value": abs(best["value"] - worst["value"]), "between": [best["group"], worst["group"]]}
