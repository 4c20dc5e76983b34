"""A table that is read in blocks is the table that is read at once, as far as it is held."""

import bz2
import gzip
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from keystage.core.errors import DatasetError, DiskError
from keystage.data.columns import BadCells, ColumnSpec, ColumnType, OnViolation
from keystage.data.forecast import ForecastSpec
from keystage.data.loosely import profiled_loosely, read_loosely, sampled_loosely
from keystage.data.profile import ColumnProfile
from keystage.data.reading import Read, read_dataset, sources_of
from keystage.data.sources.spec import Format, HeaderKind, ReadSpec, RowsSpec, ShortRows
from keystage.data.spec import DatasetSpec, SplitKind, Task
from keystage.data.split import split, usable_rows
from keystage.data.stream import StreamSpec
from keystage.data.streamed import blocks
from keystage.data.streamed.chosen import test_rows as rows_of_test
from keystage.data.streamed.reading import Streamed
from keystage.data.streamed.reading import read_streamed as read_sources
from keystage.data.streamed.sampled import LEAST_OF_A_CLASS, Sample
from keystage.data.streamed.seen import Seen
from keystage.data.streamed.staged import Staging

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that small tables have many."""
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 20_000)
    monkeypatch.setattr(blocks, "MOST_BYTES", 60_000)
    monkeypatch.setattr(blocks, "BATCH_ROWS", 500)


def _titanic(*, declared: bool = True, **changes: Any) -> DatasetSpec:
    conf = yaml.safe_load((ROOT / "conf/dataset/titanic.yaml").read_text(encoding="utf-8"))
    columns = [ColumnSpec(item["name"], ColumnType(item["type"])) for item in conf["columns"]] if declared else []
    spec = DatasetSpec(conf["files"], conf["label"], Task.classification, conf["name"], conf["path"], columns)
    return replace(spec, stream=StreamSpec(rows=2000), **changes)


def _large(root: Path, rows: int = 6000, **changes: Any) -> DatasetSpec:
    """A table of three classes, of which one is rare, with roles."""
    rng = np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "id": np.arange(rows),
            "x": pd.Series(rng.normal(size=rows).round(3)).mask(rng.random(rows) < 0.1),
            "word": rng.choice(["one", "two", 'a "third"\nof two lines, and more'], rows),
            "group": rng.integers(0, 300, rows),
            "weight": rng.random(rows).round(2),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), "D"),
            "y": rng.choice(["a", "b", "c"], rows, p=[0.6, 0.395, 0.005]),
        }
    )
    (root / "data").mkdir(exist_ok=True)
    table.to_csv(root / "data" / "a.csv", index=False)
    table.head(200).to_csv(root / "data" / "b.csv", index=False)
    table.to_parquet(root / "data" / "a.parquet")
    spec = DatasetSpec(["a.csv"], "y", Task.classification, "large", "data", stream=StreamSpec(rows=1000))
    return replace(spec, **changes)


def _file(root: Path, text: str | bytes, name: str = "a.csv", **changes: Any) -> DatasetSpec:
    (root / "data").mkdir(exist_ok=True)
    (root / "data" / name).write_bytes(text.encode() if isinstance(text, str) else text)
    spec = DatasetSpec([name], "y", Task.classification, "small", "data", stream=StreamSpec(rows=1000))
    return replace(spec, **changes)


def read_streamed(spec: DatasetSpec, root: Path, seed: int, cores: int, staging: Staging | None = None) -> Streamed:
    return read_sources(spec, sources_of(spec, root), seed, cores, staging)


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


def test_the_sample_is_the_same_whatever_the_blocks_the_cores_and_the_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = _large(tmp_path)
    whole = read_dataset(spec, tmp_path).table
    one = read_streamed(spec, tmp_path, seed=1, cores=1)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 60_000)
    other = read_streamed(spec, tmp_path, seed=1, cores=3)
    again = read_streamed(replace(spec, files=["a.parquet"]), tmp_path, seed=1, cores=2)
    of_seed = read_streamed(spec, tmp_path, seed=2, cores=2)

    pd.testing.assert_frame_equal(one.sample, other.sample)
    pd.testing.assert_frame_equal(one.sample.drop(columns="day"), again.sample.drop(columns="day"))
    assert list(one.places) == list(other.places) == list(one.sample["id"])
    assert not one.sample["id"].equals(of_seed.sample["id"])
    pd.testing.assert_frame_equal(one.sample, whole.iloc[one.places].reset_index(drop=True), check_dtype=False)
    counts = whole["y"].value_counts()
    drawn = one.sample["y"].value_counts()
    assert len(one.sample) == 1000
    assert drawn["c"] == min(LEAST_OF_A_CLASS, counts["c"])
    assert drawn["a"] / drawn["b"] == pytest.approx(counts["a"] / counts["b"], rel=0.05)
    assert one.classes == counts.to_dict()


def test_each_row_is_drawn_as_often_as_any_other() -> None:
    times: Counter[int] = Counter()
    for seed in range(40):
        sample = Sample(200, seed, [])
        for first in range(0, 2000, 400):
            sample.add(pd.DataFrame({"id": range(first, first + 400)}, index=range(first, first + 400)), first, False)
        frames, places = sample.drawn()
        assert len(places) == 200
        assert [value for frame in frames for value in frame["id"]] == list(places)
        times.update(places // 500)

    assert all(1850 < times[quarter] < 2150 for quarter in range(4))  # of 8,000 draws


RULES = {
    "id": {"kind": "integer", "unique": True},
    "age": {"kind": "number", "minimum": 0, "maximum": 120},
    "port": {"kind": "string", "allowed": ["S", "C"], "unique": False},
    "born": {"kind": "datetime", "minimum": "1900-01-01"},
    "member": {"kind": "boolean", "nullable": False},
}


@pytest.mark.parametrize("action", ["report", "empty", "drop_row", "error"])
@pytest.mark.parametrize("bytes_of_a_block", [150, 4000])
def test_rules_hold_over_all_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, bytes_of_a_block: int
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", bytes_of_a_block)
    rows = ["1,30,S,2001-05-01,yes,0", "2,-4,X,1850-01-01,no,1", "2,130,C,,,0", "4,,S,2010-01-01,1,1", "1,7,C,,no,0"]
    rows += ["5,x1,C,no day,no,0", "6.5,inf,,2001-05-01T12:00:00.123456789,maybe,1", "x,,,,,1"]
    text = "id,age,port,born,member,y\n" + "".join(f"{row}\n" for row in rows * 3)
    nullable = {"nullable": True} if action == "empty" else {}
    columns = [
        ColumnSpec(name, ColumnType(rule["kind"]), **{key: rule[key] for key in rule if key != "kind"} | nullable)  # type: ignore[arg-type]
        for name, rule in RULES.items()
    ]
    bad_cells = BadCells.error if action == "error" else BadCells.empty
    spec = _file(tmp_path, text, columns=columns, bad_cells=bad_cells, on_violation=OnViolation(action))

    if action == "error":
        said = []
        for read in (read_dataset, lambda spec, root: read_streamed(spec, root, 1, 2)):
            with pytest.raises(DatasetError) as got:
                read(spec, tmp_path)
            said.append(str(got.value))
        assert said[0] == said[1]
        return
    at_once, streamed = _both(spec, tmp_path)
    assert streamed.checks == at_once.checks
    assert streamed.kept == len(at_once.table)
    pd.testing.assert_frame_equal(streamed.sample, at_once.table)


def test_what_is_not_declared_is_typed_by_all_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 4000)
    head = "".join(f"{row},{row},{row},,True,{row % 2},1.5\n" for row in range(500))
    text = f"whole,code,late,empty,is,y,n\n{head}2.5,x07,1,,,1,nan\n7,007,,3,True,0,2\n"
    spec = _file(tmp_path, text)

    with caplog.at_level("INFO", "keystage"):
        at_once, streamed = _both(spec, tmp_path)

    pd.testing.assert_frame_equal(streamed.sample, at_once.table)
    assert streamed.types["whole"] == "float64"
    assert streamed.sample["code"].tolist()[-2:] == ["x07", "007"]
    assert "Reading anew, with 'code' as text, 'empty' as number, 'n' as text" in caplog.text


def test_rows_without_a_label_and_of_validation_are_where_they_belong(tmp_path: Path) -> None:
    text = "x,y\n1,0\n2,\n3,1\n4,0\n5,1\n"
    spec = _file(tmp_path, text, "v.csv")
    spec = replace(_file(tmp_path, text), validation_files=["v.csv"])

    at_once, streamed = _both(spec, tmp_path)

    pd.testing.assert_frame_equal(streamed.sample, at_once.table[at_once.table["y"].notna()].reset_index(drop=True))
    assert (streamed.rows, streamed.kept, streamed.labelled) == (10, 10, 8)
    assert streamed.tallies["y"].missing == 2


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, SplitKind.auto),
        ({"validation_files": ["b.csv"]}, SplitKind.auto),
        ({"group": "group"}, SplitKind.auto),
        ({"group": "word", "time": "day", "weight": "weight"}, SplitKind.time),
        ({"time": "day", "validation_files": ["b.csv"]}, SplitKind.auto),
        ({"task": Task.regression, "label": "weight"}, SplitKind.auto),
    ],
)
def test_the_rows_of_the_test_are_those_of_a_table_in_memory(
    tmp_path: Path, changes: dict[str, Any], kind: SplitKind
) -> None:
    spec = _large(tmp_path, rows=2000, **changes)
    rows = usable_rows(read_dataset(spec, tmp_path).table, spec)
    _, test = split(rows, spec, 0.3, 5, kind)

    with Staging(tmp_path / "staged", []) as staging:
        streamed = read_streamed(spec, tmp_path, 1, 2, staging)
        chosen = rows_of_test(staging, streamed.types, spec, 0.3, 5, kind)

    assert rows["id"][chosen].tolist() == test["id"].tolist()
    assert not (tmp_path / "staged").exists()


def test_booleans_with_missing_cells_are_counted_as_the_texts_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 100)
    spec = _file(tmp_path, "is,y\n" + "True,1\nFALSE,0\n" * 20 + ",1\n" + "true,0\n" * 20)

    at_once, streamed = _both(spec, tmp_path)

    pd.testing.assert_frame_equal(streamed.sample, at_once.table)
    assert streamed.tallies["is"].values == {"True": 40, "False": 20}


@pytest.mark.parametrize("bytes_of_a_block", [12, 4000])
def test_times_with_zones_are_told_in_utc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bytes_of_a_block: int
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", bytes_of_a_block)
    text = "t,y\n" + "2020-01-01T02:00:00+02:00,0\n" * 20 + "2020-01-01T00:00:00Z,1\n" * 20 + "2020-01-01,1\n" * 20
    spec = _file(tmp_path, text, columns=[ColumnSpec("t", ColumnType.datetime)])

    at_once, streamed = _both(spec, tmp_path)

    assert at_once.table["t"].eq(pd.Timestamp("2020-01-01")).all()
    pd.testing.assert_frame_equal(streamed.sample, at_once.table)


def test_values_that_stand_in_an_earlier_row_are_found_over_blocks() -> None:
    rng = np.random.default_rng(0)
    seen = Seen()
    numbers = pd.Series(rng.integers(0, 900, 2000).astype("float64")).mask(rng.random(2000) < 0.1)
    texts = numbers.map(lambda value: f"t{value}").where(numbers.notna()).astype("str")

    for column in (numbers.rename("n"), texts.rename("t")):
        found = np.concatenate([seen.repeats(column[at : at + 37]) for at in range(0, 2000, 37)])
        assert found.tolist() == (column.duplicated() & column.notna()).tolist()


@pytest.mark.parametrize(
    ("content", "what", "fix"),
    [
        ("", "data/a.csv is empty", "take it off dataset.files"),
        ("x,y\n", "data/a.csv has no rows", "take it off dataset.files"),
        ("x,x\n1,2\n", "data/a.csv has two columns of one name: x", "a name of its own"),
        ("x,z\n1,2\n", "column 'y' is not in dataset 'small'", "correct dataset.label"),
        ("x,y\n1,2\n3\n", "data/a.csv is not a CSV table of one number of cells in each row", "short_rows: fill"),
        (b"x,y\nM\xe9,2\n", "data/a.csv is not UTF-8", "iconv"),
        ('x,y\n"' + "1,2\n" * 20_000, "the quotes of data/a.csv do not match", "dataset.stream=null"),
        ("x,y\n1,\n2,\n", "no row of dataset 'small' has a label", "name another label"),
        (
            "x,y\n" + "".join(f"1,{row}\n" for row in range(99)),
            "label 'y' has more than 50 classes",
            "task: regression",
        ),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, content: str | bytes, what: str, fix: str) -> None:
    spec = _file(tmp_path, content)

    with pytest.raises(DatasetError, match=re.escape(what)) as got:
        read_streamed(spec, tmp_path, 1, 2)

    assert fix in got.value.fix


def test_other_formats_and_files_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"data/a\.jsonl cannot be read in blocks") as got:
        read_streamed(_file(tmp_path, "{}", "a.jsonl"), tmp_path, 1, 2)
    assert "this is jsonl" in got.value.why
    assert "dataset.stream=null" in got.value.fix
    with pytest.raises(DatasetError, match=r"data/a\.csv\.gz is damaged, or not compressed as its ending says"):
        read_streamed(_file(tmp_path, "x,y\n1,2\n", "a.csv.gz"), tmp_path, 1, 2)
    with pytest.raises(DatasetError, match=r"data/gone\.csv does not exist"):
        read_streamed(replace(_file(tmp_path, "x,y\n1,2\n"), files=["gone.csv"]), tmp_path, 1, 2)
    other = _file(tmp_path, "x,z,y\n1,2,3\n", "b.csv")
    with pytest.raises(DatasetError, match=r"data/b\.csv and data/a\.csv have different columns"):
        read_streamed(replace(_file(tmp_path, "x,y\n1,2\n"), files=["a.csv", *other.files]), tmp_path, 1, 2)
    pd.DataFrame({"x": [[1], [2]], "y": [0, 1]}).to_parquet(tmp_path / "data" / "l.parquet")
    with pytest.raises(DatasetError, match=r"data/l\.parquet has columns that are no numbers, texts or times: x"):
        read_streamed(DatasetSpec(["l.parquet"], "y", Task.classification, "l", "data",
                      stream=StreamSpec()), tmp_path, 1, 2)  # fmt: skip


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"dataset\.stream\.rows must be 1000 or more, not 10"):
        StreamSpec(10)
    with pytest.raises(ValueError, match=r"dataset\.stream and dataset\.task=forecasting exclude each other"):
        DatasetSpec(["a.csv"], "y", Task.forecasting, "n", "d", time="t", forecast=ForecastSpec(3), stream=StreamSpec())


@pytest.mark.parametrize(
    ("read", "rows", "named"),
    [
        (ReadSpec(format=Format.excel), None, "dataset.read.format"),
        (None, RowsSpec(sample=100), r"dataset.rows.sample \(dataset.stream.rows is one\)"),
    ],
)
def test_settings_that_only_a_table_in_memory_knows_are_refused(
    read: ReadSpec | None, rows: RowsSpec | None, named: str
) -> None:
    with pytest.raises(ValueError, match=f"dataset.stream reads tables in blocks, and knows no {named}: set"):
        DatasetSpec(["a.csv"], "y", Task.classification, "t", read=read, rows=rows, stream=StreamSpec())


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("last", ["1.234,5;7;x;1.000", "1.2345;7;x;2", "3,5;;;"])
def test_numbers_with_marks_are_read_as_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: bool, last: str
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1_000)
    cells = (f"{n % 7}.{n % 1000:03},{n % 10};{n};{'abc'[n % 3]};{n % 2}\n" for n in range(300))
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.csv").write_text(f"m;n;w;y\n{''.join(cells)}{last}\n", encoding="utf-8")
    columns = [ColumnSpec("m", ColumnType.number), ColumnSpec("y", ColumnType.integer)] if declared else []
    spec = DatasetSpec(
        ["a.csv"],
        "n",
        Task.regression,
        "t",
        "data",
        read=ReadSpec(separator=";", decimal=",", thousands="."),
        columns=columns,
        bad_cells=BadCells.empty,
        stream=StreamSpec(5000),
    )

    at_once, streamed = _both(spec, tmp_path)

    pd.testing.assert_frame_equal(streamed.sample, at_once.table.dropna(subset=["n"]).reset_index(drop=True))
    assert [check.violations for check in streamed.checks] == [check.violations for check in at_once.checks]


_SELECTED = [ColumnSpec("on", ColumnType.boolean), ColumnSpec("day", ColumnType.datetime)]


@pytest.mark.parametrize(
    ("rows", "left_out"),
    [
        (RowsSpec(where="n % 3 == 0 and w.str.startswith('b')"), {"where": 2500}),
        (RowsSpec(where="on == True"), {"where": 2004}),
        (RowsSpec(after="2024-01-02", before="2024-01-04", column="day"), {"time": 1500}),
        (RowsSpec(where="n >= 2900", after=2950, column="n"), {"where": 2900, "time": 50}),
    ],
)
def test_rows_are_selected_as_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: RowsSpec, left_out: dict[str, int]
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 5_000)  # of some the selection leaves no row
    cells = (
        f"{n},{'abc'[n % 2]},{n % 3 == 0 if n < 3000 - 12 else ''},2024-01-0{1 + n // 750},{n % 2}\n"
        for n in range(3000)
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.csv").write_text("n,w,on,day,y\n" + "".join(cells), encoding="utf-8")
    spec = DatasetSpec(
        ["a.csv"],
        "y",
        Task.classification,
        "t",
        "data",
        columns=_SELECTED,
        rows=rows,
        keep=["w", "y"],
        stream=StreamSpec(5000),
    )

    at_once, streamed = _both(spec, tmp_path)

    assert streamed.left_out == at_once.left_out == left_out
    pd.testing.assert_frame_equal(streamed.sample, at_once.table)
    assert (streamed.rows, streamed.kept, streamed.columns) == (
        at_once.rows,
        len(at_once.table),
        ["n", "w", "on", "day", "y"],
    )


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (RowsSpec(where="n > 5000"), r"no row of dataset 't' is left"),
        (RowsSpec(where="m > 5"), r"dataset\.rows names 'm', which is no column"),
        (RowsSpec(where="on == True"), r"dataset\.rows names 'on', a column of booleans that is not declared"),
        (RowsSpec(after="2024-01-01", column="w"), r"column 'w' of dataset 't' cannot be compared"),
    ],
)
def test_a_selection_that_cannot_be_is_refused_in_blocks_too(tmp_path: Path, rows: RowsSpec, what: str) -> None:
    (tmp_path / "data").mkdir()
    cells = "".join(f"{n},b,{n % 3 == 0},{n % 2}\n" for n in range(300))
    (tmp_path / "data/a.csv").write_text("n,w,on,y\n" + cells, encoding="utf-8")
    spec = DatasetSpec(["a.csv"], "y", Task.classification, "t", "data", rows=rows, stream=StreamSpec(5000))

    with pytest.raises(DatasetError, match=what):
        read_streamed(spec, tmp_path, 1, 2)


def test_files_are_read_as_declared_wherever_they_lie(tmp_path: Path) -> None:
    for year, name in ((2023, "a.csv"), (2024, "b.csv")):
        (tmp_path / f"data/year={year}").mkdir(parents=True)
        rows = "".join(f"{row},5;'w;{row % 3}';01.02.{year};x;{row % 2}\n" for row in range(100))
        (tmp_path / f"data/year={year}" / name).write_text(f"n;w;d;unread;y\n{rows}1.5;w;3;x;1\n", encoding="utf-8")
    spec = DatasetSpec(
        ["*/*.csv"],
        "y",
        Task.classification,
        "t",
        "data",
        read=ReadSpec(separator=";", quote="'", decimal=",", datetimes={"d": "%d.%m.%Y"}, source_column="from"),
        keep=["n", "w", "d", "year", "from"],
        columns=[ColumnSpec("n", ColumnType.number), ColumnSpec("d", ColumnType.datetime)],
        bad_cells=BadCells.empty,
        stream=StreamSpec(1000),
    )

    at_once, streamed = _both(spec, tmp_path)

    pd.testing.assert_frame_equal(streamed.sample, at_once.table)
    assert streamed.sample["year"].unique().tolist() == [2023, 2024]
    assert [check.violations for check in streamed.checks] == [check.violations for check in at_once.checks]


_TEXT = "".join(f'{row},"Caf\u00e9 {row % 7}\n\u20ac, 2",{row % 2 or ""},{row % 3 == 0}\n' for row in range(3000))
_HEADER = "n,w,y,b\n"


@pytest.mark.parametrize(
    ("read", "files"),
    [
        (ReadSpec(encoding="cp1252"), {"a.csv": (_HEADER + _TEXT).encode("cp1252")}),
        (ReadSpec(encoding="utf-16"), {"a.csv": (_HEADER + _TEXT).encode("utf-16")}),
        (ReadSpec(), {"a.csv.gz": gzip.compress((_HEADER + _TEXT).encode("utf-8-sig"))}),
        (ReadSpec(), {"a.csv.bz2": bz2.compress((_HEADER + _TEXT).encode()), "b.csv": b"n,w,y,b\n7,x,1,True\n"}),
        (
            ReadSpec(skip_rows=2, comment="#"),
            {"a.csv": f"by me, 2024\n\n# notes\n{_HEADER}{_TEXT}5,x,1,# odd\n".encode()},
        ),
        (ReadSpec(header=HeaderKind.none, names=["n", "w", "y"]), {"a.csv": _TEXT.encode("utf-8-sig")}),
        (ReadSpec(header=HeaderKind.first), {"a.csv": (_HEADER + _TEXT).encode(), "b.csv": _TEXT.encode()}),
        (
            ReadSpec(header=HeaderKind.union, source_column="from"),
            {"a.csv": b"n,y\n1.5,1\n2,\n", "b.csv": (_HEADER + _TEXT).encode(), "c.csv": b"y,z\n0,9\n"},
        ),
        (ReadSpec(short_rows=ShortRows.fill), {"a.csv": f"{_HEADER}{_TEXT}7,x,1\n\n8\n".encode()}),
        (
            ReadSpec(short_rows=ShortRows.fill, comment="#"),
            {"a.csv": f"{_HEADER}{_TEXT}7,x,1# odd\n".encode("utf-8-sig")},
        ),
        (ReadSpec(), {"a.csv": (",,y,b\n" + _TEXT).encode()}),
    ],
)
def test_texts_of_all_forms_are_read_as_at_once(tmp_path: Path, read: ReadSpec, files: dict[str, bytes]) -> None:
    (tmp_path / "data").mkdir()
    for name, content in files.items():
        (tmp_path / "data" / name).write_bytes(content)
    spec = DatasetSpec(list(files), "y", Task.classification, "t", "data", read=read, stream=StreamSpec(10_000))

    at_once, streamed = _both(spec, tmp_path)

    pd.testing.assert_frame_equal(streamed.sample, at_once.table.dropna(subset=["y"]).reset_index(drop=True))
    assert streamed.rows == len(at_once.table)
    assert streamed.columns == list(at_once.table.columns)


def test_short_rows_that_are_filled_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.csv").write_text("x,y\n1,2\n3\n4,5\n6\n")
    read = ReadSpec(short_rows=ShortRows.fill)
    spec = DatasetSpec(["a.csv"], "x", Task.regression, "t", "data", read=read, stream=StreamSpec())

    with caplog.at_level("INFO", "keystage"):
        read_streamed(spec, tmp_path, 1, 2)

    assert "2 rows of data/a.csv have fewer than 2 fields: the cells at their end are missing" in caplog.messages


def test_cells_that_are_not_in_the_declared_encoding_are_said(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.csv.gz").write_bytes(gzip.compress("x,y\nMünchen,1\nKöln,0\n".encode("cp1252")))
    spec = DatasetSpec(["a.csv.gz"], "y", Task.classification, "t", "data", stream=StreamSpec())

    with pytest.raises(DatasetError, match=r"data/a\.csv\.gz is not UTF-8") as got:
        read_streamed(spec, tmp_path, 1, 2)

    assert "cp1252 would read it, like: 'München" in got.value.why


def test_a_full_disk_is_said_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = _large(tmp_path, rows=500)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))  # type: ignore[attr-defined]

    with pytest.raises(DiskError, match="not enough room to stage the table") as got:
        Staging(tmp_path / "staged", [tmp_path / "data" / name for name in spec.files])

    assert "MB while the stage runs, and 0 MB are free" in got.value.why
    assert "train_on=sample" in got.value.fix


def test_a_look_at_all_rows_is_the_same_in_blocks_and_heeds_no_selection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 5_000)
    (tmp_path / "data").mkdir()
    cells = "".join(f"{n},{'abc'[n % 3]},{n % 2 if n % 9 else ''}\n" for n in range(2000))
    (tmp_path / "data/a.csv").write_text("n,w,y\n" + cells, encoding="utf-8")
    rows, column = RowsSpec(where="n < 100"), ColumnSpec("n", ColumnType.integer, maximum=50)
    spec = DatasetSpec(["a.csv"], "y", Task.classification, "t", "data", columns=[column], rows=rows)

    count, at_once = profiled_loosely(spec, tmp_path, 2)
    streamed = profiled_loosely(replace(spec, stream=StreamSpec(5000)), tmp_path, 2)

    def told(profiles: list[ColumnProfile]) -> list[tuple[object, ...]]:
        return [(item.column, item.purpose, item.count, item.missing, item.mean) for item in profiles]

    assert count == streamed[0] == 2000
    assert told(at_once) == told(streamed[1])
    assert [item.missing for item in at_once] == [0, 0, 223]


@pytest.mark.parametrize("header", ["n,w,y", "n,other,more"])
def test_rows_are_drawn_in_blocks_for_a_comparison_whatever_their_columns_and_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 5_000)
    (tmp_path / "data").mkdir()
    cells = "".join(f"{n if n % 7 else 'odd'},{'abc'[n % 3]},{n % 2 if n % 9 else ''}\n" for n in range(2000))
    (tmp_path / "data/a.csv").write_text(f"{header}\n{cells}", encoding="utf-8")
    columns = [ColumnSpec("n", ColumnType.number, maximum=5), ColumnSpec("y", ColumnType.integer, nullable=False)]
    columns.append(ColumnSpec("when", ColumnType.datetime))
    read = ReadSpec(datetimes={"when": "%d.%m.%Y"})
    spec = DatasetSpec(
        ["a.csv"],
        "y",
        Task.classification,
        "t",
        "data",
        columns=columns,
        group="w",
        keep=["n", "when"],
        read=read,
    )

    every, count = sampled_loosely(replace(spec, stream=StreamSpec(1000)), tmp_path, 5000, 3, 2)
    some, of = sampled_loosely(replace(spec, stream=StreamSpec(1000)), tmp_path, 1500, 3, 2)

    pd.testing.assert_frame_equal(every, read_loosely(spec, tmp_path))
    assert (count, len(some), of) == (2000, 1500, 2000)
    assert len(every.merge(some.drop_duplicates())) >= 1500


@pytest.mark.parametrize("stream", [None, StreamSpec(1000)])
def test_a_comparison_heeds_which_columns_are_kept(tmp_path: Path, stream: StreamSpec | None) -> None:
    (tmp_path / "data").mkdir()
    table = pd.DataFrame({"x": [1.5, 2.5], "took": pd.to_timedelta([1, 2], unit="s"), "y": [0, 1]})
    table.to_parquet(tmp_path / "data/a.parquet")
    spec = DatasetSpec(["a.parquet"], "y", Task.classification, "t", "data", keep=["x"], stream=stream)

    found = sampled_loosely(spec, tmp_path, 5000, 3, 2)[0] if stream else read_loosely(spec, tmp_path)

    pd.testing.assert_frame_equal(found, table[["x", "y"]])
    table[["took"]].to_parquet(tmp_path / "data/a.parquet")
    with pytest.raises(DatasetError, match=r"data/a\.parquet has no column that is kept"):
        sampled_loosely(spec, tmp_path, 5000, 3, 2) if stream else read_loosely(spec, tmp_path)
