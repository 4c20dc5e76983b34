"""The drawings of a page, from the tables that stages wrote. A table that is not there, or is empty, gives none."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from keystage.report.curves import CURVES, Curve
from keystage.report.material import Material, Rows
from keystage.report.points import by_group, numbers, steps, telling, thinned
from keystage.report.svg import SERIES, Frame, categories, short, span, ticks
from keystage.report.words import count, title

MOST_TICKS = 8
MOST_CLASSES = 12  # of a confusion as a table


@dataclass(frozen=True)
class Chart:
    """A drawing and what is to be known to read it."""

    title: str
    reading: str
    drawing: Markup


def charts(material: Material) -> list[Chart]:
    """All drawings of how the model does on the test rows."""
    drawn = [_curve(curve, material.plots.get(curve.file, ())) for curve in CURVES]
    drawn += [
        _scores(material.plots.get("scores", ())),
        _forecast(material.plots.get("forecast", ()), material.label),
        _predicted(material.plots.get("predicted", ()), material.label),
        _residuals(material.plots.get("residuals", ())),
    ]
    return [chart for chart in drawn if chart is not None]


def course(material: Material) -> Chart | None:
    """How the score came about, trial by trial."""
    trials = numbers(material.course, "trial", "score")
    best = numbers(material.course, "trial", "best")
    if not trials:
        return None
    scores = [score for _, score in trials]
    low, high = telling(scores)
    outside = sum(not low <= score <= high for score in scores)
    name = title(searched_for(material))
    frame = Frame(
        "The course of the search",
        span([x for x, _ in trials]),
        span([low, high]),
        "trial",
        name,
        f"Best {name} after {len(trials)} trials: {best[-1][1]:.4f}.",
        [(value, short(value)) for value in ticks(*span([x for x, _ in trials])) if value.is_integer()],
    )
    frame.dots([(x, min(max(y, low), high)) for x, y in trials], 3, key="a trial")
    frame.line(steps(best), 0, key="the best so far")
    reading = f"{name} in cross-validation, by which the search went."
    reading += f" {outside} trials that are far off are drawn at the edge." if outside else ""
    return Chart("Course of the search", reading, frame.draw())


def dependence(entry: Mapping[str, Any], classes: Sequence[str]) -> Chart | None:
    """What is predicted on average when one column takes each of some values."""
    points = [point for point in entry.get("points") or () if point.get("predicted")]
    if not points:
        return None
    names = list(points[0]["predicted"])
    shown = names[-1:] if len(names) <= 2 else names[:SERIES]
    is_number = entry.get("kind") == "number" and all(isinstance(point["value"], int | float) for point in points)
    across = [float(point["value"]) if is_number else float(place) for place, point in enumerate(points)]
    values = {name: [float(point["predicted"].get(name, 0.0)) for point in points] for name in shown}
    column = str(entry["column"])
    frame = Frame(
        f"Prediction by {column}",
        span(across) if is_number else (-0.5, len(points) - 0.5),
        (0.0, 1.0) if classes else span([value for of in values.values() for value in of], 0.12),
        column,
        f"probability of {shown[-1]}" if len(names) == 2 else "probability" if classes else "prediction",
        "; ".join(f"{point['value']}: {point['predicted'].get(shown[-1], 0):.3g}" for point in points[:12]),
        _ticks(across) if is_number else categories([str(point["value"]) for point in points]),
    )
    for place, (name, of) in enumerate(values.items()):
        key = name if len(shown) > 1 else ""
        line = list(zip(across, of, strict=True))
        if is_number:
            frame.line(line, place)
        if is_number or len(shown) > 1 or not classes:
            frame.dots(line, place, radius=3.2 if is_number else 5, key=key)
        else:
            frame.bars([(x - 0.3, x + 0.3, y) for x, y in line], place)
    return Chart(column, "", frame.draw())


def _ticks(across: Sequence[float]) -> list[tuple[float, str]] | None:
    """A few whole numbers are the labels themselves: there is no class 1.5."""
    few = len(across) <= MOST_TICKS and all(value.is_integer() for value in across)
    return [(value, short(value)) for value in across] if few else None


def confusion(material: Material) -> dict[str, Any] | None:
    """Rows by true and predicted class; with many classes only the commonest mistakes."""
    rows = material.plots.get("confusion", ())
    counts = Counter((str(row.get("actual")), str(row.get("predicted"))) for row in rows)
    if not counts:
        return None
    seen = {name for pair in counts for name in pair}
    known = material.classes
    classes = [name for name in known if name in seen] + sorted(seen - set(known))
    totals = Counter[str]()
    for (actual, _), number in counts.items():
        totals[actual] += number
    mistakes = [(*pair, number) for pair, number in counts.most_common() if pair[0] != pair[1]]
    table = [
        (
            actual,
            totals[actual],
            [(counts[actual, name], counts[actual, name] / (totals[actual] or 1)) for name in classes],
        )
        for actual in classes
    ]
    return {"classes": classes, "table": table if len(classes) <= MOST_CLASSES else [], "mistakes": mistakes[:10]}


def searched_for(material: Material) -> str:
    """The metric of the trials."""
    return str(material.board[0]["metric"]) if material.board else material.searched_for


def _curve(curve: Curve, rows: Rows) -> Chart | None:
    groups = {name: numbers(of, curve.x, curve.y) for name, of in by_group(rows, "class").items()}
    groups = {name: points for name, points in groups.items() if points}
    if not groups:
        return None
    tops = [y for points in groups.values() for _, y in points]
    frame = Frame(curve.title, (0, 1), (0, 1) if curve.unit else (0, span(tops)[1]), *curve.names, says=curve.reading)
    if curve.even:
        frame.line(curve.even, kind="even")
    for place, (name, points) in enumerate(list(groups.items())[:SERIES]):
        frame.line(thinned(points), place, key=name if len(groups) > 1 else "")
        if curve.file == "calibration":
            frame.dots(points, place, radius=3.4)
    left = len(groups) - SERIES
    more = f" {left} more classes are in reports/plots/{curve.file}.csv." if left > 0 else ""
    return Chart(curve.title, curve.reading + more, frame.draw())


def _scores(rows: Rows) -> Chart | None:
    """How often which probability is given, by what is true."""
    classes = by_group(rows, "class")
    if not classes:
        return None
    of_class, of = next(iter(classes.items()))
    groups = {name: numbers(bars, "probability", "rows") for name, bars in by_group(of, "actual").items()}
    middles = sorted({x for bars in groups.values() for x, _ in bars})
    if not middles:
        return None
    half = min((after - before for before, after in pairwise(middles)), default=0.1) / 2
    says = f"How often which probability of {of_class} is given. The less they overlap, the better it tells them apart."
    tops = [height for bars in groups.values() for _, height in bars]
    frame = Frame("Scores", (0, 1), (0, span([0, *tops])[1]), f"predicted probability of {of_class}", "rows", says)
    for place, (name, bars) in enumerate(groups.items()):
        key = of_class if name == "of the class" else name
        frame.bars([(x - half, x + half, height) for x, height in bars], place, key=key)
    left = len(classes) - 1
    more = f" {left} more classes are in reports/plots/scores.csv." if left else ""
    return Chart("Score histogram", says + more, frame.draw())


def _forecast(rows: Rows, label: str) -> Chart | None:
    """Of the first series: what was forecast, with its band, and what came."""
    series = by_group(rows, "series")
    if not series:
        return None
    name, of = next(iter(series.items()))
    times = sorted({str(row.get("time", "")) for row in of})
    places = {time: float(place) for place, time in enumerate(times)}

    def line(column: str) -> list[tuple[float, float]]:
        known = {places[str(row.get("time", ""))]: float(row[column]) for row in of if row.get(column)}
        return sorted(known.items())

    actual, predicted, low, high = map(line, ("actual", "predicted", "low", "high"))
    if not predicted:
        return None
    shown = [(places[time], time.removesuffix(" 00:00:00")) for time in thinned(times, 3)]
    of_series = f" of {name}" if name else ""
    says = f"What was forecast{of_series}, and what came."
    values = [y for points in (actual, predicted, low, high) for _, y in points]
    frame = Frame(f"Forecast{of_series}", span([0.0, len(times) - 1.0]), span(values), "", label, says, shown)
    if low and len(low) == len(high):
        frame.area(low, high, 0, key="band of the forecast")
    frame.line(actual, 1, key="what came")
    frame.line(predicted, 0, key="forecast")
    left = len(series) - 1
    more = f" {count(left, 'more series', 'more series')}: reports/plots/forecast.csv." if left else ""
    return Chart("Forecast", says + more, frame.draw())


def _predicted(rows: Rows, label: str) -> Chart | None:
    points = thinned(numbers(rows, "actual", "predicted"))
    if not points:
        return None
    both = span([value for point in points for value in point])
    says = "Each dot is a row; on the dashed line the prediction is right."
    frame = Frame("Predicted against true", both, both, f"true {label}", f"predicted {label}", says)
    frame.line([(both[0], both[0]), (both[1], both[1])], kind="even")
    frame.dots(points, 0)
    return Chart("Predicted against true", says, frame.draw())


def _residuals(rows: Rows) -> Chart | None:
    points = thinned(numbers(rows, "predicted", "residual"))
    if not points:
        return None
    says = "Each dot is a row: what is true less what is predicted. A pattern is something that the model has missed."
    across, upwards = span([x for x, _ in points]), span([y for _, y in points])
    frame = Frame("Residuals", across, upwards, "predicted value", "true less predicted", says)
    frame.line([(across[0], 0.0), (across[1], 0.0)], kind="even")
    frame.dots(points, 0)
    return Chart("Residuals", says, frame.draw())
