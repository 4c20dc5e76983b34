"""The promise of the product: change -> stages that run. A real DVC repository, real stages."""

import re
from collections.abc import Callable

import pytest
from tests.conftest import Project

from keystage.cli.plan import look
from keystage.reuse.plan import Decision

Change = Callable[[Project], object]

# Stage `conf` runs always; it is left out of the table.
ALL = {"dataprep", "train", "evaluate", "report"}
NONE: set[str] = set()


def _composed(*overrides: str) -> Change:
    return lambda project: project.call("keystage", "compose", *overrides)


def _appended(name: str, text: str = "# a comment\n") -> Change:
    return lambda project: project.append(name, text)


def _both(*changes: Change) -> Change:
    return lambda project: [change(project) for change in changes]


def _new(name: str, text: str = "# new\n") -> Change:
    return lambda project: (project.root / name).write_text(text, encoding="utf-8")


def _edited(name: str, old: str, new: str) -> Change:
    return lambda project: project.edit(name, old, new)


def _line_endings(project: Project) -> None:
    path = project.root / "data/titanic/Titanic.csv"
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def _moved(project: Project) -> None:
    (project.root / "data/titanic").rename(project.root / "data/ships")
    project.edit("conf/dataset/titanic.yaml", "path: data/titanic", "path: data/ships")
    project.call("keystage", "compose")


def _other_lock(project: Project) -> None:
    lock = project.root / "requirements/runtime.txt"
    lock.write_text(re.sub(r"^zipp==\S+", "zipp==0.0.1", lock.read_text("utf-8"), flags=re.MULTILINE), "utf-8")


