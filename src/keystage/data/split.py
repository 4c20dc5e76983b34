"""Which rows are for training and which are kept for the test."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError, counted, listing
from keystage.data.columns import ColumnType, declared_type
from keystage.data.roles import HELD_OUT, TESTED, mark_parts, roles_of
from keystage.data.sources.expression import without_values
from keystage.data.spec import DatasetSpec, SplitKind, Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MIN_ROWS_PER_CLASS = 2  # one for each side of the split
MIN_ROWS_SCORED = 2  # of numbers: of fewer there is no R2
MIN_VALUES = 2  # of a number that is to be predicted


def usable_rows(table: "pd.DataFrame", spec: DatasetSpec) -> "pd.DataFrame":
    """The rows whose label is present, indexed anew.

    Raises:
        DatasetError: no row has a label, all have the same, a class has a single row, or a number is none.
    """
    present = table[table[spec.label].notna()].reset_index(drop=True)
    check = _numbers if spec.task.learnt is Task.regression else _classes
    return check(present, spec)


def _numbers(present: "pd.DataFrame", spec: DatasetSpec) -> "pd.DataFrame":
    import numpy as np
    import pandas as pd

    label = present[spec.label]
    if not pd.api.types.is_numeric_dtype(label) or pd.api.types.is_bool_dtype(label):
        raise DatasetError(
            f"label '{spec.label}' is no number, so it cannot be regressed",
            why=f"dataset.task of '{spec.name}' is {spec.task.value}; "
            + (f"the label is {label.dtype}, like '{label.iloc[0]}'" if len(label) else "no row has a label"),
            fix="name another label in conf/dataset, name texts for missing cells in dataset.missing, or declare task: "
            "classification",
        )
    if infinite := int(np.isinf(label.to_numpy(dtype="float64")).sum()):
        raise infinite_label(spec, infinite)
    if label.nunique() < MIN_VALUES:
        raise DatasetError(
            f"label '{spec.label}' has {label.nunique()} different values",
            why=f"dataset.task of '{spec.name}' is {spec.task.value}, over {len(label)} rows with a label",
            fix="correct the label's cells, name another label in conf/dataset, or add rows",
        )
    return present.astype({spec.label: "float64"})


def infinite_label(spec: DatasetSpec, count: int) -> DatasetError:
    """What to say of a number that is to be predicted, of which so many cells are infinite."""
    return DatasetError(
        f"label '{spec.label}' holds infinite values",
        why=f"dataset.task of '{spec.name}' is {spec.task.value}, and infinite: {counted(count, 'cell', 'cells')}",
        fix="correct them, or leave their rows out, in conf/dataset: "
        f'rows: {{where: "`{spec.label}`.between(-1e308, 1e308)"}}',
    )


def _classes(present: "pd.DataFrame", spec: DatasetSpec) -> "pd.DataFrame":
    if declared_type(spec.columns, spec.label) is ColumnType.boolean:
        present = present.astype({spec.label: "bool"})  # 1 and 0, where some were missing
    elif present[spec.label].dtype.kind == "f":  # whole numbers, of which some were missing
        if (present[spec.label] % 1 != 0).any():
            raise DatasetError(
                f"label '{spec.label}' holds fractions, so it is no label of classes",
                why=f"dataset.task of '{spec.name}' is classification; {present[spec.label].nunique()} values differ",
                fix="declare task: regression in conf/dataset, or group the values into classes in the files",
            )
        present = present.astype({spec.label: "int64"})
    counts = present[spec.label].value_counts()
    where = f"dataset.label of '{spec.name}' is '{spec.label}'"
    if len(counts) < 2:
        found = f"all {len(present)} rows with a label are '{counts.index[0]}'" if len(counts) else "no row has one"
        raise DatasetError(
            f"label '{spec.label}' has {'one class' if len(counts) else 'no class'}; at least 2 are needed",
            why=f"{where}; {found}",
            fix="name another label in conf/dataset, or add rows of the other class",
        )
    if counts.min() < MIN_ROWS_PER_CLASS:
        lone = counts.index[counts < MIN_ROWS_PER_CLASS].tolist()
        named = listing(f"'{value}'" for value in lone)
        condition = without_values(spec.label, lone) if len(counts) - len(lone) > 1 else None
        raise DatasetError(
            f"class {named} of label '{spec.label}' has one row"
            if len(lone) == 1
            else f"classes {named} of label '{spec.label}' have one row each",
            why=f"{where}; a stratified split needs {MIN_ROWS_PER_CLASS} rows of each of the {len(counts)} classes",
            fix="add rows, declare a label with fewer classes, or leave these rows out"
            + (f' in conf/dataset: rows: {{where: "{condition}"}}' if condition else ""),
        )
    return present


GIVEN = "given"  # how a dataset is split that says itself which rows are the test


def split_kind(spec: DatasetSpec, kind: SplitKind) -> SplitKind:
    """How a dataset is split that does not say itself which rows are tested: as asked, or as its roles say."""
    if kind is not SplitKind.auto:
        return kind
    if spec.group is not None:
        return SplitKind.groups
    return SplitKind.time if spec.time is not None else SplitKind.random


def split(
    table: "pd.DataFrame", spec: DatasetSpec, test_size: float | None, seed: int, kind: SplitKind = SplitKind.auto
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Split a table into (train, test), rows in their original order.

    At random, with the same share of each class; or by groups, of which none stands on both sides; or by time, where
    the latest rows are the test, and rows of one time stay together; or as ``dataset.test`` says. Rows for validation
    are never tested: they follow the training rows.

    Args:
        table: rows with a label, n x m.
        spec: names the label, whose classes are shared out evenly, and the roles.
        test_size: share of the rows, or of the groups, kept for the test, between 0 and 1; null where rows are given.
        seed: gives the same split for the same table.
        kind: how; ``auto`` is by the dataset's roles.

    Raises:
        DatasetError: a side would hold no rows, fewer than there are classes, or not all classes.
    """
    import pandas as pd

    roles_of(table, spec)  # refuses bad cells before they are scattered
    table = mark_parts(table, spec)
    held_out = table[table[HELD_OUT]] if HELD_OUT in table else table.head(0)
    own = table.drop(index=held_out.index) if len(held_out) else table
    try:
        test = (
            _given(own, spec) if spec.test is not None else _drawn(own, spec, test_size, seed, split_kind(spec, kind))
        )
    except ValueError as error:
        mend = _mend(own, spec, test_size) if spec.test is None else "correct dataset.test"
        raise DatasetError(
            f"{counted(len(own), 'row', 'rows')} cannot be split into training and test rows",
            why=str(error),
            fix=f"add rows, or {mend}",
        ) from error
    train = pd.concat([own[~test], held_out]) if len(held_out) else own[~test]
    return train.reset_index(drop=True), own[test].reset_index(drop=True)


