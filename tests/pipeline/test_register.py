"""Registration: one model that takes raw rows, no twins, no server needed, none lost."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import requests
from tests.conftest import Project

pytestmark = pytest.mark.slow

UNSEEN = """
import sys, pandas as pd, mlflow
mlflow.set_tracking_uri(sys.argv[1])
rows = pd.DataFrame({
    "PassengerId": [9001, 9002, 9003], "Pclass": [1, 3, 2], "Name": ["Ada", None, "Grace"],
    "Sex": ["female", "male", "other"], "Age": [36, None, 61], "SibSp": [0, 1, 0], "Parch": [0, 0, 2],
    "Ticket": ["x", "y", "z"], "Fare": [80.0, None, 20.0], "Cabin": [None, None, "C1"], "Embarked": ["S", None, "Q"],
})
model = mlflow.pyfunc.load_model(sys.argv[2])
whole = rows.assign(Age=[36, 20, 61], Fare=[80, 7, 20], Pclass=["1", "3", "2"])
told = model.predict(rows)
assert list(told) == ["predicted", "probability_0", "probability_1"], told
plain = mlflow.sklearn.load_model(sys.argv[2])
assert plain.predict(rows).tolist() == told["predicted"].tolist()
assert (plain.predict_proba(rows) == told[["probability_0", "probability_1"]].to_numpy()).all()
print(told["predicted"].tolist(), len(model.predict(rows.iloc[:1])), len(model.predict(whole)))
print(model.predict(rows.drop(columns=["PassengerId", "Name", "Ticket", "Cabin"]))["predicted"].tolist())
"""


def _versions(project: Project, name: str = "TitanicSurvivalInitial", uri: str = "") -> list[dict[str, object]]:
    program = (
        "import sys, json, mlflow\n"
        "mlflow.set_tracking_uri(sys.argv[1])\n"
        "found = mlflow.MlflowClient().search_model_versions(f\"name = '{sys.argv[2]}'\")\n"
        "print(json.dumps([{'version': v.version, 'tags': v.tags, 'run': v.run_id} for v in found]))"
    )
    uri = uri or f"sqlite:///{project.root}/mlflow.db"
    done = subprocess.run([sys.executable, "-c", program, uri, name], capture_output=True, text=True, check=True)
    loaded: list[dict[str, object]] = json.loads(done.stdout.splitlines()[-1])
    return loaded


def test_a_new_name_gets_a_version_and_the_same_model_gets_no_twin(project: Project) -> None:
    first = project.call("keystage", "run", "registry.model_name=Survival")
    second = project.call("keystage", "run", "registry.model_name=Survival")
    asked = project.call("keystage", "run", "registry.model_name=Survival", "registry.always_new_version=true")

    assert "Registered version 1 of model Survival" in first.stdout
    assert "has this very model already, as version 1" in second.stdout
    assert "Opening MLflow" not in second.stdout, "nothing has changed since"
    assert "Registered version 2 of model Survival" in asked.stdout
    versions = _versions(project, "Survival")
    assert len(versions) == 2
    assert len({item["run"] for item in versions}) == 1, "one training is one run"
    tags = versions[0]["tags"]
    assert isinstance(tags, dict)
    head = project.call("git", "rev-parse", "HEAD").stdout.strip()
    state = str(tags["keystage.git_commit"])
    assert project.call("git", "rev-parse", f"{state}^").stdout.strip() == head
    assert "model_name: Survival" in project.call("git", "show", f"{state}:params.yaml").stdout
    assert (
        project.call("git", "rev-parse", f"refs/keystage/versions/Survival/{versions[0]['version']}").stdout.strip()
        == state
    )
    assert tags["keystage.dataset"] == "titanic"
    for name in ("data_digest", "params_digest", "lock_digest", "model_digest", "training_run"):
        assert tags[f"keystage.{name}"]


def test_the_run_holds_every_trial(project: Project) -> None:
    project.call("dvc", "repro")
    run = _versions(project)[0]["run"]
    program = (
        "import sys, json, mlflow\n"
        "mlflow.set_tracking_uri(sys.argv[1])\n"
        "client = mlflow.MlflowClient()\n"
        "run = client.get_run(sys.argv[2])\n"
        "series = client.get_metric_history(sys.argv[2], 'trial.roc_auc')\n"
        "mlflow.set_experiment(experiment_id=run.info.experiment_id)\n"
        "board = mlflow.load_table('leaderboard.json', run_ids=[sys.argv[2]])\n"
        "print(json.dumps([run.info.status, run.data.params, [m.value for m in series], board.to_dict('list')]))"
    )
    uri = f"sqlite:///{project.root}/mlflow.db"
    done = subprocess.run([sys.executable, "-c", program, uri, str(run)], capture_output=True, text=True, check=True)
    status, params, scores, board = json.loads(done.stdout.splitlines()[-1])

    assert status == "FINISHED"
    assert params["automl.max_trials"] == "3"
    assert sorted(scores) == pytest.approx(sorted(board["score"]))
    assert {"lgbm", "lrl2", "rf"} == set(board["estimator"])


AS_TESTED = """
import sys, numpy as np, pandas as pd, mlflow
mlflow.set_tracking_uri(sys.argv[1])
for name in sys.argv[2:]:
    expected = pd.read_parquet(f"{name}.predictions.parquet").drop(columns="actual")
    told = mlflow.pyfunc.load_model(f"models:/{name}/1").predict(pd.read_parquet(f"{name}.rows.parquet"))
    assert np.array_equal(told[list(expected)], expected), name
    print(name, len(told), *told)
