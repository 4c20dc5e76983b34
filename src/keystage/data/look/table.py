"""Look at a whole file and say what a declaration of it would be."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystage.core.errors import DatasetError, hint, listing
from keystage.data.columns import ColumnType
from keystage.data.look.columns import Kind, Marks, cells_by_column, kind_of, marks_of, missing_in
from keystage.data.look.text import TextForm, text_form
from keystage.data.purpose import Purpose
from keystage.data.spec import Task

if TYPE_CHECKING:
    import pandas as pd

PARQUET = (".parquet", ".pq")
MOSTLY = 0.9  # of the cells
# A number with marks of thousands, and with a sign of money or percent: $1,234.56, 12,5 %, EUR 300.
_SIGN = r"(?:[$€£¥%]|[A-Z]{3})?"
_NUMBER_IN_WORDS = rf"[-+]?{_SIGN}\s?[-+]?\d{{1,3}}(?:[.,'\s]?\d{{3}})*(?:[.,]\d+)?(?:[eE][-+]?\d+)?\s?{_SIGN}|[-+]?inf"
MANY_CLASSES = 20  # different whole numbers, above which they are amounts
MAX_LISTED = 100  # columns that a declaration lists with their types; of more those whose type would not be found


@dataclass
class Look:
    """What a file seems to be.

    Attributes:
        rows: of the table.
        columns: type by name.
        read: the settings of ``dataset.read`` that are not the usual.
        missing: texts that stand for missing cells.
        task: what may be learnt.
        drop: columns with nothing to learn from, with the reason.
        why: what was found and is not the usual, a sentence each.
    """

    rows: int
    columns: dict[str, ColumnType]
    read: dict[str, Any]
    missing: list[str]
    task: Task
    drop: dict[str, str]
    why: list[str] = field(default_factory=list)


def look_at(path: Path, label: str, task: Task | None) -> Look:
    """Read all of a CSV or Parquet file.

    Args:
        path: of the file.
        label: the column to predict.
        task: what is learnt; None goes by the label.

    Raises:
        DatasetError: the file is empty or no table, the label is not there, or nothing can be learnt of it.
    """
    if path.suffix.lower() in PARQUET:
        table, kinds, read, missing, why = _parquet(path)
    else:
        table, kinds, read, missing, why = _delimited(path)
    if label not in table.columns:
        raise DatasetError(
            f"{path.name} has no column '{label}'",
            why=f"it has {len(table.columns)}: {listing(map(str, table.columns))}",
            fix=f"--label: {hint(label, map(str, table.columns))}",
        )
    found, reason = _task(table[label], kinds[label].type, task)
    why.append(reason)
    times = {name: kind.time for name, kind in kinds.items() if kind.time}
    if times:
        read["datetimes"] = times
        why += [
            f"times of '{name}' are written like {form}, as all of its cells can be read"
            for name, form in times.items()
        ]
    columns = {name: kind.type for name, kind in kinds.items()}
    return Look(len(table), columns, read, missing, found, _drops(table, label), why)


def _delimited(path: Path) -> "tuple[pd.DataFrame, dict[str, Kind], dict[str, Any], list[str], list[str]]":
    import pandas as pd

    form = text_form(path)
    _require_names(path, form)
    try:
        raw = pd.read_csv(
            path,
            sep=form.separator,
            encoding="utf-8-sig" if form.encoding == "utf-8" else form.encoding,
            skiprows=form.skip_rows,
            comment=form.comment,
            header=0 if form.has_header else None,
            names=None if form.has_header else form.names,
            dtype="str",
            keep_default_na=False,
            na_values=[""],
            index_col=False,
        )
    except (pd.errors.ParserError, UnicodeDecodeError, ValueError) as error:
        raise DatasetError(
            f"{path.name} cannot be read as a table separated by {form.separator!r}",
            why=" ".join(str(error).split()),
            fix="correct the line named, then run the same command again",
        ) from error
    if raw.empty:
        raise DatasetError(f"{path.name} has no rows", why="it holds a header only", fix="put the data into it")
    cells = cells_by_column(raw)
    marks, why = marks_of(cells, form.separator)
    missing = missing_in(cells, marks)
    kinds = {name: kind_of((value for value in counts.index if value not in missing), marks)
             for name, counts in cells.items()}  # fmt: skip
    if missing != [""]:
        why.append(f"missing cells are written {', '.join(repr(text) for text in missing if text)}")
    table = pd.DataFrame({name: _typed(raw[name], kinds[str(name)], marks, missing) for name in raw.columns})
    return table, kinds, _read(form, marks), missing, [*form.why, *why]


def _require_names(path: Path, form: TextForm) -> None:
    twice = [name for name in dict.fromkeys(form.names) if form.names.count(name) > 1]
    if twice:
        raise DatasetError(
            f"{path.name} has two columns of one name: {listing(twice)}",
            why="a column is declared, dropped and prepared by its name",
            fix="give each column of the header a name of its own",
        )


def _read(form: TextForm, marks: Marks) -> dict[str, Any]:
    """What is not the usual, by the names of ``dataset.read``."""
    told: dict[str, Any] = {
        "separator": None if form.separator == "," else {"\t": "tab"}.get(form.separator, form.separator),
        "encoding": None if form.encoding == "utf-8" else form.encoding,
        "header": None if form.has_header else "none",
        "decimal": None if marks.decimal == "." else marks.decimal,
        "thousands": marks.thousands,
        "comment": form.comment,
        "skip_rows": form.skip_rows or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _parquet(path: Path) -> "tuple[pd.DataFrame, dict[str, Kind], dict[str, Any], list[str], list[str]]":
    import pandas as pd
    from pyarrow import ArrowInvalid

    try:
        table = pd.read_parquet(path)
    except (ArrowInvalid, OSError) as error:
        raise DatasetError(
            f"{path.name} is no Parquet file", why=str(error), fix="give it the ending of what it is"
        ) from error
    if table.empty:
        raise DatasetError(f"{path.name} has no rows", why="it holds a schema only", fix="put the data into it")
    kinds = {str(name): Kind(_arrow_kind(table[name])) for name in table.columns}
    return table, kinds, {}, [""], []


def _arrow_kind(column: "pd.Series") -> ColumnType:
    import pandas as pd

    for test, kind in (
        (pd.api.types.is_bool_dtype, ColumnType.boolean),
        (pd.api.types.is_integer_dtype, ColumnType.integer),
        (pd.api.types.is_numeric_dtype, ColumnType.number),
        (pd.api.types.is_datetime64_any_dtype, ColumnType.datetime),
    ):
        if test(column):
            return kind
    return ColumnType.string


def _typed(column: "pd.Series", kind: Kind, marks: Marks, missing: list[str]) -> "pd.Series":
    import pandas as pd

    cells = column.str.strip()
    cells = cells.mask(cells.isin(missing))
    if kind.type in {ColumnType.integer, ColumnType.number}:
        return pd.to_numeric(marks.plain(cells), errors="coerce")
    if kind.type is ColumnType.datetime:
        return pd.to_datetime(cells, errors="coerce", format=kind.time or "ISO8601", utc=True)
    return cells


def _task(label: "pd.Series", kind: ColumnType, asked: Task | None) -> tuple[Task, str]:
    """What is learnt of the label, and why.

    Raises:
        DatasetError: it has one value, or its cells suit no such task.
    """
    distinct = int(label.nunique())
    name = label.name
    if distinct < 2:
        raise DatasetError(
            f"there is nothing to learn about '{name}'",
            why=f"it has {distinct or 'no'} value in {len(label):,} rows",
            fix="--label: name the column that is to be predicted",
        )
    numbers = kind in {ColumnType.integer, ColumnType.number}
    if asked is not None and asked.learnt is Task.regression and not numbers:
        raise DatasetError(
            f"'{name}' cannot be the label of {asked.value}",
            why=f"its cells are of type {kind.value}, not numbers",
            fix="--task classification, or another --label",
        )
    if asked is not None:
        return asked, f"task {asked.value}, as asked"
    values = f"'{name}' has {distinct} different values"
    if not numbers:
        return Task.classification, f"task classification: {values}, which are no numbers"
    whole = bool((label.dropna() % 1 == 0).all())
    if distinct == 2 or (whole and distinct <= min(MANY_CLASSES, 0.2 * len(label))):
        return Task.classification, f"task classification: {values}, all of them whole" if whole else (
            f"task classification: {values}"
        )
    return Task.regression, f"task regression: {values}, which are numbers"


def _drops(table: "pd.DataFrame", label: str) -> dict[str, str]:
    """Columns with nothing to learn from, by reason."""
    from keystage.data.profile import profiled

    reasons = {
        Purpose.identifier: "an identifier: nearly every value is another",
        Purpose.constant: "constant: it has one value, or none",
    }
    found = {profile.column: profile.purpose for profile in profiled(table.drop(columns=label))}
    numbers = {
        name for name, purpose in found.items() if purpose is Purpose.identifier and _mostly_numbers(table[name])
    }
    return {name: reasons[purpose] for name, purpose in found.items() if purpose in reasons and name not in numbers}


def _mostly_numbers(column: "pd.Series") -> bool:
    """Whether texts are numbers with signs of money or percent, but for a few words: a recipe can read those."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return False
    cells = column.dropna().astype("str").str.strip()
    return bool(len(cells)) and cells.str.fullmatch(_NUMBER_IN_WORDS).mean() >= MOSTLY