def _mend(table: "pd.DataFrame", spec: DatasetSpec, test_size: float | None) -> str:
    """What to change where rows cannot be drawn: the share, where it has no room for a row of each class."""
    classes = table[spec.label].nunique() if spec.task is Task.classification else 0
    least = math.ceil(100 * (classes or MIN_ROWS_SCORED) / len(table)) / 100
    if test_size is not None and test_size < least < 1:
        holds = f"a row of each of {classes} classes" if classes else f"{MIN_ROWS_SCORED} rows"
        return f"set prep.test_size={least:g}: the test has {holds} then"
    return "change prep.test_size or prep.split in conf/prep"


def _given(table: "pd.DataFrame", spec: DatasetSpec) -> "np.ndarray":
    """Which rows are for the test: n booleans; as the next ones."""
    chosen: np.ndarray = table[TESTED].to_numpy()
    if chosen.all() or not chosen.any():
        raise ValueError(f"dataset.test leaves no row for {'training' if chosen.all() else 'the test'}")
    return _with_all_classes(chosen, table, spec, "dataset.test gives the test rows")


def _drawn(
    table: "pd.DataFrame", spec: DatasetSpec, test_size: float | None, seed: int, how: SplitKind
) -> "np.ndarray":
    assert test_size is not None
    if how is SplitKind.groups:
        return _by_groups(table, spec, test_size, seed)
    return _by_time(table, spec, test_size) if how is SplitKind.time else _at_random(table, spec, test_size, seed)


def _at_random(table: "pd.DataFrame", spec: DatasetSpec, test_size: float, seed: int) -> "np.ndarray":
    import numpy as np
    from sklearn.model_selection import train_test_split

    classes = table[spec.label] if spec.task is Task.classification else None
    _, test = train_test_split(np.arange(len(table)), test_size=test_size, stratify=classes, random_state=seed)
    if classes is None and len(test) < MIN_ROWS_SCORED:
        raise ValueError(f"the test would have one row, and R2 is of {MIN_ROWS_SCORED} rows or more")
    return _chosen(test, table)


def _by_groups(table: "pd.DataFrame", spec: DatasetSpec, test_size: float, seed: int) -> "np.ndarray":
    from sklearn.model_selection import GroupShuffleSplit

    group = roles_of(table, spec).group
    assert group is not None
    if group.nunique() == 1:
        raise ValueError(f"all rows are of one group: '{spec.group}', which dataset.group names, is '{group.iloc[0]}'")
    splitter = GroupShuffleSplit(n_splits=1, test_size=test_size, random_state=seed)
    chosen = _chosen(next(splitter.split(table, groups=group))[1], table)
    return _with_all_classes(chosen, table, spec, f"{group.nunique()} groups of '{spec.group}' hold them")


def _by_time(table: "pd.DataFrame", spec: DatasetSpec, test_size: float) -> "np.ndarray":
    time = roles_of(table, spec).time
    assert time is not None
    ordered = time.sort_values(ignore_index=True)
    first = ordered[len(ordered) - max(1, round(test_size * len(ordered)))]  # rows of this time go to the test, all
    chosen: np.ndarray = (time >= first).to_numpy()
    if chosen.all():
        raise ValueError(f"the test would take all rows: {int((time == first).sum())} are of the first time, '{first}'")
    return _with_all_classes(chosen, table, spec, f"the test rows begin at {spec.time} '{first}'")


def _with_all_classes(chosen: "np.ndarray", table: "pd.DataFrame", spec: DatasetSpec, why: str) -> "np.ndarray":
    """Refuse test rows of classes that no training row has: a model would not know them."""
    if spec.task is Task.classification:
        new = sorted(set(table[spec.label][chosen]) - set(table[spec.label][~chosen]), key=str)
        if new:
            raise ValueError(f"no training row would be of class '{new[0]}'; {why}")
    return chosen


def _chosen(positions: Sequence[int], table: "pd.DataFrame") -> "np.ndarray":
    import numpy as np

    chosen = np.zeros(len(table), dtype="bool")
    chosen[positions] = True
    return chosen
