"""The rows on which all trials of a search are fitted and scored."""

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from keystage.data.spec import Task
from keystage.data.table import Roles
from keystage.search import splitters
from keystage.search.scorable import cautions, require_learnable, require_scorable
from keystage.search.splitters import FEW_ROWS, MANY_ROWS, Fold, stratified_folds, usual_folds
from keystage.search.validation import ValidationKind, ValidationSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["Fold", "Folds", "make_folds", "stratified_folds"]
_RULE = "(automatic rule)"


@dataclass(frozen=True)
class Folds:
    """Where trials are fitted and scored.

    Attributes:
        splits: (training rows, validation rows), each by position. Validation rows may stand in several splits
            (repeats) or in none (a holdout, time).
        kind: what they are; never ``auto``.
        note: one sentence for the report.
        fit_rows: positions of the rows on which the model may be fitted in the end; None for all.
        cautions: what a person should know of scores on them.
    """

    splits: tuple[Fold, ...]
    kind: ValidationKind
    note: str
    fit_rows: "np.ndarray | None" = None
    cautions: tuple[str, ...] = ()


def make_folds(
    label: "pd.Series",
    task: Task,
    spec: ValidationSpec,
    seed: int,
    roles: Roles | None = None,
    *,
    all_classes: bool = True,
    horizon: int | None = None,
) -> Folds:
    """The splits that a search asks for.

    Args:
        label: n classes or numbers.
        task: what is learnt; classes are shared out evenly where the kind allows it.
        spec: what is asked.
        seed: equal seeds draw equal splits.
        roles: of the n rows.
        all_classes: refuse validation rows that lack a class: the metric is not defined there.
        horizon: of a forecast, the periods in each fold.

    Raises:
        SearchError: there are too few rows, groups, times or classes for it, or the split column says nothing.
    """
    import numpy as np

    roles = roles or Roles()
    fit_rows = None if roles.held_out is None else np.flatnonzero(~roles.held_out)
    if task is Task.classification:
        require_learnable(label, fit_rows, roles.weight)
    settled, why = _settled(label, task, spec, roles)
    makers: dict[ValidationKind, splitters.Splitter] = {
        ValidationKind.folds: splitters.in_folds,
        ValidationKind.holdout: splitters.holdout,
        ValidationKind.groups: splitters.by_groups,
        ValidationKind.time: partial(splitters.by_time, horizon=horizon),
        ValidationKind.column: splitters.by_column,
    }
    splits, note = makers[settled.kind](label, task, settled, seed, roles)
    note += f", drawn {settled.repeats} times" if settled.repeats > 1 else ""
    note += f": {why}" if why else ""
    require_scorable(splits, label, task, settled.kind, note, all_classes=all_classes)
    told = cautions(splits, label, task, spec, settled.kind, roles)
    return Folds(tuple(splits), settled.kind, note, fit_rows, told)


def _settled(label: "pd.Series", task: Task, spec: ValidationSpec, roles: Roles) -> tuple[ValidationSpec, str]:
    """What is asked with its kind and its number of folds, and why they are that where nobody said so."""
    if spec.kind is not ValidationKind.auto:
        return spec, ""
    if roles.fold is not None or roles.held_out is not None:
        return replace(spec, kind=ValidationKind.column), ""
    if roles.group is not None:
        return replace(spec, kind=ValidationKind.groups), ""
    if roles.time is not None:
        return replace(spec, kind=ValidationKind.time), ""
    folds, why = spec.folds, ""
    if len(label) >= MANY_ROWS:
        return replace(spec, kind=ValidationKind.holdout), f"{MANY_ROWS:,} rows or more {_RULE}"
    if folds is None:
        few = len(label) < FEW_ROWS
        folds = usual_folds(len(label))
        why = (f"fewer than {FEW_ROWS:,} rows" if few else f"{FEW_ROWS:,} to {MANY_ROWS - 1:,} rows") + f" {_RULE}"
    if task is Task.classification and (least := int(label.value_counts().min())) < folds:
        return replace(spec, kind=ValidationKind.holdout), f"a class has {least} rows, fewer than {folds} folds {_RULE}"
    return replace(spec, kind=ValidationKind.folds, folds=folds), why
