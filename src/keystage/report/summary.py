"""The page in five lines: what is predicted, how well, on what, what drives it, what to beware of."""

from dataclasses import dataclass

from keystage.report.limits import limits
from keystage.report.material import Material, Score
from keystage.report.words import PLAIN, count, figure, interval, listed, said, title

MOST_DRIVERS = 3


@dataclass(frozen=True)
class Line:
    """A question and its answer."""

    question: str
    answer: str


def summary(material: Material) -> list[Line]:
    """Five lines; what is not known is said to be so."""
    return [
        Line("What does it predict?", _what(material)),
        Line("How good is it?", _how_good(material)),
        Line("On how many rows?", _rows(material)),
        Line("What drives it?", _drivers(material)),
        Line("What to beware of?", _beware(material)),
    ]


def verdict(material: Material) -> str:
    """In a few words how the score stands to the baseline."""
    if material.primary is None:
        return "not scored"
    score = material.primary[1]
    if score.baseline is None:
        return "no baseline to compare with"
    if score.beats_baseline is None:
        return f"beside the {material.baseline}"
    if not score.beats_baseline:
        return f"not shown to be better than the {material.baseline}"
    surely = "clearly " if score.low is not None else ""
    return f"{surely}better than the {material.baseline}"


def _what(material: Material) -> str:
    label, classes = material.label, material.classes
    if material.task == "classification":
        kinds = f": {listed(classes, 6, 'or')}" if classes else ""
        said = f"For each row the class of {label}{kinds}, with a probability."
    elif material.task == "forecasting":
        horizon = (material.dataset.get("forecast") or {}).get("horizon")
        said = f"The next {count(int(horizon), 'period')} of {label}." if horizon else f"The future of {label}."
    else:
        said = f"The {label} of each row, a number."
    about = str(material.dataset.get("description") or "").strip()
    return f"{said} {about}".strip()


def _how_good(material: Material) -> str:
    if material.primary is None:
        return "It has not been scored on test rows."
    name, score = material.primary
    sentence = f"{capital(verdict(material))}: {title(name)} {figure(score.value)}"
    if between := interval(score.low, score.high):
        level = float((material.evaluation.get("interval") or {}).get("level", 0.95))
        sentence += f" (with {level:.0%} confidence {between})"
    if score.baseline is not None:
        sentence += f", where the {material.baseline} alone gives {figure(score.baseline)}"
    meaning = _plainly(material, name, score)
    return f"{sentence}. {capital(meaning)}." if meaning else f"{sentence}."


def _plainly(material: Material, name: str, score: Score) -> str | None:
    """What the score means; of a metric without a plain sentence, what another one means."""
    two = len(material.classes) in (0, 2)
    if (name != "roc_auc" or two) and (words := said(name, score.value, material.label)):
        return words
    for other in PLAIN:
        if other in material.scores and (other != "roc_auc" or two):
            return said(other, material.scores[other].value, material.label)
    return None


def _rows(material: Material) -> str:
    rows = material.data.get("rows") or {}
    if not rows:
        return "Not told."
    learnt = count(int(rows.get("train", 0)), "row")
    test = count(material.test_rows, "row")
    how = {
        "random": "drawn at random",
        "groups": "whole groups",
        "time": "the latest",
        "given": "given by the dataset",
    }.get(str(material.data.get("split")))
    left = int(rows.get("left_out_without_label") or 0)
    end = f" {count(left, 'row')} without {material.label} {'was' if left == 1 else 'were'} left out." if left else ""
    apart = f", {how}" if how else ""
    return f"Learnt from {learnt}, judged on {test} that it had never seen{apart}.{end}"


def _drivers(material: Material) -> str:
    found = [item for item in material.evaluation.get("importance") or () if float(item["mean"]) > 0]
    if not found:
        return "Not computed."
    names = [str(item["column"]) for item in found[:MOST_DRIVERS]]
    first = f"Most of all {names[0]}" + (f", then {listed(names[1:])}" if names[1:] else "")
    metric = title(material.primary[0]) if material.primary else "the score"
    cost = figure(float(found[0]["mean"]))
    return f"{first}. With {names[0]} shuffled, {metric} is worse by {cost}."


def _beware(material: Material) -> str:
    found = limits(material)
    if not found:
        return "Nothing that was looked for stands out."
    more = len(found) - 2
    tail = f" {count(more, 'more point')} below." if more > 0 else ""
    return " ".join(found[:2]) + tail


def capital(text: str) -> str:
    """A text that begins a line; ROC stays ROC."""
    return text[:1].upper() + text[1:]
