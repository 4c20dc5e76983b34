"""Reading says exactly what is not as declared."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from keystage.core.errors import DatasetError
from keystage.data.columns import ColumnSpec, ColumnType
from keystage.data.reading import read_dataset
from keystage.data.spec import DatasetSpec, RowsSpec, Task
from keystage.data.split import split, usable_rows

GOOD = "id,age,ok,when,survived\n1,30.5,true,2024-01-01,0\n2,,false,2024-02-01,1\n3,41,true,,0\n"


def _spec(*files: str, **changes: object) -> DatasetSpec:
    settings: dict[str, object] = {
        "files": list(files) or ["a.csv"],
        "label": "survived",
        "task": Task.classification,
        "name": "tiny",
        "path": "data",
    }
    return DatasetSpec(**(settings | changes))  # type: ignore[arg-type]


def _write(root: Path, text: str | bytes, name: str = "a.csv") -> Path:
    (root / "data").mkdir(exist_ok=True)
    (root / "data" / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return root


def test_files_stand_below_each_other_with_the_declared_types(tmp_path: Path) -> None:
    _write(_write(tmp_path, GOOD), GOOD, "b.csv")
    types = {"id": "integer", "age": "number", "ok": "boolean", "when": "datetime", "survived": "integer"}
    columns = [ColumnSpec(name, ColumnType(kind)) for name, kind in types.items()]

    table = read_dataset(_spec("a.csv", "b.csv", columns=columns), tmp_path).table

    assert len(table) == 6
    assert list(table.index) == list(range(6))
    assert [str(kind) for kind in table.dtypes[["id", "age", "ok"]]] == ["int64", "float64", "bool"]
    assert str(table["when"].dtype).startswith("datetime64")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "data/a.csv is empty"),
        ("id,survived\n", "data/a.csv has no rows"),
        ("x,survived\n1,2,0\n3,4,1\n", "the rows of data/a.csv have more fields than its header"),
        ("id,x,x,survived\n1,2,3,0\n", "data/a.csv has two columns of one name: x"),
        ("id,survived\n1,0\n2,1,7,8\n", "data/a.csv is not a CSV table"),
        ("id,survived\nJos\xe9,0\n".encode("latin1"), "data/a.csv is not UTF-8"),
    ],
)
def test_a_file_that_is_no_table_is_named(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_dataset(_spec(), _write(tmp_path, content))


def test_a_missing_file_is_named_with_what_the_folder_holds(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"data/b\.csv does not exist") as caught:
        read_dataset(_spec("b.csv"), _write(tmp_path, GOOD))

    assert "a.csv" in caught.value.why


def test_a_missing_column_comes_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="column 'Survivd' is not in dataset 'tiny'") as caught:
        read_dataset(_spec(label="Survivd"), _write(tmp_path, GOOD.replace("survived", "Survived")))

    assert "did you mean 'Survived'?" in caught.value.fix
    assert "skip_rows" not in caught.value.fix


def test_lines_above_the_header_are_thought_of_where_a_column_has_no_name(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="column 'survived' is not in dataset 'tiny'") as caught:
        read_dataset(_spec(), _write(tmp_path, "Report 2024,\nid,survived\n1,0\n2,1\n"))

    assert "where lines stand above the header, say how many: dataset.read.skip_rows" in caught.value.fix


def test_files_with_other_headers_are_refused(tmp_path: Path) -> None:
    _write(_write(tmp_path, GOOD), "id,survived\n1,0\n", "b.csv")

    with pytest.raises(DatasetError, match="different columns") as caught:
        read_dataset(_spec("a.csv", "b.csv"), tmp_path)

    assert "age" in caught.value.why


@pytest.mark.parametrize(("kind", "bad"), [("integer", "1.5"), ("number", "old"), ("boolean", "maybe")])
def test_a_cell_that_does_not_fit_its_type_is_counted_and_shown(tmp_path: Path, kind: str, bad: str) -> None:
    _write(tmp_path, f"x,survived\n1,0\n{bad},1\n,0\n")

    with pytest.raises(DatasetError, match=f"column 'x' of dataset 'tiny' has 1 cells that are no {kind}") as caught:
        read_dataset(_spec(columns=[ColumnSpec("x", ColumnType(kind))]), tmp_path)

    assert "row 2" in caught.value.why


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["1"] * 6, "label 'survived' has one class"),
        ([""] * 6, "label 'survived' has no class"),
        (["a", "a", "a", "a", "a", "b"], "class 'b' of label 'survived' has one row"),
    ],
)
def test_a_label_that_teaches_nothing_is_refused(tmp_path: Path, labels: list[str], message: str) -> None:
    _write(tmp_path, "x,survived\n" + "".join(f"{row},{label}\n" for row, label in enumerate(labels)))

    with pytest.raises(DatasetError, match=message):
        usable_rows(read_dataset(_spec(), tmp_path).table, _spec())


def test_rows_without_a_label_are_left_out_and_the_split_is_stratified(tmp_path: Path) -> None:
    labels = ["0", "1", "1", "1", ""] * 20
    _write(tmp_path, "x,survived\n" + "".join(f"{row},{label}\n" for row, label in enumerate(labels)))

    rows = usable_rows(read_dataset(_spec(), tmp_path).table, _spec())
    train, test = split(rows, _spec(), test_size=0.25, seed=3)

    assert (len(rows), len(train), len(test)) == (80, 60, 20)
    assert test["survived"].mean() == train["survived"].mean() == 0.75
    assert not set(train["x"]) & set(test["x"])
    assert train["x"].is_monotonic_increasing


def test_a_number_is_a_label_of_regression_when_it_is_one(tmp_path: Path) -> None:
    _write(tmp_path, "x,survived\n1,0.5\n2,\n3,2\n4,7.25\n5,-1\n")
    spec = _spec(task=Task.regression)

    rows = usable_rows(read_dataset(spec, tmp_path).table, spec)
    train, test = split(rows, spec, test_size=0.5, seed=3)

    assert rows["survived"].tolist() == [0.5, 2.0, 7.25, -1.0]
    assert (len(train), len(test)) == (2, 2)
    for cells, message in (
        ("a\nb\nc\n", "is no number"),
        ("1\n1\n1\n", "has 1 different values"),
        ("1\ninf\n2\n", "infinite"),
    ):
        _write(tmp_path, "survived,x\n" + cells.replace("\n", ",1\n"))
        with pytest.raises(DatasetError, match=message):
            usable_rows(read_dataset(spec, tmp_path).table, spec)


def test_the_advice_about_an_infinite_label_is_a_condition_that_holds_of_the_others(tmp_path: Path) -> None:
    _write(tmp_path, "the label,x\n1,1\ninf,1\n-2.5,1\n-inf,1\n")
    spec = _spec(label="the label", task=Task.regression)
    with pytest.raises(DatasetError, match="holds infinite values") as got:
        usable_rows(read_dataset(spec, tmp_path).table, spec)

    assert "infinite: 2 cells" in got.value.why
    where = yaml.safe_load(got.value.fix.partition("conf/dataset: ")[2])["rows"]["where"]
    rows = read_dataset(replace(spec, rows=RowsSpec(where=where)), tmp_path).table
    assert usable_rows(rows, spec)["the label"].tolist() == [1.0, -2.5]


def test_words_are_missing_only_where_declared_and_strings_keep_their_zeros(tmp_path: Path) -> None:
    _write(tmp_path, "code,grade,survived\n007,None,0\n01,NA,1\n,,1\n")
    columns = [ColumnSpec("code", ColumnType.string)]

    strict = read_dataset(_spec(columns=columns), tmp_path).table
    loose = read_dataset(_spec(columns=columns, missing=["", "NA"]), tmp_path).table

    assert strict["code"].tolist()[:2] == ["007", "01"]
    assert strict["code"].isna().tolist() == [False, False, True]
    assert strict["grade"].isna().tolist() == [False, False, True]
    assert loose["grade"].isna().tolist() == [False, True, True]


def test_a_column_of_numbers_in_one_file_and_words_in_another_is_words(tmp_path: Path) -> None:
    _write(_write(tmp_path, "x,survived\n1,0\n"), "x,survived\nyes,1\n", "b.csv")

    assert read_dataset(_spec("a.csv", "b.csv"), tmp_path).table["x"].tolist() == ["1", "yes"]


def test_whole_labels_are_integers_though_some_are_missing_and_fractions_are_no_classes(tmp_path: Path) -> None:
    whole = read_dataset(_spec(), _write(tmp_path, "x,survived\n1,1\n2,2\n3,\n4,1\n5,2\n")).table
    assert usable_rows(whole, _spec())["survived"].tolist() == [1, 2, 1, 2]

    fractions = read_dataset(_spec(), _write(tmp_path, "x,survived\n1,0.5\n2,1.5\n3,0.5\n4,1.5\n")).table
    with pytest.raises(DatasetError, match="label 'survived' holds fractions"):
        usable_rows(fractions, _spec())


@pytest.mark.parametrize(
    ("change", "message"),
    [({"files": ["a.csv", "a.csv"]}, "names a file twice"), ({"path": "/data"}, "must be a folder of the project")],
)
def test_a_declaration_that_cannot_be_honest_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _spec(**change)


def test_separators_at_the_ends_of_lines_shift_nothing(tmp_path: Path) -> None:
    table = read_dataset(_spec(), _write(tmp_path, "x,survived\n1,0,\n3,1,\n")).table

    assert table.to_dict("list") == {"x": [1, 3], "survived": [0, 1]}
