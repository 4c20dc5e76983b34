"""Results by name: listed, copied and read from a workspace, revision, experiment and version; nothing is run."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Event

import numpy as np
import pandas as pd
import pytest
from tests.conftest import Project as Folder
from tests.conftest import copy_with_versions, made_once
from typer.testing import CliRunner, Result

import keystage
from keystage.adapters.dvc_cache import object_path
from keystage.cli.main import app

# MLflow 3.17 has warnings of its own in this process: of SQLAlchemy, of pydantic.
pytestmark = pytest.mark.filterwarnings("default")

VERSION = "TitanicSurvivalInitial@1"
# All of it can become ONNX.
PLAIN = [
    "prep.steps=[{use: fill, columns: [Age, Fare]}, {use: codes, columns: [Sex, Embarked]}]",
    "automl.estimators=[lgbm, lrl2]",
    "automl.max_trials=2",
]


@pytest.fixture(scope="module")
def folder(finished: Folder, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A project that has run, and then as an experiment; its registry is that of the run it was copied from."""
    with made_once(tmp_path_factory, "run and experiment") as (root, is_new):
        if is_new:
            made = copy_with_versions(finished, root)
            changes = [part for item in PLAIN for part in ("-S", item)]
            made.call("dvc", "exp", "run", "--name", "fewer", "--temp", *changes)
    return copy_with_versions(Folder(root), tmp_path_factory.mktemp("results") / "project")


@pytest.fixture(autouse=True)
def _in_the_project(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.root)


@pytest.fixture
def copy(folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """One to lose things in, whose cache no other has."""
    shutil.copytree(folder.root, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return Folder(tmp_path / "copy")


def _call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["outputs", *map(str, arguments)])


def _listed(*arguments: str) -> dict[str, dict[str, str]]:
    done = _call(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return {item["path"]: item for item in json.loads(done.stdout)}


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _lose(folder: Folder, path: str) -> str:
    """Remove a file from folder and cache. Returns its MD5."""
    md5 = _listed()[path]["md5"]
    (folder.root / path).unlink()
    object_path(folder.root / ".dvc" / "cache", md5).unlink()
    return md5


@pytest.mark.parametrize("run", ["workspace", "HEAD", "fewer", VERSION, "TitanicSurvivalInitial@latest"])
def test_outputs_of_every_kind_of_run_are_copied_as_they_were_recorded(run: str, tmp_path: Path) -> None:
    listed = _listed(run)
    done = _call(run, tmp_path / "a" / "b", "--get", "metrics", "--get", "leaderboard", "--get", "plots")

    assert done.exit_code == 0, done.output
    assert {item["where"] for path, item in listed.items() if path != "reports/gate.json"} == {"cache"}
    assert _md5(tmp_path / "a" / "b" / "metrics.json") == listed["reports/metrics.json"]["md5"]
    board = pd.read_parquet(tmp_path / "a" / "b" / "leaderboard.parquet")
    assert len(board) == (2 if run in ("fewer", "TitanicSurvivalInitial@latest") else 3)
    assert (tmp_path / "a" / "b" / "plots" / "roc.csv").is_file()
    assert not list((tmp_path / "a" / "b").rglob("*.part"))


def test_a_name_is_all_that_is_called_so_and_the_run_may_be_left_out(tmp_path: Path) -> None:
    done = _call("--get", "model", tmp_path)

    assert done.exit_code == 0, done.output
    assert {path.name for path in tmp_path.iterdir()} == {"model.pkl", "model.json"}


def test_all_of_a_run_fits_into_one_folder(tmp_path: Path) -> None:
    assert _call("--get", "all", tmp_path).exit_code == 0

    assert len(list(tmp_path.iterdir())) == len(_listed())


def test_a_file_that_is_there_is_overwritten_only_when_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text("mine")

    refused = _call("--get", "metrics", tmp_path)
    kept = (tmp_path / "metrics.json").read_text()
    forced = _call("--get", "metrics", tmp_path, "--force")

    assert (refused.exit_code, kept, forced.exit_code) == (1, "mine", 0)
    assert "metrics.json is there already" in refused.stderr
    assert "--force" in refused.stderr
    assert json.loads((tmp_path / "metrics.json").read_text())["test"]["rows"] == 262


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--get", "modle", "out"], "did you mean 'model'?"),
        (["--get", "metrics", "params.yaml"], "params.yaml is no folder"),
        (["fewr"], "did you mean 'fewer'?"),
        (["TitanicSurvivalInitial@7"], "did you mean 'TitanicSurvivalInitial@2'?"),
        (["TitanicSurvivalInital@1"], "did you mean 'TitanicSurvivalInitial'?"),
        (["--remote", "nowhere"], "there is no remote 'nowhere'"),
        (["HEAD", "--get", "metrics"], "DIR"),
    ],
)
def test_what_is_not_there_is_said_with_the_nearest_name(arguments: list[str], words: str) -> None:
    done = _call(*arguments)

    assert done.exit_code in (1, 2)
    assert words in done.stderr
    assert not Path("out").exists()


