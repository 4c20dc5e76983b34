"""What ``keystage predict`` refuses before any work, and what it says; no thread of Arrow's outlives a reader."""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from keystage.core.errors import DatasetError
from keystage.data.sources.spec import ReadSpec
from keystage.serving.asked import Request, check
from keystage.serving.batch import too_many
from keystage.serving.csv_files import csv_header
from keystage.serving.errors import ServingError
from keystage.serving.formats import blocks, columns_of
from keystage.serving.raw_file import RawFile, read_as
from keystage.serving.requests import RequestError, records_of
from keystage.serving.rows import from_lines, from_records
from keystage.serving.served import ServedModel

MODEL = ServedModel("M@1", Path(), {"Age": "number", "Fare": "number"})


def _request(folder: Path, text: str = "Age,Fare,Name\n1,2,x\n", output: str = "out.csv", keep: str = "") -> Request:
    (folder / "rows.csv").write_text(text, encoding="utf-8")
    return Request(MODEL, folder / "rows.csv", folder / output, keep.split(",") if keep else [])


@pytest.mark.parametrize("link", [os.link, os.symlink])
@pytest.mark.parametrize("suffix", ["", ".bad.jsonl"])
def test_the_input_is_never_overwritten(tmp_path: Path, link: Callable[..., None], suffix: str) -> None:
    request = _request(tmp_path)
    link(request.source, Path(f"{request.output}{suffix}"))

    with pytest.raises(DatasetError, match="is the input itself"):
        check(request)
    with pytest.raises(DatasetError, match="is the input itself"):
        check(replace(request, output=request.source))


def test_each_missing_column_has_its_hint(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as refused:
        check(_request(tmp_path, "Agee,Farre\n1,2\n"))

    assert refused.value.fix.startswith(
        "for 'Age': did you mean 'Agee'? for 'Fare': did you mean 'Farre'? Where the file"
    )
    with pytest.raises(DatasetError) as refused:
        check(_request(tmp_path, "Age\tFare\n1\t2\n"))
    assert refused.value.fix == "say what stands between its fields: --read 'separator=tab'"


def test_there_are_as_many_blocks_as_a_file_may_fill(tmp_path: Path) -> None:
    request = _request(tmp_path)
    assert check(request).most_blocks == 1

    (tmp_path / "rows.csv").write_text("Age,Fare,Name\n" + "1,2,xxxxx\n" * 300_000)
    assert check(request).most_blocks == 2

    pd.read_csv(tmp_path / "rows.csv").to_parquet(tmp_path / "rows.parquet")
    assert check(replace(request, source=tmp_path / "rows.parquet")).most_blocks >= 1


def test_a_request_without_a_column_is_answered_in_sentences() -> None:
    with pytest.raises(RequestError) as refused:
        records_of(b'{"rows": [{"Agee": 1, "xyz": 2}]}', list(MODEL.columns), 9)

    assert "'Agee'? none is like 'Fare' among Agee, xyz. A missing cell is null." in refused.value.message


def test_a_column_is_kept_once_and_no_folder_is_made(tmp_path: Path) -> None:
    assert check(_request(tmp_path, keep="Name,Age,Name")).keep == ["Name", "Age"]

    with pytest.raises(DatasetError, match=f"there is no folder {tmp_path}/none"):
        check(_request(tmp_path, output="none/out.csv"))

    assert not (tmp_path / "none").exists()


def test_a_header_may_have_a_mark_and_quotes_but_not_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b'\xef\xbb\xbf\n"a, ""b""\nc",d\n1,2\n')
    names = csv_header(RawFile(path))
    (block,) = blocks(RawFile(path), names, names)

    assert (names, block.rows) == (['a, "b"\nc', "d"], 1)
    for text, what in ((b"", "cannot be read as csv"), (b"a\xff,b\n1,2\n", "is not UTF-8")):
        path.write_bytes(text)
        with pytest.raises(DatasetError, match=what):
            columns_of(RawFile(path))


def test_a_file_that_is_written_otherwise_is_told_with_the_setting_that_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("Insel,Länge\na,2\n".encode("utf-16"))
    with pytest.raises(DatasetError, match="is not UTF-8") as other:
        columns_of(RawFile(path))
    path.write_text("Age,Fare\n1,2\n3,2\n2,2\n4,5\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="two columns of one name: 2") as skipped:
        columns_of(RawFile(path, ReadSpec(skip_rows=3)))

    path.write_text("Insel,Länge\na,2\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="is in UTF-8") as changed:
        columns_of(RawFile(path, ReadSpec(encoding="cp1252")))

    assert other.value.fix == "if that is right: --read encoding=utf-16"
    assert changed.value.fix == "--read encoding=utf-8"
    assert "where its first line has the names, --read skip_rows=0" in skipped.value.fix


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.csv", b"PK\x03\x04 and so on", "rows.csv is a zip file or a workbook, no text"),
        ("rows.json", b'[{"Age": 1, "Fare": 2}]', "rows.json is an array of JSON"),
        ("rows.jsonl", b'[{"Age": 1, "Fare": 2}]', "rows.jsonl is an array of JSON"),
        ("rows.csv", b'{"Age": 1, "Fare": 2}', "rows.csv is an object of JSON"),
    ],
)
def test_a_file_of_another_form_is_called_what_it_is(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DatasetError, match=message):
        columns_of(RawFile(tmp_path / name))


