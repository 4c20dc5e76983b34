"""Bad input ends in what, why and the next command, a code that is not 0, and nothing lost."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from tests.conftest import Project

_BIN = Path(sys.executable).parent
_ENVIRONMENT = {"HOME": os.environ.get("HOME", "/"), "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture
def project(registered: Project) -> Project:
    """None of these tests looks at the registry."""
    return registered


def _empty(project: Project) -> None:
    (project.root / "data/titanic/Titanic2.csv").write_bytes(b"")


def _missing(project: Project) -> None:
    (project.root / "data/titanic/Titanic2.csv").unlink()


def _latin1(project: Project) -> None:
    path = project.root / "data/titanic/Titanic2.csv"
    path.write_bytes(path.read_bytes().replace(b"Mrs.", b"Mrs\xe9", 1))


def _one_class(project: Project) -> None:
    for name in ("Titanic.csv", "Titanic2.csv"):
        path = project.root / "data/titanic" / name
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text(
            "".join([lines[0], *(line for line in lines[1:] if line.split(",")[1] == "0")]), encoding="utf-8"
        )


def _no_label(project: Project) -> None:
    for name in ("Titanic.csv", "Titanic2.csv"):
        project.edit(f"data/titanic/{name}", "Survived", "Alive")


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (_missing, "data/titanic/Titanic2.csv does not exist"),
        (_empty, "data/titanic/Titanic2.csv is empty"),
        (_latin1, "data/titanic/Titanic2.csv is not UTF-8"),
        (_no_label, "column 'Survived' is not in dataset 'titanic'"),
        (_one_class, "label 'Survived' has one class; at least 2 are needed"),
    ],
)
def test_spoilt_data_stops_dataprep_and_keeps_the_earlier_results(project: Project, spoil: object, what: str) -> None:
    assert callable(spoil)
    spoil(project)

    done = project.call("keystage", "run", ok=False)

    assert done.returncode == 1
    assert f"error[dataset]: {what}" in done.stdout
    assert "  why: " in done.stdout
    assert "  fix: " in done.stdout
    assert "Traceback" not in done.stdout
    project.call("git", "checkout", "--quiet", ".")
    assert project.stages_run("dvc", "repro", "report") == {"conf"}


@pytest.mark.parametrize(
    "override",
    ["automl=thorogh", "automl.metrc=f1", "automl.validation.folds=many"],
)
def test_a_wrong_override_changes_nothing(project: Project, override: str) -> None:
    before = (project.root / "params.yaml").read_bytes()

    done = project.call("keystage", "run", override, ok=False)

    assert done.returncode == 2
    assert f"error[config]: conf/ cannot be composed with {shlex.quote(override)}" in done.stdout
    assert (project.root / "params.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("override", "kind", "what"),
    [
        ("dataset.weight=Wight", "dataset", "column 'Wight' is not in dataset 'titanic'"),
        pytest.param(
            "dataset.weight=Name",
            "dataset",
            "weight column 'Name' of dataset 'titanic' holds no numbers",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "dataset.time=Cabin", "dataset", "time column 'Cabin' of dataset 'titanic' has", marks=pytest.mark.slow
        ),
        ("dataset.fold=Name", "dataset", "fold column 'Name' of dataset 'titanic' holds 1309 values that name no fold"),
        (
            "dataset.group=Pclass automl.validation.folds=3",
            "search",
            "the training rows are of 2 groups, fewer than the 3 folds",
        ),
    ],
)
def test_a_column_that_cannot_have_its_role_is_refused(project: Project, override: str, kind: str, what: str) -> None:
    done = project.call("keystage", "run", *override.split(), ok=False)

    assert done.returncode == 1
    assert f"error[{kind}]: {what}" in done.stdout
    assert "  fix: " in done.stdout
    assert "Traceback" not in done.stdout


def test_no_git_repository_is_said_with_the_mend(project: Project) -> None:
    shutil.rmtree(project.root / ".git")

    done = project.call("keystage", "run", ok=False, GIT_CEILING_DIRECTORIES=str(project.root.parent))

    assert done.returncode == 1
    assert "is not in a git repository" in done.stdout
    assert "fix: git init" in done.stdout


def test_a_folder_that_is_no_project_is_said(tmp_path: Path) -> None:
    done = Project(tmp_path).call("keystage", "run", ok=False)

    assert done.returncode == 1
    assert "is not in a keystage project" in done.stdout


def test_a_second_run_in_the_same_folder_is_refused(registered: Project) -> None:
    project = registered
    first = subprocess.Popen(
        ["keystage", "run", "evaluation.worst=3"], cwd=project.root, env=_ENVIRONMENT, stdout=subprocess.PIPE, text=True
    )
    assert first.stdout is not None
    for line in first.stdout:
        if "Running stage 'conf'" in line:
            break

    second = project.call("keystage", "run", "seed=12", ok=False)
    first.communicate()

    assert first.returncode == 0
    assert second.returncode == 1
    assert "another `keystage run` is under way in this folder" in second.stdout
    assert "- evaluation.worst=3" in (project.root / "params.yaml").read_text(encoding="utf-8")


def test_params_that_change_under_a_running_stage_do_not_poison_the_cache(project: Project) -> None:
    project.call("keystage", "compose", "automl.max_trials=30")
    running = subprocess.Popen(
        ["dvc", "repro", "train"], cwd=project.root, env=_ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    assert running.stdout is not None
    seen = []
    for line in running.stdout:
        seen.append(line)
        if "Searching for the best" in line:
            project.call("keystage", "compose", "automl.max_trials=31")
    running.wait()

    assert running.returncode != 0
    assert "params.yaml changed while stage 'train' ran" in "".join(seen)
    assert "train" in project.stages_run("dvc", "repro", "train")


def test_a_python_without_the_libraries_is_said_with_the_mend(project: Project, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)

    done = project.call(
        "dvc", "repro", ok=False, PATH=f"{bare / 'bin'}{os.pathsep}{_BIN}{os.pathsep}{os.environ['PATH']}"
    )

    assert done.returncode != 0
    assert "error[project]: this Python has no module 'psutil'" in done.stdout
    assert "fix: source .venv/bin/activate" in done.stdout


def _stage_that(does: str) -> tuple[str, str, str]:
    lines = ["from keystage.pipeline.conf import ConfParams", "from keystage.pipeline.run import run_stage"]
    lines += ["def stage(params):", f"    {does}", "run_stage(stage, ConfParams)"]
    return ("python", "-c", "\n".join(lines))


def test_ctrl_c_ends_a_stage_with_one_line(fresh: Project) -> None:
    done = fresh.call(*_stage_that("raise KeyboardInterrupt"), ok=False)

    assert done.returncode == 130
    assert done.stdout == "Stopped. What stages before this one gave is kept; run again to go on from there.\n"


def test_a_bug_of_ours_keeps_its_traceback(fresh: Project) -> None:
    done = fresh.call(*_stage_that("1 / 0"), ok=False)

    assert done.returncode == 1
    assert "Traceback" in done.stdout
    assert "ZeroDivisionError" in done.stdout


def test_your_own_code_that_does_not_parse_is_said(project: Project) -> None:
    step = '  - {use: "project.transforms:ClipQuantiles", columns: [Fare]}\n'
    project.append("conf/prep/titanic.yaml", step)
    project.append("src/project/transforms.py", "def (\n")

    done = project.call("keystage", "run", ok=False)

    assert "error[extension]: src/project/transforms.py cannot be read" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("automl.metric=project.metrics:costs", "src/project/metrics.py has no function 'costs'"),
        ("automl.threshold=project.metrics:costs", "src/project/metrics.py has no function 'costs'"),
        ("+registry.gate=[{require: metric, metric: 'project.metrics:costs', at_most: 1}]", "has no function 'costs'"),
        ("automl.estimators=[project.estimators:Spline]", "src/project/estimators.py has no class 'Spline'"),
        ("prep.steps=[{use: 'project.transforms:Clip'}]", "has no class or function 'Clip'"),
    ],
)
def test_code_of_your_own_that_is_not_there_is_refused_before_a_stage_has_run(
    new_project: Project, override: str, said: str
) -> None:
    done = new_project.call("keystage", "run", override, ok=False)

    assert "error[extension]: " in done.stdout
    assert said in done.stdout
    assert "it holds: " in done.stdout
    assert not (new_project.root / "artifacts/prepared").exists()


def test_a_metric_without_a_direction_is_refused_before_a_stage_has_run(new_project: Project) -> None:
    metrics = "def gain(truth, predicted):\n    return 1.0\n"
    (new_project.root / "src/project/metrics.py").write_text(metrics, encoding="utf-8")

    done = new_project.call("keystage", "plan", "automl.metric=project.metrics:gain", ok=False)

    assert "error[extension]: metric 'project.metrics:gain' does not say which way is better" in done.stdout
    assert "gain.greater_is_better = False (or True)" in done.stdout


def test_what_makes_scores_too_good_is_told_before_the_search_and_with_the_model(project: Project) -> None:
    mixed = ["dataset.group=Ticket", "automl.validation.kind=folds", "automl.class_weight=balanced"]
    shown = project.call("keystage", "run", *mixed, "automl.estimators=[lgbm,kneighbor]").stdout

    notes = json.loads((project.root / "reports/model.json").read_text(encoding="utf-8"))["notes"]
    assert "of dataset.group are fitted on and scored in one split" in notes[0]
    assert notes[1].endswith("says: kneighbor")
    assert shown.index(notes[0]) < shown.index(" in cross-validation: ") < shown.rindex(notes[0])
    said = pd.read_parquet(project.root / "artifacts/out_of_fold.parquet")
    assert set(said["fold"]) == {1, 2}


@pytest.mark.slow  # the split itself is tested alone; here it is the words of a whole run
def test_a_class_of_validation_rows_alone_is_refused(project: Project) -> None:
    rows = pd.read_csv(project.root / "data/titanic/Titanic.csv", dtype="str")
    late = rows.head(12).assign(Survived=["2"] * 3 + ["0", "1", "0"] * 3)
    late.to_csv(project.root / "data/titanic/late.csv", index=False)

    done = project.call("keystage", "run", "dataset.validation_files=[late.csv]", "automl.metric=log_loss", ok=False)

    assert "error[search]: no row that a model is fitted on is of class '2'" in done.stdout
    assert "3 rows of it are of dataset.validation_files" in done.stdout
