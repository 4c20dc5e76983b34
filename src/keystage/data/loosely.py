"""Read the files of a dataset for a look at them, whatever its declaration would have against their cells."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from keystage.data.checks import held_to_declaration
from keystage.data.columns import BadCells, ColumnSpec, OnViolation
from keystage.data.profile import ColumnProfile, profiled
from keystage.data.reading import below_each_other, frames_of, read_dataset, sources_of
from keystage.data.roles import MARKS
from keystage.data.spec import DatasetSpec
from keystage.data.streamed.profile import profiled_with
from keystage.data.streamed.reading import read_streamed

if TYPE_CHECKING:
    import pandas as pd


def read_loosely(spec: DatasetSpec, root: Path) -> "pd.DataFrame":
    """All rows and columns: declared ones may be missing, further ones may be there, cells not of their type are empty.

    Args:
        spec: the declaration; only ``columns`` that are there, and their types, are heeded.
        root: what ``dataset.path`` is relative to.

    Raises:
        DatasetError: a file is missing, empty, not in its encoding or no table.
    """
    whole = replace(spec, keep=None, rows=None)
    sources = sources_of(whole, root)
    frames, _ = frames_of(sources, whole, lambda _: None)
    table = below_each_other(frames, sources, whole).drop(columns=list(MARKS), errors="ignore")
    known = replace(whole, columns=[column for column in spec.columns if column.name in table.columns])
    return held_to_declaration(table, without_rules(known))[0]


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


def without_rules(spec: DatasetSpec) -> DatasetSpec:
    """The declaration with types alone: what breaks a rule, or is not of its type, stops nobody from looking at it."""
    columns = [ColumnSpec(name=column.name, type=column.type) for column in spec.columns]
    return replace(spec, columns=columns, bad_cells=BadCells.empty, on_violation=OnViolation.report)
