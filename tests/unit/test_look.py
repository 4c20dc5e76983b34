"""What a file that nobody has declared seems to be, and the declaration that is written of it."""

import gzip
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest
import yaml
from tests.conftest import ROOT

from keystage.core.errors import DatasetError
from keystage.data.columns import ColumnSpec, ColumnType
from keystage.data.forecast import ForecastSpec
from keystage.data.look import reading
from keystage.data.look.columns import Marks, kind_of
from keystage.data.look.table import Look, look_at
from keystage.data.look.text import has_header
from keystage.data.reading import read_dataset
from keystage.data.sources.resolve import Source, resolve
from keystage.data.sources.spec import ReadSpec
from keystage.data.spec import DatasetSpec, RowsSpec, Task
from keystage.data.split import usable_rows
from keystage.data.stream import StreamSpec
from keystage.data.streamed.reading import read_streamed
from keystage.results.new_dataset import Wish, declare

PLAIN = "day,amount,kind\n2024-01-01,1.5,a\n2024-01-02,,b\n2024-01-03,2,a\n"


def _look(tmp_path: Path, content: str | bytes, label: str = "kind", name: str = "t.csv") -> Look:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return look_at([_source(path)], label, None)


def _source(path: Path) -> Source:
    return Source(path.name, path, path.name)


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
        ("Report of Monday,,\n,,\n" + PLAIN, {"skip_rows": 2}),
        ("1,5;kind;2,25\n2,5;kind;3,75\n", {"separator": ";", "header": "none", "decimal": ","}),
        ("1,2.5,a\n2,3.5,b\n3,4.5,a\n", {"header": "none"}),
        (PLAIN.replace("kind", "Größe").encode("cp1252"), {"encoding": "cp1252"}),
        (PLAIN.replace("kind", "Größe").encode("utf-16"), {"encoding": "utf-16"}),
        (b"\xef\xbb\xbf" + PLAIN.encode(), {}),
        ("day,kind\n31.12.2023,a\n01.02.2024,b\n", {"datetimes": {"day": "%d.%m.%Y"}}),
        ("day,kind\n12/31/2023 1:05 PM,a\n02/01/2024 10:30 AM,b\n", {"datetimes": {"day": "%m/%d/%Y %I:%M %p"}}),
        ("day,kind\n31 Dec 2023,a\n1 Feb 2024,b\n", {"datetimes": {"day": "%d %b %Y"}}),
        ("version,kind\n10.4.12,a\n10.4.2,b\n", {}),
        (PLAIN.replace("\n", "\r\n"), {}),
    ],
    ids=[
        *("semicolons", "tabs", "bars", "decimal commas", "thousands", "English thousands", "a comment"),
        *("a header that begins like one", "lines before", "lines before with separators"),
        *("no header, decimal commas", "no header", "cp1252", "utf-16", "a mark of utf-8", "German days"),
        *("English times", "months by name", "versions, which are no days", "Windows' line ends"),
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
    pd.DataFrame({"y": label, "id": range(100, 160), "one": 1, "x": [0.5, 1.5, 0.25] * 20}).to_parquet(path)

    found = look_at([_source(path)], "y", None)

    assert found.task is task
    assert found.why[-1].startswith(f"task {task.value}: 'y' has ")
    assert list(found.drop) == ["id", "one"]


def test_a_declaration_is_written_that_conf_takes_and_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "data" / "Some Table.csv"
    path.parent.mkdir()
    rows = PLAIN.replace("amount", "on: it's")
    path.write_text(rows + rows.partition("\n")[2], encoding="utf-8")

    written, _ = declare(tmp_path, path, Wish("kind"))
    told = yaml.safe_load((tmp_path / written).read_text(encoding="utf-8"))

    assert written == Path("conf/dataset/some_table.yaml")
    assert (told["name"], told["path"], told["files"]) == ("some_table", "data", ["Some Table.csv"])
    assert (told["label"], told["task"]) == ("kind", "classification")
    assert told["columns"][1] == {"name": "on: it's", "type": "number"}
    with pytest.raises(DatasetError, match="there is a dataset 'some_table' already"):
        declare(tmp_path, path, Wish("kind"))
    declare(tmp_path, path, Wish("kind", "other", Task.classification))


@pytest.mark.parametrize(
    ("content", "label", "words"),
    [
        ("", "a", "t.csv is empty"),
        ("a,b\n", "a", "t.csv has no rows"),
        ("a,b\n1,2\n", "c", "t.csv has no column 'c'"),
        ("a,b\n1,2\n1,3\n", "a", "nothing to learn about 'a'"),
        ("a,a\nx,2\nz,3\n", "a", "two columns of one name: a"),
        ("a,b\n2024-01-01,2\n2024-01-02,3\n", "a", "'a' cannot be the label"),
    ],
)
def test_what_cannot_be_declared_is_said(tmp_path: Path, content: str, label: str, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        _look(tmp_path, content, label)


def test_regression_wants_numbers_and_the_file_stands_in_the_project(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(PLAIN, encoding="utf-8")

    with pytest.raises(DatasetError, match="'kind' cannot be the label of regression"):
        look_at([_source(tmp_path / "t.csv")], "kind", Task.regression)
    with pytest.raises(DatasetError, match="is not in the project"):
        declare(tmp_path / "project", tmp_path / "t.csv", Wish("kind"))
    with pytest.raises(DatasetError, match="does not exist"):
        declare(tmp_path, tmp_path / "u.csv", Wish("kind"))


def test_the_passengers_are_declared_as_people_did(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes((ROOT / "data/titanic/Titanic.csv").read_bytes())
    declared = yaml.safe_load((ROOT / "conf/dataset/titanic.yaml").read_text(encoding="utf-8"))

    found = look_at([_source(tmp_path / "t.csv")], "Survived", None)

    assert {name: kind.value for name, kind in found.columns.items()} == {
        column["name"]: column["type"] for column in declared["columns"]
    }
    assert (found.task, list(found.drop), found.read) == (Task.classification, ["PassengerId"], {})


def test_numbers_with_signs_and_a_few_words_are_no_identifiers(tmp_path: Path) -> None:
    rows = [f'"${n},{n % 900 + 100}.5","{n % 100},5 %",PC {n},{n % 2}\n' for n in range(1, 99)]

    found = _look(tmp_path, "money,share,ticket,y\nn.b.,1 %,PC 0,1\n" + "".join(rows), "y")

    assert list(found.drop) == ["ticket"]
    assert "decimal" not in found.read, "a comma parts the fields"


@pytest.mark.parametrize("name", ["t.jsonl", "t.xlsx", "t.tsv"])
def test_files_of_other_forms_are_declared_by_their_cells(tmp_path: Path, name: str) -> None:
    rows = pd.DataFrame({"day": ["2024-01-01", "2024-01-02"] * 20, "n": range(40), "x": 0.5, "kind": ["a", "b"] * 20})
    rows["x"] += rows.index
    {
        "t.jsonl": lambda path: rows.to_json(path, orient="records", lines=True),
        "t.xlsx": lambda path: rows.assign(day=pd.to_datetime(rows["day"])).to_excel(path, index=False),
        "t.tsv": lambda path: rows.to_csv(path, sep="\t", index=False),
    }[name](tmp_path / name)

    written, look = declare(tmp_path, tmp_path / name, Wish("kind"))

    assert [kind.value for kind in look.columns.values()] == ["datetime", "integer", "number", "string"]
    assert yaml.safe_load((tmp_path / written).read_text(encoding="utf-8"))["files"] == [name]


def test_a_folder_is_declared_with_the_columns_of_its_paths(tmp_path: Path) -> None:
    for year in (2023, 2024):
        place = tmp_path / "data" / "sales" / f"year={year}"
        place.mkdir(parents=True)
        (place / "part.csv").write_text(f"amount,kind\n{year},a\n2,b\n", encoding="utf-8")

    folder, look = declare(tmp_path, tmp_path / "data" / "sales", Wish("kind"))
    pattern, _ = declare(tmp_path, tmp_path / "data" / "sales" / "*" / "part.csv", Wish("kind", "other"))
    told = [yaml.safe_load((tmp_path / path).read_text(encoding="utf-8")) for path in (folder, pattern)]

    assert [(item["path"], item["files"]) for item in told] == [
        ("data/sales", ["**/*.csv"]),
        ("data/sales", ["*/part.csv"]),
    ]
    assert folder.name == "sales.yaml"
    assert (look.rows, look.columns["year"]) == (4, ColumnType.integer)
    spec = DatasetSpec(**{**told[0], "task": Task(told[0]["task"]), "columns": []})
    assert read_dataset(spec, tmp_path).table["year"].tolist() == [2023, 2023, 2024, 2024]

    (tmp_path / "data" / "sales" / "more.parquet").write_bytes(b"")
    with pytest.raises(DatasetError, match="holds files of several forms"):
        declare(tmp_path, tmp_path / "data" / "sales", Wish("kind", "third"))
    (tmp_path / "data" / "sales" / "odd.csv").write_text("amount,sort\n1,a\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="have different columns"):
        declare(tmp_path, tmp_path / "data" / "sales" / "**" / "*.csv", Wish("kind", "third"))


def test_a_forecast_is_declared_with_what_a_look_cannot_tell(tmp_path: Path) -> None:
    days = pd.date_range("2024-01-01", periods=40).strftime("%Y-%m-%d")
    rows = pd.DataFrame({"day": [*days, *days], "shop": ["a"] * 40 + ["b"] * 40, "sold": range(80)})
    rows.to_csv(tmp_path / "t.csv", index=False)
    forecast = ForecastSpec(7, ["shop"])

    written, look = declare(tmp_path, tmp_path / "t.csv", Wish("sold", None, Task.forecasting, "day", forecast))
    told = yaml.safe_load((tmp_path / written).read_text(encoding="utf-8"))

    assert (told["task"], told["time"], told["forecast"]) == ("forecasting", "day", {"horizon": 7, "series": ["shop"]})
    assert not look.drop
    with pytest.raises(DatasetError, match="'shop' is no column of times"):
        declare(tmp_path, tmp_path / "t.csv", Wish("sold", "b", Task.forecasting, "shop", ForecastSpec(7)))
    with pytest.raises(DatasetError, match="needs --time and --horizon too"):
        Wish("sold", None, Task.forecasting)


def test_dates_too_far_away_for_times_are_texts_and_told(tmp_path: Path) -> None:
    found = _look(
        tmp_path, "".join(["end,kind\n", *(f"2024-01-{n:02},{n % 2}\n" for n in range(1, 30)), "9999-12-31,0\n"])
    )

    assert found.columns["end"] is ColumnType.string
    assert found.why[0].startswith("times of 'end' before 1677 or after 2262 make it text: '9999-12-31'; where that")


def test_years_are_times_where_a_forecast_goes_by_them(tmp_path: Path) -> None:
    (tmp_path / "nile.csv").write_text("".join(["time,Nile\n", *(f"{1871 + n},{n % 7}\n" for n in range(60))]))
    written, _ = declare(tmp_path, tmp_path / "nile.csv", Wish("Nile", None, Task.forecasting, "time", ForecastSpec(3)))
    told = yaml.safe_load((tmp_path / written).read_text(encoding="utf-8"))

    assert told["columns"][0] == {"name": "time", "type": "datetime"}
    assert told["read"]["datetimes"] == {"time": "%Y"}


@pytest.mark.parametrize("odd", ["see\nnote", "6.2\x1a", "a\x85b", "a\u2028b"])
def test_cells_of_several_lines_leave_a_declaration_that_can_be_read(tmp_path: Path, odd: str) -> None:
    rows = [{"the\nn": str(n % 7), "kind": "ab"[n % 2]} for n in range(40)] + [{"the\nn": odd, "kind": odd}]
    pd.DataFrame(rows).to_csv(tmp_path / "t.csv", index=False)

    written, _ = declare(tmp_path, tmp_path / "t.csv", Wish("kind"))
    told = yaml.safe_load((tmp_path / written).read_text(encoding="utf-8"))

    assert told["columns"][0]["name"] == "the\nn"
    assert told["rows"]["where"] == f"kind not in [{odd!r}]"


def test_a_label_of_which_each_cell_is_another_is_none_for_classes(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("".join(["n,kind\n", *(f"{n % 7},a{n}\n" for n in range(40))]))

    with pytest.raises(DatasetError, match="'kind' has 0 classes of two rows or more"):
        declare(tmp_path, tmp_path / "t.csv", Wish("kind"))

    assert not (tmp_path / "conf/dataset").is_dir()


def test_amounts_below_a_row_of_units_are_no_classes_in_a_short_table_either(tmp_path: Path) -> None:
    found = _look(tmp_path, "".join(["n,load\nh,MW\n", *(f"{n % 5},{n * 13}\n" for n in range(15))]), "load")

    assert (found.task, found.where) == (Task.regression, "load.notna()")
    assert found.columns["n"] is ColumnType.integer


def test_what_reads_in_two_ways_is_told_and_can_be_said(tmp_path: Path) -> None:
    days = "".join(f"{n:02}/03/2024,{n % 2}\n" for n in range(1, 13))
    found = _look(tmp_path, f"day,kind\n{days}")
    assert any("%d/%m/%Y" in reason and "so can they like %m/%d/%Y: choose" in reason for reason in found.why)

    years = "country,2023,2024\nA,1,2\nB,2,3\nC,3,4\n"
    found = _look(tmp_path, years, "column1")
    assert any("if it is none: --header: country, 2023, 2024" in reason for reason in found.why)
    found = look_at([_source(tmp_path / "t.csv")], "country", None, has_header=True)
    assert list(found.columns) == ["country", "2023", "2024"]


@pytest.mark.parametrize("name", ["null", "on", "12", "a b"])
def test_a_name_that_yaml_takes_for_something_else_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "t.csv").write_text(PLAIN, encoding="utf-8")

    with pytest.raises(DatasetError, match=f"'{name}' cannot name a dataset"):
        declare(tmp_path, tmp_path / "t.csv", Wish("kind", name))


def test_a_label_of_money_is_no_class(tmp_path: Path) -> None:
    rows = "".join(f'{n % 5},"${n},000.50"\n' for n in range(1, 40))

    with pytest.raises(DatasetError, match=r"'price' holds numbers, of which some are not plain, like '\$1,000.50'"):
        _look(tmp_path, f"n,price\n{rows}", "price")

    assert look_at([_source(tmp_path / "t.csv")], "price", Task.classification).task is Task.classification


def test_what_is_sure_to_fail_is_not_recommended(tmp_path: Path) -> None:
    months = "".join(f"{1949 + n // 12}-{n % 12 + 1:02},{n}\n" for n in range(60))
    with pytest.raises(DatasetError, match="nothing is left to learn 'n' from") as refused:
        _look(tmp_path, f"id,n\n{''.join(f'a{n},{n * 7}' + chr(10) for n in range(60))}", "n")
    assert refused.value.fix == "add columns to the file"
    years = _look(tmp_path, f"year,n\n{''.join(f'{1900 + n},{n * 7}' + chr(10) for n in range(60))}", "n")
    assert years.drop == {}
    assert _look(tmp_path, f"month,n\n{months}", "n").read == {"datetimes": {"month": "%Y-%m"}}
    (tmp_path / "t.csv").write_text("part,x\n0.5,1\n1.5,2\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="'part' cannot be the label of classification"):
        look_at([_source(tmp_path / "t.csv")], "part", Task.classification)
    with pytest.raises(DatasetError) as refused:
        _look(tmp_path, "country,2023,2024\nA,1,2\nB,2,3\nC,3,4\n", "2025")
    assert refused.value.fix == "--header, where the first line names them"


def test_of_a_class_with_one_row_no_row_is_taken_and_it_is_told(tmp_path: Path) -> None:
    rows = "".join(f"{n / 3:.2f},{n % 2}\n" for n in range(40)) + '1,"it\'s"\n2,\n3,\n'
    (tmp_path / "t.csv").write_text(f"x,the kind\n{rows}", encoding="utf-8")
    written, look = declare(tmp_path, tmp_path / "t.csv", Wish("the kind", task=Task.classification))
    told = yaml.safe_load((tmp_path / written).read_text(encoding="utf-8"))

    assert look.why[-2:] == [
        "1 class of 'the kind' with one row: it's; left out, as a split for a test needs two",
        "2 rows have no 'the kind'; a run leaves them out, and counts them",
    ]
    assert told["rows"] == {"where": '`the kind` not in ["it\'s"]'}
    spec = DatasetSpec(**{**told, "task": Task.classification, "columns": [], "rows": RowsSpec(**told["rows"])})
    assert usable_rows(read_dataset(spec, tmp_path).table, spec)["the kind"].value_counts().to_dict() == {
        "0": 20,
        "1": 20,
    }
    with pytest.raises(DatasetError, match="class 'it's' of label 'the kind' has one row") as refused:
        usable_rows(read_dataset(replace(spec, rows=None), tmp_path).table, spec)
    assert told["rows"]["where"] in refused.value.fix


def test_spaces_that_make_names_and_texts_others_are_told(tmp_path: Path) -> None:
    found = _look(tmp_path, "x, sex,kind\n1, m,a\n2,m,b\n3, f,a\n 4,m,b\n")

    assert found.why[:2] == [
        "names of columns begin or end with spaces, and are to be written so: ' sex'",
        "2 different texts of ' sex' begin or end with spaces, and with them they are others than without: ' m'",
    ]
    assert found.columns["x"] is ColumnType.integer


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (["x;y\n1.5;a\n", "x;y\n2;b\n", "x;y\n1,5;b\n"], "three.csv has numbers with ',' for decimals"),
        (["x;y\n1,5;a\n", "x;y\n1.5;b\n"], "one.csv has numbers with ',' for decimals"),
        (["x,y\n2024-01-01,a\n", "x,y\n13.01.2024,a\n"], "has times like ISO 8601, two.csv has times like %d.%m.%Y"),
        (["x,y\nÖl,a\n", "x,y\nÖl,a\n".encode("cp1252")], "the first is utf-8, the second cp1252"),
    ],
)
def test_files_that_are_written_otherwise_than_the_first_are_refused(
    tmp_path: Path, contents: list[str | bytes], words: str
) -> None:
    with pytest.raises(DatasetError) as refused:
        look_at(_sources(tmp_path, contents), "y", Task.classification)

    assert words in refused.value.why


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("a,y\n1,u\n", "two.csv and one.csv have different columns"),
        ("a;b;y\n1;2;u\n", "two.csv is separated by ';', and one.csv by ','"),
    ],
)
def test_files_of_which_one_has_fewer_columns_are_told_apart(tmp_path: Path, other: str, message: str) -> None:
    with pytest.raises(DatasetError, match=re.escape(message)):
        look_at(_sources(tmp_path, ["a,b,y\n1,2,u\n2,3,v\n", other]), "y", None)


def test_times_with_clocks_and_decimal_commas_do_not_hide_the_separator(tmp_path: Path) -> None:
    rows = "".join(f"{40 + n % 9},{n % 10};2010/01/{n // 24 + 1:02} {n % 24:02}:00:00\n" for n in range(400))

    found = _look(tmp_path, f"temp;date\n{rows}", "temp")

    assert found.read == {"separator": ";", "decimal": ",", "datetimes": {"date": "%Y/%m/%d %H:%M:%S"}}


def test_a_forecast_of_several_series_names_the_column_that_tells_them_apart(tmp_path: Path) -> None:
    rows = "".join(f"{2000 + n // 3},{'abc'[n % 3]},{n * 7 % 11}\n" for n in range(60))
    (tmp_path / "t.csv").write_text(f"year,source,made\n{rows}", encoding="utf-8")

    with pytest.raises(DatasetError, match="times of 'year' come more than once") as got:
        declare(tmp_path, tmp_path / "t.csv", Wish("made", None, Task.forecasting, "year", ForecastSpec(2)))

    assert got.value.fix.endswith("--series source")
    declare(tmp_path, tmp_path / "t.csv", Wish("made", None, Task.forecasting, "year", ForecastSpec(2, ["source"])))


def test_files_may_differ_in_what_each_holds(tmp_path: Path) -> None:
    mixed = _sources(tmp_path, ["x,y\n1.5,a\n", "x,y\nfree,b\n", "x,y\n,Ö\n".encode("cp1252")])

    found = look_at(mixed, "y", None)

    assert (found.columns["x"], found.read) == (ColumnType.string, {"encoding": "cp1252"})


def _sources(folder: Path, contents: list[str | bytes]) -> list[Source]:
    found = []
    for name, content in zip(("one.csv", "two.csv", "three.csv"), contents, strict=False):
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        found.append(_source(folder / name))
    return found


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_of_a_large_table_the_first_rows_are_looked_at_and_it_is_read_in_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(reading, "LARGE", 10_000)
    monkeypatch.setattr(reading, "PART_ROWS", 2000)
    rows = pd.DataFrame({"nr": range(6000)}).astype("str").radd("n")
    rows["same"] = [1] * 5000 + [2] * 1000
    rows["day"] = [f"{row % 28 + 1:02}.03.2024" for row in range(6000)]
    rows["kind"] = ["a", "b", *["c", "d"] * 2999]
    path = tmp_path / "data" / f"t{ending}"
    path.parent.mkdir()
    rows.to_parquet(path) if ending == ".parquet" else rows.to_csv(path, index=False)

    written, found = declare(tmp_path, path, Wish("kind"))

    told = yaml.safe_load((tmp_path / written).read_text(encoding="utf-8"))
    assert (found.rows, found.is_part, list(found.drop), found.where) == (2000, True, ["nr"], None)
    assert "the first 2,000 rows" in (tmp_path / written).read_text(encoding="utf-8")
    assert told["stream"] == {}
    assert [column["name"] for column in told["columns"]] == ["nr", "day", "kind"], "numbers are found by all rows"
    columns = [ColumnSpec(column["name"], ColumnType(column["type"])) for column in told["columns"]]
    spec = DatasetSpec(
        told["files"], "kind", Task.classification, "t", told["path"], columns, drop=told["drop"], stream=StreamSpec(),
        read=ReadSpec(**told["read"]) if "read" in told else None,
    )  # fmt: skip
    assert read_streamed(spec, resolve(spec, tmp_path), 1, 1).rows == 6000


def test_a_large_table_with_marks_between_thousands_is_read_in_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGE", 10)
    path = tmp_path / "t.csv"
    path.write_text("x;y;z\n" + "1.234,5;a;1\n2.000,5;b;2\n" * 900, encoding="utf-8")

    written, found = declare(tmp_path, path, Wish("y"))
    told = yaml.safe_load((tmp_path / written).read_text(encoding="utf-8"))
    spec = DatasetSpec(
        told["files"], "y", Task.classification, "t", told["path"], read=ReadSpec(**told["read"]), stream=StreamSpec()
    )

    assert (found.read["thousands"], told["stream"]) == (".", {})
    assert read_streamed(spec, resolve(spec, tmp_path), 1, 1).sample["x"].unique().tolist() == [1234.5, 2000.5]


def test_commas_in_quotes_are_decimal_marks_where_more_columns_are_numbers_so(tmp_path: Path) -> None:
    rows = "".join(f'"{n}.{n:03}","{n},{n % 10}","{n},271",{"ab"[n % 2]}\n' for n in range(1, 40)).replace(".", ",")
    found = _look(tmp_path, f"dose,w,z,kind\n{rows}")
    small = _look(tmp_path, "".join(["dose,kind\n", *(f'"0,{n}86",{"ab"[n % 2]}\n' for n in range(9))]))
    thousands = _look(tmp_path, "".join(["dose,kind\n", *(f'"{n},271",{"ab"[n % 2]}\n' for n in range(1, 9))]))

    assert found.read == small.read == {"decimal": ","}
    assert [found.columns[name].value for name in ("dose", "w", "z")] == ["number"] * 3
    assert thousands.read == {"thousands": ","}
    spec = DatasetSpec(["t.csv"], "kind", Task.classification, "t", "", read=ReadSpec(decimal=","))
    (tmp_path / "t.csv").write_text(f"dose,w,z,kind\n{rows}", encoding="utf-8")
    whole = read_dataset(spec, tmp_path).table
    blocks = read_streamed(replace(spec, stream=StreamSpec()), resolve(spec, tmp_path), 0, 1).sample
    assert whole["w"].head(3).tolist() == blocks["w"].head(3).tolist() == [1.1, 2.2, 3.3]


def test_comments_are_no_mark_where_cells_would_be_cut(tmp_path: Path) -> None:
    rows = "".join(f"{row},tag #{row % 7},{'ab'[row % 2]}\n" for row in range(50))

    with pytest.raises(DatasetError, match="has lines that begin with #, and cells with # in them") as got:
        _look(tmp_path, f"# by station 3\nx,tag,kind\n{rows}")

    assert "the first in line 3" in got.value.why
    assert "grep -v '^#' t.csv" in got.value.fix


def test_a_line_of_another_encoding_is_told_and_the_others_are_not_read_by_it(tmp_path: Path) -> None:
    rows = "".join(f"Zürich,{'ab'[row % 2]}\n" for row in range(50))

    with pytest.raises(DatasetError, match=r"t\.csv is UTF-8 but for some lines") as got:
        _look(tmp_path, f"x,kind\n{rows}".encode() + "Köln,a\n".encode("cp1252") + rows.encode())

    assert r"1 of 101 lines with letters beyond ASCII are not, the first is line 52: b'K\xf6ln,a'" in got.value.why


def test_a_last_line_of_another_encoding_is_told_too(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"t\.csv is UTF-8 but for some lines"):
        _look(tmp_path, ("x,kind\n" + "Zürich,a\nKöln,b\n" * 9).encode() + "Genève,a".encode("cp1252"))


@pytest.mark.parametrize("content", [b"x,kind\n1,a\n", gzip.compress(b"x,kind\n1,a\n2,b\n")[:-6]], ids=["plain", "cut"])
def test_a_damaged_archive_is_said(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DatasetError, match="is damaged, or not compressed as its ending says"):
        _look(tmp_path, content, name="t.csv.gz")


def test_an_archive_of_several_files_is_said(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "two.zip", "w") as archive:
        for name in ("a.csv", "b.csv"):
            archive.writestr(name, "x,kind\n1,a\n2,b\n")

    with pytest.raises(DatasetError, match="is damaged, or not compressed as its ending says") as got:
        look_at([_source(tmp_path / "two.zip")], "kind", None)

    assert "the archive holds 2 files, not one" in got.value.why
    assert "pack one file into each archive" in got.value.fix


def test_numbers_with_some_words_are_told(tmp_path: Path) -> None:
    rows = "".join(f"{row}.5,{'ab'[row % 2]}\n" for row in range(50))

    found = _look(tmp_path, f"x,kind\n{rows}low,a\nlow,b\n")

    assert found.columns["x"] is ColumnType.string
    assert "'x' holds numbers, but for 2 cells such as 'low': it is declared as text" in " ".join(found.why)


@pytest.mark.parametrize("name", ["inf", "NaN", "1e5"])
def test_a_name_that_hydra_takes_for_a_number_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(PLAIN, encoding="utf-8")

    with pytest.raises(DatasetError, match=f"'{name}' cannot name a dataset"):
        declare(tmp_path, path, Wish("kind", name))


def test_the_label_tells_a_header_whose_other_names_are_missing(tmp_path: Path) -> None:
    content = ",n,,kind\n" + "".join(f"{row},{row % 7},{row % 5},{'ab'[row % 2]}\n" for row in range(40))

    found = _look(tmp_path, content)

    assert list(found.columns) == ["Unnamed: 0", "n", "Unnamed: 2", "kind"]
    assert found.rows == 40


def test_a_name_that_stands_twice_is_said_of_a_header(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has two columns of one name: n"):
        _look(tmp_path, "n,n,kind\n1,2,a\n2,3,b\n")


def test_infinity_and_all_that_stands_for_missing_leave_a_column_of_numbers(tmp_path: Path) -> None:
    odd = ["inf", "-inf", "Infinity", "NaN", "nan", "NULL", "None", "#N/A", "-", ""]
    content = "n,kind\n" + "".join(f"{odd[row] if row < len(odd) else row / 3},{'ab'[row % 2]}\n" for row in range(40))

    found = _look(tmp_path, content)

    assert found.columns["n"] is ColumnType.number
    assert set(found.missing) == {"", "NaN", "nan", "NULL", "None", "#N/A", "-"}


def test_texts_that_may_stand_for_missing_values_are_told(tmp_path: Path) -> None:
    content = "w,kind\n" + "".join(f"{'NA' if row == 3 else 'xyz'[row % 3]},{'ab'[row % 2]}\n" for row in range(40))

    assert any("taken as values: 'NA' in 'w'" in why for why in _look(tmp_path, content).why)


def test_short_rows_are_told_and_declared_to_be_filled(tmp_path: Path) -> None:
    found = _look(tmp_path, "n,kind,note\n1,a,x\n2,b\n3,a,\n4,b,y\n")

    assert found.read == {"short_rows": "fill"}
    assert any("1 row has fewer than 3 fields, the first is row 2, '2,b', of t.csv" in why for why in found.why)


def test_texts_of_spaces_alone_are_missing_wherever_they_stand(tmp_path: Path) -> None:
    content = "n,kind\n" + "".join(f"{row % 7 or ' '},{'ab '[row % 3]}\n" for row in range(40))

    found = _look(tmp_path, content)

    assert found.missing == ["", " "]
    assert (found.columns["n"], found.task) == (ColumnType.integer, Task.classification)
    assert any("'kind' has 2 different values" in why for why in found.why)


def test_numbers_of_which_some_have_marks_are_told(tmp_path: Path) -> None:
    content = "n,kind\n" + "".join(f"{row if row != 3 else '$3'},{'ab'[row % 2]}\n" for row in range(40))

    assert any("'n' holds numbers, of which some are written like '$3'" in why for why in _look(tmp_path, content).why)


def test_dates_in_several_forms_are_no_identifier(tmp_path: Path) -> None:
    forms = ("{0:02}.{1:02}.{2}", "{2}-{1:02}-{0:02}", "{1:02}/{0:02}/{2}")
    days = [forms[n % 3].format(1 + n % 28, 1 + n % 12, 2010 + n % 9) for n in range(120)]
    content = "day,kind\n" + "".join(f"{day},{'ab'[n % 2]}\n" for n, day in enumerate(days))

    assert _look(tmp_path, content).drop == {}


def test_a_separator_at_the_end_of_rows_alone_is_said_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"the lines of t\.csv end with ';', and its header does not") as got:
        _look(tmp_path, "n;kind\r\n" + "1;a;\r\n2;b;\r\n" * 9)

    mend = got.value.fix.partition(": ")[2]
    subprocess.run(shlex.split(mend), cwd=tmp_path, check=True)
    assert _look(tmp_path, (tmp_path / "t.csv").read_bytes()).read == {"separator": ";"}


def test_a_name_that_hydra_would_look_up_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"has columns whose names hold '\$\{': \$\{x\}"):
        _look(tmp_path, "${x},kind\n1,a\n2,b\n")


def test_what_a_system_adds_to_an_archive_is_no_data(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("__MACOSX/._t.csv", "of the system")
        archive.writestr("rows/t.csv", PLAIN)
    (tmp_path / "t.zip").rename(tmp_path / "t.csv.zip")
    spec = DatasetSpec(["t.csv.zip"], "kind", Task.classification, "t", ".")

    assert look_at([_source(tmp_path / "t.csv.zip")], "kind", None).rows == 3
    assert len(read_dataset(spec, tmp_path).table) == 3


def test_rows_above_the_header_of_a_sheet_are_told(tmp_path: Path) -> None:
    rows = [["Report of 2024", None, None], [None, None, None], ["n", "code", "kind"]]
    rows += [[n % 7, f"00{n % 5}", "ab"[n % 2]] for n in range(40)]
    pd.DataFrame(rows).to_excel(tmp_path / "t.xlsx", index=False, header=False)

    found = look_at([_source(tmp_path / "t.xlsx")], "kind", None)

    assert (found.rows, found.read) == (40, {"skip_rows": 2})
    assert [kind.value for kind in found.columns.values()] == ["integer", "string", "string"]
    assert "2 rows stand above the header, the one with 'kind' in it" in found.why


def test_columns_that_no_feature_can_have_are_not_kept(tmp_path: Path) -> None:
    folder = tmp_path / "data/odd/year=2024"
    folder.mkdir(parents=True)
    tags = [["x"], []] * 20
    rows = pd.DataFrame({"n": [n % 7 for n in range(40)], "tags": tags, "kind": ["a", "b"] * 20})
    rows.to_parquet(folder / "t.parquet")

    written, found = declare(tmp_path, folder.parent, Wish("kind"))
    told = yaml.safe_load((tmp_path / written).read_text(encoding="utf-8"))
    spec = DatasetSpec(told["files"], "kind", Task.classification, "t", told["path"], keep=told["keep"])

    assert any("but those that are no numbers, texts or times: tags" in why for why in found.why)
    assert told["keep"] == ["n", "kind", "year"]
    assert list(read_dataset(spec, tmp_path).table.columns) == ["n", "kind", "year"]


def test_a_damaged_file_of_parquet_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"t\.parquet is no Parquet file, or damaged"):
        _look(tmp_path, b"PAR1 and no more", name="t.parquet")


def test_numbers_that_may_stand_for_nothing_are_told(tmp_path: Path) -> None:
    gone, endless = ["" if n % 9 else "-999" for n in range(100)], ["inf" if n == 4 else "" for n in range(100)]
    rows = "".join(f"{n},{gone[n] or n},{n * 10},{endless[n] or n},{'ab'[n % 2]}\n" for n in range(100))

    why = "\n".join(_look(tmp_path, f"n,gone,far,endless,kind\n{rows}990,-999,9,9,a\n").why)

    assert "'gone' holds -999, far from all others, which are 1 to 98; where that means none, add it to missing" in why
    assert "1 cell of 'endless' is infinite: prep=auto takes them as missing" in why
    assert "'n' holds" not in why
    assert "'far' holds" not in why


def test_booleans_of_parquet_are_booleans_where_cells_are_missing_too(tmp_path: Path) -> None:
    flags = pd.array([True, False, None] * 20, dtype="boolean")
    pd.DataFrame({"x": range(60), "flag": flags, "y": flags}).to_parquet(tmp_path / "t.parquet")

    found = look_at([_source(tmp_path / "t.parquet")], "y", None)

    assert [found.columns[name].value for name in ("flag", "y")] == ["boolean", "boolean"]


@pytest.mark.parametrize(
    ("content", "message", "fix"),
    [
        (b"SQLite format 3\0" + bytes(100), "t.csv is a database of SQLite", "read.query"),
        (b"PK\3\4" + bytes(100), "t.csv is a zip file or a workbook, no text", "ending"),
    ],
)
def test_a_file_that_is_no_text_is_called_what_it_is(tmp_path: Path, content: bytes, message: str, fix: str) -> None:
    with pytest.raises(DatasetError, match=message) as raised:
        _look(tmp_path, content)

    assert fix in raised.value.fix


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "xlsx"])
def test_whole_numbers_with_gaps_are_integers_in_every_format(tmp_path: Path, ending: str) -> None:
    whole = pd.array([1, None, 3, 4] * 10, dtype="Int64")
    table = pd.DataFrame({"n": whole, "x": [0.5, None, 1.0, 2.0] * 10, "y": list("abab") * 10})
    path = tmp_path / f"t.{ending}"
    {
        "parquet": lambda: table.to_parquet(path),
        "jsonl": lambda: table.to_json(path, orient="records", lines=True),
        "xlsx": lambda: table.to_excel(path, index=False),
    }[ending]()
    columns = {"n": ColumnType.integer, "x": ColumnType.number, "y": ColumnType.string}

    found = look_at([_source(path)], "y", None)

    assert found.columns == columns
    declared = [ColumnSpec(name, kind) for name, kind in columns.items()]
    read = read_dataset(DatasetSpec([path.name], "y", Task.classification, "t", ".", declared), tmp_path).table
    assert read["n"].sum() == 80


