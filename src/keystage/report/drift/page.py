"""The page about how two tables differ: one file, no network."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from keystage.data.drift.compare import THRESHOLD, Drift
from keystage.data.drift.told import ColumnDrift
from keystage.report.drift.drawings import overlaid
from keystage.report.small import gauge
from keystage.report.words import NOTHING, count, figure, listed, of_hundred, percent

MOST_BARS = 5  # categories by name on a card
MOST_CARDS = 120
_BADGE = {"none": "", "some": "warn", "large": "bad"}


@dataclass(frozen=True)
class Bar:
    """A category: both shares, and of the largest on the card."""

    value: str
    shares: tuple[str, str]
    widths: tuple[float, float]


def page(drift: Drift) -> str:
    """The whole page. Equal inputs give equal text."""
    templates = Environment(
        loader=PackageLoader("keystage.report.drift"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters |= {"figure": figure, "percent": percent}
    templates.globals |= {"count": count, "drawing": drawing, "bars": bars, "facts": facts, "missing": missing_text}
    style, script = (
        Markup(files("keystage.report").joinpath("templates", name).read_text("utf-8"))  # noqa: S704 - our own files
        for name in ("report.css", "sort.js")
    )
    magnitude = drift.magnitude
    return templates.get_template("drift.html").render(
        drift=drift,
        style=style,
        script=script,
        badge=_BADGE,
        magnitude=magnitude,
        threshold=THRESHOLD,
        is_drifted=magnitude is not None and magnitude > THRESHOLD,
        gauge=Markup("") if magnitude is None else _gauge(magnitude),
        lines=lines(drift),
        features=_features(drift)[0],
        drifted=_features(drift)[1],
        cards=drift.columns[:MOST_CARDS],
        greatest=max((column.contribution or 0.0 for column in drift.columns), default=0.0) or 1.0,
    )


def lines(drift: Drift) -> list[tuple[str, str]]:
    """Questions that people have, and the answers."""
    seen, drifted = _features(drift)
    found = [
        ("Can the rows be told apart?", _told(drift)),
        (
            "Which columns drifted?",
            f"{len(drifted)} of {count(len(seen), 'column')}: {listed([column.column for column in drifted])}."
            if drifted
            else "None, beyond chance.",
        ),
    ]
    parts = sorted(drift.told.contribution.items(), key=lambda part: -part[1]) if drift.told else []
    parts = [part for part in parts if part[1] >= 0.05]
    if parts:
        found.append(("What gives it away?", listed([f"{name} ({percent(part)})" for name, part in parts]) + "."))
    found.append(("Are the columns the same?", schema_words(drift)))
    label = next((column for column in drift.columns if column.role == "label"), None)
    if label:
        found.append((f"Did the label, {label.column}, drift?", _label(label)))
    return found


def schema_words(drift: Drift) -> str:
    """Columns added, removed and retyped, in a sentence."""
    schema = drift.schema
    parts = [f"new: {listed(list(schema.added))}"] if schema.added else []
    parts += [f"gone: {listed(list(schema.removed))}"] if schema.removed else []
    retyped = [f"{name} ({one} before, {other} now)" for name, (one, other) in schema.retyped.items()]
    parts += [f"of another type: {listed(retyped)}"] if retyped else []
    return f"No; {'; '.join(parts)}." if parts else "Yes, names and types."


def drawing(column: ColumnDrift) -> Markup:
    """The overlaid histogram of numbers; nothing of categories."""
    ends_of = column.histogram.get("edges") or column.histogram.get("labels")
    if not ends_of or column.kind == "category":
        return Markup("")
    ends = (_end(ends_of[0], column.kind), _end(ends_of[-1], column.kind))
    name = f"{column.column}: distribution in the baseline and in the target"
    return overlaid(name, column.histogram["baseline"], column.histogram["target"], ends)


def bars(column: ColumnDrift) -> list[Bar]:
    """The commonest values of categories."""
    drawn = column.histogram
    if column.kind != "category" or not drawn:
        return []
    pairs = list(zip(drawn["labels"], drawn["baseline"], drawn["target"], strict=True))
    pairs = sorted(pairs, key=lambda pair: -max(pair[1], pair[2]))[:MOST_BARS]
    top = max((max(one, other) for _, one, other in pairs), default=0.0) or 1.0
    return [Bar(str(label), (percent(one), percent(other)), (one / top, other / top)) for label, one, other in pairs]


def facts(column: ColumnDrift) -> list[str]:
    """What is worth a word beside the numbers."""
    found = []
    if column.mean is not None and column.kind != "datetime":
        what = "mean length" if column.kind == "text" else "mean"
        found.append(f"{what} {figure(column.mean[0])} → {figure(column.mean[1])}")
    if column.mean is not None and column.kind == "datetime":
        found.append(f"mean {_end(column.mean[0], 'datetime')} → {_end(column.mean[1], 'datetime')}")
    if max(column.missing):
        found.append(f"missing {missing_text(column)}")
    if column.new and column.new.values:
        found.append(
            f"{count(column.new.values, 'new value')} in {percent(column.new.share)} of rows: "
            f"{listed(list(column.new.examples), 3)}"
        )
    if column.vanished and column.vanished.values:
        found.append(f"{count(column.vanished.values, 'value')} gone: {listed(list(column.vanished.examples), 3)}")
    if column.note and column.kind != "datetime":
        found.append(column.note)
    return found


def missing_text(column: ColumnDrift) -> str:
    """Share of missing cells in both."""
    one, other = column.missing
    return f"{percent(one)} → {percent(other)}" if one or other else NOTHING


def _features(drift: Drift) -> tuple[list[ColumnDrift], list[ColumnDrift]]:
    """The columns that a model may see, and those of them that drifted."""
    seen = [column for column in drift.columns if not column.role]
    return seen, [column for column in drift.drifted if not column.role]


def _told(drift: Drift) -> str:
    if drift.told is None:
        return drift.notes[-1]
    often = of_hundred(max(drift.told.roc_auc, 0.5))
    return (
        f"Shown a row of each, a classifier knows which is which {often} times out of 100; 50 is a guess "
        f"(ROC AUC {figure(drift.told.roc_auc)})."
    )


def _label(column: ColumnDrift) -> str:
    words = {"none": "Not beyond chance", "some": "Somewhat", "large": "Yes"}[column.level.value]
    return f"{words}: its PSI is {figure(column.psi)}."


def _gauge(magnitude: float) -> Markup:
    return gauge(f"Magnitude {figure(magnitude)}, threshold {THRESHOLD}", (0.0, 1.0), magnitude, None, None, THRESHOLD)


def _end(value: Any, kind: str) -> str:
    if kind != "datetime":
        return figure(float(value))
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=float(value))).date().isoformat()
