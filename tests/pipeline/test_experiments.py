"""DVC experiments: composed, run in copies and in parallel, compared."""

import json
from pathlib import Path

import pytest
from tests.conftest import Project

pytestmark = pytest.mark.slow


def test_a_group_and_a_value_can_be_swapped_for_one_experiment(project: Project) -> None:
    project.call(
        "dvc", "exp", "run", "--name", "swapped", "-S", "automl=thorough", "-S", "automl.max_trials=4",
        "-S", "automl.validation.folds=2", "-S", "compute@compute.train=one_core",
    )  # fmt: skip

    shown = json.loads(project.call("dvc", "exp", "show", "--json").stdout)
    rows = [row for baseline in shown for row in baseline["experiments"] or []]
    params = rows[0]["revs"][0]["data"]["params"]["params.yaml"]["data"]

    assert params["automl"]["time_budget"] == 600.0
    assert params["compute"]["train"]["cores"] == 1
    assert params["compute"]["dataprep"]["cores"] == 1
    assert params["overrides"] == [
        "automl=thorough", "automl.max_trials=4", "automl.validation.folds=2", "compute@compute.train=one_core"
    ]  # fmt: skip


def test_a_queue_runs_a_sweep_and_each_experiment_registers_in_the_project(project: Project) -> None:
    project.call("dvc", "exp", "run", "--queue", "-S", "seed=1,2")
    done = project.call("dvc", "queue", "start", "--jobs", "2")
    status = project.call("dvc", "queue", "status").stdout
    while "Running" in status or "Queued" in status:
        project.call("sleep", "2")
        status = project.call("dvc", "queue", "status").stdout

    assert status.count("Success") == 2, done.stdout + status
    names = [line.split()[1] for line in status.splitlines() if "Success" in line]
    for name in names:
        assert "Registered version" in project.call("dvc", "queue", "logs", name).stdout
    assert (project.root / "mlflow.db").is_file()
    assert (project.root / "mlartifacts").is_dir()


def test_an_experiment_in_a_copy_runs_the_code_of_the_copy(project: Project) -> None:
    project.edit("src/keystage/pipeline/evaluate.py", 'logger.info("On %d', 'logger.info("In the copy, on %d')

    done = project.call("dvc", "exp", "run", "--temp")

    assert "In the copy, on 262 test rows" in done.stdout


def test_metrics_and_plots_can_be_shown(project: Project) -> None:
    metrics = project.call("dvc", "metrics", "show").stdout
    project.call("dvc", "plots", "show", "--out", "shown")
    page = (project.root / "shown" / "index.html").read_text(encoding="utf-8")

    assert "reports/metrics.json" in metrics
    assert "test.roc_auc" in metrics
    for title in ("ROC", "Precision and recall", "Calibration", "Confusion"):
        assert title in page


def test_named_experiments_are_git_tracked_combinations(project: Project) -> None:
    done = project.call("dvc", "exp", "run", "-S", "experiment=f1", "-S", "automl.max_trials=3")

    assert "f1" in done.stdout
    assert '"f1"' in (project.root / "reports" / "search.json").read_text(encoding="utf-8")


def test_compare_names_settings_that_differ_and_results_that_are_shared(project: Project) -> None:
    project.call("dvc", "exp", "run", "--temp", "--name", "one", "-S", "automl.ensemble_size=1")

    comparison = json.loads(project.call("keystage", "compare", "HEAD", "one", "workspace", "--json").stdout)

    assert comparison["runs"] == ["HEAD", "one", "workspace"]
    assert comparison["settings"] == [{"name": "automl.ensemble_size", "cells": ["2", "1", "2"]}]
    stages = {row["name"]: row["cells"] for row in comparison["stages"]}
    assert stages["dataprep"] == ["own", "as HEAD", "as HEAD"]
    assert stages["train"] == ["own", "own", "as HEAD"]
    metrics = {row["name"]: row["cells"] for row in comparison["metrics"]}
    assert metrics["search: members"] == ["2", "1", "2"]

    project.call("keystage", "compose", "seed=9")
    shown = project.call("keystage", "compare", "one", "--html", "page.html").stdout
    assert "workspace (results of other settings)" in " ".join(shown.split())
    page = (project.root / "page.html").read_text(encoding="utf-8")
    assert "<td>as one</td>" in page
    assert "http" not in page
    assert "'nowhere' is no revision" in project.call("keystage", "compare", "nowhere", ok=False).stdout


def test_an_experiment_is_applied_branched_and_travels_through_git_and_the_remote(
    project: Project, tmp_path: Path
) -> None:
    project.call("git", "init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    project.call("git", "remote", "add", "origin", str(tmp_path / "origin.git"))
    project.call("dvc", "remote", "add", "--default", "shared", str(tmp_path / "shared"))
    project.commit("a remote")
    project.call("git", "push", "--quiet", "origin", "HEAD:main")
    project.call("dvc", "exp", "run", "--temp", "--name", "one", "-S", "automl.ensemble_size=1")

    project.call("dvc", "exp", "push", "--run-cache", "origin", "one")
    project.call("dvc", "exp", "apply", "one")
    assert "Ran: " not in project.call("dvc", "repro", "evaluate").stdout
    assert project.stages_run("dvc", "repro", "evaluate") == {"conf"}
    project.call("git", "checkout", "--quiet", "--force", ".")
    project.call("dvc", "exp", "branch", "one", "from-one")
    assert "automl.ensemble_size=1" in project.call("git", "show", "from-one:params.yaml").stdout

    project.call("git", "clone", "--quiet", "--branch", "main", str(tmp_path / "origin.git"), str(tmp_path / "other"))
    other = Project(tmp_path / "other")
    other.call("git", "config", "user.email", "tests@example.org")
    other.call("git", "config", "user.name", "tests")
    other.call("dvc", "exp", "pull", "origin", "one")
    other.call("dvc", "exp", "apply", "one")
    assert other.stages_run("dvc", "repro", "evaluate") == {"conf"}