def _rows_of(*more: str) -> str:
    rows = [f"{n / 7:.3f},{n % 50},{'ab'[n % 3 == 0]}" for n in range(-90, 90)]
    return "\n".join(["x,n,kind", *more, *rows]) + "\n"


@pytest.mark.parametrize(
    ("content", "where", "rows"),
    [
        (_rows_of("[m],[s],"), "kind.notna()", 180),
        (_rows_of("x,n,kind"), "kind not in ['kind']", 180),
        (_rows_of() + f"Total,{sum(n % 50 for n in range(-90, 90))},a\n", "x not in ['Total']", 180),
    ],
    ids=["a row of units", "a header again", "a row of sums"],
)
def test_rows_that_are_none_do_not_make_texts_of_numbers(tmp_path: Path, content: str, where: str, rows: int) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content, encoding="utf-8")

    found = look_at([_source(path)], "kind", None)

    assert found.where == where
    columns = [ColumnSpec(name, kind) for name, kind in found.columns.items()]
    spec = DatasetSpec(["t.csv"], "kind", Task.classification, "t", ".", columns, rows=RowsSpec(where=where))
    assert len(read_dataset(spec, tmp_path).table) == rows
    if "Total" not in where:
        assert [kind.value for kind in found.columns.values()] == ["number", "integer", "string"]
        assert "'x', 'n' would be texts, but for rows that are left out" in found.why


