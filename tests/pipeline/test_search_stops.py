"""A search that is killed goes on; a learner that fails, dawdles, crashes or eats memory is a row, not the end."""

import json
import os
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import psutil
import pytest
from tests.conftest import Project

pytestmark = pytest.mark.slow

SEARCHES = Path(".dvc", "tmp", "keystage", "search")
BAD_LEARNERS = """

import os
import subprocess
import time


class Failing(Splines):
    def fit(self, X, y, sample_weight=None):
        raise ValueError("this learner wants better data")


class Dawdling(Splines):
    def fit(self, X, y, sample_weight=None):
        subprocess.run(["sleep", "604.25"])


class Crashing(Splines):
    def fit(self, X, y, sample_weight=None):
        os._exit(7)


class Hungry(Splines):
    def fit(self, X, y, sample_weight=None):
        self.eaten = np.ones(100_000_000)  # 0.8 GB
        time.sleep(600)
"""


@pytest.fixture
def project(registered: Project) -> Project:
    """None of these tests looks at the registry."""
    return registered


def _log_lines(project: Project) -> list[dict[str, object]]:
    logs = sorted((project.root / SEARCHES).glob("*/log.jsonl"), key=lambda path: path.stat().st_mtime)
    text = logs[-1].read_text(encoding="utf-8") if logs else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def _kill_at(project: Project, command: Sequence[str], fits: int) -> int:
    """Start, and kill all its processes as soon as so many fits are done. Returns how many were."""
    running = project.start(*command, until="At most")
    while len(_log_lines(project)) < fits:
        assert running.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    return len(_log_lines(project))


def test_a_search_that_is_killed_again_repeats_no_fit_and_ends_as_if_nothing_had_been(
    project: Project,
) -> None:
    shutil.rmtree(project.root / SEARCHES)
    settings = ["automl.max_trials=16", "automl.estimators=[lgbm,lrl2,mlp]", "automl.validation.folds=3"]
    done = [_kill_at(project, ["keystage", "run", *settings], fits) for fits in (1, 20)]

    shown = project.call("keystage", "run", *settings).stdout

    assert f"{done[-1]} fits were taken from the log of an earlier run of this search" in shown
    lines = _log_lines(project)
    assert len({(line["trial"], line["fold"]) for line in lines}) == len(lines)  # no fit twice
    board = pd.read_parquet(project.root / "artifacts/leaderboard.parquet")
    project.call("keystage", "run", *settings, "reuse.train=false")
    pd.testing.assert_frame_equal(pd.read_parquet(project.root / "artifacts/leaderboard.parquet"), board)


def test_a_stage_ends_with_the_run_that_was_killed_alone_and_the_next_run_goes_on(project: Project) -> None:
    shutil.rmtree(project.root / SEARCHES)
    settings = ["automl.max_trials=400", "automl.estimators=[mlp]", "automl.validation.folds=3"]
    running = project.start("keystage", "run", *settings, until="At most")
    while not _log_lines(project):
        time.sleep(0.01)

    running.kill()  # it alone, not its group
    running.communicate()  # returns when nobody is left who could write to its output

    at_work = [item.cmdline() for item in psutil.process_iter(["cwd"]) if item.info["cwd"] == str(project.root)]
    assert at_work == []
    assert len(_log_lines(project)) < 3 * 400
    few = ["automl.max_trials=1", *settings[1:]]
    assert "fits were taken from the log" in project.call("keystage", "run", *few).stdout


def test_ctrl_c_stops_a_run_and_nothing_looks_like_an_error_of_its_stages(project: Project) -> None:
    running = project.start("keystage", "run", "automl.max_trials=400", until="At most")

    os.killpg(running.pid, signal.SIGINT)
    said = running.communicate(timeout=120)[0]

    assert running.returncode == 1
    assert "Stopped. What stages before this one gave is kept" in said
    assert "error[pipeline]: the run was stopped" in said
    assert "ERROR" not in said


