"""The promise of the product: change -> stages that run. A real DVC repository, real stages."""

from collections.abc import Callable

import pytest
from tests.conftest import Project

Change = Callable[[Project], object]

# Stage `conf` runs always; it is left out of the table.
ALL = {"dataprep", "train", "evaluate"}
NONE: set[str] = set()


def _composed(*overrides: str) -> Change:
    return lambda project: project.call("keystage", "compose", *overrides)


def _appended(name: str, text: str = "# a comment\n") -> Change:
    return lambda project: project.append(name, text)


def _edited(name: str, old: str, new: str) -> Change:
    return lambda project: project.edit(name, old, new)


# A comment changes code and no result: the stage runs, gives equal bytes, and what follows is reused.
TABLE: dict[str, tuple[Change, set[str]]] = {
    "nothing": (lambda _: None, NONE),
    # data
    "a fare in the raw data": (_edited("data/titanic/Titanic.csv", ",7.8958,", ",77.8958,"), ALL),
    "a name, a column that is dropped": (_edited("data/titanic/Titanic.csv", "Mr. Mito", "Mr. Mitja"), {"dataprep"}),
    "the page beside the data": (_appended("data/README.md"), NONE),
    # settings
    "a setting of the recipe": (
        _edited("conf/prep/titanic.yaml", "[Fare], options: {bins: 5}", "[Fare], options: {bins: 3}"),
        ALL,
    ),
    "the size of the test set": (_composed("prep.test_size=0.3"), ALL),
    "a setting of the search": (_composed("automl.ensemble_size=1"), {"train", "evaluate"}),
    "another metric that finds the same model": (_composed("automl.metric=log_loss"), {"train"}),
    "the seed": (_composed("seed=7"), ALL),
    "cores of the search": (_composed("compute@compute.train=one_core"), NONE),
    "cores of the preparation": (_composed("compute@compute.dataprep=all_cores"), NONE),
    "the tracking experiment": (_composed("tracking.experiment=other"), NONE),
    "the model's name": (_composed("registry.model_name=Other"), NONE),
    "the dataset's name": (_composed("dataset.name=other"), NONE),
    "a comment in conf/": (_appended("conf/prep/titanic.yaml"), NONE),
    # stage scripts
    "the script of dataprep": (_appended("stages/dataprep.py"), {"dataprep"}),
    "the script of train": (_appended("stages/train.py"), {"train"}),
    "the script of evaluate": (_appended("stages/evaluate.py"), {"evaluate"}),
    "the script of register": (_appended("stages/register.py"), NONE),
    # the library, room by room
    "core": (_appended("src/keystage/core/errors.py"), ALL),
    "data": (_appended("src/keystage/data/split.py"), ALL),
    "prep": (_appended("src/keystage/prep/recipe.py"), {"dataprep"}),
    "search": (_appended("src/keystage/search/metrics.py"), {"train", "evaluate"}),
    "the search adapter": (_appended("src/keystage/adapters/flaml_search.py"), {"train"}),
    "the tracking adapter": (_appended("src/keystage/adapters/mlflow_store.py"), NONE),
    "evaluation": (_appended("src/keystage/evaluation/scores.py"), {"evaluate"}),
    "registry": (_appended("src/keystage/registry/package.py"), NONE),
    "tracking": (_appended("src/keystage/tracking/record.py"), NONE),
    "compute": (_appended("src/keystage/compute/limits.py"), NONE),
    "config": (_appended("src/keystage/config/compose.py"), NONE),
    "the use case of train": (_appended("src/keystage/pipeline/train.py"), {"train"}),
    "the paths of the pipeline": (_appended("src/keystage/pipeline/workspace.py"), ALL),
    "the way a stage is run": (_appended("src/keystage/pipeline/run.py"), NONE),
    "the command line": (_appended("src/keystage/cli/main.py"), NONE),
    # your own code
    "your own transforms": (_appended("src/project/transforms.py"), {"dataprep"}),
    # environment and the rest
    "the runtime lock": (_appended("requirements/runtime.txt"), ALL),
    "the development lock": (_appended("requirements/dev.txt"), NONE),
    "an unrelated file": (_appended("README.md", "\n"), NONE),
    "a stray compiled file": (lambda project: (project.root / "src/keystage/data/x.pyc").write_bytes(b"x"), NONE),
}


@pytest.mark.parametrize("change", TABLE)
def test_a_change_runs_exactly_the_stages_it_can_reach(project: Project, change: str) -> None:
    apply, expected = TABLE[change]
    apply(project)
    if change == "a setting of the recipe":
        project.call("keystage", "compose")

    assert project.stages_run("dvc", "repro", "evaluate") == expected | {"conf"}


def test_a_second_run_does_nothing_but_register(project: Project) -> None:
    done = project.call("keystage", "run")

    assert "Ran: conf, register" in done.stdout
    assert "Reused, nothing changed: dataprep, train, evaluate" in done.stdout
    assert project.call("git", "status", "--porcelain", "--", "dvc.lock", "reports", "params.yaml").stdout == ""


def test_going_back_to_an_earlier_setting_is_served_from_the_run_cache(project: Project) -> None:
    before = project.call("git", "hash-object", "artifacts/model.pkl").stdout
    project.call("keystage", "compose", "automl.ensemble_size=1")
    assert project.stages_run("dvc", "repro", "evaluate") == {"conf", "train", "evaluate"}
    assert project.call("git", "hash-object", "artifacts/model.pkl").stdout != before

    done = project.call("keystage", "run")

    assert "Ran: conf, register" in done.stdout
    assert "Reused from an earlier run: train, evaluate" in done.stdout
    assert project.call("git", "hash-object", "artifacts/model.pkl").stdout == before


def test_two_folders_give_equal_bytes(project: Project, new_project: Project) -> None:
    new_project.call("dvc", "repro", "evaluate")
    outputs = ["artifacts/prepared", "artifacts/recipe.pkl", "artifacts/raw_test.parquet", "artifacts/model.pkl"]
    outputs += ["artifacts/predictions.parquet", "artifacts/out_of_fold.parquet", "reports"]

    for name in outputs:
        done = new_project.call("diff", "--recursive", name, str(project.root / name), ok=False)

        assert done.returncode == 0, done.stdout