def test_a_label_of_numbers_but_for_a_few_cells_is_regressed_without_them(tmp_path: Path) -> None:
    content = "x,y\n" + "".join(f"{n},{n / 3:.2f}\n" for n in range(90)) + "1,unknown\n2,>10\n"
    (tmp_path / "t.csv").write_text(content, encoding="utf-8")

    found = look_at([_source(tmp_path / "t.csv")], "y", None)

    assert (found.task, found.where, found.columns["y"]) == (Task.regression, "y.notna()", ColumnType.number)
    assert any(why.startswith("2 cells of 'y' are no numbers: 'unknown', '>10'; without a label") for why in found.why)
    columns = [ColumnSpec(name, kind) for name, kind in found.columns.items()]
    rows = RowsSpec(where=found.where)
    read = read_dataset(DatasetSpec(["t.csv"], "y", Task.regression, "t", ".", columns, rows=rows), tmp_path)
    assert (len(read.table), read.left_out) == (90, {"where": 2})
    assert look_at([_source(tmp_path / "t.csv")], "y", Task.classification).columns["y"] is ColumnType.string


def test_classes_that_differ_by_case_or_spaces_are_counted_as_they_are_learnt(tmp_path: Path) -> None:
    found = _look(tmp_path, "n,kind\n" + "".join(f"{n % 7},{('yes', 'yes ', 'Yes', 'no')[n % 4]}\n" for n in range(80)))

    assert "task classification: 'kind' has 4 different values, which are no numbers" in found.why
    assert "classes of 'kind' that differ by case or spaces alone are different ones: 'yes', 'yes ', 'Yes'" in found.why


