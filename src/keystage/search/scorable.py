"""Whether trials can be scored on splits as they are, and what a person should know of such scores."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from keystage.core.errors import SearchError, counted, listing
from keystage.data.sources.expression import without_values
from keystage.data.spec import Task
from keystage.data.table import Roles
from keystage.search.splitters import MIN_ROWS_SCORED, Fold
from keystage.search.validation import ValidationKind, ValidationSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MIN_CLASSES = 2  # of the rows that a learner is fitted on
FEW_SCORED = 30  # of so many rows, an accuracy of 0.8 is known to about 0.15, twice its standard error


def require_scorable(
    splits: Sequence[Fold], label: "pd.Series", task: Task, kind: ValidationKind, note: str, *, all_classes: bool
) -> None:
    """Each side of each split has the rows, and the classes, that fitting and scoring need.

    Args:
        splits: training and validation rows, by position.
        label: n classes or numbers.
        task: what is learnt.
        kind: of the splits; never ``auto``.
        note: what the splits are.
        all_classes: refuse validation rows that lack a class: the metric is not defined there.

    Raises:
        SearchError: one does not.
    """
    values = label.to_numpy()
    for number, (train, valid) in enumerate(splits, start=1):
        if task is not Task.classification:
            if min(len(train), len(valid)) < MIN_ROWS_SCORED:
                raise _too_few(f"split {number} has {len(train)} rows to fit and {len(valid)} to score", kind, note)
            continue
        absent = sorted(set(values) - set(values[valid]), key=str)
        if absent and all_classes:
            raise SearchError(
                f"split {number} has no row of class '{absent[0]}' to score",
                why=f"trials are to be scored on {note}",
                fix="search for a metric that needs no row of each class (automl.metric=log_loss), "
                f"{_other_splits(kind)}, or leave out classes of few rows (dataset.rows.where)",
            )
        if len(set(values[train])) < MIN_CLASSES:
            raise _too_few(f"split {number} has rows of one class only to fit", kind, note)


def _too_few(what: str, kind: ValidationKind, note: str) -> SearchError:
    other = _other_splits(kind)
    return SearchError(what, why=f"trials are to be scored on {note}", fix=f"{other}, or add rows")


def _other_splits(kind: ValidationKind) -> str:
    if kind is ValidationKind.column:
        return "mark other rows in dataset.fold, or give other dataset.validation_files"
    if kind is ValidationKind.holdout:
        return "take another automl.validation.share or kind"
    return "take fewer automl.validation.folds or another kind"


def require_learnable(label: "pd.Series", fit_rows: "np.ndarray | None", weight: "pd.Series | None") -> None:
    """Each class stands in a row that counts for a fit.

    Args:
        label: n classes.
        fit_rows: positions of the rows on which the model may be fitted in the end; None for all.
        weight: n given weights; None where each row counts once.

    Raises:
        SearchError: classes stand only in validation rows that are given, or in rows that weigh nothing.
    """
    import numpy as np

    fitted = np.ones(len(label), dtype="bool") if fit_rows is None else np.isin(np.arange(len(label)), fit_rows)
    counts = fitted if weight is None else fitted & (weight.to_numpy() > 0)
    unknown = ~label.isin(label[counts].unique()).to_numpy()
    if not unknown.any():
        return
    classes = sorted(label[unknown].unique().tolist(), key=str)
    named = listing(f"'{value}'" for value in classes)
    held_out, light = int((unknown & ~fitted).sum()), int((unknown & fitted).sum())
    whys = [
        f"{counted(held_out, 'row of it is', 'rows of it are')} of dataset.validation_files, where nothing is fitted",
        f"{counted(light, 'row of it has', 'rows of it have')} the weight 0 (dataset.weight)",
    ]
    condition = without_values(str(label.name), classes)
    raise SearchError(
        f"no row that a model is fitted on is of class {named}",
        why=" and ".join(why for why, number in zip(whys, (held_out, light), strict=True) if number),
        fix="add rows of it to dataset.files, or leave it out"
        + (f' in conf/dataset: rows: {{where: "{condition}"}}' if condition else " (dataset.rows.where)"),
    )


def cautions(
    splits: Sequence[Fold],
    label: "pd.Series",
    task: Task,
    asked: ValidationSpec,
    kind: ValidationKind,
    roles: Roles,
) -> tuple[str, ...]:
    """What makes scores on the splits better, or chancier, than they look; and settings that were of no use.

    Args:
        splits: training and validation rows, by position.
        label: n classes or numbers.
        task: what is learnt.
        asked: what conf/automl says.
        kind: what came of it; never ``auto``.
        roles: of the n rows.
    """
    told = [*_of_groups(splits, kind, roles), *_of_times(asked, roles), *_of_few(splits, kind)]
    if task is Task.classification:
        told += _of_unknown_classes(splits, label)
    if asked.share != ValidationSpec().share and asked.kind not in {ValidationKind.auto, ValidationKind.holdout}:
        told.append(f"automl.validation.share={asked.share} is not used: kind={asked.kind.value} holds out no share")
    return tuple(told)


def _of_groups(splits: Sequence[Fold], kind: ValidationKind, roles: Roles) -> Iterator[str]:
    if roles.group is None:
        return
    values = roles.group.to_numpy()
    both = set().union(*(set(values[train]) & set(values[valid]) for train, valid in splits))
    if both:
        mend = "give each group to one side" if kind is ValidationKind.column else "kind=groups keeps them together"
        yield (
            f"rows of {counted(len(both), 'group', 'groups')} of dataset.group are fitted on and scored in one split, "
            f"so scores may be too good: automl.validation.kind={kind.value} does not look at groups; {mend}"
        )


def _of_times(asked: ValidationSpec, roles: Roles) -> Iterator[str]:
    if roles.time is not None and asked.kind in {ValidationKind.folds, ValidationKind.holdout, ValidationKind.groups}:
        yield (
            "rows are scored that are earlier than rows that are fitted on, so scores may be too good: "
            f"automl.validation.kind={asked.kind.value} does not look at dataset.time; kind=time does"
        )


def _of_few(splits: Sequence[Fold], kind: ValidationKind) -> Iterator[str]:
    import numpy as np

    scored = len(np.unique(np.concatenate([valid for _, valid in splits])))
    if scored < FEW_SCORED:
        mend = "raise automl.validation.share or repeats" if kind is ValidationKind.holdout else "score more rows"
        yield f"trials are scored on {scored} rows only, so which is best is mostly chance: {mend}"


def _of_unknown_classes(splits: Sequence[Fold], label: "pd.Series") -> Iterator[str]:
    values = label.to_numpy()
    unknown = [set(values[valid]) - set(values[train]) for train, valid in splits]
    if classes := sorted(set().union(*unknown), key=str):
        count = sum(map(bool, unknown))
        yield (
            f"in {count} of {counted(len(splits), 'split', 'splits')}, rows are scored of classes that no row fitted "
            f"on has ({listing(map(str, classes))}): all trials are wrong on them, and log loss is mostly of them"
        )
