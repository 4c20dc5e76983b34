"""Columns with a role are checked, kept out of the features, and respected by the split."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from keystage.core.errors import DatasetError
from keystage.data.reading import read_dataset
from keystage.data.roles import HELD_OUT, roles_of
from keystage.data.spec import DatasetSpec, SplitKind, Task
from keystage.data.split import split, split_kind, usable_rows
from keystage.data.table import PreparedTable, Roles, read_table, write_table
from keystage.prep.spec import PrepSpec


def _spec(**changes: Any) -> DatasetSpec:
    settings = {"files": ["a.csv"], "label": "y", "task": Task.classification, "name": "tiny", "path": "data"}
    return DatasetSpec(**(settings | changes))


def _table(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"y": [0, 1] * (len(next(iter(columns.values()))) // 2), **columns})


@pytest.mark.parametrize(
    ("role", "cells", "message"),
    [
        ("weight", [1.0, -2.0], "weight column 'c' of dataset 'tiny' holds 1 values that are no weights"),
        ("weight", [1.0, np.inf], "holds 1 values that are no weights"),
        ("weight", [1.0, np.nan], "weight column 'c' of dataset 'tiny' has 1 empty cells"),
        ("weight", ["1", "b"], "holds no numbers"),
        ("weight", [0.0, 0.0], "holds only 0"),
        ("group", ["a", None], "group column 'c' of dataset 'tiny' has 1 empty cells"),
        ("time", ["2024-01-01", "soon"], "holds 1 values that are no times"),
        ("time", ["2/1/2024 1:00 PM", "2/20/2024 2:00 AM"], "in dataset.read.datetimes: %m/%d/%Y %I:%M %p, or set"),
        ("fold", [0, -2], "holds 1 values that name no fold"),
        ("fold", [0.5, 1.0], "holds 1 values that name no fold"),
        ("fold", ["train", "test"], "holds 1 values that name no fold"),
        ("fold", [1.0, None], "fold column 'c' of dataset 'tiny' has 1 empty cells"),
    ],
)
def test_cells_that_cannot_have_their_role_are_refused(role: str, cells: list[Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        roles_of(_table(c=cells), _spec(**{role: "c"}))


@pytest.mark.parametrize(
    ("cells", "folds"),
    [
        (["Train", "validation"], [-1, 0]),
        ([True, False], [0, -1]),
        (["true", "false"], [0, -1]),
        ([3, 7], [3, 7]),
        ([-1.0, 0.0], [-1, 0]),
    ],
)
def test_a_split_column_holds_numbers_words_or_booleans(cells: list[Any], folds: list[int]) -> None:
    found = roles_of(_table(c=cells), _spec(fold="c")).fold

    assert found is not None
    assert found.tolist() == folds


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"group": "c", "time": "c"}, "names column 'c' twice among label, weight, group, time, fold"),
        ({"fold": "c", "validation_files": ["b.csv"]}, "both say what is validated"),
        ({"validation_files": ["a.csv"]}, "dataset.validation_files names a file twice"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _spec(**changes)
    with pytest.raises(ValueError, match=r"prep\.split=groups needs dataset\.group"):
        PrepSpec(0.2, split=SplitKind.groups).require_suits(_spec())


@pytest.mark.parametrize("seed", range(5))
def test_the_test_rows_share_no_group_with_training(seed: int) -> None:
    draw = np.random.default_rng(seed)
    table = _table(g=draw.integers(0, 20, 100), x=range(100))

    train, test = split(table, _spec(group="g"), 0.25, seed)

    assert not set(train["g"]) & set(test["g"])
    assert sorted([*train["x"], *test["x"]]) == list(range(100))
    assert train["x"].is_monotonic_increasing
    assert split_kind(_spec(group="g", time="t"), SplitKind.auto) is SplitKind.groups


def test_rows_of_one_group_are_said_to_be_so() -> None:
    with pytest.raises(DatasetError, match="cannot be split") as caught:
        split(_table(g=["a"] * 6), _spec(group="g"), 0.2, 0)

    assert caught.value.why == "all rows are of one group: 'g', which dataset.group names, is 'a'"


def test_the_latest_rows_are_the_test_and_one_time_is_not_parted() -> None:
    table = _table(t=["2024-01-03", "2024-01-01", "2024-01-02", "2024-01-03", "2024-01-02", "2024-01-01"])

    train, test = split(table, _spec(time="t"), 0.2, 0)

    assert test["t"].tolist() == ["2024-01-03"] * 2
    assert train["t"].tolist() == ["2024-01-01", "2024-01-02", "2024-01-02", "2024-01-01"]
    random, _ = split(table, _spec(time="t"), 0.4, 0, SplitKind.random)
    assert len(random) == 3
    with pytest.raises(DatasetError, match="6 rows cannot be split into training and test rows") as caught:
        split(table.assign(t=1), _spec(time="t"), 0.2, 0)
    assert "the test would take all rows" in caught.value.why


def test_a_class_of_test_rows_alone_is_refused() -> None:
    with pytest.raises(DatasetError, match="cannot be split") as caught:
        split(pd.DataFrame({"y": [0, 0, 0, 1, 1], "t": [1, 2, 3, 4, 5]}), _spec(time="t"), 0.4, 0)

    assert "no training row would be of class '1'" in caught.value.why


def test_numbers_are_tested_on_two_rows_or_more() -> None:
    table, spec = pd.DataFrame({"y": [0.0, 1.5, 2.0, 3.0, 9.0]}), _spec(task=Task.regression)

    with pytest.raises(DatasetError, match="5 rows cannot be split into training and test rows") as caught:
        split(table, spec, 0.2, 0)

    assert caught.value.fix == "add rows, or set prep.test_size=0.4: the test has 2 rows then"
    assert len(split(table, spec, 0.4, 0)[1]) == 2


def test_validation_files_are_read_with_the_others_and_never_tested(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("x,y\n" + "1,0\n2,1\n" * 6, encoding="utf-8")
    (tmp_path / "data" / "b.csv").write_text("x,y\nfew,0\n4,1\n5,\n", encoding="utf-8")
    spec = _spec(validation_files=["b.csv"])

    table = read_dataset(spec, tmp_path).table
    train, test = split(usable_rows(table, spec), spec, 0.25, 0)

    assert table["x"].tolist()[-3:] == ["few", "4", "5"]
    assert (len(train), len(test)) == (11, 3)
    assert train[HELD_OUT].tolist() == [False] * 9 + [True] * 2
    assert not test[HELD_OUT].any()
    assert roles_of(train, spec).held_out is not None


def test_roles_travel_with_the_prepared_table(tmp_path: Path) -> None:
    roles = Roles(
        weight=pd.Series([1.0, 2.0], name="w"),
        group=pd.Series(["a", "b"]),
        time=pd.Series(pd.to_datetime(["2024-01-01", "2024-01-02"])),
        fold=pd.Series([0, -1]),
    )
    table = PreparedTable(pd.DataFrame({"w": [5.0, 6.0]}), pd.Series([0, 1], name="y"), Task.classification, roles)

    for name in ("one", "two"):
        write_table(table, tmp_path / name)
    back = read_table(tmp_path / "one")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert list(back.features) == ["w"]
    assert list(back.roles.present) == ["weight", "group", "time", "fold"]
    for name, values in back.roles.present.items():
        assert values.tolist() == roles.present[name].tolist()
