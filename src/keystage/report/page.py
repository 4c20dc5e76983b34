"""The page: one file with its style, drawings and the few lines of script that sort tables."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader
from markupsafe import Markup

from keystage.report import charts, profile, standing
from keystage.report.card import main_packages
from keystage.report.limits import limits
from keystage.report.material import Material, Score
from keystage.report.small import gauge, scaled
from keystage.report.summary import capital, summary, verdict
from keystage.report.svg import span
from keystage.report.words import count, digits_for, figure, interval, percent, title

MOST_DEPENDENCE = 8
MOST_WORST_COLUMNS = 20
MOST_FACTS = 4
BESIDE = ("accuracy", "f1", "recall", "precision", "mae", "r2", "rmse")  # the scores that most people know
SECTIONS = {
    "seed": "Seed",
    "dataset": "Dataset",
    "prep": "Preparation",
    "automl": "Search",
    "registry": "Registry",
}
# Shown elsewhere on the page, as the texts they are.
_TEXTS = {"dataset.description", "dataset.licence", "dataset.intended_use", "dataset.limits"}


def page(material: Material) -> str:
    """The whole page. Equal inputs give equal text."""
    templates = Environment(
        loader=PackageLoader("keystage.report"),
        autoescape=True,
        undefined=ChainableUndefined,  # what a stage did not write is not there, and is told so
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"figure": figure, "percent": percent, "title_of": title, "capital": capital}
    templates.globals |= {"count": count, "interval": interval}
    return templates.get_template("report.html").render(**_context(material))


def _context(material: Material) -> dict[str, Any]:
    # Files of this package, not texts of people: they go into the page as they are.
    style, script = (
        Markup(files("keystage.report").joinpath("templates", name).read_text("utf-8"))  # noqa: S704
        for name in ("report.css", "sort.js")
    )
    primary = material.primary
    return {
        "style": style,
        "script": script,
        "material": material,
        "name": str(material.dataset.get("name") or "dataset"),
        "model_name": str((material.settings.get("registry") or {}).get("model_name", "")),
        "lines": summary(material),
        "verdict": verdict(material),
        "primary": primary,
        "primary_gauge": _gauge(title(primary[0]), primary[1]) if primary else Markup(""),
        "facts": _facts(material),
        "scores": [(title(name), score, _gauge(title(name), score)) for name, score in material.scores.items()],
        "limits": limits(material),
        "columns": profile.columns(material),
        "columns_left": profile.columns_left(material),
        "charts": charts.charts(material),
        "confusion": charts.confusion(material),
        "course": charts.course(material),
        "board": standing.board(material),
        "board_metric": title(str(material.board[0]["metric"])) if material.board else "",
        "members": standing.members(material),
        "learners": standing.learners(material),
        "mattered": standing.mattered(material),
        "segments": _segments(material),
        "importance": _importance(material),
        "dependence": _dependence(material),
        "worst_columns": _worst_columns(material),
        "settings": _settings(material),
        "main_packages": main_packages(material.environment),
    }


def _facts(material: Material) -> list[tuple[str, str]]:
    """What is put beside the score: the same in cross-validation, and two other scores."""
    if material.primary is None:
        return []
    name = material.primary[0]
    crossed = (material.search.get("model") or {}).get(name)
    found = [(f"{title(name)} in cross-validation", figure(crossed))] if crossed is not None else []
    others = [other for other in BESIDE if other in material.scores and other != name]
    return [*found, *((title(other), figure(material.scores[other].value)) for other in others)][:MOST_FACTS]


def _gauge(name: str, score: Score) -> Markup:
    """Score, interval and baseline on a line: from 0 to 1 where the score lies there, else around them."""
    known = [value for value in (score.value, score.low, score.high, score.baseline) if value is not None]
    unit = all(0 <= value <= 1 for value in known)
    said = f"{name} {figure(score.value)}"
    if between := interval(score.low, score.high):
        said += f", {between}"
    if score.baseline is not None:
        said += f", baseline {figure(score.baseline)}"
    return gauge(said, (0.0, 1.0) if unit else span(known, 0.15), score.value, score.low, score.high, score.baseline)


def _segments(material: Material) -> list[dict[str, Any]]:
    found = []
    for segment in material.evaluation.get("segments") or ():
        groups = [group for group in segment.get("groups") or () if group.get("value") is not None]
        without = [group for group in segment.get("groups") or () if group.get("value") is None]
        ends = [float(group[end]) for group in groups for end in ("low", "value", "high") if group.get(end) is not None]
        overall = material.scores.get(str(segment.get("metric")))
        domain = span([*ends, *([overall.value] if overall else [])], 0.08)
        rows = [(group, _group_gauge(segment, group, domain, overall)) for group in groups]
        found.append({**segment, "rows": [*rows, *((group, Markup("")) for group in without)]})
    return found


def _group_gauge(
    segment: Mapping[str, Any], group: Mapping[str, Any], domain: tuple[float, float], overall: Score | None
) -> Markup:
    said = f"{segment['column']} {group['group']}: {figure(group['value'])}"
    low, high = group.get("low"), group.get("high")
    said += f", {interval(low, high)}" if interval(low, high) else ""
    return gauge(said, domain, float(group["value"]), low, high, overall.value if overall else None)


def _importance(material: Material) -> list[dict[str, Any]]:
    found = list(material.evaluation.get("importance") or ())
    ends = [float(item["mean"]) + float(item.get("std") or 0) for item in found]
    share, alike = scaled(ends), digits_for(max(ends, default=1.0))
    return [
        {
            "column": str(item["column"]),
            "value": float(item["mean"]),
            "text": alike(float(item["mean"])),
            "spread": alike(float(item.get("std") or 0)),
            "share": share(float(item["mean"])),
            "low": share(float(item["mean"]) - float(item.get("std") or 0)),
            "high": share(float(item["mean"]) + float(item.get("std") or 0)),
        }
        for item in found
    ]


def _dependence(material: Material) -> list[charts.Chart]:
    entries = (material.evaluation.get("dependence") or ())[:MOST_DEPENDENCE]
    drawn = [charts.dependence(entry, material.classes) for entry in entries]
    return [chart for chart in drawn if chart is not None]


def _worst_columns(material: Material) -> list[str]:
    """The columns of the rows that were predicted worst: what drives the model first."""
    worst = material.evaluation.get("worst") or ()
    present = list(dict.fromkeys(str(name) for row in worst for name in row.get("columns") or ()))
    driving = [str(item["column"]) for item in material.evaluation.get("importance") or ()]
    ordered = [name for name in driving if name in present]
    return [*ordered, *(name for name in present if name not in ordered)][:MOST_WORST_COLUMNS]


def _settings(material: Material) -> list[tuple[str, list[tuple[str, str]]]]:
    found = []
    for section, shown in SECTIONS.items():
        if section in material.settings:
            leaves = [pair for pair in _leaves(material.settings[section], section) if pair[0] not in _TEXTS]
            found.append((shown, leaves))
    return found


def _leaves(value: Any, name: str) -> list[tuple[str, str]]:
    """Settings by dotted name; a list of mappings one by one."""
    if isinstance(value, Mapping) and value:
        return [leaf for key, item in value.items() for leaf in _leaves(item, f"{name}.{key}")]
    if _is_list(value) and any(isinstance(item, Mapping) for item in value):
        return [(f"{name}[{place}]", _text(item)) for place, item in enumerate(value)]
    return [(name, _text(value))]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_text(item)}" for key, item in value.items() if item not in ({}, None))
    if _is_list(value):
        return ", ".join(map(_text, value)) if value else "none"
    if value is None:
        return "none"
    return json.dumps(value) if value == "" or isinstance(value, bool) else str(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
