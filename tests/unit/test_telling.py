"""What is told of a model besides its metrics: by class and segment, of raw columns, of single rows, of times ahead."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import precision_score
from sklearn.pipeline import Pipeline

from keystage.core.errors import ConfigError, DatasetError
from keystage.data.columns import ColumnSpec, ColumnType
from keystage.data.spec import DatasetSpec, Task
from keystage.data.table import PreparedTable, Roles
from keystage.evaluation import importance as module
from keystage.evaluation.ahead import half_widths
from keystage.evaluation.asked import Asked
from keystage.evaluation.baseline import baseline
from keystage.evaluation.groups import group_names, per_class, segments
from keystage.evaluation.importance import dependence, importance
from keystage.evaluation.intervals import Units
from keystage.evaluation.scores import Scored, scores
from keystage.evaluation.spec import EvaluationSpec, ImportanceSpec
from keystage.evaluation.story import rounded, story
from keystage.evaluation.subject import Subject, subject
from keystage.evaluation.worst import worst
from keystage.pipeline.conf import require_segments
from keystage.prep.recipe import fit_recipe
from keystage.prep.spec import PrepSpec, TransformSpec
from keystage.search.metrics import metric_of

RANDOM = np.random.default_rng(0)
ROWS = 600
RAW = pd.DataFrame(
    {
        "strong": RANDOM.normal(size=ROWS),
        "weak": RANDOM.normal(size=ROWS),
        "colour": RANDOM.choice(["red", "green", "blue"], ROWS),
        "noise": RANDOM.normal(size=ROWS),
    }
)
SIGNAL = 3 * RAW["strong"] + RAW["weak"] + 1.5 * (RAW["colour"] == "red")
LABEL = (SIGNAL + RANDOM.normal(size=ROWS) > 0.5).map({False: "no", True: "yes"}).rename("bought")
RECIPE = fit_recipe(PrepSpec(0.2, [TransformSpec("one_hot", ["colour"])]), RAW, 0)
PREPARED = RECIPE.transform(RAW)
MODEL = LogisticRegression().fit(PREPARED, LABEL)
CLASSES = list(MODEL.classes_)
CODES = LABEL.map({"no": 0, "yes": 1}).to_numpy()
SAID = MODEL.predict_proba(PREPARED)
SCORED = Scored(Task.classification, CODES, SAID, SAID.argmax(axis=1), None, CLASSES)
BOOTSTRAP: dict[str, Any] = {"resamples": 200, "level": 0.9, "seed": 1}


def test_importance_of_raw_columns_is_scikit_learns() -> None:
    notes: list[str] = []
    found = importance(
        Asked(RECIPE, MODEL, CLASSES), RAW, SCORED, metric_of("accuracy"), ImportanceSpec(ROWS, 30), 3, notes
    )

    theirs = permutation_importance(
        Pipeline([*RECIPE.steps, ("model", MODEL)]), RAW, LABEL, scoring="accuracy", n_repeats=30, random_state=1
    )
    ours = {item["column"]: item for item in found}
    assert next(iter(ours)) == "strong"
    for place, name in enumerate(RAW.columns):
        assert ours[name]["mean"] == pytest.approx(theirs.importances_mean[place], abs=0.01)
        assert ours[name]["std"] == pytest.approx(theirs.importances_std[place], abs=0.01)
    assert not notes
    again = importance(
        Asked(RECIPE, MODEL, CLASSES), RAW, SCORED, metric_of("accuracy"), ImportanceSpec(ROWS, 30), 3, notes
    )
    assert again == found


def test_importance_is_bounded_by_rows_and_columns_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    monkeypatch.setattr(module, "MAX_ASKED", 4 * 2 * 250)

    told: list[str] = []
    found = importance(
        Asked(RECIPE, MODEL, CLASSES),
        RAW,
        SCORED,
        metric_of("log_loss"),
        ImportanceSpec(ROWS, 5),
        3,
        notes,
        told.append,
    )

    assert told[0] == "importances: 0 of 4 columns"
    assert notes == ["importance: 1 shuffles of 500 of the 600 test rows, for 4 columns"]
    assert found[0]["column"] == "strong"
    monkeypatch.setattr(module, "LAST_RESORT", -1.0)
    assert not importance(
        Asked(RECIPE, MODEL, CLASSES), RAW, SCORED, metric_of("log_loss"), ImportanceSpec(ROWS, 5), 3, notes
    )
    assert "importance of 4 columns left out" in notes[-1]


def test_of_many_classes_fewer_rows_are_asked_and_every_class_is_among_them() -> None:
    truth = np.repeat(np.arange(60), 50)
    shares = np.full((3000, 60), 1 / 60)
    labels = [f"class {code}" for code in range(60)]
    rows = pd.DataFrame({"a": np.arange(3000.0)})

    class Told:
        def predict_proba(self, features: pd.DataFrame) -> np.ndarray:
            asked.append(len(features))
            return shares[: len(features)]

    asked: list[int] = []
    weights = np.where(np.arange(3000) % 50 < 40, 0.0, 1.0)
    scored = Scored(Task.classification, truth, shares, truth, weights, labels)
    notes: list[str] = []

    importance(
        Asked(fit_recipe(PrepSpec(0.2), rows, 0), Told(), labels),
        rows,
        scored,
        metric_of("roc_auc_weighted"),
        ImportanceSpec(2000, 5),
        0,
        notes,
    )

    assert notes == ["importance: 3 shuffles of 2000 of the 3000 test rows, for 1 columns"]
    assert sum(asked) < 4 * (2000 + 60)
    assert max(asked) <= 50_000 // 60 * 3


def test_dependence_is_scikit_learns() -> None:
    model = LinearRegression().fit(RAW[["strong", "weak"]], SIGNAL)
    recipe = fit_recipe(PrepSpec(0.2), RAW[["strong", "weak"]], 0)
    scored = Scored(Task.regression, SIGNAL.to_numpy(), model.predict(RAW[["strong", "weak"]]))
    few = RAW[["strong", "weak"]].head(300)

    (told,) = dependence(Asked(recipe, model, []), few, scored.at(np.arange(300)), ["strong"], 0, [])

    values = [point["value"] for point in told["points"]]
    theirs = partial_dependence(model, few, ["strong"], custom_values={"strong": np.asarray(values)}, kind="average")
    assert [point["predicted"]["value"] for point in told["points"]] == pytest.approx(theirs["average"][0])
    assert sum(point["rows"] for point in told["points"]) == 300


def test_dependence_on_a_category_is_by_its_values_and_for_each_class() -> None:
    told = dependence(Asked(RECIPE, MODEL, CLASSES), RAW, SCORED, ["strong", "colour"], 0, [])

    by_colour = {point["value"]: point for point in told[1]["points"]}
    assert (told[0]["kind"], told[1]["kind"]) == ("number", "category")
    assert {name: point["rows"] for name, point in by_colour.items()} == RAW["colour"].value_counts().to_dict()
    assert by_colour["red"]["predicted"]["yes"] > by_colour["blue"]["predicted"]["yes"] + 0.05
    assert sum(by_colour["red"]["predicted"].values()) == pytest.approx(1)


def test_each_class_is_told() -> None:
    no, yes = per_class(SCORED)

    assert (no["class"], no["rows"], yes["rows"]) == ("no", (CODES == 0).sum(), (CODES == 1).sum())
    assert yes["precision"] == precision_score(CODES, SCORED.decided)
    assert yes["roc_auc"] == pytest.approx(no["roc_auc"])
    one = per_class(SCORED.at(CODES == 1))
    assert one[0]["roc_auc"] is None


def test_segments_have_intervals_a_gap_and_say_what_they_lack() -> None:
    town = pd.Series(np.where(RAW.index < 300, "Rome", np.where(RAW.index < 595, "Oslo", "Bath")), name="town")
    notes: list[str] = []

    (told,) = segments(SCORED, town.to_frame(), metric_of("accuracy"), Units(), notes, **BOOTSTRAP)

    assert [(group["group"], group["rows"]) for group in told["groups"]] == [("Rome", 300), ("Oslo", 295), ("Bath", 5)]
    rome, oslo, bath = told["groups"]
    assert rome["value"] == pytest.approx((SCORED.decided == CODES)[:300].mean())
    assert rome["low"] < rome["value"] < rome["high"]
    assert told["gap"]["value"] == pytest.approx(abs(rome["value"] - oslo["value"]))
    assert set(told["gap"]["between"]) == {"Rome", "Oslo"}
    assert bath["value"] is None
    assert notes == ["segment town: no accuracy of Bath (5): fewer than 10 rows"]


def test_groups_of_numbers_are_quartiles_and_rare_values_stand_together() -> None:
    age = pd.Series([*range(100), None], name="age")
    named, order = group_names(age)
    assert order == ["0 to 24.75", "24.75 to 49.5", "49.5 to 74.25", "74.25 to 99", "(missing)"]
    assert named.value_counts().tolist() == [25, 25, 25, 25, 1]

    assert group_names(pd.Series([3, 1, 2, 1]))[1] == ["1", "2", "3"]
    assert group_names(pd.Series([True, False, True]))[1] == ["True", "False"]
    many, order = group_names(pd.Series([*"aaabb", *(f"v{number}" for number in range(30))]))
    assert len(order) == 12
    assert (order[0], order[-1], many.iloc[-1]) == ("a", "(others: 21 values)", "(others: 21 values)")


@pytest.mark.parametrize(
    ("metric", "name", "expected"),
    [("rmse", "mean", 2.5), ("mae", "median", 2.0), ("quantile_loss:0.9", "quantile 0.9", 4.0)],
)
def test_numbers_have_the_mean_the_median_or_the_quantile_as_baseline(metric: str, name: str, expected: float) -> None:
    label = pd.Series([1.0, 2.0, 3.0, 4.0])
    table = PreparedTable(pd.DataFrame(index=label.index), label, Task.regression)

    said, values = baseline(table, table, None, 0, metric)

    assert (said, values.tolist()) == (name, [expected] * 4)


def test_weights_move_the_baseline_and_classes_have_their_shares() -> None:
    label = pd.Series([1.0, 2.0, 3.0, 4.0])
    heavy = Roles(weight=pd.Series([0.0, 0.0, 1.0, 3.0]))
    numbers = PreparedTable(pd.DataFrame(index=label.index), label, Task.regression, heavy)
    assert baseline(numbers, numbers, None, 0, "rmse")[1][0] == 3.75
    assert baseline(numbers, numbers, None, 0, "mae")[1][0] == 4.0

    codes = np.asarray([0, 0, 0, 1])
    name, shares = baseline(numbers, numbers, codes, 2, "f1")
    assert (name, shares.tolist()) == ("most frequent class", [[0.25, 0.75]] * 4)


def test_the_worst_predictions_come_with_their_raw_cells() -> None:
    (first, second) = worst(SCORED, RAW.assign(strong=RAW["strong"].where(RAW.index != 5)), 2, [])

    own = SAID[np.arange(ROWS), CODES]
    assert first["row"] == own.argmin()
    assert first["error"] == pytest.approx(1 - own.min())
    assert first["error"] >= second["error"]
    assert first["predicted"] != first["actual"]
    assert first["columns"]["colour"] == RAW["colour"][first["row"]]
    numbers = Scored(Task.regression, np.asarray([1.0, 9.0]), np.asarray([1.0, 4.0]))
    (row,) = worst(numbers, pd.DataFrame({"day": pd.to_datetime(["2024-01-01", None])}), 1, [])
    assert (row["row"], row["error"], row["columns"]) == (1, 5.0, {"day": None})


def test_forecast_intervals_hold_what_they_say() -> None:
    random = np.random.default_rng(0)
    scale = {"calm": 1.0, "wild": 10.0}

    def errors(count: int) -> pd.DataFrame:
        series = random.choice(list(scale), count)
        step = random.integers(1, 4, count)
        error = random.normal(size=count) * [scale[name] for name in series] * step
        return pd.DataFrame({"series": series, "step": step, "error": error})

    widths = half_widths(errors(3000), 0.9)

    assert widths.by == ("series", "step")
    fresh = errors(3000)
    held = fresh["error"].abs() <= widths.of(fresh)
    assert held.groupby([fresh["series"], fresh["step"]]).mean().between(0.85, 0.95).all()


def test_few_errors_are_taken_together_and_lower_the_level() -> None:
    few = pd.DataFrame({"series": "", "step": [1, 2] * 12, "error": np.linspace(-1, 2, 24)})
    assert (half_widths(few, 0.9).by, half_widths(few, 0.95).by) == (("step",), ())
    assert half_widths(few, 0.9).errors == 12

    fewest = half_widths(few.head(4), 0.95)
    assert (fewest.level, fewest.values[()]) == (0.8, 1.0)


def test_a_part_that_fails_is_a_note_and_its_bug_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    table = PreparedTable(PREPARED, LABEL, Task.classification)
    of = subject(MODEL, RECIPE, table, table, RAW, metric_of("roc_auc"))

    def bug() -> list[int]:
        raise ZeroDivisionError("a bug")

    def bad_data() -> list[int]:
        raise DatasetError("cells are odd", why="so", fix="mend them")

    with caplog.at_level(logging.WARNING):
        assert of.part("importances", bug, []) == []
    assert "ZeroDivisionError: a bug" in caplog.text
    assert "Traceback" in caplog.text
    assert of.part("segments", bad_data, []) == []
    assert of.notes == [
        "importances left out, it failed: ZeroDivisionError: a bug",
        "segments left out: cells are odd",
    ]


def test_rows_that_all_weigh_nothing_count_once_each() -> None:
    table = PreparedTable(PREPARED, LABEL, Task.classification, Roles(weight=pd.Series(np.zeros(ROWS))))
    train = PreparedTable(PREPARED, LABEL, Task.classification)

    of = subject(MODEL, RECIPE, train, table, RAW, metric_of("roc_auc"))

    assert of.scored.weights is None
    assert of.notes == ["all test rows weigh 0, so each counts once"]


def test_numbers_are_told_to_ten_digits_and_json_has_no_nan() -> None:
    assert rounded({"a": [1 / 3, float("nan"), 2], "b": "x"}) == {"a": [0.3333333333, None, 2], "b": "x"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"resamples": 5}, "evaluation.resamples must be 100 or more, or 0"),
        ({"level": 95}, "evaluation.level must be from 0.5 to below 1"),
        ({"worst": -1}, "evaluation.worst must be 0"),
        ({"segments": ["Sex", "Sex"]}, "names a column twice"),
    ],
)
def test_settings_that_tell_nothing_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        EvaluationSpec(**settings)


def test_the_label_is_no_segment_and_columns_need_not_be_declared() -> None:
    declared = DatasetSpec(
        ["a.csv"], "lived", Task.classification, "a", "data/a", [ColumnSpec("sex", ColumnType.string)]
    )
    EvaluationSpec(segments=["sex", "name"]).require_suits(declared)

    with pytest.raises(ValueError, match="names the label 'lived'"):
        EvaluationSpec(segments=["lived"]).require_suits(declared)
    with pytest.raises(ValueError, match="rows must be 2 or more"):
        ImportanceSpec(rows=1)


def test_a_segment_is_looked_for_in_the_header_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("\ufeffSex,Lived\nm,1\n", encoding="utf-8")
    dataset = DatasetSpec(["a.csv"], "Lived", Task.classification, "a", ".")

    require_segments(EvaluationSpec(segments=["Sex"]), dataset)
    with pytest.raises(ConfigError, match="'Sec', a column that is not there") as refused:
        require_segments(EvaluationSpec(segments=["Sec"]), dataset)
    assert "did you mean 'Sex'" in refused.value.fix


def _story(of: Subject, **settings: Any) -> dict[str, Any]:
    found, naive = (scores(rows, of.metrics) for rows in (of.scored, of.naive))
    nothing = pd.DataFrame(index=range(of.scored.rows))
    return rounded(story(of, EvaluationSpec(**settings), nothing, found, naive, 1, lambda _: None))


def test_a_class_without_test_rows_leaves_out_what_needs_it_and_says_so() -> None:
    kinds = pd.Series(np.where(SIGNAL > 2, "c", np.where(SIGNAL > 0, "b", "a")), name="kind")
    model = LogisticRegression().fit(PREPARED, kinds)
    train, present = PreparedTable(PREPARED, kinds, Task.classification), kinds != "c"
    test = PreparedTable(PREPARED[present], kinds[present], Task.classification)

    of = subject(model, RECIPE, train, test, RAW[present], metric_of("roc_auc"))
    told = _story(of, resamples=200)

    assert "roc_auc" not in told["metrics"]
    assert of.notes == ["roc_auc is not told: a class has no test row; importances are by log_loss"]
    assert told["importance"][0]["column"] == "strong"
    assert [item["class"] for item in told["per_class"]] == ["a", "b", "c"]
    assert (told["per_class"][2]["rows"], told["per_class"][2]["roc_auc"]) == (0, None)
    assert told["metrics"]["log_loss"]["low"] < told["metrics"]["log_loss"]["value"]
    json.dumps(told, allow_nan=False)


def test_numbers_judged_by_a_quantile_are_told_whole() -> None:
    label = SIGNAL.rename("spent")
    model = LinearRegression().fit(PREPARED, label)
    table = PreparedTable(PREPARED, label, Task.regression)

    of = subject(model, RECIPE, table, table, RAW, metric_of("quantile_loss:0.9"))
    told = _story(of, resamples=200, importance=ImportanceSpec(100, 2), worst=1)

    assert next(iter(told["metrics"])) == told["primary"] == "quantile_loss:0.9"
    assert told["baseline"]["name"] == "quantile 0.9"
    metric = told["metrics"]["quantile_loss:0.9"]
    assert metric["low"] < metric["value"] < metric["high"] < metric["baseline"]
    assert told["importance"][0]["column"] == "strong"
    assert of.notes == ["importance: 2 shuffles of 100 of the 600 test rows, for 4 columns"]
    assert not _story(of, resamples=0, importance=ImportanceSpec(100, 0), worst=0)["importance"]


def test_a_metric_of_your_own_has_an_interval_too() -> None:
    table = PreparedTable(PREPARED, LABEL, Task.classification)

    told = _story(subject(MODEL, RECIPE, table, table, RAW, metric_of("project.metrics:cost")), resamples=300)

    metric = told["metrics"]["project.metrics:cost"]
    assert metric["low"] < metric["value"] < metric["high"] < metric["baseline"]
    assert not metric["greater_is_better"]
