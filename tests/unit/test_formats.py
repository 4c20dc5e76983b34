"""Each format gives the table that the same rows as CSV give, and says what is wrong with a file by name."""

import gzip
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from keystage.core.errors import DatasetError
from keystage.data.columns import BadCells, ColumnSpec, ColumnType
from keystage.data.reading import column_names, read_dataset
from keystage.data.sources.spec import Format, HeaderKind, ReadSpec, ShortRows
from keystage.data.spec import DatasetSpec, Task

GOOD = "id,age,name,survived\n007,30.5,Ada,0\n008,,Bob,1\n009,41,,0\n"
COLUMNS = [ColumnSpec("id", ColumnType.string), ColumnSpec("age", ColumnType.number)]


def _spec(*files: str, read: ReadSpec | None = None, **changes: Any) -> DatasetSpec:
    settings = {"label": "survived", "task": Task.classification, "name": "tiny", "path": "data"}
    return DatasetSpec(list(files), **(settings | changes), read=read)


def _write(root: Path, name: str, content: str | bytes) -> None:
    path = root / "data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _table(root: Path, name: str, content: str | bytes, read: ReadSpec | None = None, **changes: Any) -> pd.DataFrame:
    _write(root, name, content)
    return read_dataset(_spec(name, read=read, **changes), root).table


def _parquet(root: Path) -> None:
    columns = {"id": ["007", "008", "009"], "age": [30.5, None, 41], "name": ["Ada", "Bob", None]}
    pq.write_table(pa.table({**columns, "survived": pa.array([0, 1, 0], pa.int8())}), root / "data" / "a.parquet")


def _workbook(root: Path) -> None:
    rows = pd.read_csv(root / "data" / "a.csv", dtype={"id": "str"})
    with pd.ExcelWriter(root / "data" / "a.xlsx") as book:
        rows.to_excel(book, sheet_name="people", index=False)
        pd.DataFrame({"other": [1]}).to_excel(book, sheet_name="more", index=False)


def _lines(root: Path) -> None:
    rows = [
        '{"id": "007", "age": 30.5, "name": "Ada", "survived": 0}',
        "",
        '{"id": "008", "name": "Bob", "survived": 1}',
        '{"id": "009", "age": 41, "name": null, "survived": 0}',
    ]
    (root / "data" / "a.jsonl").write_text("\n".join(rows), encoding="utf-8")


def _tabs(root: Path) -> None:
    (root / "data" / "a.tsv").write_text(GOOD.replace(",", "\t"), encoding="utf-8")


def _zipped(root: Path) -> None:
    (root / "data" / "a.csv.gz").write_bytes(gzip.compress(GOOD.encode()))


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (_parquet, "a.parquet"),
        (_workbook, "a.xlsx"),
        (_lines, "a.jsonl"),
        (_tabs, "a.tsv"),
        (_zipped, "a.csv.gz"),
    ],
)
def test_each_format_gives_the_table_that_a_csv_gives(tmp_path: Path, write: Callable[[Path], None], name: str) -> None:
    expected = _table(tmp_path, "a.csv", GOOD, columns=COLUMNS)
    write(tmp_path)

    found = read_dataset(_spec(name, columns=COLUMNS), tmp_path).table

    pd.testing.assert_frame_equal(found[list(expected.columns)], expected)


def test_a_csv_is_read_as_its_options_say(tmp_path: Path) -> None:
    text = "made by a spreadsheet\n# a comment\nid;age;name;survived\n1;1.030,5;'a;\n b';0\n2;2,5;José;1\n"
    read = ReadSpec(
        separator=";",
        encoding="cp1252",
        quote="'",
        decimal=",",
        thousands=".",
        comment="#",
        skip_rows=1,
        source_column="file",
    )

    table = _table(tmp_path, "a.csv", text.encode("cp1252"), read)

    assert table["age"].tolist() == [1030.5, 2.5]
    assert table["name"].tolist() == ["a;\n b", "José"]
    assert table["file"].tolist() == ["a.csv", "a.csv"]


