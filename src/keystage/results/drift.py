"""Compare two datasets, two versions of one, or files with its columns."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from keystage.adapters.dvc_datasets import bring, lay_out
from keystage.compute.limits import cores
from keystage.compute.spec import ComputeProfile
from keystage.core.errors import DatasetError, hint, listing
from keystage.data.columns import ColumnSpec, ColumnType
from keystage.data.drift.compare import MAX_ROWS, SEED, Drift, compare
from keystage.data.loosely import read_loosely, sampled_loosely
from keystage.data.spec import DatasetSpec, Task
from keystage.data.undeclared import undeclared
from keystage.data.version import DatasetVersion, find
from keystage.results.datasets import declaration, names

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

PARQUET = (".parquet", ".pq")


@dataclass(frozen=True)
class _Side:
    """One of the two.

    Attributes:
        shown: what people call it.
        spec: the declaration; None of a file.
        version: which one; None of what is in the workspace.
        file: of a path.
    """

    shown: str
    spec: DatasetSpec | None = None
    version: DatasetVersion | None = None
    file: Path | None = None


def drift_between(root: Path, baseline: str, target: str, *, seed: int = SEED) -> Drift:
    """How the target differs from the baseline.

    Args:
        root: the project's folder, and the working directory.
        baseline: NAME for what is in the workspace, NAME@VERSION, or the path of a CSV or Parquet file.
        target: likewise.
        seed: of samples and folds.

    Raises:
        DatasetError: one of them is not there or cannot be read, or they have no column in common.
        RemoteError: a version is in a remote that cannot be used.
    """
    sides = [_side(root, given) for given in (baseline, target)]
    spec = next((side.spec for side in sides if side.spec is not None), None)
    form = _with_form_of_today(root, spec) if spec else None
    tables, rows = [], []
    for side in sides:
        logger.info("Reading %s", side.shown)
        table, count = _table(root, side, form, seed)
        tables.append(table)
        rows.append(count)
    if not set(tables[0].columns) & set(tables[1].columns):
        raise DatasetError(
            f"{baseline} and {target} have no column in common",
            why=f"the one has {listing(map(str, tables[0].columns))}; the other {listing(map(str, tables[1].columns))}",
            fix="name two that are of the same kind: keystage dataset list",
        )
    logger.info("Comparing %s columns", len(set(tables[0].columns) & set(tables[1].columns)))
    shown, roles = (sides[0].shown, sides[1].shown), _roles(root, spec) if spec else {}
    return compare(tables[0], tables[1], shown, roles, seed, drawn_of=(rows[0], rows[1]))


def _side(root: Path, given: str) -> _Side:
    path = Path(given)
    if path.is_file():
        inside = path.is_absolute() and path.is_relative_to(root)
        return _Side(str(path.relative_to(root)) if inside else given, file=path)
    name, at, number = given.partition("@")
    known = names(root)
    if not at and (path.suffix or "/" in given):
        raise DatasetError(
            f"{given} does not exist",
            why="it is no file and no dataset's name",
            fix=f"correct it: {hint(given, known)}",
        )
    if not at:
        return _Side(f"{name} in the workspace", declaration(root, name))
    if name not in known:
        raise DatasetError(
            f"there is no dataset '{name}'", why="none is declared or registered so", fix=hint(name, known)
        )
    version = find(root, name, number)
    return _Side(version.shown, _spec_of(version), version)


def _spec_of(version: DatasetVersion) -> DatasetSpec:
    """Read as when it was registered; roles as declared today, where it still is."""
    types = dict(version.reading.get("types") or {})
    return DatasetSpec(
        files=[file.name for file in version.files],
        label=version.label,
        task=Task.regression if version.task == Task.forecasting.value else Task(version.task),
        name=version.name,
        path=version.path,
        columns=[ColumnSpec(name=name, type=ColumnType(kind)) for name, kind in types.items()],
        missing=list(version.reading.get("missing") or [""]),
        version=version.version,
    )


def _table(root: Path, side: _Side, spec: DatasetSpec | None, seed: int) -> "tuple[pd.DataFrame, int]":
    """The rows that are compared, and how many there are."""
    import pandas as pd

    if side.file is not None:
        if side.file.suffix in PARQUET and (spec is None or spec.stream is None):
            return _whole(_parquet(side.file))
        plain = spec or undeclared([side.file.name], ".")
        forms = {"path": ".", "version": None, "files": [side.file.name], "validation_files": [], "test": None}
        return _rows(replace(plain, **forms), side.file.resolve().parent, seed)  # type: ignore[arg-type]
    assert side.spec is not None
    if side.version is None:
        return _rows(replace(side.spec, version=None), root, seed)
    bring(root, side.version)
    lay_out(root, side.version, root / side.spec.folder)
    if side.version.kind == "prepared":
        parts = [_parquet(root / side.spec.folder / name) for name in side.spec.files]
        return _whole(pd.concat(parts, ignore_index=True))
    return _rows(_with_form_of_today(root, side.spec), root, seed)


def _whole(table: "pd.DataFrame") -> "tuple[pd.DataFrame, int]":
    return table, len(table)


def _rows(spec: DatasetSpec, root: Path, seed: int) -> "tuple[pd.DataFrame, int]":
    """In blocks, where the declaration says so."""
    if spec.stream is None:
        return _whole(read_loosely(spec, root))
    return sampled_loosely(spec, root, MAX_ROWS, seed, cores(ComputeProfile(0)))


def _with_form_of_today(root: Path, spec: DatasetSpec) -> DatasetSpec:
    """With the settings of ``dataset.read`` that the declaration has, where there is one."""
    try:
        today = declaration(root, spec.name)
    except DatasetError:
        return spec
    return replace(today, files=spec.files, validation_files=[], test=None, columns=spec.columns, missing=spec.missing,
                   version=spec.version)  # fmt: skip


def _parquet(path: Path) -> "pd.DataFrame":
    import pandas as pd
    from pyarrow import ArrowInvalid

    try:
        return pd.read_parquet(path)
    except (ArrowInvalid, OSError) as error:
        raise DatasetError(
            f"{path} is no Parquet file", why=str(error), fix="write it anew, or give it the ending it has"
        ) from error


def _roles(root: Path, spec: DatasetSpec) -> Mapping[str, str]:
    """Of columns that are no features, as declared today where there is a declaration."""
    with suppress(DatasetError):
        spec = declaration(root, spec.name)
    roles = {name: role for role, name in spec.roles.items()} | dict.fromkeys(spec.drop, "dropped")
    return roles | ({spec.label: "label"} if spec.label else {})
