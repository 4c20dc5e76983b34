"""Stage evaluate on the real table: rows that weigh and belong together, segments, plots."""

import json
import shutil
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.conftest import Project


@pytest.fixture(scope="module")
def told(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict[str, Any], str]:
    """A run with weights, groups and segments, what it tells, and what it printed."""
    root = tmp_path_factory.mktemp("told") / "project"
    shutil.copytree(finished.root, root)
    project = Project(root)
    done = project.call(
        "keystage", "compose", "dataset.weight=PassengerId", "dataset.group=Ticket", "automl.metric=f1",
        "evaluation.segments=[Sex,Cabin]", "evaluation.worst=3",
    )  # fmt: skip
    done = project.call("dvc", "repro", "evaluate")
    loaded = json.loads((root / "reports/evaluation.json").read_text(encoding="utf-8"))
    return project, loaded, done.stdout


def test_test_metrics_weigh_the_rows(told: tuple[Project, dict[str, Any], str]) -> None:
    project, found, _ = told
    said = pd.read_parquet(project.root / "artifacts/predictions.parquet")
    weights = pd.read_parquet(project.root / "artifacts/aside_test.parquet")["PassengerId"]
    right = (said["actual"] == said["predicted"]).to_numpy()

    accuracy = np.average(right, weights=weights)

    assert accuracy != pytest.approx(right.mean(), abs=1e-4)
    assert found["metrics"]["accuracy"]["value"] == pytest.approx(accuracy)
    metrics = json.loads((project.root / "reports/metrics.json").read_text(encoding="utf-8"))
    assert metrics["test"]["accuracy"] == pytest.approx(accuracy)


def test_intervals_draw_groups_and_hold_the_values(told: tuple[Project, dict[str, Any], str]) -> None:
    _, found, printed = told

    assert found["primary"] == next(iter(found["metrics"])) == "f1"
    assert found["interval"]["resamples"] == 1000
    assert f"groups with {found['rows']} rows" in found["interval"]["method"]
    for name, metric in found["metrics"].items():
        assert metric["low"] <= metric["value"] <= metric["high"], name
    assert found["metrics"]["f1"]["low"] > found["metrics"]["f1"]["baseline"] == 0
    assert "The baseline (most frequent class) of the same rows" in printed


def test_segments_importances_and_rows_are_told_in_the_words_of_the_files(
    told: tuple[Project, dict[str, Any], str],
) -> None:
    _, found, printed = told
    sex, cabin = found["segments"]

    assert {group["group"] for group in sex["groups"]} == {"male", "female"}
    assert set(sex["gap"]["between"]) == {"male", "female"}
    assert cabin["groups"][-1]["group"] == "(missing)", "a dropped column"
    assert any(note.startswith("segment Cabin: no f1 of ") for note in found["notes"])
    assert "segment Cabin: no f1 of " in printed
    assert {item["column"] for item in found["importance"]} == {
        "Pclass", "Sex", "Age", "SibSp", "Parch", "Fare", "Embarked"
    }  # fmt: skip
    assert found["importance"][0]["column"] == "Sex"
    assert [item["column"] for item in found["dependence"]] == [item["column"] for item in found["importance"][:6]]
    assert len(found["worst"]) == 3
    assert {"Sex", "Fare"} <= set(found["worst"][0]["columns"])
    assert not [note for note in found["notes"] if "failed" in note]


def test_all_plots_are_drawn(told: tuple[Project, dict[str, Any], str]) -> None:
    project = told[0]
    done = project.call("dvc", "plots", "show", "--out", "shown")
    page = (project.root / "shown" / "index.html").read_text(encoding="utf-8")

    assert "rror" not in done.stdout
    for title in (
        "ROC",
        "Precision and recall",
        "Cumulative gains",
        "Lift",
        "Calibration",
        "Probabilities",
        "Confusion",
    ):
        assert f'"text": "{title}"' in page
    assert "<DVC_METRIC" not in page
