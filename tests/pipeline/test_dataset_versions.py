"""Versions of a dataset: registered by content, read in place of newer files, got back, kept by gc, shared."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.conftest import Project

from keystage.adapters.dvc_cache import object_path
from keystage.adapters.dvc_datasets import bring, missing
from keystage.core.errors import DatasetError
from keystage.data.spec import DatasetSpec, Task
from keystage.data.version import DatasetVersion, versions
from keystage.pipeline.datasets import require_files, version_in_force
from keystage.results.dataset_files import checkout, used_in
from keystage.results.datasets import declaration, register, register_prepared

CSV = "data/titanic/Titanic.csv"


@pytest.fixture
def here(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(project.root)
    return project


def _registered(project: Project, name: str = "titanic") -> DatasetVersion:
    return register(project.root, name, None, {}).version


def _newer(project: Project) -> bytes:
    project.edit(CSV, ",7.8958,", ",77.8958,")
    return (project.root / CSV).read_bytes()


def test_going_back_to_a_version_reuses_what_was_made_of_it_and_leaves_the_newer_files(here: Project) -> None:
    first = _registered(here)
    newer = _newer(here)
    assert _registered(here).version != first.version
    here.call("keystage", "compose", f"dataset.version={first.version}")

    # The report alone tells of the version, as it does of names.
    assert here.stages_run("dvc", "repro", "report") == {"conf", "report"}
    here.call("keystage", "compose")
    assert here.stages_run("dvc", "repro", "dataprep") == {"conf", "dataprep"}
    here.call("keystage", "compose", f"dataset.version={first.version}")
    assert here.stages_run("dvc", "repro", "report") == {"conf"}

    here.call("keystage", "compose", f"dataset.version={first.version}", "prep.test_size=0.3")
    assert here.stages_run("dvc", "repro", "dataprep") == {"conf", "dataprep"}
    assert json.loads((here.root / "reports/data.json").read_text("utf-8"))["sources"] == {
        file.name: file.md5 for file in first.files
    }
    assert (here.root / CSV).read_bytes() == newer
    assert "the workspace" in used_in(here.root, first)


def test_equal_content_is_one_version_and_only_words_about_it_change(here: Project) -> None:
    done = register(here.root, "titanic", "as it came", {"source": "openml"})
    record = here.root / done.version.record
    before = record.read_bytes()

    again = register(here.root, "titanic", None, {})
    assert (again.version, again.is_new, again.changed) == (done.version, False, False)
    assert record.read_bytes() == before

    told = register(here.root, "titanic", "better words", {"year": "1912"})
    assert (told.is_new, told.changed) == (False, True)
    assert told.version.tags == {"source": "openml", "year": "1912"}
    assert versions(here.root, "titanic") == [told.version]
    assert told.version.rows == 1309


def test_a_version_is_got_back_and_nothing_is_lost_by_it(here: Project) -> None:
    original = (here.root / CSV).read_bytes()
    first = _registered(here)
    newer = _newer(here)

    with pytest.raises(DatasetError, match=r"Titanic\.csv would be lost"):
        checkout(here.root, first, None, force=False)
    assert (here.root / CSV).read_bytes() == newer

    second = _registered(here)
    assert checkout(here.root, first, None, force=False) == [Path(CSV)]
    assert (here.root / CSV).read_bytes() == original
    assert checkout(here.root, first, None, force=False) == []
    checkout(here.root, second, "data/second", force=False)
    assert (here.root / "data/second/Titanic.csv").read_bytes() == newer
    (here.root / CSV).write_text("x", encoding="utf-8")
    checkout(here.root, second, None, force=True)
    assert (here.root / CSV).read_bytes() == newer


def test_gc_keeps_registered_files_also_of_another_branch_and_frees_those_of_a_record_that_is_gone(
    here: Project,
) -> None:
    here.call("git", "checkout", "--quiet", "-b", "other")
    newer = here.root / CSV
    _newer(here)
    kept = _registered(here)
    here.commit("another version")
    here.call("git", "checkout", "--quiet", "-")
    newer.write_bytes(newer.read_bytes() + b"1310,,3,x,male,1,0,0,1,1,,S\n")
    gone = _registered(here)
    (here.root / gone.record).unlink()
    here.call("git", "checkout", "--quiet", ".")

    here.call("keystage", "gc", "--yes")

    assert not missing(here.root, kept)
    assert [file.name for file in missing(here.root, gone)] == ["Titanic.csv"]


def test_prepared_rows_are_registered_under_a_name_of_their_own(here: Project) -> None:
    raw = _registered(here)

    done = register_prepared(here.root, "titanic-prepared", None, {}).version

    assert (done.made_from, done.rows, done.kind) == (raw.shown, 1309, "prepared")
    assert [path.name for path in checkout(here.root, done, None, force=False)] == ["train.parquet", "test.parquet"]
    assert "the workspace" in used_in(here.root, done)
    with pytest.raises(DatasetError, match="'titanic' is declared in conf/dataset"):
        register_prepared(here.root, "titanic", None, {})


def test_a_version_goes_to_a_remote_and_comes_from_there_when_a_run_wants_it(here: Project, tmp_path: Path) -> None:
    first = _registered(here)
    _newer(here)
    here.call("dvc", "remote", "add", "--quiet", "--default", "shared", str(tmp_path / "remote"))
    here.call("keystage", "push")
    paths = [object_path(here.root / ".dvc/cache", md5) for md5 in first.digests]
    for path in paths:
        path.unlink()
    spec = DatasetSpec(["Titanic.csv", "Titanic2.csv"], "Survived", Task.classification, "titanic", "data/titanic")
    spec.version = first.version

    with pytest.raises(
        DatasetError, match=r"Titanic\.csv, Titanic2\.csv of titanic@\w+ is not on this machine"
    ) as error:
        require_files(spec, here.root)
    assert error.value.fix == f"bring it from the remote: keystage dataset pull {first.shown}"
    assert bring(here.root, first) == 2
    require_files(spec, here.root)

    paths[0].chmod(0o644)
    paths[0].write_bytes(b"damaged")
    assert [file.name for file in missing(here.root, first)] == ["Titanic.csv"]
    done = here.call("keystage", "compose", f"dataset.version={first.version}", "prep.test_size=0.4")
    assert done.returncode == 0
    done = here.call("keystage", "dataset", "pull", first.shown)
    assert "1 file of" in done.stdout
    shutil.rmtree(tmp_path / "remote")
    paths[0].unlink()
    (here.root / CSV).unlink()
    here.call("git", "rm", "--quiet", "--cached", CSV)
    here.call("git", "commit", "--quiet", "--message", "gone")
    done = here.call("dvc", "repro", "dataprep", ok=False)
    assert f"fix: bring it from the remote: keystage dataset pull {first.shown}" in done.stdout
    with pytest.raises(DatasetError, match=r"Titanic\.csv of titanic@\w+ cannot be had"):
        bring(here.root, first)


def test_what_cannot_be_in_force_is_said(here: Project) -> None:
    first = _registered(here)
    prepared = register_prepared(here.root, "rows", None, {}).version

    def spec(**changes: object) -> DatasetSpec:
        return DatasetSpec(**{**vars(declaration(here.root, "titanic")), "version": first.version, **changes})

    assert version_in_force(spec(), here.root) == first
    for changes, words in (
        ({"version": "ffff0000"}, "dataset 'titanic' has no version 'ffff0000'"),
        ({"version": "latest"}, "'latest' names no version for good"),
        ({"version": prepared.version, "name": "rows"}, "cannot be read in place of the dataset's files"),
        ({"files": ["Titanic.csv"]}, "has other files than the settings name"),
    ):
        with pytest.raises(DatasetError, match=words):
            version_in_force(spec(**changes), here.root)
    with pytest.raises(DatasetError, match="there is no dataset 'titanci'") as error:
        declaration(here.root, "titanci")
    assert "did you mean 'titanic'?" in error.value.fix
    far = "{name: far, files: [], label: y, task: classification, read: {query: SELECT 1, url_variable: DB}}"
    (here.root / "conf/dataset/far.yaml").write_text(far, encoding="utf-8")
    with pytest.raises(DatasetError, match="'far' is read from elsewhere: sql:query"):
        _registered(here, "far")
    (here.root / CSV).write_text("", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"Titanic\.csv is empty"):
        _registered(here)


def test_the_training_in_mlflow_names_the_version(registered: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(registered.root)
    version = _registered(registered)

    with closing(sqlite3.connect(registered.root / "mlflow.db")) as store:
        named = store.execute("SELECT name, digest FROM datasets").fetchall()

    assert named == [("titanic", version.version)]


def test_the_commands_say_it_to_people_and_to_scripts(here: Project) -> None:
    said = here.call("keystage", "dataset", "register", "titanic", "--tag", "source=openml").stdout
    version = versions(here.root, "titanic")[0]
    assert f"Registered {version.shown}: 1,309 rows in 2 files" in said
    assert f"git add datasets/titanic/{version.version}.yaml" in said

    told = json.loads(here.call("keystage", "dataset", "show", "titanic@latest", "--json").stdout)
    assert {"TitanicSurvivalInitial@1", "the workspace"} <= set(told["used_in"])
    assert told["here"] == {"Titanic.csv": True, "Titanic2.csv": True}
    assert told["columns"]["Age"]["missing"] == 263
    listed = here.call("keystage", "dataset", "list").stdout
    assert "source=openml" in listed
    assert "co2" in listed

    table = (here.root / CSV).read_text(encoding="utf-8").replace(",S\n", ",Southampton\n")
    (here.root / CSV).write_text(table, encoding="utf-8")
    done = here.call("keystage", "dataset", "diff", "titanic@latest", "titanic", "--fail-above", "0.2", ok=False)
    assert done.returncode == 1
    assert "above 0.2" in done.stdout
    done = here.call("keystage", "dataset", "show", "titanic@feed", ok=False)
    assert "error[dataset]: dataset 'titanic' has no version 'feed'" in done.stdout
    done = here.call("keystage", "dataset", "register", "titanic", "--tag", "openml", ok=False)
    assert "error[dataset]: --tag openml is no tag" in done.stdout