def test_whole_numbers_that_are_too_long_are_told(tmp_path: Path) -> None:
    found = _look(tmp_path, "n,kind\n" + "".join(f"{2**60 + n},{'ab'[n % 2]}\n" for n in range(80)))

    assert found.columns["n"] is ColumnType.string
    assert any(
        why.startswith("whole numbers of more digits than a number keeps (2**53) are texts: 'n'") for why in found.why
    )


def test_a_label_whose_name_is_a_word_of_python_can_stand_in_a_condition(tmp_path: Path) -> None:
    found = _look(tmp_path, "n,class\n" + "".join(f"{n % 7},{n % 2}\n" for n in range(80)) + "3,7\n", "class")

    assert found.where == "`class` not in [7]"


def test_the_sheet_that_has_the_label_is_the_one_that_is_read(tmp_path: Path) -> None:
    table = pd.DataFrame({"n": [row % 7 for row in range(40)], "kind": list("ab") * 20})
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        pd.DataFrame([["About this file"]]).to_excel(book, sheet_name="Read me", index=False, header=False)
        table.to_excel(book, sheet_name="Data of 2024", index=False, startrow=2)

    found = look_at([_source(tmp_path / "t.xlsx")], "kind", None)

    assert (found.rows, found.read) == (40, {"sheet": "Data of 2024", "skip_rows": 2})
    assert "the first sheet with 'kind' in one of its first rows is 'Data of 2024'" in found.why
    with pytest.raises(DatasetError, match=r"no sheet of t\.xlsx has 'sort' in one of its first 50 rows") as got:
        look_at([_source(tmp_path / "t.xlsx")], "sort", None)
    assert "Read me: About this file" in got.value.why