def test_what_is_gone_is_named_with_the_command_that_makes_it_again(copy: Folder, tmp_path: Path) -> None:
    _lose(copy, "artifacts/model.pkl")

    listed = _call(VERSION)
    refused = _call(VERSION, tmp_path / "out", "--get", "model")

    assert f"What is gone is made again by: keystage rebuild {VERSION}" in listed.output
    assert _listed(VERSION)["artifacts/model.pkl"]["where"] == "gone"
    assert refused.exit_code == 1
    assert f"artifacts/model.pkl of {VERSION} is gone" in refused.stderr
    assert f"keystage rebuild {VERSION}" in refused.stderr
    assert not (tmp_path / "out").exists()


def test_what_the_cache_has_lost_comes_from_the_remote_and_metrics_from_git(copy: Folder, tmp_path: Path) -> None:
    copy.call("dvc", "remote", "add", "--default", "shared", str(tmp_path / "remote"))
    copy.call("keystage", "push")
    model, metrics = _lose(copy, "artifacts/model.pkl"), _lose(copy, "reports/metrics.json")
    plots = _listed()["reports/plots"]["md5"]
    shutil.rmtree(copy.root / "reports" / "plots")
    object_path(copy.root / ".dvc" / "cache", plots).unlink()
    found = _listed("HEAD")

    done = _call("HEAD", tmp_path / "out", "--get", "model", "--get", "metrics", "--get", "plots")

    wanted = ("artifacts/model.pkl", "reports/metrics.json", "reports/plots")
    assert [found[path]["where"] for path in wanted] == ["remote", "git", "remote"]
    assert done.exit_code == 0, done.output
    assert _md5(tmp_path / "out" / "model.pkl") == model
    assert _md5(tmp_path / "out" / "metrics.json") == metrics
    assert (tmp_path / "out" / "plots" / "roc.csv").is_file()


def test_what_is_damaged_in_the_cache_is_never_given(copy: Folder, tmp_path: Path) -> None:
    md5 = _listed()["artifacts/leaderboard.parquet"]["md5"]
    kept = object_path(copy.root / ".dvc" / "cache", md5)
    (copy.root / "artifacts" / "leaderboard.parquet").unlink()
    kept.chmod(0o644)
    kept.write_bytes(b"damaged")

    done = _call("HEAD", tmp_path, "--get", "leaderboard")

    assert done.exit_code == 1
    assert "artifacts/leaderboard.parquet of HEAD is gone" in done.stderr
    assert not kept.exists()
    assert not list(tmp_path.glob("*.part"))


def test_a_remote_that_does_not_answer_is_said_and_no_reason_to_call_a_result_gone(
    copy: Folder, tmp_path: Path
) -> None:
    copy.call("dvc", "remote", "add", "--default", "shared", "ssh://nowhere.invalid/x")
    _lose(copy, "artifacts/model.pkl")

    assert _listed()["artifacts/model.pkl"]["where"] == "remote does not answer"
    assert "remote 'shared' cannot be used" in _call("--get", "model", tmp_path / "out").stderr