# A comment changes code and no result: the stage runs, gives equal bytes, and what follows is reused.
TABLE: dict[str, tuple[Change, set[str]]] = {
    "nothing": (lambda _: None, NONE),
    # data
    "a fare in the raw data": (_edited("data/titanic/Titanic.csv", ",7.8958,", ",77.8958,"), ALL),
    "a name of a training row, a column that is dropped": (
        _edited("data/titanic/Titanic.csv", "Mr. Mito", "Mr. Mitja"),
        {"dataprep", "report"},
    ),
    "a name of a test row, by which it may be told": (
        _edited("data/titanic/Titanic.csv", "Mr. Henry Michael", "Mr. Henry"),
        {"dataprep", "evaluate", "report"},
    ),
    "a row without a label": (
        _appended("data/titanic/Titanic2.csv", "1310,,3,x,male,1,0,0,1,1,,S\n"),
        {"dataprep", "report"},
    ),
    "line endings of the data": (_line_endings, {"dataprep", "report"}),
    "the page beside the data": (_appended("data/README.md"), NONE),
    "a file beside the declared ones": (_new("data/titanic/notes.csv"), NONE),
    "the time of a data file": (lambda project: (project.root / "data/titanic/Titanic.csv").touch(), NONE),
    "the folder of the dataset": (_moved, {"report"}),
    "the same files by a pattern": (_composed("dataset.files=[Titanic*.csv]"), {"dataprep", "report"}),
    "a sample that holds all rows": (_composed("+dataset.stream.rows=2000"), {"dataprep", "report"}),
    "rows that are not taken": (_composed("+dataset.rows.where='Pclass < 3'"), ALL),
    # settings
    "a setting of the recipe": (
        _both(
            _edited("conf/prep/titanic.yaml", "[Fare], options: {bins: 5}", "[Fare], options: {bins: 3}"), _composed()
        ),
        ALL,
    ),
    "a text for missing cells that no cell has": (_composed('dataset.missing=["",absent]'), {"dataprep", "report"}),
    "the size of the test set": (_composed("prep.test_size=0.3"), ALL),
    "a setting of the search": (_composed("automl.ensemble_size=1"), {"train", "evaluate", "report"}),
    "a calibration of the model": (
        _composed("automl.calibration=sigmoid"),
        {"train", "evaluate", "report"},
    ),
    "a threshold": (_composed("automl.threshold=f1"), {"train", "evaluate", "report"}),
    "another metric that finds the same model": (
        _composed("automl.metric=roc_auc_weighted"),
        {"train", "evaluate", "report"},
    ),
    "a share of a holdout that is not drawn": (_composed("automl.validation.share=0.2"), {"train", "report"}),
    "the kind of validation": (
        _composed("automl.validation.kind=holdout", "automl.ensemble_size=1"),
        {"train", "evaluate", "report"},
    ),
    "the weight of classes": (_composed("automl.class_weight=balanced"), {"train", "evaluate", "report"}),
    "a column of weights": (_composed("dataset.weight=PassengerId"), ALL),
    "a column of groups": (_composed("dataset.group=Ticket"), ALL),
    "a column of times": (_composed("dataset.time=PassengerId"), ALL),
    "a file for validation": (
        _composed("dataset.files=[Titanic.csv]", "dataset.validation_files=[Titanic2.csv]"),
        ALL,
    ),
    "test rows that the dataset gives": (
        _both(
            _edited("conf/dataset/titanic.yaml", "[Titanic.csv, Titanic2.csv]", "[Titanic.csv]"),
            _appended("conf/dataset/titanic.yaml", "test: {files: [Titanic2.csv]}\n"),
            _composed(),
        ),
        ALL,
    ),
    "a setting of the evaluation": (_composed("evaluation.worst=3"), {"evaluate", "report"}),
    "a segment, of a column that is dropped": (_composed("evaluation.segments=[Cabin]"), {"evaluate", "report"}),
    "what becomes of bad cells, where there are none": (
        _composed("dataset.bad_cells=empty", "dataset.on_violation=drop_row"),
        {"dataprep", "report"},
    ),
    "a guardrail that may fail": (_composed("+dataset.guardrails.duplicate_rows=fail"), {"dataprep", "report"}),
    "a split that is in force": (_composed("prep.split=random"), {"dataprep", "report"}),
    "a budget that is not used up": (_composed("automl.time_budget=500"), {"train", "report"}),
    "the type of an option": (
        _both(_edited("conf/prep/titanic.yaml", "fill_value: 0", "fill_value: 0.0"), _composed()),
        {"dataprep", "evaluate", "report"},  # which goes through the recipe itself
    ),
    "a value given that is in force": (_composed("automl.validation.folds=2", "automl=smoke"), NONE),
    "a value written otherwise": (_edited("conf/automl/smoke.yaml", "folds: 2", "folds: 0x2"), NONE),
    "an option that is not in force": (_appended("conf/automl/thorough.yaml", "# more\n"), NONE),
    "a new option": (_new("conf/automl/tiny.yaml"), NONE),
    "the seed": (_composed("seed=7"), ALL),
    "cores of the search": (_composed("compute@compute.train=one_core"), NONE),
    "cores of the preparation": (_composed("compute@compute.dataprep=all_cores"), NONE),
    "the tracking experiment": (_composed("tracking.experiment=other"), NONE),
    "the model's name": (_composed("registry.model_name=Other"), {"report"}),
    "the dataset's name": (_composed("dataset.name=other"), {"report"}),
    "what is told of the dataset": (_composed("dataset.licence=mine"), {"report"}),
    "reuse of dataprep": (_composed("reuse.dataprep=false"), {"dataprep"}),
    "reuse of train": (_composed("reuse.train=false"), {"train"}),
    "reuse of evaluate": (_composed("reuse.evaluate=false"), {"evaluate"}),
    "reuse of report": (_composed("reuse.report=false"), {"report"}),
    "reuse of all": (_composed("reuse=none"), ALL),
    "a comment in conf/": (_appended("conf/prep/titanic.yaml"), NONE),
    # stage scripts
    "the script of dataprep": (_appended("stages/dataprep.py"), {"dataprep"}),
    "the script of train": (_appended("stages/train.py"), {"train"}),
    "the script of evaluate": (_appended("stages/evaluate.py"), {"evaluate"}),
    "the script of report": (_appended("stages/report.py"), {"report"}),
    "the script of register": (_appended("stages/register.py"), NONE),
    # the library: some of it; all files in test_every_file_of_the_repository_runs_exactly_the_stages_that_can_reach_it
    "core": (_appended("src/keystage/core/params.py"), ALL),
    "prep": (_appended("src/keystage/prep/recipe.py"), {"dataprep"}),
    "metrics": (_appended("src/keystage/search/metrics.py"), {"train", "evaluate"}),
    "a new module": (_new("src/keystage/search/more.py"), NONE),
    "evaluation": (_appended("src/keystage/evaluation/scores.py"), {"evaluate"}),
    "the page of the report": (_appended("src/keystage/report/page.py"), {"report"}),
    "a template of the report": (_appended("src/keystage/report/templates/report.css", "\n"), {"report"}),
    "the way a stage is run": (_appended("src/keystage/pipeline/run.py"), NONE),
    "the command line": (_appended("src/keystage/cli/main.py"), NONE),
    # your own code
    "your own transforms, which the recipe does not name": (_appended("src/project/transforms.py"), NONE),
    # environment and the rest
    "a comment in the runtime lock": (_appended("requirements/runtime.txt"), NONE),
    "a locked version": (_both(_other_lock, _composed("environment=as_is")), ALL),
    "leave to run with other packages": (_composed("environment=as_is"), NONE),
    "the development lock": (_appended("requirements/dev.txt"), NONE),
    "an unrelated file": (_appended("README.md", "\n"), NONE),
    "a stray compiled file": (lambda project: (project.root / "src/keystage/data/x.pyc").write_bytes(b"x"), NONE),
}


