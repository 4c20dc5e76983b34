"""Read the declared files into one typed table, or say exactly which cell is not as declared."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from keystage.core.errors import DatasetError, hint, listing
from keystage.core.params import first_line
from keystage.data.checks import Check, held_to_declaration
from keystage.data.columns import ColumnType
from keystage.data.roles import HELD_OUT
from keystage.data.spec import DatasetSpec

if TYPE_CHECKING:
    import pandas as pd


class Read(NamedTuple):
    """A table as it was read.

    Attributes:
        table: the rows, indexed anew.
        checks: what each declared column was held to, and what was found.
        rows: how many there were in the files.
    """

    table: "pd.DataFrame"
    checks: list[Check]
    rows: int


def read_dataset(spec: DatasetSpec, root: Path) -> Read:
    """Read all files of a dataset, below each other, with the declared types, held to the declared rules.

    Integers stand as int64, as float64 where cells are empty; numbers as float64; strings as pandas ``str``. Where
    there are ``validation_files``, column ``HELD_OUT`` is true for their rows.

    Args:
        spec: the declaration.
        root: the project's folder.

    Raises:
        DatasetError: a file is missing, empty, not UTF-8 or has another header; a column is missing; a cell is not of
            its declared type or breaks a rule, and the declaration says no other than error.
    """
    import pandas as pd

    folder = root / spec.path
    frames = [_read_file(folder / name, spec) for name in spec.all_files]
    header = list(frames[0].columns)
    for name, frame in zip(spec.all_files[1:], frames[1:], strict=True):
        if set(frame.columns) != set(header):
            odd = sorted(set(frame.columns) ^ set(header))
            raise DatasetError(
                f"{spec.path}/{name} and {spec.path}/{spec.files[0]} have different columns",
                why=f"only one of them has: {listing(odd)}",
                fix=f"give the files of dataset '{spec.name}' the same header, or name fewer in dataset.files",
            )
    require_columns(spec, header)
    table = pd.concat(frames, ignore_index=True)
    for name in table.columns:
        if table[name].dtype == "object":  # numbers in one file, words in another
            table[name] = table[name].astype("str")
    if spec.validation_files:
        table[HELD_OUT] = table.index >= sum(len(frame) for frame in frames[: len(spec.files)])
    held, checks = held_to_declaration(table, spec)
    return Read(held, checks, len(table))


def _read_file(path: Path, spec: DatasetSpec) -> "pd.DataFrame":
    import pandas as pd

    shown = f"{spec.path}/{path.name}"
    if not path.is_file():
        present = sorted(item.name for item in path.parent.glob("*")) if path.parent.is_dir() else []
        raise DatasetError(
            f"{shown} does not exist",
            why=f"dataset.files names it; the folder holds: {listing(present) or 'nothing'}",
            fix="restore the file (git restore, dvc pull) or correct dataset.path and dataset.files in conf/dataset",
        )
    try:
        header, frame = _parse(path, spec)
    except pd.errors.EmptyDataError as error:
        raise DatasetError(
            f"{shown} is empty",
            why="it has no header and no rows",
            fix="put the data back, or take it off dataset.files",
        ) from error
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{shown} is not UTF-8",
            why=f"byte {error.start} is {error.object[error.start : error.start + 1]!r}",
            fix=f"convert it: iconv -f latin1 -t utf-8 {shown} > converted.csv",
        ) from error
    except pd.errors.ParserWarning as error:
        raise DatasetError(
            f"the rows of {shown} have more fields than its header",
            why=first_line(error),
            fix="complete the header, or take the separator off the ends of the lines",
        ) from error
    except pd.errors.ParserError as error:
        raise DatasetError(
            f"{shown} is not a CSV table", why=str(error).strip(), fix="correct the line named"
        ) from error
    if header.duplicated().any():  # pandas has called the second one 'name.1' without a word
        raise DatasetError(
            f"{shown} has two columns of one name: {listing(map(str, header[header.duplicated()].unique()))}",
            why="a column is declared, dropped and prepared by its name",
            fix="give each column of the header a name of its own",
        )
    if frame.empty:
        raise DatasetError(
            f"{shown} has no rows", why="it holds a header only", fix="put the data back, or take it off dataset.files"
        )
    return frame


def _parse(path: Path, spec: DatasetSpec) -> "tuple[pd.Series, pd.DataFrame]":
    """The header as it stands in the file, and the table."""
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        header = pd.read_csv(path, encoding="utf-8", header=None, nrows=1, dtype="str").iloc[0]
        frame = pd.read_csv(
            path,
            encoding="utf-8",
            low_memory=False,  # the whole file decides a column's type, not a chunk of it
            index_col=False,  # with more fields than names, pandas would take the first column for row names
            dtype={column.name: "str" for column in spec.columns if column.type is ColumnType.string},
            keep_default_na=False,  # pandas would take 'None' and 'NA' for missing, labels and names included
            na_values=spec.missing,
        )
    return header, frame


def require_columns(spec: DatasetSpec, header: list[str]) -> None:
    """Refuse a declaration of columns that the files do not have.

    Raises:
        DatasetError: names the setting and the nearest column.
    """
    declared = [("dataset.label", spec.label)]
    declared += [("dataset.columns", column.name) for column in spec.columns]
    declared += [("dataset.drop", name) for name in spec.drop]
    declared += [(f"dataset.{role}", name) for role, name in spec.roles.items()]
    for key, name in declared:
        if name not in header:
            raise DatasetError(
                f"column '{name}' is not in dataset '{spec.name}'",
                why=f"{key} names it; the files have {len(header)} columns: {listing(header)}",
                fix=f"correct {key} in conf/dataset, then run again: {hint(name, header)}",
            )
