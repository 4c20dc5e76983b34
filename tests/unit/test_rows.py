"""Rows are taken as declared, the same ones each time, and those left out are counted."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from keystage.core.errors import DatasetError
from keystage.data.columns import BadCells, ColumnSpec, ColumnType
from keystage.data.reading import Read, read_dataset
from keystage.data.rows import in_words
from keystage.data.sources.expression import require_expression
from keystage.data.sources.spec import ReadSpec, RowsSpec
from keystage.data.spec import DatasetSpec, Task

TABLE = "age,mean radius,name,day,survived\n" + "".join(
    f"{row if row % 5 else ''},{row * 2},{'Mr' if row % 2 else 'Ms'} {row},2024-01-{row + 1:02},{row % 2}\n"
    for row in range(20)
)


def _read(root: Path, text: str = TABLE, seed: int = 0, **changes: Any) -> Read:
    (root / "data").mkdir(exist_ok=True)
    (root / "data" / "a.csv").write_text(text, encoding="utf-8")
    settings: dict[str, Any] = {"label": "survived", "task": Task.classification, "name": "tiny", "path": "data"}
    rows = {name: changes.pop(name) for name in ("where", "after", "before", "column", "sample") if name in changes}
    return read_dataset(DatasetSpec(["a.csv"], **(settings | changes), rows=RowsSpec(**rows)), root, seed=seed)


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ("age > 10", 8),
        ("age > 10 and survived == 1", 4),
        ("not age > 10", 12),  # a missing cell is not above it
        ("age.isna()", 4),
        ("`mean radius` <= 10 or age in [18, 19]", 8),
        ("name.str.startswith('Mr')", 10),
        ("day == '2024-01-03'", 1),
        ("age * 2 > `mean radius` - 1", 16),
        ("3 <= age < 6", 2),
    ],
)
def test_a_condition_takes_the_rows_that_it_holds_for(tmp_path: Path, where: str, left: int) -> None:
    read = _read(tmp_path, where=where)

    assert len(read.table) == left
    assert (read.rows, read.left_out) == (20, {"where": 20 - left})
    assert list(read.table.index) == list(range(left))


def test_a_condition_sees_declared_types_and_rows_keep_their_numbers_in_the_files(tmp_path: Path) -> None:
    text = TABLE + "old,1,x,2024-02-01,1\n31,1,x,2024-02-30,0\n"
    columns = [ColumnSpec("age", ColumnType.number), ColumnSpec("day", ColumnType.datetime)]

    read = _read(tmp_path, text, columns=columns, where="age > 17 and day.dt.month < 3", bad_cells=BadCells.empty)
    assert read.table["age"].tolist() == [18, 19]

    with pytest.raises(DatasetError, match="1 cells that are no datetime") as caught:
        _read(tmp_path, text, columns=columns, where="age > 17")
    assert "row 22: '2024-02-30'" in caught.value.why


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("__import__('os').system('true')", "must be made of columns"),
        ("age.__class__", "must be made of columns"),
        ("@age > 1", "is no condition"),
        ("open('x')", "must be made of columns"),
        ("name.str.encode('utf-8')", "must be made of columns"),
        ("[x for x in age]", "must be made of columns"),
        ("1 > 0", "names no column"),
    ],
)
def test_a_condition_reaches_nothing_but_the_table(where: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        require_expression(where)


@pytest.mark.parametrize(
    ("where", "message", "told"),
    [
        ("agee > 10", "dataset.rows names 'agee', which is no column", "did you mean 'age'?"),
        ("name > 10", "cannot be asked of dataset 'tiny'", "declare the columns' types"),
        ("age + 1", "says neither yes nor no", "compare something"),
        ("age > 1000", "no row of dataset 'tiny' is left", "correct dataset.rows"),
    ],
)
def test_a_condition_that_cannot_be_asked_is_named(tmp_path: Path, where: str, message: str, told: str) -> None:
    with pytest.raises(DatasetError) as caught:
        _read(tmp_path, where=where)

    assert message in caught.value.what
    assert told in caught.value.fix


def test_a_window_begins_with_its_first_moment_and_ends_before_its_last(tmp_path: Path) -> None:
    read = _read(tmp_path, after="2024-01-05", before="2024-01-10", column="day")

    assert read.table["day"].tolist() == [f"2024-01-{day:02}" for day in range(5, 10)]
    assert read.left_out == {"time": 15}


def test_a_window_goes_by_numbers_by_declared_forms_and_by_the_column_of_times(tmp_path: Path) -> None:
    assert len(_read(tmp_path, after=10, column="age").table) == 8  # of ten rows two have no age

    text = "day,survived\n03.01.2024,0\n02.02.2024,1\n,1\n"
    columns = [ColumnSpec("day", ColumnType.datetime)]
    read = _read(
        tmp_path, text, before="2024-02-01", time="day", columns=columns, read=ReadSpec(datetimes={"day": "%d.%m.%Y"})
    )
    assert read.table["day"].tolist() == [pd.Timestamp("2024-01-03")]
    assert read.left_out == {"time": 2}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"after": "2024-01-01", "column": "name"}, "20 cells are no time: 'Ms 0', 'Mr 1'"),
        ({"after": "2024-01-01", "column": "age"}, "its cells are numbers"),
        ({"after": "soon", "column": "day"}, "Unknown datetime string format"),
    ],
)
def test_a_window_over_what_is_no_time_is_refused(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(DatasetError) as caught:
        _read(tmp_path, **changes)

    assert told in caught.value.why


def test_a_sample_is_the_same_each_time_and_another_seed_draws_another(tmp_path: Path) -> None:
    first, again, other = (_read(tmp_path, sample=0.5, seed=seed) for seed in (1, 1, 2))

    assert len(first.table) == len(other.table) == 10
    assert first.left_out == {"sample": 10}
    pd.testing.assert_frame_equal(first.table, again.table)
    assert first.table["name"].tolist() != other.table["name"].tolist()
    assert first.table["mean radius"].is_monotonic_increasing
    assert len(_read(tmp_path, sample=7).table) == 7
    assert len(_read(tmp_path, sample=700).table) == 20


def test_a_sample_of_a_file_is_the_same_beside_other_files(tmp_path: Path) -> None:
    alone = set(_read(tmp_path, sample=0.5).table["name"])
    (tmp_path / "data" / "b.csv").write_text(TABLE.replace("M", "D"), encoding="utf-8")

    spec = DatasetSpec(["b.csv", "a.csv"], "survived", Task.classification, "tiny", "data", rows=RowsSpec(sample=20))
    both = read_dataset(spec, tmp_path).table["name"]

    drawn = {name for name in both if name.startswith("M")}
    assert drawn <= alone or alone <= drawn


def test_parts_go_one_after_the_other_and_each_is_counted(tmp_path: Path) -> None:
    read = _read(tmp_path, where="survived == 1", after="2024-01-05", column="day", sample=3)

    assert read.left_out == {"where": 10, "time": 2, "sample": 5}
    rows = RowsSpec(where="a > 1", after=3, before=5, column="t", sample=0.25)
    spec = DatasetSpec(["a.csv"], "survived", Task.classification, "tiny", rows=rows)
    assert [in_words(spec, part) for part in read.left_out] == [
        "dataset.rows.where: a > 1",
        "dataset.rows: t from 3 and before 5",
        "dataset.rows.sample: 0.25",
    ]


def test_columns_that_are_not_kept_are_not_read_though_rows_are_taken_by_them(tmp_path: Path) -> None:
    columns = [ColumnSpec("name", ColumnType.integer), ColumnSpec("age", ColumnType.number)]

    read = _read(tmp_path, keep=["age"], where="name.str.startswith('Mr')", columns=columns[1:], drop=["day"])

    assert list(read.table.columns) == ["age", "survived"]
    assert read.not_kept == ["mean radius", "name", "day"]
    assert len(read.table) == 10
    assert [check.column for check in _read(tmp_path, keep=["age"], columns=columns).checks] == ["age"]
    with pytest.raises(DatasetError, match="column 'agee' is not in dataset 'tiny'"):
        _read(tmp_path, keep=["agee"])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"sample": 0}, "a share between 0 and 1, or a number of rows"),
        ({"sample": 2.5}, "a share between 0 and 1, or a number of rows"),
        ({"column": "day"}, "give one of them"),
        ({"after": True}, "must be a time in ISO 8601 or a number"),
        ({"after": "2024-01-02", "before": "2024-01-01"}, "no time is from 2024-01-02 on and before 2024-01-01"),
        ({"where": "age >"}, "is no condition"),
    ],
)
def test_settings_that_take_no_row_are_refused(rows: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RowsSpec(**rows)


def test_a_window_needs_a_column() -> None:
    with pytest.raises(ValueError, match=r"need dataset\.rows\.column, or dataset\.time"):
        DatasetSpec(["a.csv"], "survived", Task.classification, "tiny", rows=RowsSpec(after=1))


@pytest.mark.parametrize(
    ("where", "kept"),
    [("on", [1]), ("not on", [2]), ("on == True", [1]), ("on and n.notna()", [1]), ("on != True", [2])],
)
def test_a_condition_takes_booleans_with_gaps_and_holds_of_none(tmp_path: Path, where: str, kept: list[int]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.csv").write_text("n,on,survived\n1,True,0\n2,False,1\n3,,1\n", encoding="utf-8")
    on = ColumnSpec("on", ColumnType.boolean)
    spec = DatasetSpec(
        ["a.csv"], "survived", Task.classification, "t", "data", columns=[on], rows=RowsSpec(where=where)
    )

    assert read_dataset(spec, tmp_path).table["n"].tolist() == kept