# Settings of parts of params.yaml that others of the table stand for, and that make a whole run.
MORE = {
    *("rows that are not taken", "the size of the test set", "a calibration of the model", "a threshold"),
    *("the kind of validation", "the weight of classes", "a column of weights", "a column of groups"),
    *("a column of times", "a file for validation", "test rows that the dataset gives", "reuse of all"),
}


@pytest.mark.parametrize("change", [pytest.param(name, marks=[pytest.mark.slow] * (name in MORE)) for name in TABLE])
def test_a_change_runs_exactly_the_stages_it_can_reach(project: Project, change: str) -> None:
    apply, expected = TABLE[change]
    apply(project)
    plan = {stage.name: stage.decision for stage in look(project.root, project.settings()).plan}

    assert project.stages_run("dvc", "repro", "report") == expected | {"conf"}
    assert {stage for stage in ALL if plan[stage] is Decision.run} <= expected
    assert {stage for stage in ALL if plan[stage] is Decision.reuse} <= ALL - expected


def test_a_second_run_does_nothing_but_register(registered: Project) -> None:
    project = registered
    done = project.call("keystage", "run")

    assert "Ran: conf, register" in done.stdout
    assert "Reused, nothing changed: dataprep, train, evaluate, report" in done.stdout
    assert project.call("git", "status", "--porcelain", "--", "dvc.lock", "reports", "params.yaml").stdout == ""


def test_going_back_to_an_earlier_setting_is_served_from_the_run_cache(registered: Project) -> None:
    project = registered
    before = project.call("git", "hash-object", "artifacts/model.pkl").stdout
    project.call("keystage", "compose", "automl.ensemble_size=1")
    assert project.stages_run("dvc", "repro", "report") == {"conf", "train", "evaluate", "report"}
    assert project.call("git", "hash-object", "artifacts/model.pkl").stdout != before

    done = project.call("keystage", "run")

    assert "Ran: conf, register" in done.stdout
    assert "Reused from an earlier run: train, evaluate, report" in done.stdout
    assert project.call("git", "hash-object", "artifacts/model.pkl").stdout == before


def test_two_folders_give_equal_bytes(project: Project, new_project: Project) -> None:
    new_project.call("dvc", "repro", "report")
    outputs = ["artifacts/prepared", "artifacts/recipe.pkl", "artifacts/raw_test.parquet", "artifacts/model.pkl"]
    outputs += ["artifacts/predictions.parquet", "artifacts/out_of_fold.parquet", "reports"]

    for name in outputs:
        done = new_project.call("diff", "--recursive", "--exclude=gate.json", name, str(project.root / name), ok=False)

        assert done.returncode == 0, done.stdout