def test_one_cell_that_is_no_number_does_not_make_others_bad_for_their_decimal_comma(tmp_path: Path) -> None:
    read = ReadSpec(separator=";", decimal=",")
    text = "age;survived\n1,5;0\nold;1\n2,25;0\n"

    table = _table(tmp_path, "a.csv", text, read, columns=COLUMNS[1:], bad_cells=BadCells.empty)

    assert table["age"].tolist()[::2] == [1.5, 2.25]
    assert table["age"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("header", "names", "second", "expected"),
    [
        (HeaderKind.first, None, "3,1\n", ["x", "survived"]),
        (HeaderKind.none, ["x", "survived"], "3,1\n", ["x", "survived"]),
        (HeaderKind.union, None, "y,survived\n3,1\n", ["x", "survived", "y"]),
    ],
)
def test_the_header_stands_where_it_is_said_to(
    tmp_path: Path, header: HeaderKind, names: list[str] | None, second: str, expected: list[str]
) -> None:
    _write(tmp_path, "a.csv", "1,0\n2,0\n" if names else "x,survived\n1,0\n2,0\n")
    _write(tmp_path, "b.csv", second)

    table = read_dataset(_spec("a.csv", "b.csv", read=ReadSpec(header=header, names=names)), tmp_path).table

    assert list(table.columns) == expected
    assert table["survived"].tolist() == [0, 0, 1]
    assert table["x"].isna().sum() == (header is HeaderKind.union)
    assert column_names(_spec("a.csv", "b.csv", read=ReadSpec(header=header, names=names)), tmp_path) == expected


def test_columns_without_a_header_have_numbers(tmp_path: Path) -> None:
    read = ReadSpec(header=HeaderKind.none)

    assert list(_table(tmp_path, "a.csv", "1,0\n2,1\n", read, label="column2").columns) == ["column1", "column2"]


def test_times_are_read_in_the_form_that_is_declared(tmp_path: Path) -> None:
    columns = [ColumnSpec("day", ColumnType.datetime)]
    read = ReadSpec(datetimes={"day": "%d.%m.%Y"})
    text = "day,survived\n03.01.2024,0\n31.12.2023,1\n"

    assert _table(tmp_path, "a.csv", text, read, columns=columns)["day"].dt.month.tolist() == [1, 12]
    with pytest.raises(DatasetError, match="column 'day' of dataset 'tiny' has 2 cells that are no datetime"):
        _table(tmp_path, "a.csv", text, columns=columns)


