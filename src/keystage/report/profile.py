"""The columns of the data, each with what is in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from keystage.report.material import Material
from keystage.report.small import scaled, spark
from keystage.report.words import count, figure, percent

MOST_COLUMNS = 60  # a page with more is not read; reports/data.json has all
MOST_VALUES = 4
FEW_VALUES = 10


@dataclass(frozen=True)
class Column:
    """A column on a card.

    Attributes:
        name: of the column.
        kind: type and purpose.
        facts: short sentences.
        drawing: a small histogram; empty for words.
        top: the commonest values with their number and share of the largest.
    """

    name: str
    kind: str
    facts: tuple[str, ...]
    drawing: Markup
    top: tuple[tuple[str, str, float], ...]


def columns(material: Material) -> list[Column]:
    """As profiled by stage dataprep; without a profile, what its report says of types and missing cells."""
    if profile := material.data.get("profile"):
        prepared = {entry["column"]: entry for entry in (material.data.get("automatic") or {}).get("columns") or ()}
        return [_profiled(entry, prepared.get(entry["column"])) for entry in profile[:MOST_COLUMNS]]
    rows = int((material.data.get("rows") or {}).get("read") or 0)
    plain = list((material.data.get("columns") or {}).items())[:MOST_COLUMNS]
    return [
        Column(
            str(name),
            str(entry.get("type", "")),
            (_missing(int(entry.get("missing") or 0), rows), f"{count(int(entry.get('distinct') or 0), 'value')}"),
            Markup(""),
            (),
        )
        for name, entry in plain
    ]


def columns_left(material: Material) -> int:
    """How many have no place on the page."""
    every = material.data.get("profile") or material.data.get("columns") or ()
    return max(len(every) - MOST_COLUMNS, 0)


def _profiled(entry: Mapping[str, Any], prepared: Mapping[str, Any] | None) -> Column:
    missing, present = int(entry.get("missing") or 0), int(entry.get("count") or 0)
    values = count(int(entry.get("distinct") or 0), "value")
    facts = [_missing(missing, missing + present), f"{values} at least" if entry.get("sampled") else values]
    quantiles = entry.get("quantiles") or {}
    if quantiles:
        facts.append(
            f"{figure(quantiles.get('0'))} to {figure(quantiles.get('1'))}, median {figure(quantiles.get('0.5'))}"
        )
    if entry.get("mean") is not None:
        facts.append(f"mean {figure(entry['mean'])} ± {figure(entry.get('std'))}")
    if prepared:
        how = "left out" if prepared["use"] == "drop" else str(prepared["use"])
        facts.append(f"auto: {how}" + (f" ({prepared['note']})" if prepared["note"] else ""))
    histogram = entry.get("histogram") or {}
    few = entry.get("top") and int(entry.get("distinct") or 0) <= FEW_VALUES  # bars with names say more than bins
    counts = [] if few else [float(number) for number in histogram.get("counts") or ()]
    name = str(entry["column"])
    says = f"From {figure(histogram['edges'][0])} to {figure(histogram['edges'][-1])}" if counts else ""
    drawing = spark(f"Histogram of {name}", counts, says) if counts else Markup("")
    top = [] if counts else list(entry.get("top") or ())[:MOST_VALUES]
    share = scaled([float(item["count"]) for item in top])
    return Column(
        name,
        " · ".join(str(entry[part]) for part in ("type", "purpose") if entry.get(part)),
        tuple(facts),
        drawing,
        tuple((str(item["value"]), f"{int(item['count']):,}", share(float(item["count"]))) for item in top),
    )


def _missing(missing: int, rows: int) -> str:
    if not missing:
        return "none missing"
    return f"{percent(missing / rows)} missing" if rows else f"{missing:,} missing"
