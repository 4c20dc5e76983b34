"""Guardrails about rows and the label."""

from keystage.core.errors import listing
from keystage.data.guardrails.finding import Facts, Guardrail
from keystage.data.spec import DatasetSpec, Task

FEW_ROWS = 100  # Azure warns below 100 rows, and refuses less than 50 (_ml_engine/validation)
FEW_OF_A_CLASS = 10  # two for each of five folds
IMBALANCE = 0.2  # rows of the smallest class per row of the greatest, as Azure (constants.py:1959)
_DONE = {"empty": "emptied", "drop_row": "their rows are left out", "report": "left as they are"}
_LAST_PERIODS = "the test is the last periods of each series"


def schema(facts: Facts) -> Guardrail:
    """Cells that break a declared rule, and what became of them."""
    numbers: dict[str, float] = {"rules": len(facts.checks)}
    broken = [check for check in facts.checks if check.violations]
    if not broken:
        return Guardrail("schema", numbers=numbers)
    said = [f"{check.column}: {check.in_words} ({_DONE[check.action]})" for check in broken]
    changed = any(check.action != "report" for check in broken)
    columns = list(dict.fromkeys(check.column for check in broken))
    numbers |= {name: sum(check.violations for check in broken if check.column == name) for name in columns}
    return Guardrail("schema", "fixed" if changed else "alerted", columns, numbers, listing(said))


def target_missing(facts: Facts) -> Guardrail:
    """Rows without a label."""
    number = facts.without_label
    if not number:
        return Guardrail("target_missing", numbers={"rows": 0})
    note = f"{number} rows without a label are left out, of training and of test"
    return Guardrail("target_missing", "fixed", [facts.spec.label], {"rows": number}, note)


def few_rows(facts: Facts) -> Guardrail:
    """Too few rows, of all or of a class."""
    features = [item for item in facts.columns if item.column not in facts.spec.drop]
    numbers: dict[str, float] = {"rows": facts.row_count, "features": len(features)}
    notes = []
    if numbers["rows"] < FEW_ROWS:
        notes.append(f"{facts.row_count} rows are fewer than {FEW_ROWS}: scores are known badly")
    if numbers["rows"] < numbers["features"]:
        notes.append("there are more features than rows")
    if facts.spec.task is Task.classification:
        counts = facts.class_counts
        numbers |= {"classes": len(counts), "rows_of_smallest_class": int(counts.min())}
        if counts.min() < FEW_OF_A_CLASS:
            few = [str(name) for name in counts.index[counts < FEW_OF_A_CLASS]]
            notes.append(f"fewer than {FEW_OF_A_CLASS} rows are of: {listing(sorted(few))}")
    return Guardrail("few_rows", "alerted" if notes else "passed", [], numbers, "; ".join(notes))


def class_imbalance(facts: Facts) -> Guardrail:
    """A class that is rare beside the greatest."""
    if facts.spec.task is not Task.classification:
        return Guardrail("class_imbalance", note="the label is a number")
    counts = facts.class_counts
    share = counts.min() / counts.max()
    numbers = {"smallest": int(counts.min()), "greatest": int(counts.max()), "ratio": round(float(share), 4)}
    if share > IMBALANCE:
        return Guardrail("class_imbalance", numbers=numbers)
    least = min(str(name) for name in counts.index[counts == counts.min()])
    note = (
        f"class '{least}' has {numbers['ratio']:g} of the rows of the greatest, {IMBALANCE:g} or less; rows are left "
        "as they are: see automl.class_weight, and choose a metric that is not accuracy"
    )
    return Guardrail("class_imbalance", "alerted", [facts.spec.label], numbers, note)


def duplicate_rows(facts: Facts) -> Guardrail:
    """Rows that stand twice."""
    import pandas as pd

    number = int(pd.concat(facts.hashes).duplicated().sum())
    if not number:
        return Guardrail("duplicate_rows", numbers={"rows": 0})
    note = f"{number} rows are equal to an earlier one in all columns of the files but identifiers; they are kept"
    return Guardrail("duplicate_rows", "alerted", [], {"rows": number}, note)


def train_test_overlap(facts: Facts) -> Guardrail:
    """Test rows that a model has learnt from."""
    if facts.sides is None:
        return Guardrail("train_test_overlap", note=_LAST_PERIODS)
    train, test = facts.hashes
    number = int(test.isin(train).sum())
    if not number:
        return Guardrail("train_test_overlap", numbers={"rows": 0})
    note = (
        f"{number} test rows stand in training too, equal in all columns of the files but identifiers: the test scores "
        "are too good; take the duplicates out, or keep them together with dataset.group"
    )
    return Guardrail("train_test_overlap", "alerted", [], {"rows": number}, note)


def shared_groups(facts: Facts) -> Guardrail:
    """Groups that stand in training and in the test, as they may where the split is given or is asked for."""
    group = facts.spec.group
    if group is None or facts.sides is None:
        return Guardrail("shared_groups", note="no groups are declared" if group is None else _LAST_PERIODS)
    train, test = (side[group] for side in facts.sides)
    shared = test.isin(train.unique())
    numbers: dict[str, float] = {"groups": int(test[shared].nunique()), "test_rows": int(shared.sum())}
    if not numbers["test_rows"]:
        return Guardrail("shared_groups", numbers=numbers)
    note = (
        f"{numbers['test_rows']} of {len(test)} test rows are of groups that stand in training too ({numbers['groups']}"
        f" groups): the test scores say little of new groups; {_mend_of_shared(facts.spec)}"
    )
    return Guardrail("shared_groups", "alerted", [group], numbers, note)


def _mend_of_shared(spec: DatasetSpec) -> str:
    if spec.test is None:
        return "prep.split=groups keeps each group on one side"
    return "give a test of other groups in dataset.test, or none, so that prep.test_size draws whole groups"
