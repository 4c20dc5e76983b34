"""The plain script that the pipeline is measured against does the same search."""

import runpy
from pathlib import Path

import yaml

from keystage.adapters.flaml_starts import starting_points
from keystage.config.compose import compose
from keystage.data.spec import Task
from keystage.search.spec import ESTIMATORS

ROOT = Path(__file__).parents[2]


def test_the_plain_script_has_the_pipelines_settings() -> None:
    plain = runpy.run_path(str(ROOT / "benchmarks" / "plain_titanic.py"), run_name="plain")
    params = yaml.safe_load(compose(ROOT))
    automl = params["automl"]

    assert (plain["SEED"], plain["TEST_SIZE"]) == (params["seed"], params["prep"]["test_size"])
    assert (plain["TRIALS"], plain["FOLDS"], plain["MEMBERS"]) == (
        automl["max_trials"], automl["validation"]["folds"], automl["ensemble_size"]
    )  # fmt: skip
    assert list(plain["LEARNERS"]) == [name.value for name in ESTIMATORS[Task.classification]]
    assert automl["estimators"] is None
    assert {name: start for name, start in plain["LEARNERS"].items() if start} == starting_points(Task.classification)
    assert plain["DROP"] == params["dataset"]["drop"]
