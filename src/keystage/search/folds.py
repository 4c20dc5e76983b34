"""The folds on which all trials of a search are scored."""

from typing import TYPE_CHECKING

from keystage.core.errors import SearchError
from keystage.data.spec import Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Fold = tuple["np.ndarray", "np.ndarray"]


def make_folds(label: "pd.Series", task: Task, folds: int, seed: int) -> list[Fold]:
    """Shuffled folds as (training rows, validation rows), by position; stratified where the label is a class.

    Raises:
        SearchError: a class, or the table, has fewer rows than there are folds.
    """
    if task is Task.classification:
        return stratified_folds(label, folds, seed)

    from sklearn.model_selection import KFold

    if len(label) < 2 * folds:
        raise SearchError(
            f"{len(label)} training rows are too few for {folds} folds",
            why="each fold needs two rows or more to be scored",
            fix="lower automl.folds, or add rows",
        )
    return list(KFold(n_splits=folds, shuffle=True, random_state=seed).split(label.to_frame()))


def stratified_folds(label: "pd.Series", folds: int, seed: int) -> list[Fold]:
    """Shuffled stratified folds as (training rows, validation rows), by position.

    Raises:
        SearchError: a class has fewer rows than there are folds, so a fold would lack it.
    """
    from sklearn.model_selection import StratifiedKFold

    counts = label.value_counts()
    if counts.min() < folds:
        raise SearchError(
            f"class '{counts.idxmin()}' has {counts.min()} training rows, fewer than the {folds} folds",
            why="each fold needs a row of each class to be scored",
            fix=f"lower automl.folds to {max(2, int(counts.min()))}, or add rows of that class",
        )
    splitter = StratifiedKFold(n_splits=folds, shuffle=True, random_state=seed)
    return list(splitter.split(label.to_frame(), label))
