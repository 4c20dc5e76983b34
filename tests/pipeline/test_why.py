"""`keystage plan` and `keystage why`: what would run, and which part of the key is behind it."""

import json
from typing import Any

import pytest
from tests.conftest import Project

pytestmark = pytest.mark.slow


@pytest.fixture
def project(registered: Project) -> Project:
    """None of these tests looks at the registry."""
    return registered


def _why(project: Project, *arguments: str, code: int) -> dict[str, Any]:
    done = project.call("keystage", "why", *arguments, "--json", ok=False)
    assert done.returncode == code, done.stdout
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


def _told(record: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(item["stage"], item["part"], item["name"]) for item in record["differences"]]


def test_plan_writes_nothing_and_names_the_setting_that_differs(project: Project) -> None:
    before = (project.root / "params.yaml").read_bytes()

    shown = " ".join(project.call("keystage", "plan", "automl.max_trials=4").stdout.split())

    assert "train RUN automl.max_trials: 3 -> 4" in shown
    assert "dataprep REUSE nothing changed" in shown
    assert "evaluate DEPENDS reused when the outputs of train are what they were" in shown
    assert "max_trials: 4" in shown
    assert (project.root / "params.yaml").read_bytes() == before
    assert project.call("git", "status", "--porcelain").stdout == ""


def test_plan_as_json_and_a_wrong_override(project: Project) -> None:
    planned = json.loads(project.call("keystage", "plan", "--json", "seed=5").stdout)

    assert planned["settings"]["seed"] == 5
    decisions = {stage["name"]: stage["decision"] for stage in planned["stages"]}
    assert decisions == dict.fromkeys(["conf", "dataprep", "train", "evaluate", "report", "register"], "RUN")
    assert "error[config]" in project.call("keystage", "plan", "automl.validation.folds=many", ok=False).stdout


def test_nothing_changed_is_told_with_what_was_compared(project: Project) -> None:
    done = project.call("keystage", "why", "train")

    assert "train would be reused: nothing changed" in done.stdout
    assert "Each part of its key is what it was in its last run" in done.stdout
    assert "parameter" in done.stdout
    assert "package" in done.stdout


def test_each_kind_of_part_is_named_with_old_and_new_value(project: Project) -> None:
    project.edit("data/titanic/Titanic.csv", ",7.8958,", ",77.8958,")
    project.edit("conf/automl/smoke.yaml", "ensemble_size: 2", "ensemble_size: 1")
    project.call("keystage", "compose", "environment=as_is", "reuse.evaluate=false")
    lock = project.root / "requirements/runtime.txt"
    lock.write_text(lock.read_text("utf-8").replace("zipp==", "zipp==0.", 1), "utf-8")
    project.append("stages/train.py", "# changed\n")

    told = _told(_why(project, "train", code=3))

    assert told.index(("dataprep", "data", "Titanic.csv")) < told.index(("train", "parameter", "automl.ensemble_size"))
    assert {
        ("train", "package", "zipp"),
        ("train", "package", "zipp as installed"),
        ("train", "code", "stages/train.py"),
    } <= set(told)
    assert ("evaluate", "reuse", "reuse.evaluate") in _told(_why(project, "evaluate", code=3))
    text = project.call("keystage", "why", "train", ok=False).stdout
    assert "automl.ensemble_size: 2 -> 1" in text
    assert "bytes -> md5" in text


def test_against_a_commit_and_an_experiment(project: Project) -> None:
    project.call("keystage", "run", "automl.ensemble_size=1")
    project.commit("one member")
    assert _told(_why(project, "train", code=0)) == []
    assert _told(_why(project, "train", "--against", "HEAD~1", code=3)) == [
        ("train", "parameter", "automl.ensemble_size")
    ]
    assert ("evaluate", "output", "artifacts/model.pkl") in _told(
        _why(project, "evaluate", "--against", "HEAD~1", code=3)
    )
    # What the last run met is still told after it.
    assert (
        "In the last run its key had changed:\n  train  parameter  automl.ensemble_size: 2 -> 1"
        in project.call("keystage", "why", "train").stdout
    )

    project.call("dvc", "exp", "run", "--temp", "--name", "more", "-S", "automl.max_trials=4")
    assert ("train", "parameter", "automl.max_trials") in _told(_why(project, "train", "--against", "more", code=3))

    unknown = project.call("keystage", "why", "train", "--against", "nowhere", ok=False)
    assert unknown.returncode == 1
    assert "'nowhere' is no revision" in unknown.stdout
    assert "did you mean 'train'" in project.call("keystage", "why", "trian", ok=False).stdout


def test_before_the_first_run_everything_runs(new_project: Project) -> None:
    assert "has not run yet" in new_project.call("keystage", "plan").stdout
    assert "train would run: it has not run yet" in new_project.call("keystage", "why", "train", ok=False).stdout


def test_files_that_cannot_be_read_are_named(project: Project) -> None:
    lock, params = project.root / "dvc.lock", project.root / "params.yaml"
    kept = lock.read_text(encoding="utf-8"), params.read_text(encoding="utf-8")

    lock.write_text(f"<<<<<<< ours\n{kept[0]}", encoding="utf-8")
    for command in (("plan",), ("why", "train"), ("compare", "HEAD")):
        done = project.call("keystage", *command, ok=False).stdout
        assert "error[config]: dvc.lock" in done
        assert "after a merge, take either side" in done
    assert "error[config]: dvc.lock" in project.call("keystage", "run", ok=False).stdout
    # Whatever side is taken, nothing runs: the results are found by their keys.
    lock.unlink()
    planned = " ".join(project.call("keystage", "plan").stdout.split())
    assert "train REUSE an earlier run had this very key" in planned
    assert project.stages_run("dvc", "repro", "evaluate") == {"conf"}

    params.unlink()
    assert "error[config]: params.yaml is missing" in project.call("keystage", "why", "train", ok=False).stdout
    params.write_text(kept[1], encoding="utf-8")
    project.edit("dvc.yaml", "stages:", "stages")
    assert "error[project]: DVC cannot read the pipeline" in project.call("keystage", "plan", ok=False).stdout