def test_a_run_from_python_tells_what_ran_and_leaves_the_caller_where_it_is(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    project = keystage.Project(folder.root / "conf")

    run = project.run(PLAIN, on_line=said.append)

    assert Path.cwd() == tmp_path
    assert run.status == "finished"
    assert "Running stage 'register':" in said
    assert {name: stage.reused for name, stage in run.stages.items()} == {
        "conf": False,
        "dataprep": True,
        "train": True,
        "evaluate": True,
        "report": True,
        "register": False,
    }
    assert run.stages["train"].ran is False
    assert run.stages["train"].seconds is not None
    assert len(run.leaderboard) == 2
    assert run.metrics.attrs == {"rows": 262, "primary": "roc_auc"}
    assert run.metrics.loc["roc_auc", "test"] == pytest.approx(0.85, abs=0.03)
    assert run.settings["automl"]["max_trials"] == 2
    assert {"test", "train"} <= {item.name for item in run.stages["dataprep"].outputs}
    assert project.runs()[0].metrics.equals(project.find("fewer").metrics)


def test_the_model_of_each_kind_of_run_takes_raw_rows(folder: Folder) -> None:
    import mlflow

    mlflow.set_tracking_uri("sqlite:///theirs.db")
    rows = pd.read_parquet(folder.root / "artifacts" / "raw_test.parquet")
    project = keystage.Project(folder.root)
    for run in (project.find("HEAD"), project.version(VERSION)):
        expected = run.predictions.filter(like="probability_").to_numpy()

        assert np.array_equal(run.model().predict_proba(rows), expected)
    assert project.version(VERSION).stages["train"].ran
    assert project.version(VERSION).commit == project.find("HEAD").commit or project.version(VERSION).commit
    assert mlflow.get_tracking_uri() == "sqlite:///theirs.db"


def test_of_an_experiment_it_is_known_what_it_ran_and_of_a_commit_not(folder: Folder) -> None:
    project = keystage.Project(folder.root)

    assert {name: stage.ran for name, stage in project.find("fewer").stages.items()} == dict.fromkeys(
        ["conf", "dataprep", "train", "evaluate", "report", "register"], True
    )
    assert project.find("HEAD").stages["train"].reused is None
    assert [run.name for run in project.runs()][:2] == ["workspace", "fewer"]
    assert project.runs()[-1].commit == project.find("HEAD").commit


@pytest.mark.parametrize(
    ("overrides", "stage", "what"),
    [
        ("automl.max_trails=3", "", "conf/ cannot be composed with automl.max_trails=3"),
        (["prep.test_size=0.9999"], "dataprep", "stage 'dataprep': 1,309 rows cannot be split"),
    ],
)
def test_a_failed_run_raises_the_words_of_its_stage(
    folder: Folder, overrides: str | list[str], stage: str, what: str
) -> None:
    with pytest.raises(keystage.RunFailed) as failed:
        keystage.Project(folder.root).run(overrides, on_line=None)

    assert failed.value.stage == stage
    assert failed.value.what.startswith(what)
    assert failed.value.fix
    assert "error[" in "\n".join(failed.value.lines)


def test_a_run_beside_the_caller_can_be_waited_for_and_stopped(copy: Folder, finished: Folder) -> None:
    project, other = keystage.Project(copy.root), keystage.Project(finished.root)
    searching = Event()

    def fails_in_the_search(line: str) -> None:
        if "At most 500 trials" in line:
            searching.set()
            raise ValueError("of the caller")

    run = project.run("automl.max_trials=500", wait=False, on_line=fails_in_the_search)
    assert searching.wait(120)
    with pytest.raises(TimeoutError):
        run.wait(0.5)
    with pytest.raises(keystage.KeystageError, match="under way"):
        _ = run.metrics
    assert run.status == "running"
    assert len(other.find().leaderboard) == 3
    run.stop()

    assert run.status == "failed"
    with pytest.raises(keystage.RunFailed, match="stopped"):
        run.wait()


def test_a_model_that_converts_is_written_as_onnx_when_it_predicts_the_same(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")

    def export(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["export", *arguments])

    done = export("fewer", str(tmp_path / "made" / "model.onnx"))
    strict = export("fewer", str(tmp_path / "strict.onnx"), "--tolerance", "1e-12")
    refused = export(VERSION, str(tmp_path / "other.onnx"))

    assert done.exit_code == 0, done.output
    assert "equal to the original on 262 raw test rows" in done.stdout
    session = onnxruntime.InferenceSession(tmp_path / "made" / "model.onnx", providers=["CPUExecutionProvider"])
    assert "Sex" in {item.name for item in session.get_inputs()}
    assert strict.exit_code == refused.exit_code == 1
    assert "of 262 raw test rows" in strict.stderr
    assert "because of step '01_fill_draws' (FillDraws)" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_folder_in_no_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(keystage.KeystageError, match="is not in a keystage project"):
        keystage.Project(tmp_path)


def test_importing_keystage_imports_nothing_heavy() -> None:
    program = "import keystage, sys; keystage.Project; print([name for name in sys.modules if name in {names}])"
    heavy = {"pandas", "numpy", "sklearn", "mlflow", "dvc", "flaml"}
    done = subprocess.run(
        [sys.executable, "-c", program.format(names=heavy)],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )

    assert done.stdout == "[]\n"
