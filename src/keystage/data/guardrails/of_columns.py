"""Guardrails about columns."""

from keystage.core.errors import listing
from keystage.data.columns import ColumnType
from keystage.data.guardrails.finding import Facts, Guardrail
from keystage.data.leaks import tells_label
from keystage.data.purpose import MANY, Purpose
from keystage.data.spec import Task

MOSTLY_MISSING = 0.5  # then filled cells outnumber those that are there
NEAR_CONSTANT = 0.99  # share of one value
HIGH_CARDINALITY = 20  # no fewer different texts are many, however few the rows
MIXED = 0.05  # share of numbers among texts
MIXED_AS_DECLARED = 0.5  # and where a declaration says that they are texts
LEAK_AREA, LEAK_R2 = 0.99, 0.98  # an area of 0.99 is a Gini of 0.98


def missing_values(facts: Facts) -> Guardrail:
    """Missing cells, and whether the recipe fills them."""
    numbers = {item.column: item.missing for item in facts.columns if item.missing and item.count}
    found = facts.found("missing_values", numbers, "")
    if found.outcome != "alerted":  # none, or all in columns that are left out
        return found
    rows = {item.column: item.rows for item in facts.columns}
    mostly = [name for name in found.columns if numbers[name] > MOSTLY_MISSING * rows[name]]
    left = [name for name in found.columns if name in facts.still_missing]
    apart = [name for name in found.columns if name not in left and _have_no_label(facts, name)]
    filled = [name for name in found.columns if name not in {*left, *apart}]
    notes = ["filled or coded by the recipe" + (f": {listing(filled)}" if left or apart else "")] if filled else []
    notes += [f"in rows without a label alone, which are left out: {listing(apart)}"] if apart else []
    notes += [f"left to the learners, of which some refuse them: {listing(left)}"] if left else []
    notes += [f"more than {MOSTLY_MISSING:.0%} are missing: {listing(mostly)}"] if mostly else []
    outcome = "alerted" if mostly or left else "fixed"
    return Guardrail(found.check, outcome, found.columns, found.numbers, "; ".join(filter(None, [*notes, found.note])))


def _have_no_label(facts: Facts, name: str) -> bool:
    """Whether all rows in which a cell is missing were left out for want of a label, so that no step has seen one."""
    whole = facts.without_label and facts.sampled_from is None and name in facts.rows
    return bool(whole and facts.rows[name].notna().all())


def constant(facts: Facts) -> Guardrail:
    """Columns of one value, or of none."""
    numbers = {item.column: item.distinct for item in facts.columns if item.distinct <= 1 and item.rows > 1}
    note = "one value, or none; they tell nothing and stay features until dataset.drop names them"
    return facts.found("constant", numbers, note)


def near_constant(facts: Facts) -> Guardrail:
    """Columns that are nearly so."""
    numbers = {
        item.column: round(item.commonest / item.count, 4)
        for item in facts.columns
        if item.distinct > 1 and item.commonest >= NEAR_CONSTANT * item.count
    }
    return facts.found("near_constant", numbers, f"one value has {NEAR_CONSTANT:.0%} or more of the cells")


def identifier(facts: Facts) -> Guardrail:
    """Columns that name rows, integers too."""
    numbers = {item.column: item.distinct for item in facts.columns if item.purpose is Purpose.identifier}
    note = "nearly each row has a value of its own: a model learns rows by heart; name them in dataset.drop"
    return facts.found("identifier", numbers, note, ("numbers", "dates", "text"))


def high_cardinality(facts: Facts) -> Guardrail:
    """Categories of many texts."""
    count, share = MANY
    limit = max(HIGH_CARDINALITY, min(count, share * facts.row_count))
    numbers = {
        item.column: item.distinct
        for item in facts.columns
        if item.values is not None and item.purpose is Purpose.category and item.distinct >= limit
    }
    note = (
        f"{limit:g} or more different texts; a code for each teaches little: group them, or name them in dataset.drop"
    )
    return facts.found("high_cardinality", numbers, note, ("target", "text", "dates", "numbers"))


def mixed_types(facts: Facts) -> Guardrail:
    """Numbers among texts."""
    import numpy as np
    import pandas as pd

    declared = {column.name: column.type for column in facts.spec.columns}
    numbers, said = {}, []
    for item in facts.columns:
        kind = declared.get(item.column, ColumnType.string)
        if (
            item.values is None
            or kind is not ColumnType.string
            or item.purpose in {Purpose.identifier, Purpose.boolean}
        ):
            continue
        texts, counts = item.values
        words = np.isnan(pd.to_numeric(pd.Series(texts), errors="coerce").to_numpy(dtype="float64"))
        least = MIXED_AS_DECLARED if item.column in declared else MIXED
        if least * item.count <= counts[~words].sum() < item.count:
            numbers[item.column] = int(counts[words].sum())
            said.append(f"{item.column} has {numbers[item.column]} texts, like '{texts[words][0]}'")
    note = (
        f"numbers and texts in one column: {listing(said)}; where they say that there is none, name them in "
        "dataset.missing, and have the column declared as number in dataset.columns"
    )
    return facts.found("mixed_types", numbers, note, ("numbers", "dates"))


def infinities(facts: Facts) -> Guardrail:
    """Infinite cells."""
    numbers = {item.column: item.infinite for item in facts.columns if item.infinite}
    note = "infinite cells; estimators refuse what the recipe leaves of them"
    return facts.found("infinities", numbers, note, ("as it is",))  # auto makes them missing


def leaking(facts: Facts) -> Guardrail:
    """Columns that tell the label alone."""
    names = [item.column for item in facts.columns if item.distinct > 1]
    classes = facts.spec.task is Task.classification
    told = tells_label(facts.rows[names], facts.rows[facts.spec.label], facts.seed, classes)
    limit, measure = (LEAK_AREA, "area under the ROC curve") if classes else (LEAK_R2, "R2")
    numbers = {name: round(value, 4) for name, value in told.items() if value >= limit}
    note = (
        f"alone it tells the label, with a cross-validated {measure} of {limit:g} or more: is it known before the "
        "label is? If not, name it in dataset.drop"
    )
    if not numbers and told:
        most = max(told, key=lambda name: told[name])
        strongest = f"{most} tells most of the label, with a cross-validated {measure} of {told[most]:.2f}"
        return Guardrail("leaking", numbers={most: round(told[most], 4)}, note=strongest)
    return facts.found("leaking", numbers, note)
