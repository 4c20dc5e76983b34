"""Test rows that the dataset itself names: by files, or by a column."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from keystage.core.errors import DatasetError
from keystage.data.given import GivenTest
from keystage.data.reading import read_dataset
from keystage.data.roles import HELD_OUT, MARKS
from keystage.data.spec import DatasetSpec, SplitKind, Task
from keystage.data.split import split
from keystage.prep.spec import PrepSpec


def _spec(**changes: Any) -> DatasetSpec:
    given = {"files": ["a.csv"], "label": "y", "task": Task.classification, "name": "d", "path": "data"}
    return DatasetSpec(**{**given, **changes})


def _table(parts: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"y": [n % 2 for n in range(len(parts))], "x": range(len(parts)), "part": parts})


def test_the_rows_of_test_files_are_the_test_and_those_for_validation_stay_apart(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name, first in (("a", 0), ("b", 10), ("c", 20)):
        rows = "".join(f"{n % 2},{n}\n" for n in range(first, first + 4))
        (tmp_path / "data" / f"{name}.csv").write_text(f"y,x\n{rows}", encoding="utf-8")
    spec = _spec(validation_files=["b.csv"], test=GivenTest(files=["c.csv"]))

    train, test = split(read_dataset(spec, tmp_path).table, spec, None, seed=0)

    assert spec.all_entries == ["a.csv", "b.csv", "c.csv"]
    assert train["x"].tolist() == [0, 1, 2, 3, 10, 11, 12, 13]
    assert train[HELD_OUT].tolist() == [False] * 4 + [True] * 4
    assert test["x"].tolist() == [20, 21, 22, 23]


def test_a_column_says_what_each_row_is_for() -> None:
    spec = _spec(test=GivenTest(column="part"))
    table = _table(["train", " Test", "validation", "train", "TEST", "train", "test", "train"])

    train, test = split(table, spec, 0.5, seed=0)

    assert test["x"].tolist() == [1, 4, 6]
    assert train["x"].tolist() == [0, 3, 5, 7, 2]
    assert train[HELD_OUT].tolist() == [False] * 4 + [True]
    assert "part" in spec.no_features
    assert HELD_OUT not in split(table.replace("validation", "train"), spec, None, seed=0)[0]
    assert not set(MARKS) & set(table)


@pytest.mark.parametrize(
    ("parts", "changes", "message"),
    [
        (["train", "tests", "test", "train"], {}, "holds 1 values that name no part"),
        (["train", None, "test", "train"], {}, "has 1 empty cells"),
        (["train", "train"], {}, "dataset.test leaves no row for the test"),
        (["test", "test"], {}, "dataset.test leaves no row for training"),
        (["train", "test", "train"], {}, "no training row would be of class '1'; dataset.test gives the test rows"),
        (["train", "validation", "test", "train"], {"validation_files": ["b.csv"]}, "so do others"),
    ],
)
def test_parts_that_cannot_be_are_refused(parts: list[Any], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        split(_table(parts), _spec(test=GivenTest(column="part"), **changes), None, seed=0)


def test_a_declaration_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="give one of them"):
        GivenTest()
    with pytest.raises(ValueError, match="give one of them"):
        GivenTest(["t.csv"], "part")
    with pytest.raises(ValueError, match=r"dataset.test.files names a file twice"):
        _spec(test=GivenTest(["a.csv"]))
    with pytest.raises(ValueError, match="names column 'g' twice among label"):
        _spec(group="g", test=GivenTest(column="g"))
    with pytest.raises(ValueError, match=r"set prep.split=auto, or dataset.test=null"):
        PrepSpec(0.2, split=SplitKind.random).require_suits(_spec(test=GivenTest(column="part")))
    with pytest.raises(ValueError, match="nothing could be said of a model"):
        PrepSpec(0.0)
    PrepSpec(None).require_suits(_spec(test=GivenTest(column="part")))
