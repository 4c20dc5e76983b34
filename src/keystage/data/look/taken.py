"""Which rows a declaration takes: without those it leaves out, columns are what nearly all of their cells are."""

import math
from typing import TYPE_CHECKING, Any

from keystage.core.errors import counted, listing
from keystage.data.columns import ColumnType
from keystage.data.look.columns import NUMBERS, kind_of, typed
from keystage.data.look.seen import Seen
from keystage.data.sources.expression import named, without_values
from keystage.data.spec import Task

if TYPE_CHECKING:
    import pandas as pd

_CLOSE = 1e-3  # share by which a rounded sum may be another
_FEW = 0.2  # of the rows, which may be sums of parts of them
_LIKE_SUMS = r"(?:grand |sub|sous-|zwischen)?(?:total|totaux|summe|gesamt|insgesamt|somme|totale|totaal|suma)\b"
_LAST = 5  # rows, among which sums of the others stand
_TOTALS = {
    "total", "totals", "grand total", "sum", "summe", "gesamt", "gesamtsumme", "insgesamt", "somme", "total général",
    "total general", "totale", "totaal", "suma", "soma", "razem", "итого", "всего", "合计", "总计", "合計",
}  # fmt: skip


def rows_taken(seen: Seen, label: str, task: Task, *, of_words: bool) -> tuple[str | None, list[str]]:
    """The condition by which rows are taken, and sentences about those that are not; None takes all.

    Left out are classes of one row, which cannot stand in training and test; a row of sums at the end; and rows without
    a label, where columns would be texts by their cells alone. Such columns of ``seen`` become numbers or times.

    Args:
        seen: what the files hold, all of their rows.
        label: its name.
        task: what is learnt.
        of_words: whether cells of the label are no numbers, though it is declared so.
    """
    table = seen.table
    taken = table[label].notna()
    conditions, told, fixed = [], [], {label}
    if task.learnt is Task.classification:
        lone = _lone(table[label])
        rest = table[label].nunique() - len(lone)
        where = without_values(label, lone) if lone and rest > 1 else None
        if lone:
            left = "left out, as a" if where else "a"
            few = f"{counted(len(lone), 'class', 'classes')} of '{label}' with one row: {listing(map(str, lone))}"
            told.append(f"{few}; {left} split for a test needs two")
        if where:
            conditions.append(where)
            taken &= ~table[label].isin(lone)
    for name, total in _totals(seen).items():
        if (where := without_values(name, [total])) and name not in fixed:
            conditions.append(where)
            fixed.add(name)
            taken &= table[name] != total
            told.append(f"the row of '{name}' {total!r} at the end is left out: it is a sum of others, or lacks cells")
    told += _sums_told(seen, taken)
    settled = [name for name in map(str, table.columns) if name not in fixed and _settle(seen, name, taken)]
    if settled:
        told.append(f"{listing(map(repr, settled))} would be texts, but for rows that are left out")
    if of_words or (settled and table[label].isna().any()):
        conditions.append(f"{named(label)}.notna()")
    return " and ".join(conditions) or None, told


def _lone(label: "pd.Series") -> list[int | str]:
    """Classes of one row."""
    counts = label.value_counts()
    lone = counts.index[counts == 1]
    return [str(value) if isinstance(value, str) else int(value) for value in lone]


def _totals(seen: Seen) -> dict[str, str]:
    """By column of texts, the one that says that its row, one of the last, is a sum; and it is one, or lacks cells."""
    found = {}
    for name, kind in seen.kinds.items():
        if kind.type is not ColumnType.string:
            continue
        last = seen.table[name].tail(_LAST).dropna()
        for place, word in last[last.str.strip(" :.").str.lower().isin(_TOTALS)].items():
            if (seen.table[name] == word).sum() == 1 and _is_sum(seen, place):
                found[name] = str(word)
    return found


def _is_sum(seen: Seen, place: Any) -> bool:
    """Whether a number is the sum of its column, or half of it; or a cell is missing where no other row's is."""
    row, others = seen.table.loc[place], seen.table.drop(index=place)
    if (row.isna() & others.notna().all()).any():
        return True
    numbers = [name for name, kind in seen.kinds.items() if kind.type in NUMBERS and row[name]]
    return any(
        math.isclose(row[name] * times, others[name].sum(), rel_tol=_CLOSE) for name in numbers for times in (1, 2)
    )


def _sums_told(seen: Seen, taken: "pd.Series") -> list[str]:
    """Texts of few rows that begin with a word for sums, a sentence for each column that has such."""
    told = []
    for name in [name for name, kind in seen.kinds.items() if kind.type is ColumnType.string]:
        cells = seen.table.loc[taken, name].dropna()
        sums = cells[cells.str.strip().str.lower().str.match(_LIKE_SUMS)]
        if 0 < len(sums) <= max(1, _FEW * len(cells)):
            rows = counted(len(sums), "row is", "rows are")
            told.append(
                f"{rows} called {listing(map(repr, sums.unique()))} in '{name}': if sums, leave them out, by rows.where"
            )
    return told


def _settle(seen: Seen, name: str, taken: "pd.Series") -> bool:
    """Make a column of texts what its cells are in the rows that are taken, where it is something else by others."""
    column = seen.table[name]
    if seen.kinds[name].type is not ColumnType.string or not column[~taken].notna().any():
        return False
    kind = kind_of(column[taken].dropna().str.strip().unique(), seen.marks)
    if kind.type is ColumnType.string:
        return False
    seen.kinds[name], seen.table[name] = kind, typed(column, kind, seen.marks, seen.missing)
    return True