@pytest.mark.parametrize(
    ("content", "message", "fix"),
    [
        ('\n[{"n": 1, "kind": "a"},\n {"n": 2, "kind": "b"}]\n', "t.csv is an array of JSON", "take t.jsonl"),
        ("<!DOCTYPE html><html></html>", "t.csv is a page of HTML or XML, no table", "get the file itself"),
    ],
)
def test_what_is_no_table_is_called_what_it_is(tmp_path: Path, content: str, message: str, fix: str) -> None:
    with pytest.raises(DatasetError, match=message) as got:
        _look(tmp_path, content)

    assert fix in got.value.fix
    if "JSON" in message:
        command = got.value.fix.rpartition(", then")[0]
        subprocess.run(command.replace("python", shlex.quote(sys.executable), 1), cwd=tmp_path, check=True, shell=True)  # noqa: S602
        assert look_at([_source(tmp_path / "t.jsonl")], "kind", None).rows == 2


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ([" age  income kind", *(f" {n:3}   {n * 1.5:8.2f}   {n % 2}" for n in range(30))], ["age", "income", "kind"]),
        (["rank  years kind", *(f"Prof   {n:4}  {'ab'[n % 2]}" for n in range(30))], ["rank", "years", "kind"]),
        ([f'{n}.0   8  {n * 3.5}   130.0\t"a car {"x " * (n % 3)}"' for n in range(30)], ["0", "1", "2", "3", "4"]),
    ],
)
def test_fields_parted_by_spaces_are_told_with_what_makes_a_table_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[str], names: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"the fields of t\.csv are parted by spaces") as got:
        look_at([_source(tmp_path / "t.csv")], "kind", None)

    command, _, found = got.value.fix.partition(", then declare ")
    subprocess.run(["bash", "-c", command.replace("python ", f"'{sys.executable}' ", 1)], check=True)
    table = pd.read_csv(found)

    assert (list(map(str, table.columns)), len(table)) == (names, 30)


