"""Look at whole files and say what a declaration of it would be."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keystage.core.errors import DatasetError, counted, hint, listing
from keystage.core.progress import Say
from keystage.data.columns import ColumnType
from keystage.data.look.columns import Kind, as_years
from keystage.data.look.label import label_in_numbers, require_learnable, task_of
from keystage.data.look.reading import seen_in
from keystage.data.look.seen import Seen
from keystage.data.look.taken import rows_taken
from keystage.data.look.told import alike_told
from keystage.data.look.words import mostly_dates, mostly_numbers, words_told
from keystage.data.purpose import Purpose
from keystage.data.sources.resolve import Source
from keystage.data.spec import Task

if TYPE_CHECKING:
    import pandas as pd

MAX_LISTED = 100  # columns that a declaration lists with their types; of more those whose type would not be found


@dataclass
class Look:
    """What files seem to be.

    Attributes:
        rows: of the table, or of what was looked at of it.
        columns: type by name.
        read: the settings of ``dataset.read`` that are not the usual.
        missing: texts that stand for missing cells.
        task: what may be learnt.
        drop: columns with nothing to learn from, with the reason.
        where: the condition by which rows are taken; None takes all.
        why: what was found and is not the usual, a sentence each.
        is_part: whether the files have more rows than were looked at.
        keep: the columns that can be read, where others cannot; empty where all can.
        classes: of two rows or more; None where amounts are learnt, or only a part was looked at.
        apart: of a forecast whose times come twice in a series, the columns that would tell series apart, by a comma,
            empty where no one of them does; else None.
    """

    rows: int
    columns: dict[str, ColumnType]
    read: dict[str, Any]
    missing: list[str]
    task: Task
    drop: dict[str, str]
    where: str | None = None
    why: list[str] = field(default_factory=list)
    is_part: bool = False
    keep: list[str] = field(default_factory=list)
    classes: int | None = None
    apart: str | None = None

    @property
    def extent(self) -> str:
        """How many rows were looked at, in words."""
        return f"the first {self.rows:,} rows" if self.is_part else f"{self.rows:,} rows"


def look_at(
    sources: Sequence[Source],
    label: str,
    task: Task | None,
    roles: Sequence[str] = (),
    *,
    time: str | None = None,
    has_header: bool | None = None,
    say: Say = str,
) -> Look:
    """Read some files of one form, and of large ones the first rows.

    Args:
        sources: at least one file.
        label: the column to predict.
        task: what is learnt; None goes by the label.
        roles: columns that are no features, such as the time of a forecast; they are not dropped.
        time: which of them is a time: whole numbers may be years.
        has_header: whether the first line of a text names the columns; None finds out.
        say: told what is being done.

    Raises:
        DatasetError: a file is empty or no table, a column is not there, or nothing can be learnt of the label.
    """
    seen = seen_in(sources, label, say, has_header=has_header)
    table, kinds = seen.table, seen.kinds
    _require_columns(seen, sources[0], label, roles, has_header=has_header)
    if time is not None:
        _take_years(seen, time)
    of_words = not seen.is_part and label_in_numbers(seen, label, task)
    require_learnable(table[label], kinds[label].type, task, is_part=seen.is_part)
    found, reason = task_of(table[label], kinds[label].type, task)
    where, left = (None, []) if seen.is_part else rows_taken(seen, label, found, of_words=of_words)
    if kinds[label].type is ColumnType.string:
        left += alike_told(table[label])
    unlabelled = int(table[label].isna().sum())
    why = [*seen.why, reason, *left]
    if unlabelled and not of_words:
        why.append(
            f"{counted(unlabelled, 'row has', 'rows have')} no '{label}'; a run leaves them out, and counts them"
        )
    times = {name: kind.time for name, kind in kinds.items() if kind.time}
    if times:
        seen.read["datetimes"] = times
    why += [_times_told(name, kind) for name, kind in kinds.items() if kind.time]
    columns = {name: kind.type for name, kind in kinds.items()}
    texts = [name for name, kind in columns.items() if kind is ColumnType.string and name != label]
    why += filter(None, (words_told(table[name]) for name in texts))
    say(f"looking for what there is to learn from in {len(table.columns)} columns")
    drops = _drops(table.drop(columns=[label, *roles]), is_part=seen.is_part)
    if not roles and len(drops) == len(table.columns) - 1:
        raise DatasetError(
            f"nothing is left to learn '{label}' from",
            why="; ".join(f"'{name}' is {reason}" for name, reason in drops.items()) or "it is the only column",
            fix=_fix_of_nothing(kinds),
        )
    amounts = seen.is_part or found.learnt is Task.regression
    classes = None if amounts else int((table[label].value_counts() > 1).sum())
    read, missing = seen.read, seen.missing
    apart = _apart(table, label, roles) if time is not None else None
    return Look(len(table), columns, read, missing, found, drops, where, why, seen.is_part, seen.keep, classes, apart)


def _apart(table: "pd.DataFrame", label: str, roles: Sequence[str]) -> str | None:
    """As ``Look.apart``; roles are the time and what names a series."""
    if not table.duplicated(list(roles)).any():
        return None
    others = [str(name) for name in table.columns if name not in {label, *roles}]
    found = [name for name in others if not table.duplicated([*roles, name]).any()]
    found = [name for name in found if table[name].nunique() < len(table)]  # not one that names rows
    return ",".join([*roles[1:], min(found, key=lambda name: table[name].nunique())]) if found else ""


def _fix_of_nothing(kinds: dict[str, Kind]) -> str:
    """What to do where no column is left to learn from."""
    time = next((name for name, kind in kinds.items() if kind.type is ColumnType.datetime), None)
    forecast = f"; to go by times: --task forecasting --time '{time}' --horizon PERIODS" if time else ""
    return f"add columns to the file{forecast}"


def _require_columns(seen: Seen, source: Source, label: str, roles: Sequence[str], *, has_header: bool | None) -> None:
    if odd := [str(name) for name in seen.table.columns if "${" in str(name)]:
        raise DatasetError(
            f"{source.shown} has columns whose names hold '${{': {listing(odd)}",
            why="Hydra takes what follows for the name of a setting",
            fix="give them other names in the file",
        )
    headless = seen.read.get("header") == "none" and has_header is None
    for option, name in [("--label", label), *(("a role", role) for role in roles)]:
        if name not in seen.table.columns:
            raise DatasetError(
                f"{source.shown} has no column '{name}'",
                why=f"{option} names it; it has {len(seen.table.columns)}: {listing(map(str, seen.table.columns))}",
                fix="--header, where the first line names them"
                if headless
                else hint(name, map(str, seen.table.columns)),
            )


def _take_years(seen: Seen, time: str) -> None:
    """Have a column of whole numbers that may be years, as times are asked for, as such in ``seen``."""
    years = as_years(seen.table[time], seen.kinds[time])
    if years is not None:
        seen.table[time], seen.kinds[time] = years, Kind(ColumnType.datetime, "%Y")


def _times_told(name: str, kind: Kind) -> str:
    told = f"times of '{name}' are written like {kind.time}, as all of its cells can be read"
    told += "; years of two digits are 1969 to 2068" if "%y" in str(kind.time) else ""
    return f"{told}; so can they like {kind.other}: choose" if kind.other else told


def _drops(table: "pd.DataFrame", *, is_part: bool) -> dict[str, str]:
    """Columns with nothing to learn from, by reason. What is constant in the first rows need not be so in all."""
    from keystage.data.profile import profiled

    reasons = {
        Purpose.identifier: "an identifier: nearly every value is another",
        Purpose.constant: "constant: it has one value, or none",
    }
    if is_part:
        del reasons[Purpose.constant]
    found = {profile.column: profile.purpose for profile in profiled(table)}
    numbers = {
        name
        for name, purpose in found.items()
        if purpose is Purpose.identifier and (mostly_numbers(table[name]) or mostly_dates(table[name]))
    }
    return {name: reasons[purpose] for name, purpose in found.items() if purpose in reasons and name not in numbers}
