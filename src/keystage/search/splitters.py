"""One function per kind of validation: which rows trials are fitted on, and which score them.

Each takes the label (n values), the task, what is asked, the seed and the roles of the n rows, and gives the splits as
(training rows, validation rows), by position, with the beginning of a sentence on them.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from keystage.core.errors import SearchError, counted
from keystage.data.spec import Task
from keystage.data.table import Roles
from keystage.search.validation import ValidationSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Fold = tuple["np.ndarray", "np.ndarray"]
Splitter = Callable[["pd.Series", Task, ValidationSpec, int, Roles], tuple[list[Fold], str]]

# Azure ML SDK v1's rule for data of which nothing is said.
FEW_ROWS, MANY_ROWS = 1_000, 20_000
FOLDS_OF_FEW, FOLDS_OF_SOME = 10, 3
FOLDS_BY_TIME = 5
MIN_ROWS_SCORED = 2  # numbers with no spread have neither R2 nor rank
MAX_SEED = 2**32


def usual_folds(rows: int) -> int:
    """The number of folds where none is asked."""
    return FOLDS_OF_FEW if rows < FEW_ROWS else FOLDS_OF_SOME


def stratified_folds(label: "pd.Series", folds: int, seed: int) -> list[Fold]:
    """Shuffled stratified folds as (training rows, validation rows), by position.

    Raises:
        SearchError: a class has fewer rows than there are folds, so a fold would lack it.
    """
    from sklearn.model_selection import StratifiedKFold

    counts = label.value_counts()
    if counts.min() < folds:
        fewer = f"lower automl.validation.folds to {counts.min()}, or add rows of that class"
        alone = "add rows of that class, leave it out (dataset.rows.where), or automl.validation.kind=holdout with a "
        raise SearchError(
            f"class '{counts.idxmin()}' has {counts.min()} training rows, fewer than the {folds} folds",
            why="each fold needs a row of each class to be scored",
            fix=fewer if counts.min() > 1 else f"{alone}metric that needs no row of each class: automl.metric=log_loss",
        )
    splitter = StratifiedKFold(n_splits=folds, shuffle=True, random_state=seed)
    return list(splitter.split(label.to_frame(), label))


def _seeds(spec: ValidationSpec, seed: int) -> Iterator[int]:
    """One per repetition, the first of them the seed itself."""
    return ((seed + number) % MAX_SEED for number in range(spec.repeats))


def in_folds(label: "pd.Series", task: Task, spec: ValidationSpec, seed: int, _roles: Roles) -> tuple[list[Fold], str]:
    """Parts of equal size, each scored once; of classes, each with its share."""
    from sklearn.model_selection import KFold

    folds = spec.folds or usual_folds(len(label))
    note = f"{folds} folds"
    if task is Task.classification:
        return [fold for one in _seeds(spec, seed) for fold in stratified_folds(label, folds, one)], note
    if len(label) < MIN_ROWS_SCORED * folds:
        raise SearchError(
            f"{len(label)} training rows are too few for {folds} folds",
            why="each fold needs two rows or more to be scored",
            fix="add rows" if folds == 2 else "lower automl.validation.folds, or add rows",
        )
    splitters = [KFold(n_splits=folds, shuffle=True, random_state=one) for one in _seeds(spec, seed)]
    return [fold for splitter in splitters for fold in splitter.split(label.to_frame())], note


def holdout(label: "pd.Series", task: Task, spec: ValidationSpec, seed: int, roles: Roles) -> tuple[list[Fold], str]:
    """A share of the rows; of each class, or of the groups, where there are some."""
    import numpy as np
    from sklearn.model_selection import GroupShuffleSplit

    if roles.group is not None:
        _require_groups(roles.group, 2)
        drawn = (GroupShuffleSplit(n_splits=1, test_size=spec.share, random_state=one) for one in _seeds(spec, seed))
        splits = [next(splitter.split(label.to_frame(), groups=roles.group)) for splitter in drawn]
        return splits, f"{spec.share:.0%} of the groups held out"
    splits = []
    strata = label.to_numpy() if task is Task.classification else np.zeros(len(label))
    for one in _seeds(spec, seed):
        draw = np.random.default_rng(one)
        valid = np.concatenate([_some(draw.permutation(rows), spec.share) for rows in _rows_by_value(strata)])
        splits.append((np.setdiff1d(np.arange(len(label)), valid), np.sort(valid)))
    return splits, f"{spec.share:.0%} of the rows held out"


def _rows_by_value(values: "np.ndarray") -> "list[np.ndarray]":
    import numpy as np

    return [np.flatnonzero(values == value) for value in np.unique(values)]


def _some(rows: "np.ndarray", share: float) -> "np.ndarray":
    """A share of the rows, one at least, but not all."""
    return rows[: min(max(1, round(share * len(rows))), len(rows) - 1)]


def by_groups(label: "pd.Series", task: Task, spec: ValidationSpec, seed: int, roles: Roles) -> tuple[list[Fold], str]:
    """Folds of whole groups; of classes, with their shares as near as groups allow."""
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    group = _needed(roles.group, "group", spec)
    count = group.nunique()
    folds = spec.folds or max(2, min(usual_folds(len(label)), count))
    _require_groups(group, folds)
    kind = StratifiedGroupKFold if task is Task.classification else GroupKFold
    splits = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of classes with few rows; whether each side has all is checked
        for one in _seeds(spec, seed):
            try:
                splits += list(
                    kind(n_splits=folds, shuffle=True, random_state=one).split(label.to_frame(), label, group)
                )
            except ValueError as error:
                raise SearchError(
                    f"{folds} folds of groups cannot be made",
                    why=str(error),
                    fix="lower automl.validation.folds, or add rows",
                ) from error
    return splits, f"{folds} folds that part none of {count} groups"


def _require_groups(group: "pd.Series", folds: int) -> None:
    count = group.nunique()
    if count < folds:
        raise SearchError(
            f"the training rows are of {counted(count, 'group', 'groups')}, fewer than the {folds} folds",
            why="the rows of a group stand together in one fold (dataset.group)",
            fix=f"lower automl.validation.folds to {count}" if count > 1 else "name another column in dataset.group",
        )


def by_time(
    _label: "pd.Series", _task: Task, spec: ValidationSpec, _seed: int, roles: Roles, horizon: int | None = None
) -> tuple[list[Fold], str]:
    """Blocks of times, each predicted from all that was before; rows of one time stay together.

    Of a forecast each block is as long as the ``horizon``; else as what the first is predicted from.
    """
    import numpy as np

    times, codes = np.unique(_needed(roles.time, "time", spec).to_numpy(), return_inverse=True)
    if horizon:
        # A fold of one row has no rank or R2; with two, each is still predicted from what was known a horizon before.
        size = max(horizon, MIN_ROWS_SCORED) if len(times) == len(codes) else horizon
        folds = spec.folds or max(1, min(FOLDS_BY_TIME, len(times) // size - 1))
        fit = len(times) > size * folds
    else:
        folds = spec.folds or max(1, min(FOLDS_BY_TIME, len(times) - 1))
        size = len(times) // (folds + 1)
        fit = size > 0
    if not fit:
        raise SearchError(
            f"the training rows have {len(times)} different times, too few for {folds} folds"
            + (f" of {size} periods" if horizon else ""),
            why="each fold needs times of its own, and one before them to learn from (dataset.time)",
            fix="lower automl.validation.folds" + (" or dataset.forecast.horizon" if horizon else "") + ", or add rows",
        )
    starts = [len(times) - size * number for number in range(folds, 0, -1)]
    splits = [
        (np.flatnonzero(codes < first), np.flatnonzero((codes >= first) & (codes < first + size))) for first in starts
    ]
    told = f"{folds} {'folds' if folds > 1 else 'fold'}" + (f" of {size} periods" if horizon else "")
    return splits, f"{told}, each later than the rows it is predicted from"


def by_column(
    label: "pd.Series", _task: Task, spec: ValidationSpec, _seed: int, roles: Roles
) -> tuple[list[Fold], str]:
    """What the table itself says: the rows of each fold's number, or those of the validation files."""
    import numpy as np

    if roles.held_out is not None:
        number, told = np.where(roles.held_out, 0, -1), "rows of dataset.validation_files"
    else:
        number, told = _needed(roles.fold, "fold", spec).to_numpy(), "rows that the split column names"
    splits = [(np.flatnonzero(number != one), np.flatnonzero(number == one)) for one in np.unique(number[number >= 0])]
    if not splits or not all(len(train) for train, _ in splits):
        raise SearchError(
            "no training row is for validation" if not splits else "all training rows are for validation",
            why=f"dataset.fold, or dataset.validation_files, says so of each of {len(label)} rows left of the test",
            fix="mark some rows, not all, as validation, or give two folds or more; docs/validation.md says how",
        )
    count = sum(len(valid) for _, valid in splits)
    return splits, f"{count} {told}" + (f", in {len(splits)} folds" if len(splits) > 1 else "")


def _needed(role: "pd.Series | None", name: str, spec: ValidationSpec) -> "pd.Series":
    if role is None:
        raise SearchError(
            f"the prepared table has no {name} column",
            why=f"automl.validation.kind is {spec.kind.value}",
            fix=f"name the column in conf/dataset (dataset.{name}), or take kind=auto",
        )
    return role
