"""What may be learnt of a label: classes or amounts, of which a few cells may be words."""

from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError, counted, listing
from keystage.data.columns import ColumnType
from keystage.data.look.columns import MANY_CLASSES, NUMBERS, are_classes, kind_of, typed
from keystage.data.look.seen import Seen
from keystage.data.look.words import HALF, mostly_numbers, not_plain
from keystage.data.spec import Task

if TYPE_CHECKING:
    import pandas as pd


def label_in_numbers(seen: Seen, label: str, task: Task | None) -> bool:
    """Take a label of plain numbers, but for few cells, as numbers: these cells are missing in ``seen`` then.

    Args:
        seen: what the files hold; changed where the label becomes numbers.
        label: its name.
        task: what was asked for.
    """
    cells = seen.table[label].dropna().astype("str").str.strip()
    if seen.kinds[label].type is not ColumnType.string or task is Task.classification:
        return False
    written = cells.str.fullmatch(seen.marks.pattern.pattern)
    kind = kind_of(cells[written].unique(), seen.marks)
    if not len(cells) or written.mean() < HALF or kind.type not in NUMBERS:
        return False
    if task is None and are_classes(typed(cells[written], kind, seen.marks, [])):
        return False
    words = cells[~written]
    seen.kinds[label], seen.table[label] = kind, typed(seen.table[label], kind, seen.marks, seen.missing)
    have = counted(len(words), "cell", "cells")
    seen.why.append(
        f"{have} of '{label}' {'is no number' if len(words) == 1 else 'are no numbers'}: "
        f"{listing(map(repr, words.unique()))}; without a label, their rows are left out"
    )
    return True


def require_learnable(label: "pd.Series", kind: ColumnType, asked: Task | None, *, is_part: bool) -> None:
    """Refuse a label that has one value, or whose cells suit no task, or not the one that was asked for."""
    distinct = int(label.nunique())
    name = label.name
    if distinct < 2:
        raise DatasetError(
            f"there is nothing to learn about '{name}'",
            why=f"it has {distinct or 'no'} value in {'the first ' if is_part else ''}{len(label):,} rows",
            fix="--label: name the column that is to be predicted"
            + ("; where later rows hold more, declare it by hand: docs/your-own-table.md" if is_part else ""),
        )
    if kind is ColumnType.datetime:
        raise DatasetError(
            f"'{name}' cannot be the label",
            why="its cells are times, which are neither classes nor amounts",
            fix=f"--label: name another column; to go by these times: --task forecasting --time '{name}' "
            "--horizon PERIODS, and --label what is forecast",
        )
    if asked is not None and asked.learnt is Task.regression and kind not in NUMBERS:
        raise DatasetError(
            f"'{name}' cannot be the label of {asked.value}",
            why=f"its cells are of type {kind.value}, not numbers, like '{_odd(label)}'",
            fix="write plain numbers in the file"
            if mostly_numbers(label)
            else "--task classification, or another --label",
        )
    if asked is Task.classification and not _is_whole(label, kind):
        raise DatasetError(
            f"'{name}' cannot be the label of classification", why="it holds fractions", fix="--task regression"
        )


def task_of(label: "pd.Series", kind: ColumnType, asked: Task | None) -> tuple[Task, str]:
    """What is learnt of the label, and why.

    Raises:
        DatasetError: of its texts each would be a class.
    """
    if asked is not None:
        return asked, f"task {asked.value}, as asked"
    name, distinct, whole, numbers = label.name, int(label.nunique()), _is_whole(label, kind), kind in NUMBERS
    values = f"'{name}' has {distinct} different values"
    if not numbers and distinct > MANY_CLASSES and mostly_numbers(label):
        raise DatasetError(
            f"'{name}' holds numbers, of which some are not plain, like '{_odd(label)}'",
            why=f"{values}; of texts each would be a class of its own",
            fix=f"write plain numbers in the file; of texts all the same: --task {Task.classification.value}",
        )
    if not numbers:
        return Task.classification, f"task classification: {values}, which are no numbers"
    if are_classes(label):
        return Task.classification, f"task classification: {values}, all of them whole" if whole else (
            f"task classification: {values}"
        )
    return Task.regression, f"task regression: {values}, which are numbers"


def _is_whole(label: "pd.Series", kind: ColumnType) -> bool:
    return kind not in NUMBERS or bool((label.dropna() % 1 == 0).all())


def _odd(label: "pd.Series") -> str:
    """The first cell that is no plain number, or the first of all."""
    odd = not_plain(label)
    return str(odd.iloc[0] if len(odd) else label.dropna().iloc[0]).strip()
