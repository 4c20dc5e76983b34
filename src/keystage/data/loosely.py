"""Read the files of a dataset for a look at them, whatever its declaration would have against their cells."""

from collections.abc import Container
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError, listing
from keystage.data.checks import held_to_declaration
from keystage.data.columns import BadCells, ColumnSpec, OnViolation
from keystage.data.formats.opening import names_in
from keystage.data.given import GivenTest
from keystage.data.profile import ColumnProfile, profiled
from keystage.data.reading import below_each_other, frames_of, read_dataset, sources_of
from keystage.data.roles import MARKS
from keystage.data.sources.resolve import Source
from keystage.data.spec import DatasetSpec, Task
from keystage.data.stream import StreamSpec
from keystage.data.streamed.profile import profiled_with
from keystage.data.streamed.reading import read_streamed

if TYPE_CHECKING:
    import pandas as pd


def read_loosely(spec: DatasetSpec, root: Path) -> "pd.DataFrame":
    """All rows: declared columns may be missing, further ones may be there, cells not of their type are empty.

    Args:
        spec: the declaration; only ``keep`` and ``columns`` that are there, and their types, are heeded.
        root: what ``dataset.path`` is relative to.

    Raises:
        DatasetError: a file is missing, empty, not in its encoding or no table, or has none of the columns.
    """
    whole = replace(spec, rows=None)
    sources = sources_of(whole, root)
    _kept_in(sources[0], whole)
    frames, _ = frames_of(sources, whole, lambda _: None)
    table = below_each_other(frames, sources, whole).drop(columns=list(MARKS), errors="ignore")
    return held_to_declaration(table, without_rules(_of_columns(whole, table.columns)))[0]


def profiled_loosely(spec: DatasetSpec, root: Path, cores: int) -> tuple[int, list[ColumnProfile]]:
    """The number of rows in all files, and the profile of each column that is kept; in blocks, where that is declared.

    Args:
        spec: the declaration, whose columns must be there.
        root: what ``dataset.path`` is relative to.
        cores: how many blocks are worked on at a time.

    Raises:
        DatasetError: a file cannot be read, or has not the columns that are declared.
    """
    whole = replace(without_rules(spec), rows=None)
    if whole.stream is None:
        table = read_dataset(whole, root).table.drop(columns=list(MARKS), errors="ignore")
        return len(table), list(profiled(table))
    read = read_streamed(whole, sources_of(whole, root), 0, cores)
    with ThreadPoolExecutor(cores) as pool:
        sample = read.sample.drop(columns=list(MARKS), errors="ignore")
        return read.rows, profiled_with(sample, read.tallies, read.kept, pool)


def sampled_loosely(spec: DatasetSpec, root: Path, rows: int, seed: int, cores: int) -> "tuple[pd.DataFrame, int]":
    """Some of the rows that ``read_loosely`` gives, drawn at random and read in blocks; and how many there are.

    Args:
        spec: the declaration; only ``keep`` and ``columns`` that are there, and their types, are heeded.
        root: what ``dataset.path`` is relative to.
        rows: how many at most.
        seed: of the draw.
        cores: how many blocks are worked on at a time.

    Raises:
        DatasetError: a file is missing, empty, not in its encoding or no table, or has none of the columns.
    """
    whole = replace(without_rules(spec), rows=None)
    sources = sources_of(whole, root)
    names = _kept_in(sources[0], whole)
    known = _of_columns(whole, names)
    # Any column may be called the label where no row needs one, and roles stop nobody from looking at the rows.
    plain = DatasetSpec(
        files=spec.files,
        label=names[0],
        task=Task.regression,
        name=spec.name,
        path=spec.path,
        columns=known.columns,
        bad_cells=BadCells.empty,
        missing=spec.missing,
        keep=None if spec.kept is None else names,
        validation_files=spec.validation_files,
        test=GivenTest(files=spec.test_files) if spec.test_files else None,
        read=known.read,
        stream=StreamSpec(rows),
        version=spec.version,
    )
    read = read_streamed(plain, sources, seed, cores, labelled=False)
    return read.sample.drop(columns=list(MARKS), errors="ignore"), read.rows


def _kept_in(source: Source, spec: DatasetSpec) -> list[str]:
    """The columns of a source that are kept, at least one."""
    there = [*names_in(source, spec, None), *source.partitions]
    names = [name for name in there if spec.kept is None or name in spec.kept]
    if not names:
        raise DatasetError(
            f"{source.shown} has no column that is kept",
            why=f"dataset.keep of '{spec.name}' names {listing(spec.kept or [])}; there are: {listing(there)}",
            fix="name a file of the same kind: keystage dataset list",
        )
    return names


def _of_columns(spec: DatasetSpec, names: Container[str]) -> DatasetSpec:
    """With declarations of these columns alone."""
    read = spec.read
    if read is not None:
        read = replace(read, datetimes={name: form for name, form in read.datetimes.items() if name in names})
    return replace(spec, columns=[column for column in spec.columns if column.name in names], read=read)


def without_rules(spec: DatasetSpec) -> DatasetSpec:
    """The declaration with types alone: what breaks a rule, or is not of its type, stops nobody from looking at it."""
    columns = [ColumnSpec(name=column.name, type=column.type) for column in spec.columns]
    return replace(spec, columns=columns, bad_cells=BadCells.empty, on_violation=OnViolation.report)
