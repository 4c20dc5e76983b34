"""A source in its format: the names of its columns, and its rows."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError, listing
from keystage.data.formats.columnar import parquet_header, read_parquet
from keystage.data.formats.delimited import delimited_header, read_delimited, require_distinct
from keystage.data.formats.excel import read_sheet, sheet_header
from keystage.data.formats.json_lines import lines_header, read_lines
from keystage.data.sources.bundled import PREFIX, read_bundled
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import Format, HeaderKind, ReadSpec
from keystage.data.spec import DatasetSpec

if TYPE_CHECKING:
    import pandas as pd

_WITH_HEADER = {Format.csv, Format.tsv, Format.excel}  # whose first line may be one


def names_in(source: Source, spec: DatasetSpec, first: list[str] | None) -> list[str]:
    """The columns that a source has.

    Args:
        source: what is read.
        spec: how.
        first: those of the first source; None when this is it.

    Raises:
        DatasetError: it cannot be read, or two columns have one name.
    """
    read = spec.read or ReadSpec()
    found = _header(source, spec)
    if source.format_by(read) in _WITH_HEADER and not source.name.startswith(PREFIX):
        if read.header is HeaderKind.none:
            found = names_without_header(found, read)
        elif read.header is HeaderKind.first and first is not None:
            found = [*first[: len(found)], *(f"column{place + 1}" for place in range(len(first), len(found)))]
    require_distinct(found, source)
    return found


def rows_of(
    source: Source, spec: DatasetSpec, names: list[str], wanted: list[str] | None, *, is_first: bool
) -> "pd.DataFrame":
    """The rows of a source, its columns in the order of ``names``.

    Args:
        source: what is read.
        spec: how.
        names: its columns, as ``names_in`` gives them.
        wanted: those that are read; None reads all.
        is_first: whether it is the first source.

    Raises:
        DatasetError: it cannot be read.
    """
    read = spec.read or ReadSpec()
    kind = source.format_by(read)
    has_header = read.has_header(is_first=is_first)
    if source.name.startswith(PREFIX):
        frame = read_bundled(source.name)
        return frame if wanted is None else frame[wanted]
    if kind is Format.parquet:
        return without_missing_texts(read_parquet(source, spec, wanted), spec)
    if kind is Format.jsonl:
        return without_missing_texts(read_lines(source, spec, wanted), spec)
    if kind is Format.excel:
        return read_sheet(source, spec, names, wanted, has_header=has_header)
    return read_delimited(source, spec, names, wanted, has_header=has_header)


def _header(source: Source, spec: DatasetSpec) -> list[str]:
    if source.name.startswith(PREFIX):
        return list(read_bundled(source.name).columns)
    read = spec.read or ReadSpec()
    kind = source.format_by(read)
    if kind is Format.parquet:
        return parquet_header(source)
    if kind is Format.jsonl:
        return lines_header(source)
    return sheet_header(source, read) if kind is Format.excel else delimited_header(source, spec)


def names_without_header(found: list[str], read: ReadSpec) -> list[str]:
    """The names that stand in the declaration for a file without a header; others are numbered.

    Args:
        found: the fields of the first line.
        read: the declaration.
    """
    names = list(read.names or ())[: len(found)]
    return [*names, *(f"column{place + 1}" for place in range(len(names), len(found)))]


def without_missing_texts(frame: "pd.DataFrame", spec: DatasetSpec) -> "pd.DataFrame":
    """Texts that stand for a missing cell do so in each format."""
    for name in frame.columns:
        if frame[name].dtype == "str" or frame[name].dtype == "object":
            frame[name] = frame[name].mask(frame[name].isin(spec.missing))
    return frame


def require_same_columns(
    source: Source, columns: Iterable[str], first: Source, firsts: Iterable[str], fix: str
) -> None:
    """Refuse a source with other columns than the first.

    Args:
        source: what is read.
        columns: that it has.
        first: the first source.
        firsts: the columns of that.
        fix: what to do.

    Raises:
        DatasetError: names the columns that one of them has alone.
    """
    odd = sorted(set(columns) ^ set(firsts))
    if odd:
        raise DatasetError(
            f"{source.shown} and {first.shown} have different columns",
            why=f"only one of them has: {listing(odd)}",
            fix=fix,
        )


def one_header(name: str) -> str:
    """What to do about files of a dataset that have other columns than its first."""
    return (
        f"give the files of dataset '{name}' the same header, name fewer in dataset.files, or take the columns of all: "
        "dataset.read.header=union"
    )


def require_no_column(name: str, columns: Iterable[str], source: Source) -> None:
    """Refuse a source that has the column already that is to tell its name.

    Raises:
        DatasetError: it has.
    """
    if name in columns:
        raise DatasetError(
            f"{source.shown} has a column '{name}' already",
            why="dataset.read.source_column adds one of that name",
            fix="give dataset.read.source_column another name",
        )
