"""Entries of dataset.files stand for files in one order, and what they do not stand for is said."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from keystage.core.errors import DatasetError
from keystage.data.columns import ColumnSpec, ColumnType
from keystage.data.reading import column_names, read_dataset
from keystage.data.sources.resolve import resolve
from keystage.data.sources.spec import ReadSpec
from keystage.data.spec import DatasetSpec, Task
from keystage.reuse.named import FileDigest, dataset_files

ROWS = "x,survived\n1,0\n"


def _spec(*files: str, **changes: Any) -> DatasetSpec:
    settings = {"label": "survived", "task": Task.classification, "name": "tiny", "path": "data"}
    return DatasetSpec(list(files), **(settings | changes))


def _write(root: Path, *names: str, text: str = ROWS) -> None:
    for name in names:
        (root / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "data" / name).write_text(text, encoding="utf-8")


def test_a_pattern_and_a_folder_stand_for_their_files_by_name_without_those_that_are_hidden(tmp_path: Path) -> None:
    _write(tmp_path, "b/2.csv", "b/1.csv", "b/notes.md", "b/_SUCCESS", "b/.1.csv.crc", "a-2.csv", "a-1.csv", "z.csv")
    _write(tmp_path, "b/_temporary/3.csv")

    names = [source.name for source in resolve(_spec("z.csv", "a-*.csv", "b"), tmp_path)]

    assert names == ["z.csv", "a-1.csv", "a-2.csv", "b/1.csv", "b/2.csv"]
    assert [source.name for source in resolve(_spec("**/*.csv"), tmp_path)] == sorted(names)


def test_files_that_are_known_and_not_there_are_among_those_of_an_entry(tmp_path: Path) -> None:
    _write(tmp_path, "b/1.csv", "a-1.csv")

    def tracked(_: Path) -> list[str]:
        return ["b/1.csv", "b/2.csv", "b/c/3.csv", "a-2.csv", "a.md"]

    names = [source.name for source in resolve(_spec("b", "a-*.csv"), tmp_path, tracked=tracked)]

    assert names == ["b/1.csv", "b/2.csv", "b/c/3.csv", "a-1.csv", "a-2.csv"]
    deep = [source.name for source in resolve(_spec("**/*.csv"), tmp_path, tracked=tracked)]
    assert deep == sorted(names)
    with pytest.raises(DatasetError, match=r"data/b/2\.csv does not exist"):
        read_dataset(_spec("b"), tmp_path, noted=["b/1.csv", "b/2.csv"])


def test_a_name_with_brackets_is_a_name_when_there_is_such_a_file(tmp_path: Path) -> None:
    _write(tmp_path, "a[1].csv", "a1.csv")

    assert [source.name for source in resolve(_spec("a[1].csv"), tmp_path)] == ["a[1].csv"]


def test_folders_named_by_a_column_and_its_value_are_columns(tmp_path: Path) -> None:
    for year, month, kind in ((2024, "01", "a%20b"), (2023, "12", "__HIVE_DEFAULT_PARTITION__")):
        folder = tmp_path / "data" / f"year={year}" / f"month={month}" / f"kind={kind}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"x": [1.5, 2], "survived": [0, 1]}), folder / "part.parquet")

    spec = _spec("**/*.parquet", columns=[ColumnSpec("month", ColumnType.string)])
    table = read_dataset(spec, tmp_path).table

    assert table["year"].tolist() == [2023, 2023, 2024, 2024]
    assert table["month"].tolist() == ["12", "12", "01", "01"]
    assert table["kind"].isna().tolist() == [True, True, False, False]
    assert table["kind"].tolist()[2] == "a b"
    assert column_names(spec, tmp_path) == ["x", "survived", "year", "month", "kind"]


def test_a_column_that_path_and_file_both_have_is_the_files(tmp_path: Path) -> None:
    _write(tmp_path, "x=7/a.csv")

    assert read_dataset(_spec("x=7/a.csv"), tmp_path).table["x"].tolist() == [1]


def test_rows_of_validation_files_are_marked_in_patterns_too(tmp_path: Path) -> None:
    _write(tmp_path, "a-1.csv", "a-2.csv", "v-1.csv")

    table = read_dataset(_spec("a-*.csv", validation_files=["v-*.csv"]), tmp_path).table

    assert table["role:held_out"].tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ("part-*.csv", "no file matches data/part-*.csv"),
        ("empty", "data/empty holds no file whose ending is known"),
        ("folder/b.csv", "data/folder/b.csv does not exist"),
    ],
)
def test_an_entry_that_stands_for_nothing_is_named_with_what_is_there(tmp_path: Path, entry: str, what: str) -> None:
    _write(tmp_path, "a.csv", "folder/c.csv", "empty/notes.md")

    with pytest.raises(DatasetError) as caught:
        read_dataset(_spec(entry), tmp_path)

    assert caught.value.what == what
    assert ("c.csv" if entry.startswith("folder") else "a.csv") in caught.value.why


def test_a_file_that_two_entries_stand_for_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, "a-1.csv", "a-2.csv")

    with pytest.raises(DatasetError, match=r"stands for a file twice: a-2\.csv"):
        resolve(_spec("a-*.csv", validation_files=["a-2.csv"]), tmp_path)


def test_a_note_has_every_file_behind_an_entry_and_a_null_for_one_that_stands_for_none(tmp_path: Path) -> None:
    _write(tmp_path, "b/1.csv", "b/2.csv")

    def digest(path: Path) -> FileDigest | None:
        return FileDigest(path.name, 1) if path.is_file() else None

    noted = dataset_files(_spec("b", "a-*.csv", "c.csv", "bundled:wine"), tmp_path, digest)

    assert {name: found and found.md5 for name, found in noted.items() if name != "bundled:wine"} == {
        "b/1.csv": "1.csv",
        "b/2.csv": "2.csv",
        "a-*.csv": None,
        "c.csv": None,
    }
    assert (found := noted["bundled:wine"])
    assert len(found.md5) == 32


@pytest.mark.parametrize(
    ("name", "label", "rows", "value"),
    [
        ("breast_cancer", "diagnosis", 569, "malignant"),
        ("wine", "cultivar", 178, "class_0"),
        ("diabetes", "progression", 442, 151.0),
    ],
)
def test_bundled_tables_are_real_and_whole(tmp_path: Path, name: str, label: str, rows: int, value: object) -> None:
    spec = _spec(f"bundled:{name}", label=label, path="")

    table = read_dataset(spec, tmp_path).table

    assert len(table) == rows
    assert table[label].iloc[0] == value
    assert not any(" " in column or "/" in column for column in table.columns)
    assert list(table.columns) == column_names(spec, tmp_path)


def test_an_unknown_bundled_table_comes_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="did you mean 'wine'"):
        read_dataset(_spec("bundled:wines"), tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"read": ReadSpec(query="SELECT 1", url_variable="DB")}, "so dataset.files, and all other files, must be"),
        ({"keep": ["x"], "drop": ["x"]}, "dataset.keep and dataset.drop both name 'x'"),
        ({"validation_files": ["https://me:secret@host/a.csv"]}, "holds a password, and conf/ is in git"),
    ],
)
def test_declarations_that_contradict_themselves_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _spec("a.csv", **changes)


def test_the_content_of_a_url_that_is_not_here_is_for_stage_conf_to_fetch(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not on this machine") as caught:
        read_dataset(_spec("https://host.invalid/a.csv"), tmp_path)

    assert caught.value.fix.endswith("keystage run")