def test_types_of_parquet_become_those_of_features(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    table = pa.table(
        {
            "price": pa.array([Decimal("1.50"), None, Decimal("2.25")]),
            "day": pa.array([datetime(2024, 1, 1)] * 3, pa.timestamp("ns")),  # noqa: DTZ001 - no zone in the file either
            "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
            "code": pa.array([7, None, 9], pa.int32()),
            "survived": pa.array([True, False, True]),
        }
    )
    pq.write_table(table, tmp_path / "data" / "a.parquet")

    found = read_dataset(_spec("a.parquet", columns=[ColumnSpec("code", ColumnType.string)]), tmp_path).table

    assert [str(kind) for kind in found.dtypes] == ["float64", "datetime64[us]", "str", "str", "bool"]
    assert found["code"].tolist()[::2] == ["7", "9"]


def test_texts_for_missing_cells_are_such_in_each_format(tmp_path: Path) -> None:
    lines = '{"x": "none", "survived": 0}\n{"x": "b", "survived": 1}\n'

    assert _table(tmp_path, "a.jsonl", lines, missing=["", "none"])["x"].isna().tolist() == [True, False]


def test_keys_of_json_may_come_late_and_texts_are_texts(tmp_path: Path) -> None:
    lines = '{"survived": 0}\n' * 1500 + '{"survived": 1, "id": 7, "late": 1.5}\n'
    columns = [ColumnSpec("id", ColumnType.string)]

    table = _table(tmp_path, "a.jsonl", lines, columns=columns, keep=["late", "id"])

    assert table["late"].isna().sum() == 1500
    assert table.iloc[-1].to_dict() == {"survived": 1, "id": "7", "late": 1.5}


def test_what_is_nested_in_json_stands_as_json(tmp_path: Path) -> None:
    assert _table(tmp_path, "a.jsonl", '{"x": {"b": [1]}, "survived": 0}\n')["x"].tolist() == ['{"b":[1]}']


@pytest.mark.parametrize(
    ("name", "content", "what", "told"),
    [
        ("a.csv", "id;age;survived\n1;2;0\n", "data/a.csv has one column, 'id;age;survived'", "separator to ';'"),
        ("a.csv", "id\tsurvived\n1,5\t0\n2,5,5\t0\n", "data/a.csv has one column", "separator to 'tab'"),
        ("a.csv", "id,survived\nJosé,0\n".encode("cp1252"), "data/a.csv is not UTF-8", "encoding=cp1252"),
        ("a.csv", "id,survived\nJosé,0\n".encode("utf-16"), "data/a.csv is not UTF-8", "encoding=utf-16"),
        ("a.csv.gz", b"id,survived\n", "data/a.csv.gz is damaged, or not compressed", "ending"),
        ("a.csv.zip", b"PK no archive", "data/a.csv.zip is damaged, or not compressed", "ending"),
        ("a.jsonl.xz", b"no archive", "data/a.jsonl.xz is damaged, or not compressed", "ending"),
        ("a.parquet", b"PAR1 and then nothing", "data/a.parquet is no Parquet file, or damaged", "get the file anew"),
        ("a.jsonl", '{"survived": 0}\n{"survived": \n', "line 2 of data/a.jsonl is no object", "correct the line"),
        ("a.jsonl", '{"survived": 0}\n\n[1]\n', "line 3 of data/a.jsonl is no object", "correct the line"),
        ("a.xlsx", b"no workbook", "data/a.xlsx is no workbook, or damaged", "save it anew"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_the_mend(
    tmp_path: Path, name: str, content: str | bytes, what: str, told: str
) -> None:
    with pytest.raises(DatasetError) as caught:
        _table(tmp_path, name, content)

    assert what in caught.value.what
    assert told in caught.value.fix


def test_cyrillic_letters_are_known_by_their_encoding(tmp_path: Path) -> None:
    names = ["Анна", "Иван", "Пётр", "Мария", "Сергей", "Ольга", "Николай", "Екатерина", "Дмитрий"]
    text = "город,имя,survived\n" + "".join(f"Москва,{name},0\n" for name in names)

    with pytest.raises(DatasetError, match=r"would read it, like: 'город") as caught:
        _table(tmp_path, "a.csv", text.encode("cp1251"))

    assert "cp1251" in caught.value.fix


def test_a_sheet_is_found_by_its_name_or_the_workbook_says_which_it_has(tmp_path: Path) -> None:
    _write(tmp_path, "a.csv", GOOD)
    _workbook(tmp_path)

    other = read_dataset(_spec("a.xlsx", read=ReadSpec(sheet="more"), label="other"), tmp_path).table
    assert other["other"].tolist() == [1]
    with pytest.raises(DatasetError, match=r"data/a\.xlsx has no sheet 'mor'") as caught:
        read_dataset(_spec("a.xlsx", read=ReadSpec(sheet="mor")), tmp_path)
    assert "people, more" in caught.value.why


def test_a_format_is_as_declared_whatever_the_ending_says(tmp_path: Path) -> None:
    assert len(_table(tmp_path, "a.dat", '{"survived": 0}\n', ReadSpec(format=Format.jsonl))) == 1
    assert len(_table(tmp_path, "b.dat", "x,survived\n1,0\n")) == 1


def test_nested_columns_of_parquet_are_refused_unless_they_are_not_wanted(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"x": [1], "more": [[1, 2]], "survived": [0]}), tmp_path / "data" / "a.parquet")

    with pytest.raises(DatasetError, match="no numbers, texts or times: more"):
        read_dataset(_spec("a.parquet"), tmp_path)
    assert list(read_dataset(_spec("a.parquet", keep=["x"]), tmp_path).table.columns) == ["x", "survived"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"separator": ";;"}, "separator must be one character"),
        ({"decimal": ",", "thousands": ","}, "stands between thousands too"),
        ({"encoding": "utf-9"}, "Python knows no 'utf-9'"),
        ({"skip_rows": -1}, "skip_rows must be 0 or more"),
        ({"names": ["a"]}, "dataset.read.header=none"),
        ({"query": "SELECT 1"}, "need each other"),
        ({"query": " ", "url_variable": "DB"}, "must ask and change nothing"),
        ({"query": "-- all\nDROP TABLE a", "url_variable": "DB"}, "must ask and change nothing"),
    ],
)
def test_options_that_cannot_be_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ReadSpec(**change)