def test_one_column_and_numbers_with_spaces_between_thousands_are_not_parted_by_spaces(tmp_path: Path) -> None:
    rows = "".join(f"{n + 1} 200;{n % 2}\n" for n in range(30))

    assert _look(tmp_path, f"paid;kind\n{rows}").columns["paid"] is ColumnType.integer


def test_numbers_of_parquet_that_no_integer_can_hold_are_texts_and_told(tmp_path: Path) -> None:
    rows = {"hash": [2**63 + row for row in range(40)], "small": [row % 7 for row in range(40)]}
    table = pd.DataFrame(rows, dtype="uint64").assign(kind=list("ab") * 20)
    table.to_parquet(tmp_path / "t.parquet")

    found = look_at([_source(tmp_path / "t.parquet")], "kind", None)

    assert [kind.value for kind in found.columns.values()] == ["string", "integer", "string"]
    assert any("2**53) are texts: 'hash'" in why for why in found.why)
    columns = [ColumnSpec(name, kind) for name, kind in found.columns.items()]
    spec = DatasetSpec(["t.parquet"], "kind", Task.classification, "t", ".", columns)
    assert read_dataset(spec, tmp_path).table["hash"].iloc[0] == str(2**63)


def test_a_row_that_is_called_total_and_is_no_sum_stays(tmp_path: Path) -> None:
    rows = "".join(f"{n % 90},{('Shell', 'BP')[n % 2]},{'ab'[n % 2]}\n" for n in range(120))

    found = _look(tmp_path, f"km,brand,kind\n{rows}42,Total,a\n")

    assert (found.where, found.rows) == (None, 121)
    assert "1 row is called 'Total' in 'brand': if sums, leave them out, by rows.where" in found.why


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["1.1", "1.10", "1.2"], "are one number in two writings"),
        (["1e5", "100000", "2e3"], "are one number in two writings"),
        (["12E4", "3E10", "7E2"], "are read as numbers with exponents"),
        (["1", "2", "3"], None),
    ],
)
def test_numbers_that_may_be_codes_are_told(tmp_path: Path, cells: list[str], told: str | None) -> None:
    found = _look(tmp_path, "code,kind\n" + "".join(f"{cells[n % 3]},{'ab'[n % 2]}\n" for n in range(60)))

    said = [why for why in found.why if "where they are codes" in why]
    assert len(said) == (told is not None)
    assert told is None or (told in said[0] and repr(cells[0]) in said[0] and repr(cells[1]) in said[0])


