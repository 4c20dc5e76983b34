"""Which rows are for training and which are kept for the test."""

from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError
from keystage.data.spec import DatasetSpec, Task

if TYPE_CHECKING:
    import pandas as pd

MIN_ROWS_PER_CLASS = 2  # one for each side of the split
MIN_VALUES = 2  # of a number that is to be predicted


def usable_rows(table: "pd.DataFrame", spec: DatasetSpec) -> "pd.DataFrame":
    """The rows whose label is present, indexed anew.

    Raises:
        DatasetError: no row has a label, all have the same, a class has a single row, or a number is none.
    """
    present = table[table[spec.label].notna()].reset_index(drop=True)
    check = _numbers if spec.task is Task.regression else _classes
    return check(present, spec)


def _numbers(present: "pd.DataFrame", spec: DatasetSpec) -> "pd.DataFrame":
    import numpy as np
    import pandas as pd

    label = present[spec.label]
    if not pd.api.types.is_numeric_dtype(label) or pd.api.types.is_bool_dtype(label):
        raise DatasetError(
            f"label '{spec.label}' is no number, so it cannot be regressed",
            why=f"dataset.task of '{spec.name}' is regression; the label is {label.dtype}, like '{label.iloc[0]}'"
            if len(label)
            else f"dataset.task of '{spec.name}' is regression; no row has a label",
            fix="name another label in conf/dataset, or declare task: classification",
        )
    finite = np.isfinite(label.to_numpy(dtype="float64"))
    if not finite.all() or label.nunique() < MIN_VALUES:
        what = "holds infinite values" if not finite.all() else f"has {label.nunique()} different values"
        raise DatasetError(
            f"label '{spec.label}' {what}",
            why=f"dataset.task of '{spec.name}' is regression, over {len(label)} rows with a label",
            fix="correct the label's cells, name another label in conf/dataset, or add rows",
        )
    return present.astype({spec.label: "float64"})


def _classes(present: "pd.DataFrame", spec: DatasetSpec) -> "pd.DataFrame":
    if present[spec.label].dtype.kind == "f":  # whole numbers, of which some were missing
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
            f"label '{spec.label}' has {len(counts)} classes; at least 2 are needed",
            why=f"{where}; {found}",
            fix="name another label in conf/dataset, or add rows of the other class",
        )
    if counts.min() < MIN_ROWS_PER_CLASS:
        raise DatasetError(
            f"class '{counts.idxmin()}' of label '{spec.label}' has one row",
            why=f"{where}; a stratified split needs {MIN_ROWS_PER_CLASS} rows of each of the {len(counts)} classes",
            fix="add rows of that class, take it out, or declare a label with fewer classes",
        )
    return present


def split(table: "pd.DataFrame", spec: DatasetSpec, test_size: float, seed: int) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Split a table at random into (train, test), with the same share of each class, rows in their original order.

    Args:
        table: rows with a label, n x m.
        spec: names the label, whose classes are shared out evenly.
        test_size: share of the rows kept for the test, between 0 and 1.
        seed: gives the same split for the same table.

    Raises:
        DatasetError: a side would hold fewer rows than there are classes.
    """
    from sklearn.model_selection import train_test_split

    classes = table[spec.label] if spec.task is Task.classification else None
    try:
        train, test = train_test_split(table, test_size=test_size, stratify=classes, random_state=seed)
    except ValueError as error:
        raise DatasetError(
            f"{len(table)} rows cannot be split into training and test rows",
            why=str(error),
            fix="add rows, or change prep.test_size in conf/prep",
        ) from error
    return train.sort_index().reset_index(drop=True), test.sort_index().reset_index(drop=True)
