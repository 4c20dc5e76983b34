"""What a file that nobody has declared seems to be, and the declaration that is written of it."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from tests.conftest import ROOT

from keystage.core.errors import DatasetError
from keystage.data.columns import ColumnType
from keystage.data.look.columns import Marks, kind_of
from keystage.data.look.table import Look, look_at
from keystage.data.look.text import has_header
from keystage.data.spec import Task
from keystage.results.new_dataset import declare

PLAIN = "day,amount,kind\n2024-01-01,1.5,a\n2024-01-02,,b\n2024-01-03,2,a\n"


def _look(tmp_path: Path, content: str | bytes, label: str = "kind", name: str = "t.csv") -> Look:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return look_at(path, label, None)


def test_of_a_plain_table_nothing_is_said_that_is_the_usual(tmp_path: Path) -> None:
    found = _look(tmp_path, PLAIN)

    assert (found.read, found.missing, found.rows) == ({}, [""], 3)
    assert [kind.value for kind in found.columns.values()] == ["datetime", "number", "string"]


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (PLAIN.replace(",", ";"), {"separator": ";"}),
        (PLAIN.replace(",", "\t"), {"separator": "tab"}),
        (PLAIN.replace(",", "|"), {"separator": "|"}),
        ("day;amount;kind\n2024-01-01;1,5;a\n2024-01-02;12,75;b\n", {"separator": ";", "decimal": ","}),
        (
            "a;amount;kind\n1;1.234,5;a\n2;12,75;b\n",
            {"separator": ";", "decimal": ",", "thousands": "."},
        ),
        ('a,amount,kind\n1,"1,234.5",a\n2,"12,000",b\n', {"thousands": ","}),
        ("# made on Monday\n" + PLAIN, {"comment": "#"}),
        ("#nr,kind\n1,a\n2,b\n", {}),
        ("Report of Monday\n\n" + PLAIN, {"skip_rows": 2}),
        ("1,5;kind;2,25\n2,5;kind;3,75\n", {"separator": ";", "header": "none", "decimal": ","}),
        ("1,2.5,a\n2,3.5,b\n3,4.5,a\n", {"header": "none"}),
        (PLAIN.replace("kind", "Größe").encode("cp1252"), {"encoding": "cp1252"}),
        (PLAIN.replace("kind", "Größe").encode("utf-16"), {"encoding": "utf-16"}),
        (b"\xef\xbb\xbf" + PLAIN.encode(), {}),
        ("day,kind\n31.12.2023,a\n01.02.2024,b\n", {"datetimes": {"day": "%d.%m.%Y"}}),
        (PLAIN.replace("\n", "\r\n"), {}),
    ],
    ids=[
        *("semicolons", "tabs", "bars", "decimal commas", "thousands", "English thousands", "a comment"),
        *("a header that begins like one", "lines before", "no header, decimal commas", "no header", "cp1252"),
        *("utf-16", "a mark of utf-8", "German days", "Windows' line ends"),
    ],
)
def test_a_form_that_is_not_the_usual_is_found(tmp_path: Path, content: str | bytes, read: dict[str, object]) -> None:
    label = "column3" if "header" in read else "Größe" if "encoding" in read else "kind"

    assert _look(tmp_path, content, label).read == read


def test_other_alphabets_are_guessed(tmp_path: Path) -> None:
    lines = ["город,вид", *(f"Москва и Санкт-Петербург {place},столица" for place in range(9)), "Владимир,город"]
    words = "\n".join(lines)

    found = _look(tmp_path, words.encode("cp1251"), "вид")

    assert found.read == {"encoding": "cp1251"}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2"], ColumnType.integer),
        (["1", "2.0"], ColumnType.number),
        (["1e3", ".5"], ColumnType.number),
        (["007", "12"], ColumnType.string),
        (["12345678901234567890"], ColumnType.string),
        (["true", "False"], ColumnType.boolean),
        (["2024-01-01T10:00:00", "2024-01-02"], ColumnType.datetime),
        (["2024-13-01"], ColumnType.string),
        (["1", "x"], ColumnType.string),
        ([], ColumnType.string),
    ],
)
def test_the_type_is_the_narrowest_that_all_cells_have(values: list[str], kind: ColumnType) -> None:
    assert kind_of(values, Marks()).type is kind


def test_a_first_row_of_words_is_a_header_unless_it_comes_again() -> None:
    assert has_header([["a", "b"], ["x", "y"]])
    assert has_header([["", "b"], ["0", "y"]]), "as pandas writes row names"
    assert not has_header([["red", "big"], ["red", "small"], ["green", "big"]])
    assert not has_header([["1", "b"], ["2", "c"]])


def test_texts_for_missing_cells_are_found_where_all_else_is_numbers(tmp_path: Path) -> None:
    found = _look(tmp_path, "a,kind\n1,x\nNA,y\n?,x\n3,NA\n")

    assert found.missing == ["", "?", "NA"]
    assert found.columns["a"] is ColumnType.integer
    assert any("'?', 'NA'" in reason for reason in found.why)


@pytest.mark.parametrize(
    ("label", "task"),
    [
        ([0, 1] * 30, Task.classification),
        ([1, 2, 3] * 20, Task.classification),
        (list(range(60)), Task.regression),
        ([value / 7 for value in range(60)], Task.regression),
        (["x", "y", "z"] * 20, Task.classification),
    ],
)
def test_the_task_goes_by_the_label_and_says_why(tmp_path: Path, label: list[object], task: Task) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"y": label, "id": range(100, 160), "one": 1}).to_parquet(path)

    found = look_at(path, "y", None)

    assert found.task is task
    assert found.why[-1].startswith(f"task {task.value}: 'y' has ")
    assert list(found.drop) == ["id", "one"]


def test_a_declaration_is_written_that_conf_takes_and_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "data" / "Some Table.csv"
    path.parent.mkdir()
    path.write_text(PLAIN.replace("amount", "on: it's"), encoding="utf-8")

    written, _ = declare(tmp_path, path, "kind", None, None)
    told = yaml.safe_load((tmp_path / written).read_text(encoding="utf-8"))

    assert written == Path("conf/dataset/some_table.yaml")
    assert (told["name"], told["path"], told["files"]) == ("some_table", "data", ["Some Table.csv"])
    assert (told["label"], told["task"]) == ("kind", "classification")
    assert told["columns"][1] == {"name": "on: it's", "type": "number"}
    with pytest.raises(DatasetError, match="there is a dataset 'some_table' already"):
        declare(tmp_path, path, "kind", None, None)
    declare(tmp_path, path, "kind", "other", Task.classification)


@pytest.mark.parametrize(
    ("content", "label", "words"),
    [
        ("", "a", "t.csv is empty"),
        ("a,b\n", "a", "t.csv has no rows"),
        ("a,b\n1,2\n", "c", "t.csv has no column 'c'"),
        ("a,b\n1,2\n1,3\n", "a", "nothing to learn about 'a'"),
        ("a,a\nx,2\nz,3\n", "a", "two columns of one name: a"),
    ],
)
def test_what_cannot_be_declared_is_said(tmp_path: Path, content: str, label: str, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        _look(tmp_path, content, label)


def test_regression_wants_numbers_and_the_file_stands_in_the_project(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(PLAIN, encoding="utf-8")

    with pytest.raises(DatasetError, match="'kind' cannot be the label of regression"):
        look_at(tmp_path / "t.csv", "kind", Task.regression)
    with pytest.raises(DatasetError, match="is not in the project"):
        declare(tmp_path / "project", tmp_path / "t.csv", "kind", None, None)
    with pytest.raises(DatasetError, match="does not exist"):
        declare(tmp_path, tmp_path / "u.csv", "kind", None, None)


def test_the_passengers_are_declared_as_people_did(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes((ROOT / "data/titanic/Titanic.csv").read_bytes())
    declared = yaml.safe_load((ROOT / "conf/dataset/titanic.yaml").read_text(encoding="utf-8"))

    found = look_at(tmp_path / "t.csv", "Survived", None)

    assert {name: kind.value for name, kind in found.columns.items()} == {
        column["name"]: column["type"] for column in declared["columns"]
    }
    assert (found.task, list(found.drop), found.read) == (Task.classification, ["PassengerId"], {})


def test_numbers_with_signs_and_a_few_words_are_no_identifiers(tmp_path: Path) -> None:
    rows = [f'"${n},{n % 900 + 100}.5","{n % 100},5 %",PC {n},{n % 2}\n' for n in range(1, 99)]

    found = _look(tmp_path, "money,share,ticket,y\nn.b.,1 %,PC 0,1\n" + "".join(rows), "y")

    assert list(found.drop) == ["ticket"]
    assert "decimal" not in found.read, "a comma parts the fields"
