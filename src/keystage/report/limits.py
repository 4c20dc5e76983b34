"""What to beware of, computed from the results: no one has to remember to write it."""

from keystage.report.material import Material
from keystage.report.words import count, figure, interval, listed, percent, title

FEW_ROWS = 500  # below it, one row in a hundred moves a share by a fifth of its interval's half width
WIDE = 0.1  # of the interval of a score between 0 and 1
RARE = 0.1  # share of a class
WEAK_CLASS_F1 = 0.5
FEW_IN_GROUP = 30  # the usual least number for which a mean's spread says something
GAP = 0.1
OVERFIT = 0.05  # by how much cross-validation may be better than the test, of scores between 0 and 1
_UNIT = {"roc_auc", "roc_auc_weighted", "average_precision", "average_precision_weighted", "accuracy"}
_UNIT |= {"balanced_accuracy", "f1", "f1_weighted", "precision", "precision_weighted", "recall", "r2"}


def limits(material: Material) -> list[str]:
    """Sentences, the weightiest first."""
    return [
        *_guardrails(material),
        *_against_baseline(material),
        *_test(material),
        *_overfit(material),
        *_classes(material),
        *_segments(material),
        *[str(note) for note in material.dataset.get("limits") or ()],
    ]


def _guardrails(material: Material) -> list[str]:
    told = [item for item in material.data.get("guardrails") or () if item.get("outcome") in ("failed", "alerted")]
    told.sort(key=lambda item: item["outcome"] != "failed")
    return [
        f"Guardrail '{str(item.get('check')).replace('_', ' ')}' {item['outcome']}"
        + (f" for {listed([str(name) for name in item['columns']])}" if item.get("columns") else "")
        + (f": {str(item['note']).rstrip('.')}." if item.get("note") else ".")
        for item in told
    ]


def _against_baseline(material: Material) -> list[str]:
    if material.primary is None:
        return []
    name, score = material.primary
    if score.beats_baseline is not False:
        return []
    return [
        f"By {title(name)} it is not shown to be better than the {material.baseline}: {figure(score.value)} against "
        f"{figure(score.baseline)}."
    ]


def _test(material: Material) -> list[str]:
    said = []
    if 0 < material.test_rows < FEW_ROWS:
        rows = count(material.test_rows, "row")
        said.append(f"The test has {rows} only: on other rows each score would be somewhat different.")
    if material.primary is not None:
        name, score = material.primary
        if name in _UNIT and score.low is not None and score.high is not None and score.high - score.low > WIDE:
            said.append(f"{title(name)} is known to lie within {interval(score.low, score.high)}, no closer.")
    return said


def _overfit(material: Material) -> list[str]:
    if material.primary is None or material.primary[0] not in _UNIT:
        return []
    name, score = material.primary
    crossed = (material.search.get("model") or {}).get(name)
    if crossed is None or crossed - score.value <= OVERFIT:
        return []
    return [
        f"In cross-validation it came to {figure(crossed)}, on the test to {figure(score.value)}: "
        "it may have learnt the training rows rather than what is behind them."
    ]


def _classes(material: Material) -> list[str]:
    rows = {str(name): int(number) for name, number in _rows_per_class(material).items()}
    total = sum(rows.values())
    rare = [name for name, number in rows.items() if total and number / total < RARE]
    said = []
    if rare:
        share = percent(min(rows[name] for name in rare) / total)
        said.append(f"Classes are unequal: of {listed(rare)} there are as few as {share} of rows.")
    weak = [
        str(item["class"])
        for item in material.evaluation.get("per_class") or ()
        if item.get("f1") is not None and item["f1"] < WEAK_CLASS_F1
    ]
    if weak:
        said.append(f"It is weak on {listed(weak)}: there F1 is below {WEAK_CLASS_F1}.")
    return said


def _rows_per_class(material: Material) -> dict[str, int]:
    return (material.data.get("label") or {}).get("rows_per_class") or {}


def _segments(material: Material) -> list[str]:
    said = []
    for segment in material.evaluation.get("segments") or ():
        gap, metric = segment.get("gap"), str(segment.get("metric"))
        if gap and metric in _UNIT and gap["value"] > GAP:
            first, second = gap["between"]
            said.append(
                f"It does not serve all alike: {title(metric)} differs by {figure(gap['value'])} between "
                f"{segment['column']} {first} and {second}."
            )
        few = [str(group["group"]) for group in segment.get("groups") or () if group["rows"] < FEW_IN_GROUP]
        if few:
            said.append(
                f"Of {segment['column']} {listed(few)} the test has fewer than {FEW_IN_GROUP} rows each: "
                "what it says of them is little more than chance."
            )
    return said
