"""The keys against what stages really do: the parameters they read, the code and files that settings lead them to."""

import json
import subprocess

import pytest
from tests.conftest import ROOT, Project
from tests.house.test_keys import KEYED, PARAMS, _file, _reached

from keystage.cli.plan import look
from keystage.core.params import key_parameters
from keystage.reuse.plan import Decision

# Runs a stage with parameters that note which of their fields are read.
_WATCHED = """
import json, sys
from dataclasses import fields, is_dataclass
from importlib import import_module
from keystage.core.params import load_params

stage = sys.argv[1]
module = import_module(f"keystage.pipeline.{stage}")
read = set()

def watch(value, prefix=""):
    names = {item.name for item in fields(value)}
    leaves = {name for name in names if not is_dataclass(getattr(value, name))}
    for name in names - leaves:
        watch(getattr(value, name), f"{prefix}{name}.")

    class Watched(type(value)):
        def __getattribute__(self, name):
            if name in leaves:
                read.add(prefix + name)
            return super().__getattribute__(name)

    value.__class__ = Watched
    return value

getattr(module, stage)(watch(load_params(getattr(module, f"{stage.title()}Params"))))
print(json.dumps(sorted(read)))
"""

RECIPE_WITH_OWN_STEP = """
test_size: 0.2
steps:
  - {use: "project.transforms:ClipQuantiles", columns: [Fare], options: {}}
  - {use: fill, columns: [Age, Fare], options: {strategy: median}}
  - {use: codes, columns: [Sex, Embarked], options: {unknown: -1, missing: -2}}
"""


@pytest.fixture
def project(registered: Project) -> Project:
    """None of these tests looks at the registry."""
    return registered


@pytest.mark.parametrize("stage", KEYED)
def test_a_key_holds_exactly_the_parameters_that_the_stage_reads(project: Project, stage: str) -> None:
    done = project.call("python", "-c", _WATCHED, stage, PYTHONPATH="src")
    read = set(json.loads(done.stdout.splitlines()[-1]))
    in_key = set(key_parameters(PARAMS[stage]))

    assert in_key <= read, "needlessly in the key"
    # What is read beside the key is marked outside_key, with a reason, and never decides what is computed.
    assert read - in_key <= {"dataset.name", "dataset.path", "dataset.version", "compute.train.cores"}