def test_times_are_read_in_a_form_only_where_they_are_declared() -> None:
    with pytest.raises(ValueError, match="declare 'day' as datetime"):
        _spec("a.csv", read=ReadSpec(datetimes={"day": "%d.%m.%Y"}))


def test_a_column_for_the_files_name_must_be_new(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has a column 'survived' already"):
        _table(tmp_path, "a.csv", "x,survived\n1,0\n", ReadSpec(source_column="survived"))


_CUT = 'id,age,name,survived\n1,30,"A, B",0\n2,31,C,\n\n3,32\n   \n4,,"D\nE",1\n5,33,F\n'


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (_CUT, None),
        (
            f"by me\n{_CUT}".replace("4,", "# 4,\n4,").encode("utf-16"),
            ReadSpec(encoding="utf-16", skip_rows=1, comment="#"),
        ),
        (_CUT.partition("\n")[2], ReadSpec(header=HeaderKind.none, names=["id", "age", "name", "survived"])),
    ],
)
def test_rows_that_lack_fields_are_counted_and_shown(
    tmp_path: Path, content: str | bytes, read: ReadSpec | None
) -> None:
    with pytest.raises(
        DatasetError, match=r"2 rows have fewer than 4 fields, the first is row 3, '3,32', of data/a"
    ) as got:
        _table(tmp_path, "a.csv", content, read)

    assert "read: {short_rows: fill} in conf/dataset" in got.value.fix


def test_short_rows_are_filled_where_that_is_declared(tmp_path: Path) -> None:
    table = _table(tmp_path, "a.csv", _CUT, ReadSpec(short_rows=ShortRows.fill))

    assert table["name"].isna().tolist() == [False, False, True, False, False]
    assert table["survived"].isna().tolist() == [False, True, True, False, True]


def test_a_column_whose_cells_are_missing_at_the_end_of_whole_rows_is_no_finding(tmp_path: Path) -> None:
    assert len(_table(tmp_path, "a.csv", "n,survived,note\n1,0,\n2,1,\n")) == 2


def test_a_row_that_lacks_only_fields_that_are_not_kept_is_refused_too(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"2 rows have fewer than 4 fields, the first is row 3, '3,32'"):
        _table(tmp_path, "a.csv", _CUT, keep=["id"], label="id", task=Task.regression)


def test_texts_of_a_workbook_stay_texts(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    cells = {"code": ["007", "008", None], "n": [1, None, 3], "mixed": ["7", 8, 1.5], "survived": [0, 1, 0]}
    pd.DataFrame(cells).to_excel(tmp_path / "data/a.xlsx", index=False)

    table = read_dataset(_spec("a.xlsx"), tmp_path).table

    assert table["code"].tolist()[:2] == ["007", "008"]
    assert table["mixed"].tolist() == ["7", "8", "1.5"]
    assert table[["n", "survived"]].dtypes.astype("str").tolist() == ["float64", "int64"]


def test_whole_numbers_beyond_64_bits_are_texts_where_that_is_declared(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    cells = {"u": pa.array([2**64 - 1, 5], pa.uint64()), "survived": [0, 1]}
    pq.write_table(pa.table(cells), tmp_path / "data/a.parquet")

    with pytest.raises(DatasetError, match="does not fit 64 bits, in column 'u'") as got:
        read_dataset(_spec("a.parquet"), tmp_path)
    assert "{name: u, type: string}" in got.value.fix

    declared = _spec("a.parquet", columns=[ColumnSpec("u", ColumnType.string)])
    assert read_dataset(declared, tmp_path).table["u"].tolist() == [str(2**64 - 1), "5"]


def test_two_columns_of_one_name_are_refused_in_parquet_too(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table([[1, 2], [3, 4], [0, 1]], names=["x", "x", "survived"]), tmp_path / "data/a.parquet")

    with pytest.raises(DatasetError, match=r"data/a\.parquet has two columns of one name: x"):
        read_dataset(_spec("a.parquet"), tmp_path)
