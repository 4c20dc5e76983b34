"""The plain script that the pipeline is measured against has its rows, trials and folds; ranks are fair."""

import runpy
from pathlib import Path

import pandas as pd
import pytest
import yaml

from keystage.config.compose import compose
from keystage.data.spec import Task
from keystage.search.names import ESTIMATORS

ROOT = Path(__file__).parents[2]


def test_the_plain_script_has_the_pipelines_settings() -> None:
    plain = runpy.run_path(str(ROOT / "benchmarks" / "plain_titanic.py"), run_name="plain")
    params = yaml.safe_load(compose(ROOT))
    automl = params["automl"]

    assert (plain["SEED"], plain["TEST_SIZE"]) == (params["seed"], params["prep"]["test_size"])
    assert (plain["TRIALS"], plain["FOLDS"]) == (automl["max_trials"], automl["validation"]["folds"])
    assert set(plain["LEARNERS"]) <= set(ESTIMATORS[Task.classification])
    assert automl["estimators"] is None
    assert plain["DROP"] == params["dataset"]["drop"]


def test_words_become_numbers_and_missing_cells_stay_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from search_tables import ONE_HOT_VALUES, numeric

    many = [f"value {place:03}" for place in range(ONE_HOT_VALUES + 1)]
    rows = pd.DataFrame({"number": 1.5, "few": ["b", None, *["a"] * (len(many) - 1)], "many": [*many[::-1], None]})
    rows.loc[2, "number"] = None

    found = numeric(rows)

    assert list(found) == ["x0", "x1", "x2", "x3"]
    assert found["x0"].isna().sum() == 1
    assert found.loc[:2, ["x1", "x2"]].to_numpy().tolist() == [[0, 1], [0, 0], [1, 0]]  # a is missing, so is b
    assert found["x3"].tolist()[:-1] == list(range(len(many)))[::-1]
    assert found["x3"].isna().tolist()[-1]


def test_a_rank_knows_which_way_is_better_and_puts_the_failed_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from search_runs import Result
    from search_standings import compared

    def result(contender: str, metric: str, score: float | None, memory: float) -> Result:
        return Result("t", 1, 60, 2, contender, "binary", metric, 8, 2, 1, score, fit_seconds=30, peak_memory=memory)

    greater = compared(
        [result("flaml", "roc_auc", 0.8, 100), result("a", "roc_auc", 0.9, 150), result("b", "roc_auc", None, 1)]
    )
    less = compared([result("flaml", "log_loss", 0.2, 100), result("a", "log_loss", 0.3, 150)])

    assert greater["rank"].tolist() == [2, 1, 3]
    assert greater["behind"].tolist()[:2] == pytest.approx([1 / 9, 0])
    assert greater["memory_ratio"].tolist() == [1, 1.5, 0.01]
    assert less["rank"].tolist() == [1, 2]
    assert less["behind"].tolist() == pytest.approx([0, 0.5])
    assert set(less["over"]) == {0.5}