@pytest.mark.slow
def test_every_file_of_the_repository_runs_exactly_the_stages_that_can_reach_it(project: Project) -> None:
    reached = {stage: {_file(module) for module in _reached(stage)} | {f"stages/{stage}.py"} for stage in KEYED}
    settings = project.settings()
    tracked = subprocess.run(
        ["git", "ls-files", "src", "stages", "tests/house", "docs/adr", "Makefile", "data"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    wrong = {}
    for name in tracked:
        path = project.root / name
        if name.endswith("__init__.py") or name.startswith("data/titanic/") or not path.is_file():
            continue
        before = path.read_bytes()
        path.write_bytes(before + b"\n")
        planned = {stage.name for stage in look(project.root, settings).plan if stage.decision is Decision.run}
        path.write_bytes(before)
        if planned - {"conf", "register"} != {stage for stage in KEYED if name in reached[stage]}:
            wrong[name] = planned

    assert len(tracked) > 80
    assert not wrong


@pytest.mark.slow
def test_your_own_code_is_in_the_key_when_the_recipe_names_it_with_all_that_it_imports(project: Project) -> None:
    (project.root / "conf/prep/own.yaml").write_text(RECIPE_WITH_OWN_STEP, encoding="utf-8")
    (project.root / "src/project/limits.py").write_text("LOW = 0.01\n", encoding="utf-8")
    (project.root / "src/project/unused.py").write_text("x = 1\n", encoding="utf-8")
    project.edit(
        "src/project/transforms.py", "import numpy as np\n", "import numpy as np\nfrom project.limits import LOW\n"
    )
    project.edit("src/project/transforms.py", "low: float = 0.01", "low: float = LOW")
    project.call("keystage", "compose", "prep=own")
    assert "dataprep" in project.stages_run("dvc", "repro", "evaluate")

    project.append("src/project/unused.py", "x = 2\n")
    assert project.stages_run("dvc", "repro", "evaluate") == {"conf"}
    project.edit("src/project/limits.py", "0.01", "0.2")
    assert project.stages_run("dvc", "repro", "evaluate") == {"conf", "dataprep", "train", "evaluate"}
    # The comment changes no data, so nothing is trained; evaluate loads the recipe, and with it the code.
    project.append("src/project/transforms.py", "# a comment\n")
    assert project.stages_run("dvc", "repro", "evaluate") == {"conf", "dataprep", "evaluate"}


@pytest.mark.slow
def test_own_code_that_nothing_names_makes_no_new_version(project: Project) -> None:
    project.call("keystage", "run")
    project.append("src/project/transforms.py", "# a comment\n")

    assert "has this very model already" in project.call("keystage", "run").stdout


@pytest.mark.slow
def test_a_metric_of_your_own_is_in_the_key_of_train_alone(project: Project) -> None:
    project.call("keystage", "run", "automl.metric=project.metrics:cost")
    assert "cost" in project.call("keystage", "leaderboard").stdout

    project.edit("src/project/metrics.py", "MISS, FALSE_ALARM = 5.0", "MISS, FALSE_ALARM = 50.0")
    assert "train" in project.stages_run("dvc", "repro", "evaluate") - {"dataprep"}
    project.call("keystage", "compose")
    project.edit("src/project/metrics.py", "MISS, FALSE_ALARM = 50.0", "MISS, FALSE_ALARM = 7.0")
    assert project.stages_run("dvc", "repro", "evaluate") == {"conf"}


@pytest.mark.slow
def test_a_metric_that_sets_the_threshold_is_in_the_key_of_train_and_fits_no_trial_anew(project: Project) -> None:
    project.call("keystage", "run", "automl.max_trials=3", "automl.time_budget=null")
    settings = ("automl.max_trials=3", "automl.time_budget=null", "automl.threshold=project.metrics:cost")
    assert "fits were taken from the log" in project.call("keystage", "run", *settings).stdout

    project.edit("src/project/metrics.py", "MISS, FALSE_ALARM = 5.0", "MISS, FALSE_ALARM = 50.0")
    assert "train" in project.stages_run("dvc", "repro", "evaluate") - {"dataprep"}


@pytest.mark.slow
def test_a_run_with_reuse_off_leaves_the_kept_results_as_they_were(project: Project) -> None:
    lock = project.root / "dvc.lock"
    before = lock.read_text(encoding="utf-8")

    forced = project.call("keystage", "run", "reuse.train=false").stdout
    assert "Ran: conf, train, register" in forced
    assert "Ran: conf, train, register" in project.call("keystage", "run", "reuse.train=false").stdout
    assert (
        "Ran: conf, dataprep, train, evaluate, report, register" in project.call("keystage", "run", "reuse=none").stdout
    )

    again = project.call("keystage", "run").stdout
    assert "Ran: conf, register" in again
    assert lock.read_text(encoding="utf-8") == before


@pytest.mark.slow
def test_reuse_can_be_switched_off_for_an_experiment(project: Project) -> None:
    done = project.call("dvc", "exp", "run", "--temp", "-S", "reuse.dataprep=false")

    assert "Running stage 'dataprep'" in done.stdout
    assert "Running stage 'train'" not in done.stdout


@pytest.mark.slow
def test_packages_that_differ_from_the_lock_are_refused_or_recorded_in_the_key(project: Project) -> None:
    lock = project.root / "requirements/runtime.txt"
    text = lock.read_text(encoding="utf-8")
    lock.write_text(text.replace("zipp==", "zipp==0.", 1), encoding="utf-8")

    refused = project.call("keystage", "run", ok=False)
    assert "error[environment]: the installed packages are not those of requirements/runtime.txt" in refused.stdout
    assert "zipp" in refused.stdout

    project.call("keystage", "run", "environment=as_is")
    record = json.loads((project.root / "artifacts/records/train.json").read_text(encoding="utf-8"))
    assert list(record["not_locked"]) == ["zipp"]

    lock.write_text(text, encoding="utf-8")
    assert "Ran: conf, register" in project.call("keystage", "run").stdout

    project.edit("requirements/catboost.txt", "graphviz==", "graphviz==9.")
    refused = project.call("keystage", "run", "automl.estimators=[catboost]", "environment=as_is", ok=False)
    assert "the installed packages are not those of requirements/catboost.txt" in refused.stdout
    assert "make catboost" in refused.stdout


@pytest.mark.slow
def test_data_that_dvc_tracks_need_not_be_fetched_for_a_result_to_be_reused(project: Project) -> None:
    project.call("git", "rm", "-r", "--quiet", "--cached", "data/titanic")
    project.call("dvc", "add", "--quiet", "data/titanic")
    assert project.stages_run("dvc", "repro", "evaluate") == {"conf"}

    for name in ("Titanic.csv", "Titanic2.csv"):
        (project.root / "data/titanic" / name).unlink()
    (project.root / "data/titanic").rmdir()
    assert project.stages_run("dvc", "repro", "evaluate") == {"conf"}

    project.call("keystage", "compose", "prep.test_size=0.3")
    failed = project.call("dvc", "repro", ok=False).stdout
    assert "data/titanic/Titanic.csv does not exist" in failed
    assert "dvc pull" in failed
    project.call("dvc", "checkout", "data/titanic.dvc")
    assert "train" in project.stages_run("dvc", "repro", "evaluate")
