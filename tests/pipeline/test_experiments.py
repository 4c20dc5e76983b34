"""DVC experiments: composed, run in copies and in parallel, compared."""

import json

from tests.conftest import Project


def test_a_group_and_a_value_can_be_swapped_for_one_experiment(project: Project) -> None:
    project.call(
        "dvc", "exp", "run", "--name", "swapped", "-S", "automl=thorough", "-S", "automl.max_trials=4",
        "-S", "automl.folds=2", "-S", "compute@compute.train=one_core",
    )  # fmt: skip

    shown = json.loads(project.call("dvc", "exp", "show", "--json").stdout)
    rows = [row for baseline in shown for row in baseline["experiments"] or []]
    params = rows[0]["revs"][0]["data"]["params"]["params.yaml"]["data"]

    assert params["automl"]["time_budget"] == 600.0
    assert params["compute"]["train"]["cores"] == 1
    assert params["compute"]["dataprep"]["cores"] == 1
    assert params["overrides"] == [
        "automl=thorough", "automl.max_trials=4", "automl.folds=2", "compute@compute.train=one_core"
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
