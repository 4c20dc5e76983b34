"""A table that is read in blocks is the table that is read at once, as far as it is held."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from keystage.core.errors import DatasetError
from keystage.data.columns import ColumnSpec, ColumnType
from keystage.data.profile import profiled
from keystage.data.reading import Read, read_dataset
from keystage.data.spec import DatasetSpec, Task
from keystage.data.stream import StreamSpec, TrainOn
from keystage.data.streamed import blocks
from keystage.data.streamed.reading import Streamed, read_streamed

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that small tables have many."""
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 4000)
    monkeypatch.setattr(blocks, "MOST_BYTES", 40_000)
    monkeypatch.setattr(blocks, "BATCH_ROWS", 50)


def _titanic(*, declared: bool = True, **changes: Any) -> DatasetSpec:
    conf = yaml.safe_load((ROOT / "conf/dataset/titanic.yaml").read_text(encoding="utf-8"))
    columns = [ColumnSpec(item["name"], ColumnType(item["type"])) for item in conf["columns"]] if declared else []
    spec = DatasetSpec(conf["files"], conf["label"], Task.classification, conf["name"], conf["path"], columns)
    return replace(spec, stream=StreamSpec(rows=2000), **changes)


def _both(spec: DatasetSpec, root: Path) -> tuple[Read, Streamed]:
    return read_dataset(spec, root), read_streamed(spec, root, seed=1, cores=2)


@pytest.mark.parametrize("declared", [True, False])
def test_a_table_that_fits_is_the_one_that_is_read_at_once(declared: bool) -> None:
    at_once, streamed = _both(_titanic(declared=declared), ROOT)

    pd.testing.assert_frame_equal(streamed.sample, at_once.table)
    assert streamed.is_whole
    assert (streamed.rows, streamed.checks) == (at_once.rows, at_once.checks)
    for name, tally in streamed.tallies.items():
        column = at_once.table[name]
        assert (tally.count, tally.missing) == (column.count(), column.isna().sum())
        if pd.api.types.is_numeric_dtype(column):
            assert [tally.mean, tally.std, tally.skew] == pytest.approx([column.mean(), column.std(), column.skew()])
            assert (tally.least, tally.most) == (column.min(), column.max())
        else:
            assert tally.values == column.value_counts().to_dict()