"""
BY_TASK = {
    "TitanicSurvivalInitial": ("Survived", ()),
    "Diabetes": ("progression", ("dataset=diabetes", "prep=none", "automl.metric=r2")),
    "CO2": ("co2", ("dataset=co2", "prep=forecast", "automl.metric=rmse")),
}


def test_models_of_each_task_score_raw_rows_in_an_environment_of_their_own_requirements(
    project: Project, tmp_path: Path
) -> None:
    for name, (label, overrides) in BY_TASK.items():
        project.call("keystage", "run", *overrides, f"registry.model_name={name}")
        rows = pd.read_parquet(project.root / "artifacts/raw_test.parquet").drop(columns=label)
        rows.to_parquet(tmp_path / f"{name}.rows.parquet")
        shutil.copy(project.root / "artifacts/predictions.parquet", tmp_path / f"{name}.predictions.parquet")
    uri = f"sqlite:///{project.root}/mlflow.db"
    needed = {str(found.with_name("requirements.txt")) for found in (project.root / "mlartifacts").rglob("MLmodel")}
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    python = str(tmp_path / "clean" / "bin" / "python")
    install = ["-m", "pip", "install", "--quiet", "--no-compile", *(f"--requirement={path}" for path in needed)]
    for command in ([sys.executable, "-m", "venv", str(tmp_path / "clean")], [python, *install]):
        subprocess.run(command, check=True, capture_output=True, env=clean)

    def scored(*arguments: str) -> list[str]:
        done = subprocess.run(
            [python, "-c", *arguments], capture_output=True, text=True, cwd=tmp_path, env=clean, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    raw, kept = scored(UNSEEN, uri, "models:/TitanicSurvivalInitial/1")[-2:]
    assert raw.endswith("] 1 3")
    assert raw.startswith(kept)
    assert scored(AS_TESTED, uri, *BY_TASK)[-3:] == [
        "TitanicSurvivalInitial 262 predicted probability_0 probability_1",
        "Diabetes 89 predicted",
        "CO2 12 predicted low high",
    ]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A real MLflow server on a free port."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    store = f"sqlite:///{tmp_path}/server.db"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", store, "--artifacts-destination", str(tmp_path / "store")]
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    uri = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                requests.get(f"{uri}/health", timeout=1).raise_for_status()
                break
            except requests.RequestException:
                time.sleep(0.5)
        yield uri
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def test_a_server_takes_runs_and_models_by_one_override(project: Project, server: str) -> None:
    done = project.call("keystage", "run", "tracking=server", f"tracking.uri={server}")

    assert "Registered version 1 of model TitanicSurvivalInitial" in done.stdout
    assert _versions(project, uri=server)[0]["version"] == "1"
    promoted = project.call("keystage", "registry", "promote", "TitanicSurvivalInitial@latest", "--alias", "shadow")
    assert "TitanicSurvivalInitial@1 is shadow now" in promoted.stdout
    listed = project.call("keystage", "registry", "list", "--json").stdout
    (model,) = json.loads(listed[listed.index("[") :])
    assert model["aliases"] == {"challenger": "1", "champion": "1", "shadow": "1"}
    assert not (project.root / "mlflow.db").exists()


def test_a_server_that_is_down_costs_no_search(new_project: Project) -> None:
    down = ["tracking=server", "tracking.uri=http://127.0.0.1:9"]

    failed = new_project.call("keystage", "run", *down, ok=False)

    assert failed.returncode == 1
    assert "error[tracking]: the tracking server at http://127.0.0.1:9 does not answer" in failed.stdout
    assert "fix: start the server, then: dvc repro register" in failed.stdout
    assert "error[pipeline]: the pipeline stopped at stage 'register'" in failed.stdout

    done = new_project.call("keystage", "run")

    assert "Ran: conf, register" in done.stdout
    assert "Registered version 1" in done.stdout
