"""Declared rules are held at the door, and what breaks them is counted, shown and dealt with as declared."""

from pathlib import Path
from typing import Any

import pytest

from keystage.core.errors import DatasetError
from keystage.data.columns import BadCells, ColumnSpec, ColumnType, Level, OnViolation
from keystage.data.reading import Read, read_dataset
from keystage.data.spec import DatasetSpec, Task

AGES = (
    "id,age,port,born,member,y\n1,30,S,2001-05-01,yes,0\n2,-4,X,1850-01-01,no,1\n2,130,C,,,0\n4,,S,2010-01-01,yes,1\n"
)
COLUMNS = {
    "id": {"kind": "integer", "unique": True},
    "age": {"kind": "number", "minimum": 0, "maximum": 120},
    "port": {"kind": "string", "allowed": ["S", "C"]},
    "born": {"kind": "datetime", "minimum": "1900-01-01", "maximum": "2024-12-31T23:59:59"},
    "member": {"kind": "boolean", "nullable": False, "on_violation": "report"},
}


def _read(root: Path, text: str = AGES, columns: dict[str, dict[str, Any]] | None = None, **changes: Any) -> Read:
    (root / "data").mkdir(exist_ok=True)
    (root / "data" / "a.csv").write_text(text, encoding="utf-8")
    declared = [_column(name, **rules) for name, rules in (COLUMNS if columns is None else columns).items()]
    return read_dataset(DatasetSpec(["a.csv"], "y", Task.classification, "t", "data", declared, **changes), root)


def _column(name: str, kind: str, on_violation: str | None = None, **rules: Any) -> ColumnSpec:
    return ColumnSpec(name, ColumnType(kind), on_violation=OnViolation(on_violation) if on_violation else None, **rules)


def _broken(read: Read) -> dict[tuple[str, str], int]:
    return {(check.column, check.check): check.violations for check in read.checks if check.violations}


BROKEN = {
    ("id", "unique"): 1,
    ("age", "minimum"): 1,
    ("age", "maximum"): 1,
    ("port", "allowed"): 1,
    ("born", "minimum"): 1,
    ("member", "nullable"): 1,
}


def test_an_error_tells_of_every_column_with_rows_and_cells(tmp_path: Path) -> None:
    with pytest.raises(
        DatasetError, match="column 'id' of dataset 't' has 1 cells that stand in an earlier row"
    ) as got:
        _read(tmp_path)

    assert "row 3: '2'" in got.value.why
    assert "column 'age' has 1 cells that are below 0, row 2: '-4'" in got.value.why
    assert "column 'port' has 1 cells that are none of S, C, row 2: 'X'" in got.value.why
    assert "member" not in got.value.why
    assert "dataset.on_violation=report" in got.value.fix


def test_what_is_only_reported_stays(tmp_path: Path) -> None:
    read = _read(tmp_path, on_violation=OnViolation.report)

    assert _broken(read) == BROKEN
    assert (len(read.table), read.rows) == (4, 4)
    assert read.table["age"].tolist()[:3] == [30, -4, 130]


def test_cells_are_emptied_and_counted(tmp_path: Path) -> None:
    read = _read(tmp_path, on_violation=OnViolation.empty)

    assert _broken(read) == BROKEN
    assert read.table["age"].isna().tolist() == [False, True, True, True]
    assert read.table["id"].isna().tolist() == [False, False, True, False]
    assert read.table["port"].isna().tolist() == [False, True, False, False]
    assert read.table["born"].isna().tolist() == [False, True, True, False]


def test_rows_are_left_out_once_though_they_break_two_rules(tmp_path: Path) -> None:
    read = _read(tmp_path, on_violation=OnViolation.drop_row)

    assert _broken(read) == BROKEN
    assert read.table["port"].tolist() == ["S", "S"]
    assert list(read.table.index) == [0, 1]
    assert read.rows == 4


def test_cells_of_another_type_become_missing_only_by_declaration(tmp_path: Path) -> None:
    text = "n,b,y\n1,yes,0\nmany,maybe,1\n2.5,no,0\n"
    columns = {"n": {"kind": "integer"}, "b": {"kind": "boolean"}}
    with pytest.raises(DatasetError, match="column 'n' of dataset 't' has 2 cells that are no integer") as got:
        _read(tmp_path, text, columns)
    assert "row 2: 'many'; row 3: '2.5'" in got.value.why
    assert "dataset.bad_cells=empty" in got.value.fix

    read = _read(tmp_path, text, columns, bad_cells=BadCells.empty)

    assert _broken(read) == {("n", "type"): 2, ("b", "type"): 1}
    assert read.table["n"].isna().tolist() == [False, True, True]
    assert read.table["b"].isna().tolist() == [False, True, False]


def test_a_limit_without_a_zone_holds_for_times_with_one(tmp_path: Path) -> None:
    text = "t,y\n2020-01-01T00:00:00Z,0\n2019-12-31T23:59:59Z,1\n"

    read = _read(tmp_path, text, {"t": {"kind": "datetime", "minimum": "2020-01-01", "on_violation": "report"}})

    assert _broken(read) == {("t", "minimum"): 1}


def test_times_in_another_form_are_told_with_the_form_they_have(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as raised:
        _read(tmp_path, "t,y\n31.12.2023 10:00,0\n01.02.2024 11:30,1\n", {"t": {"kind": "datetime"}})

    assert "give the form of 't' in dataset.read.datetimes: %d.%m.%Y %H:%M, name" in raised.value.fix


def test_times_that_no_registered_model_could_take_are_no_times(tmp_path: Path) -> None:
    text = "t,y\n9999-12-31,0\n2024-02-01,1\n1533-09-07,1\n"
    with pytest.raises(DatasetError, match="column 't' of dataset 't' has 2 cells that are no datetime") as raised:
        _read(tmp_path, text, {"t": {"kind": "datetime"}})
    read = _read(tmp_path, text, {"t": {"kind": "datetime"}}, bad_cells=BadCells.empty)

    assert "declare 't' as string where times before 1677 or after 2262 are meant, name the text" in raised.value.fix
    assert read.table["t"].isna().tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"kind": "string", "minimum": 1}, "minimum of 'x' suits no string"),
        ({"kind": "number", "maximum": "ten"}, "maximum of 'x' must be a number, not 'ten'"),
        ({"kind": "number", "minimum": True}, "must be a number, not True"),
        ({"kind": "number", "minimum": 2, "maximum": 1}, "minimum of 'x' is above its maximum"),
        ({"kind": "datetime", "minimum": "soon"}, "must be a datetime, not 'soon'"),
        ({"kind": "string", "allowed": []}, "allowed of 'x' is empty"),
        ({"kind": "string", "allowed": ["a", 1]}, "allowed of 'x' must be a string, not 1"),
    ],
)
def test_a_rule_that_suits_no_cell_is_refused(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _column("x", **rules)


def test_declarations_that_contradict_each_other_are_refused() -> None:
    def spec(columns: list[ColumnSpec], **changes: Any) -> DatasetSpec:
        return DatasetSpec(["a.csv"], "y", Task.classification, "t", "data", columns, **changes)

    with pytest.raises(ValueError, match="'x' cannot be nullable: false and empty its bad cells"):
        spec([_column("x", "number", nullable=False)], on_violation=OnViolation.empty)
    with pytest.raises(ValueError, match=r"dataset\.columns declares 'x' twice"):
        spec([_column("x", "number"), _column("x", "string")])
    with pytest.raises(ValueError, match="no 'leeking': did you mean 'leaking'"):
        spec([], guardrails={"leeking": Level.fail})