@pytest.mark.parametrize("name", ["rows.csv", "rows.xlsx"])
def test_a_header_below_titles_is_found_in_what_is_to_be_scored(tmp_path: Path, name: str) -> None:
    request = _request(tmp_path)
    titles = pd.DataFrame([["Guests", None, None], [None] * 3, ["Age", "Fare", "Name"], [1, 2.5, "x"]])
    path = tmp_path / name
    if name.endswith("xlsx"):
        titles.to_excel(path, header=False, index=False)
    else:
        titles.to_csv(path, header=False, index=False)

    with pytest.raises(DatasetError, match="lacks") as got:
        check(replace(request, source=path))

    assert got.value.fix == "its header stands elsewhere: --read skip_rows=2"
    assert check(replace(request, source=path, read=["skip_rows=2"])).files[0][1] == ["Age", "Fare", "Name"]


def test_cells_in_another_encoding_are_told_with_it(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes("Name\nKöln\nBonn\n".encode("cp1252"))
    bad = [{"row": 1, "column": "Name", "reason": "column 'Name' holds b'K\\xf6ln', which is no UTF-8"}]

    error = too_many(bad, 2, _request(tmp_path), is_whole=True)

    assert error.fix is not None
    assert "say what it is in (--read encoding=cp1252), or allow" in error.fix


def test_columns_without_a_name_are_called_as_pandas_calls_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(",d,\n7,2,3\n8,2\n9,4,5\n", encoding="utf-8")
    names = csv_header(RawFile(path))
    (block,) = blocks(RawFile(path), names, names)

    assert names == ["Unnamed: 0", "d", "Unnamed: 2"]
    assert (block.rows, list(block.unreadable)) == (3, [2])


def test_short_rows_are_filled_and_told_where_the_model_has_learnt_from_such(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b,c\n1,2,3\n4\n5,6,7,8\n9\n", encoding="utf-8")
    file = RawFile(path, read_as({"short_rows": "fill"}))
    with caplog.at_level("INFO", "keystage"):
        (block,) = blocks(file, ["a", "b", "c"], ["a", "b", "c"])

    assert (block.rows, list(block.unreadable)) == (4, [3])
    assert caplog.messages == ["2 rows of rows.csv have fewer than 3 fields: the cells at their end are missing"]


def test_a_reader_that_is_left_early_leaves_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b,c\n1,2,3\n" + "1,2\n" * 1_500_000, encoding="utf-8")
    place = "import sys; from pathlib import Path; from keystage.serving.formats import blocks, columns_of\n"
    place += "from keystage.serving.raw_file import RawFile; file = RawFile(Path(sys.argv[1]))\n"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{place}columns_of(file); next(blocks(file, ['a'], ['a']))",
            path,
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_a_taken_port_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    from keystage.adapters.http_server import _bound

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ServingError, match="cannot be had"):
        _bound("127.0.0.1", taken.getsockname()[1])

    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_nested_cells_of_a_file_are_read_as_for_training_and_those_of_a_request_are_a_mistake() -> None:
    frame, _, bad = from_lines(b'{"w": {"a": [1, 2.5]}}\n{"w": "x"}\n', {"w": "text"}, [], [], {})
    assert (frame["w"].tolist(), bad) == (['{"a":[1,2.5]}', "x"], {})

    _, bad = from_records([{"w": ["x"]}], {"w": "text"})
    assert bad == {0: {"column": "w", "reason": "column 'w' holds ['x'], which is no text"}}


def test_words_of_lines_are_true_or_false_as_those_of_a_csv_are() -> None:
    lines = b'{"m": true}\n{"m": "yes"}\n{"m": "No"}\n{"m": null}\n{"m": "banana"}\n'

    frame, _, bad = from_lines(lines, {"m": "number"}, [], ["m"], {})

    assert frame["m"].tolist()[:3] == [1.0, 1.0, 0.0]
    assert frame["m"].isna().tolist() == [False, False, False, True, False]
    assert (frame["m"].iloc[4], bad) == ("banana", {})