def test_a_label_with_decimal_commas_and_words_gives_the_mark(tmp_path: Path) -> None:
    rows = "".join(f"{n};{'ab'[n % 2]};{n * 2},5\n" for n in range(90))

    found = _look(tmp_path, f"n;g;preis\n{rows}3;a;offen\n", "preis")

    assert (found.read, found.where, found.task) == (
        {"separator": ";", "decimal": ","},
        "preis.notna()",
        Task.regression,
    )


def test_a_title_that_is_the_name_of_the_label_is_no_header(tmp_path: Path) -> None:
    rows = "".join(f"{n % 7},a{n % 3},{n % 2}\n" for n in range(60))

    found = _look(tmp_path, f"size report,,\nsize,,\npieces,channel,size\n{rows}", "size")

    assert (found.read, list(found.columns)) == ({"skip_rows": 2}, ["pieces", "channel", "size"])


def test_a_sheet_that_describes_the_columns_is_not_the_one_that_is_read(tmp_path: Path) -> None:
    table = pd.DataFrame({"n": [row % 7 for row in range(40)], "kind": list("ab") * 20})
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        pd.DataFrame([["Column", "Meaning"], ["kind", "a or b"], ["n", "orders"]]).to_excel(
            book, sheet_name="Cover", index=False, header=False
        )
        table.to_excel(book, sheet_name="Data", index=False)

    found = look_at([_source(tmp_path / "t.xlsx")], "kind", None)

    assert (found.rows, found.read) == (40, {"sheet": "Data"})


def test_a_form_without_days_reads_in_one_way() -> None:
    assert kind_of(["Jun 1967", "Jul 1967"], Marks()).other is None
    assert kind_of(["03/04/2024", "05/06/2024"], Marks()).other == "%m/%d/%Y"
