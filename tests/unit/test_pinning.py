"""What is elsewhere is fetched once, and again when it has changed; the note of its content is what a key has of it."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest
from fsspec import filesystem
from tests.servers import BELOW, BUCKET, Store, Web, azure, gcs, s3, web

from keystage.adapters.dvc_state import known_digest
from keystage.core.errors import DatasetError
from keystage.data.reading import read_dataset
from keystage.data.sources.pinned import NOTHING, Pin, read_pinned
from keystage.data.sources.spec import QUERY, Format, ReadSpec
from keystage.data.spec import DatasetSpec, Task
from keystage.pipeline import workspace
from keystage.pipeline.pinning import NOT_FETCHED, give, looked_at, pin
from keystage.reuse.named import dataset_files, files_note

ROWS, MORE = "x,survived\n1,0\n2,1\n", "x,survived\n1,0\n2,1\n3,1\n"


def _spec(*files: str, **changes: Any) -> DatasetSpec:
    settings = {"label": "survived", "task": Task.classification, "name": "tiny", "path": "data"}
    return DatasetSpec(list(files), **(settings | changes))


def _note(spec: DatasetSpec) -> str:
    return files_note(dataset_files(spec, Path(), known_digest, pin(spec)))


def _rows(spec: DatasetSpec) -> int:
    return len(read_dataset(spec, Path(), pinned=read_pinned(workspace.PINNED_NOTE)).table)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "a.csv").write_text(ROWS, encoding="utf-8")
    return tmp_path / "site"


@pytest.fixture
def server(site: Path) -> Iterator[Web]:
    with web(site) as running:
        yield running


def test_a_file_is_fetched_once_and_again_when_it_has_changed(server: Web, site: Path) -> None:
    spec = _spec(f"{server.url}/a.csv")

    first = _note(spec)
    assert _rows(spec) == 2
    assert server.asked == ["HEAD /a.csv", "GET /a.csv"]

    assert _note(spec) == first
    assert server.asked[2:] == ["HEAD /a.csv"]

    (site / "a.csv").write_text(MORE, encoding="utf-8")
    assert _note(spec) != first
    assert _rows(spec) == 3

    (site / "a.csv").write_text(ROWS, encoding="utf-8")
    assert _note(spec) == first
    assert not list(workspace.SOURCES.glob("part-*"))


def test_the_time_of_a_change_serves_where_there_is_no_tag_once_it_is_long_ago(server: Web, site: Path) -> None:
    server.tags = False
    spec = _spec(f"{server.url}/a.csv")

    for _ in range(2):  # a change in the same second could not be told
        pin(spec)
    assert server.asked.count("GET /a.csv") == 2

    os.utime(site / "a.csv", (1, 1))
    for _ in range(2):
        pin(spec)
    assert server.asked.count("GET /a.csv") == 3


def test_a_copy_that_was_changed_is_fetched_anew(server: Web) -> None:
    spec = _spec(f"{server.url}/a.csv")
    pin(spec)
    note = files_note(dataset_files(spec, Path(), known_digest, read_pinned(workspace.PINNED_NOTE)))
    (copy,) = (path for path in workspace.SOURCES.iterdir() if len(path.name) == 32)
    copy.write_bytes(b"X" + copy.read_bytes()[1:])
    assert files_note(dataset_files(spec, Path(), known_digest, read_pinned(workspace.PINNED_NOTE))) != note

    assert _note(spec) == note
    assert _rows(spec) == 2
    assert server.asked.count("GET /a.csv") == 2


def test_stages_read_what_was_pinned_though_the_source_has_changed_since(server: Web, site: Path) -> None:
    spec = _spec(f"{server.url}/a.csv")
    pin(spec)
    (site / "a.csv").write_text(MORE, encoding="utf-8")
    server.refuse = 503

    assert _rows(spec) == 2


def test_a_plan_asks_and_fetches_nothing(server: Web, site: Path) -> None:
    spec = _spec(f"{server.url}/a.csv")
    name = f"{server.url}/a.csv"
    assert looked_at(spec).of(name) == (Pin(name, NOT_FETCHED, len(ROWS)),)
    pinned = pin(spec)

    assert looked_at(spec).of(name) == pinned.of(name)
    (site / "a.csv").write_text(MORE, encoding="utf-8")
    assert looked_at(spec).of(name) == (Pin(name, NOT_FETCHED, len(MORE)),)
    assert server.asked.count("GET /a.csv") == 1


def test_a_pattern_stands_for_what_the_server_lists(server: Web, site: Path) -> None:
    (site / "b.csv").write_text(MORE, encoding="utf-8")
    spec = _spec(f"{server.url}/*.csv", read=ReadSpec(source_column="file"))

    pin(spec)
    table = read_dataset(spec, Path(), pinned=read_pinned(workspace.PINNED_NOTE)).table

    assert table["file"].value_counts(sort=False).to_dict() == {f"{server.url}/a.csv": 2, f"{server.url}/b.csv": 3}


@pytest.mark.parametrize(
    ("status", "what", "why"),
    [(404, "is not there", "404"), (403, "is refused", "403"), (500, "is refused", "500")],
)
def test_what_the_server_answers_is_said(server: Web, status: int, what: str, why: str) -> None:
    server.refuse = status

    with pytest.raises(DatasetError) as caught:
        pin(_spec(f"{server.url}/a.csv"))

    assert what in caught.value.what
    assert why in caught.value.why


@pytest.mark.parametrize(
    ("url", "message", "fix"),
    [
        ("http://127.0.0.1:1/a.csv", "cannot be reached", "the address, the network"),
        ("sftp://host/a.csv", "the package for sftp is not installed", "make remotes"),
        ("htp://host/a.csv", "cannot be reached", "the address"),
    ],
)
def test_what_is_out_of_reach_is_said_with_the_mend(url: str, message: str, fix: str) -> None:
    with pytest.raises(DatasetError, match=message) as caught:
        pin(_spec(url))

    assert fix in caught.value.fix


@pytest.mark.parametrize(("serve", "scheme"), [(s3, "s3"), (azure, "az"), (gcs, "gs")])
def test_files_of_a_bucket_are_fetched_by_name_by_pattern_and_by_folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    serve: Callable[[Path], AbstractContextManager[Store]],
    scheme: str,
) -> None:
    (tmp_path / "store").mkdir()
    with serve(tmp_path / "store") as store:
        for name, value in store.credentials.items():
            monkeypatch.setenv(name, value)
        if "endpointurl" in store.settings:
            monkeypatch.setenv("AWS_ENDPOINT_URL", store.settings["endpointurl"])
        bucket, url = filesystem(scheme, skip_instance_cache=True), f"{scheme}://{BUCKET}/{BELOW}"
        for year in (2023, 2024):
            bucket.pipe_file(f"{BUCKET}/{BELOW}/year={year}/a.csv", ROWS.encode())
        bucket.pipe_file(f"{BUCKET}/{BELOW}/_SUCCESS", b"")

        for entry in (f"{url}/", f"{url}/*/a.csv", f"{url}/year=2024/a.csv"):
            pin(_spec(entry))
            table = read_dataset(_spec(entry), Path(), pinned=read_pinned(workspace.PINNED_NOTE)).table
            assert table["year"].tolist() == [2023, 2023, 2024, 2024][-len(table) :]

        first = _note(_spec(f"{url}/"))
        assert _note(_spec(f"{url}/")) == first
        bucket.pipe_file(f"{BUCKET}/{BELOW}/year=2024/a.csv", MORE.encode())
        assert _note(_spec(f"{url}/")) != first
        with pytest.raises(DatasetError, match="is not there"):
            pin(_spec(f"{url}/b.csv"))
        with pytest.raises(DatasetError, match="no file is at"):
            pin(_spec(f"{url}/*.parquet"))
        if scheme == "s3":
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
            with pytest.raises(DatasetError, match="is refused"):
                pin(_spec(f"{url}/year=2024/a.csv"))


# ------------------------------------------------------------------------------------------------------------ queries


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "rows.db"
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.execute("CREATE TABLE people (id INTEGER, age REAL, name TEXT, survived INTEGER)")
        opened.execute("INSERT INTO people VALUES (1, 30.5, 'Ada', 0), (2, NULL, 'Bob', 1), (3, 41, NULL, 0)")
    monkeypatch.setenv("PEOPLE_DB", f"sqlite:///{path}")
    return path


def _asked(query: str) -> DatasetSpec:
    return _spec(read=ReadSpec(query=query, url_variable="PEOPLE_DB"), path="")


def test_the_result_of_a_query_is_the_dataset_and_its_content_is_in_the_note(database: Path) -> None:
    spec = _asked("SELECT age, name, survived FROM people ORDER BY id")

    first = _note(spec)
    table = read_dataset(spec, Path(), pinned=read_pinned(workspace.PINNED_NOTE)).table
    assert table["age"].tolist()[::2] == [30.5, 41.0]
    assert [str(kind) for kind in table.dtypes] == ["float64", "str", "int64"]
    assert _note(spec) == first
    assert looked_at(spec).of(QUERY) == pin(spec).of(QUERY)

    with closing(sqlite3.connect(database)) as opened, opened:
        opened.execute("UPDATE people SET age = 31 WHERE id = 1")
    assert _note(spec) != first


@pytest.mark.usefixtures("database")
def test_a_query_without_an_order_is_said_to_have_none(caplog: pytest.LogCaptureFixture) -> None:
    pin(_asked("SELECT * FROM people"))
    assert "has no ORDER BY" in caplog.text


@pytest.mark.parametrize(
    ("url", "query", "what", "why"),
    [
        (None, "SELECT agee FROM people", "did not answer", "no such column: agee"),
        (None, "WITH a AS (SELECT 1) DELETE FROM people", "did not answer", "readonly database"),
        (None, "SELECT id, id FROM people", "two columns of one name: id", "by its name"),
        ("", "SELECT 1", "PEOPLE_DB is not set", "for the URL of the database"),
        ("no url, secret", "SELECT 1", "holds no URL", "cannot take it apart"),
        ("postgresql+psycopg://a:secret@host/b", "SELECT 1", "driver of the database in PEOPLE_DB", "psycopg"),
        ("sqlite:////no/such/folder/x.db", "SELECT 1", "no database /no/such/folder/x.db", "would make an empty one"),
        ("sqlite:///nothing.db", "SELECT 1", "there is no database nothing.db", "would make an empty one"),
    ],
)
def test_a_query_that_gives_nothing_is_named_without_the_password(
    database: Path, monkeypatch: pytest.MonkeyPatch, url: str | None, query: str, what: str, why: str
) -> None:
    if url is not None:
        monkeypatch.setenv("PEOPLE_DB", url)

    with pytest.raises(DatasetError) as caught:
        pin(_asked(query))

    assert what in caught.value.what
    assert why in caught.value.why
    assert "secret" not in str(caught.value)
    with closing(sqlite3.connect(database)) as opened:
        assert opened.execute("SELECT count(*) FROM people").fetchone() == (3,)


# ---------------------------------------------------------------------------------------------------- states made again


def test_a_state_that_is_made_again_reads_what_it_read_then(
    server: Web, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = f"{server.url}/*.csv"
    md5 = pin(_spec(entry)).of(entry)[0].md5
    again = tmp_path / "again"
    (site / "a.csv").write_text(MORE, encoding="utf-8")

    assert give({f"{server.url}/a.csv": md5}, [entry], Path(workspace.SOURCES).absolute(), again) == []
    monkeypatch.chdir(again)
    pin(_spec(entry))
    assert _rows(_spec(entry)) == 2

    assert give({f"{server.url}/a.csv": "0" * 32}, [entry], workspace.SOURCES, again) == [f"{server.url}/a.csv"]


def test_a_dataset_of_the_project_pins_nothing(project: Path) -> None:
    assert pin(_spec("a.csv")) is NOTHING
    assert looked_at(_spec("a.csv", "bundled:wine")) is NOTHING
    assert not (project / workspace.PINNED_NOTE).exists()


def test_the_format_of_a_url_is_that_of_its_path_or_as_declared() -> None:
    assert ReadSpec().format_of("https://host/a.parquet?sig=x.csv") is Format.parquet
    assert ReadSpec().format_of("https://host/a.jsonl.gz#part") is Format.jsonl
    assert ReadSpec(format=Format.excel).format_of("https://host/download") is Format.excel