def test_a_finished_search_goes_on_with_a_larger_budget(project: Project) -> None:
    shutil.rmtree(project.root / SEARCHES)
    project.call("keystage", "run", "automl.max_trials=4")
    fits = len(_log_lines(project))

    shown = project.call("keystage", "run", "automl.max_trials=6", "automl.ensemble_size=3").stdout

    assert f"{fits} fits were taken from the log of an earlier run of this search" in shown
    assert len(pd.read_parquet(project.root / "artifacts/leaderboard.parquet")) == 6

    fits = len(_log_lines(project))
    finish = ["automl.ensemble=stacking", "automl.calibration=sigmoid", "automl.threshold=mcc"]
    shown = project.call("keystage", "run", "automl.max_trials=6", "automl.ensemble_size=3", *finish).stdout

    assert f"{fits} fits were taken from the log of an earlier run of this search" in shown
    assert len(_log_lines(project)) == fits
    report = json.loads((project.root / "reports/model.json").read_text(encoding="utf-8"))
    search = json.loads((project.root / "reports/search.json").read_text(encoding="utf-8"))
    said = pd.read_parquet(project.root / "artifacts/out_of_fold.parquet")
    assert report["scores"]["model"]["mcc"]["mean"] == report["threshold"]["after"]
    assert report["scores"]["model"]["roc_auc"]["mean"] == search["model"]["roc_auc"]
    assert (said["predicted"] == said["actual"]).mean() == pytest.approx(
        report["scores"]["model"]["accuracy"]["mean"], abs=0.002
    )
    tested = pd.read_parquet(project.root / "artifacts/predictions.parquet")
    decided = tested["probability_1"] >= report["threshold"]["value"]
    assert (decided == (tested["predicted"] == 1)).all()
    lines = json.loads(project.call("keystage", "leaderboard", "--by-estimator", "--json").stdout)
    assert sum(line["trials"] for line in lines) == 6
    assert sum(line["share"] for line in lines) == pytest.approx(1)
    assert sum(line["weight"] for line in lines) == pytest.approx(1)


def test_a_learner_that_does_not_end_well_is_a_row_of_the_leaderboard(project: Project) -> None:
    project.append("src/project/estimators.py", BAD_LEARNERS)
    names = ["Failing", "Dawdling", "Crashing", "Hungry", "Splines"]
    estimators = f"automl.estimators=[{','.join(f'project.estimators:{name}' for name in names)}]"

    shown = project.call(
        "keystage", "run", estimators, "automl.trial_timeout=6", "automl.memory_budget=700", "automl.max_trials=5"
    ).stdout

    assert "no trial came to a score of: project.estimators:" in shown
    assert not [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", "604.25"]]

    board = pd.read_parquet(project.root / "artifacts/leaderboard.parquet")
    rows = board.assign(name=board["estimator"].str.rpartition(":")[2]).set_index("name")
    assert rows["end"].to_dict() == {
        "Splines": "complete",
        "Failing": "failed",
        "Dawdling": "timeout",
        "Crashing": "failed",
        "Hungry": "memory",
    }
    assert rows.loc["Failing", "error"] == "ValueError: this learner wants better data"
    assert rows.loc["Dawdling", "error"].startswith("stopped after 6")
    assert rows.loc["Crashing", "error"] == "its process ended with code 7"
    assert "all fits used" in rows.loc["Hungry", "error"]
    shown = project.call("keystage", "leaderboard").stdout
    assert "timeout" in shown
    assert "ValueError: this learner wants better data" in shown


def test_a_search_without_any_score_says_why(project: Project) -> None:
    project.append("src/project/estimators.py", BAD_LEARNERS)

    shown = project.call("keystage", "run", "automl.estimators=[project.estimators:Failing]", ok=False).stdout

    assert "error[search]: no trial of 1 came to a score" in shown
    assert "why: project.estimators:Failing: ValueError: this learner wants better data" in shown


def test_the_article_that_people_come_from_can_be_said_in_settings(project: Project) -> None:
    """Azure's own tutorial: 2 iterations, 10 minutes each, a quarter of an hour in all, AUC_weighted."""
    shown = project.call(
        "keystage",
        "run",
        "automl.metric=AUC_weighted",
        "automl.max_trials=2",
        "automl.trial_timeout=600",
        "automl.time_budget=900",
    ).stdout

    assert "At most 900 seconds, 2 trials, 600 seconds a trial" in shown
    report = json.loads((project.root / "reports/search.json").read_text(encoding="utf-8"))
    assert report["trials"] == 2
    assert 0.7 < report["model"]["roc_auc_weighted"] < 1
