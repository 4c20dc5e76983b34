"""A dataset that stands on a server: fetched once, reused while it stays, run again when it changes."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import ROOT, Project
from tests.servers import Web, web

from keystage.adapters.dvc_state import known_digest, tracked_names
from keystage.cli.plan import look
from keystage.data.spec import DatasetSpec, Task
from keystage.reuse.named import dataset_files, files_note
from keystage.reuse.plan import Decision


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Web]:
    (tmp_path / "site").mkdir()
    shutil.copy(ROOT / "data/titanic/Titanic.csv", tmp_path / "site")
    with web(tmp_path / "site") as running:
        yield running


def _decision(project: Project) -> Decision:
    return {stage.name: stage.decision for stage in look(project.root, project.settings()).plan}["dataprep"]


def test_a_source_elsewhere_is_fetched_once_and_again_when_it_changes(
    new_project: Project, server: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(new_project.root)
    new_project.call("keystage", "compose", f"dataset.files=[{server.url}/Titanic.csv]", "dataset.path=''")

    assert new_project.stages_run("dvc", "repro", "dataprep") == {"conf", "dataprep"}
    assert new_project.stages_run("dvc", "repro", "dataprep") == {"conf"}
    assert _decision(new_project) is Decision.reuse
    assert server.asked.count("GET /Titanic.csv") == 1

    path = tmp_path / "site" / "Titanic.csv"
    path.write_bytes(path.read_bytes().replace(b",7.8958,", b",77.8958,"))
    assert _decision(new_project) is Decision.run
    assert new_project.stages_run("dvc", "repro", "dataprep") == {"conf", "dataprep"}


def test_a_file_of_a_pattern_that_nobody_has_fetched_is_still_of_the_dataset(
    new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(new_project.root)
    parts = new_project.root / "data" / "parts"
    shutil.copytree(new_project.root / "data" / "titanic", parts)
    new_project.call("dvc", "add", "data/parts")
    spec = DatasetSpec(["*.csv"], "Survived", Task.classification, "parts", "data/parts")
    whole = dataset_files(spec, Path(), known_digest, tracked=tracked_names)
    note = files_note(whole)

    (parts / "Titanic2.csv").unlink()

    assert list(whole) == ["Titanic.csv", "Titanic2.csv"]
    assert files_note(dataset_files(spec, Path(), known_digest, tracked=tracked_names)) == note
    shutil.rmtree(parts)
    assert files_note(dataset_files(spec, Path(), known_digest, tracked=tracked_names)) == note
