"""What is made of out-of-fold predictions helps where it can, and is scored on rows it has not seen."""

import io
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold

from keystage.data.spec import Task
from keystage.registry.package import requirements_of
from keystage.search.assembly import stack, vote
from keystage.search.calibration import calibrated, reliability
from keystage.search.crossfit import CrossFit
from keystage.search.ensemble import Candidate, Truth
from keystage.search.finishing import finish
from keystage.search.fitting import Material, fit_fold
from keystage.search.learners.learner import Setting
from keystage.search.metrics import METRICS, metric_of
from keystage.search.report import no_better_than_none
from keystage.search.script import training_script
from keystage.search.spec import Calibration, SearchSpec
from keystage.search.stacking import meta_features, stacked
from keystage.search.threshold import best_threshold
from keystage.search.trials import FoldResult, Proposal, Trial
from keystage.search.validation import ValidationSpec

RNG = np.random.default_rng(4)
ROWS = 1200
SIGNAL = RNG.normal(size=(ROWS, 3))
CODES = (SIGNAL.sum(axis=1) + RNG.normal(size=ROWS) > 1.2).astype(int)  # a quarter of the rows
VALUES = SIGNAL.sum(axis=1) * 1e-6
THREE = np.digitize(SIGNAL.sum(axis=1), [-1, 1])
FOLDS = list(KFold(4, shuffle=True, random_state=0).split(SIGNAL))


def _material(target: np.ndarray, metric: str, **given: Any) -> Material:
    task = Task.regression if target.dtype.kind == "f" else Task.classification
    classes = 0 if task is Task.regression else len(np.unique(target))
    return Material(
        SIGNAL, target, given.pop("folds", FOLDS), Setting(task, "squared", 1, classes), metric_of(metric), **given
    )


def _truth(material: Material) -> Truth:
    offset = None if material.offset is None else [material.offset[rows] for _, rows in material.folds]
    return Truth([material.truth(rows) for _, rows in material.folds], [None] * len(material.folds), offset)


def _candidates(material: Material, said: list[np.ndarray]) -> list[Candidate]:
    truth, made = _truth(material), []
    for number, every in enumerate(said, start=1):
        folds = [every[rows] for _, rows in material.folds]
        scores = [material.metric.score(*pair) for pair in zip(truth.target, folds, strict=True)]
        trial = Trial(
            number, Proposal(f"own:{number}", {"n": number}), tuple(FoldResult(score, 0.1) for score in scores)
        )
        made.append(Candidate(trial, folds))
    return sorted(made, key=lambda item: material.metric.loss(item.trial.score or 0.0))


def _two(probability: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - probability, probability])


def _said(columns: list[int], slope: float = 2.0) -> np.ndarray:
    return _two(1 / (1 + np.exp(-slope * (SIGNAL[:, columns].sum(axis=1) - 1.2))))


def _by_fold(every: np.ndarray, material: Material) -> list[np.ndarray]:
    return [every[rows] for _, rows in material.folds]


def _spec(**given: Any) -> SearchSpec:
    return SearchSpec(given.pop("metric", "roc_auc"), None, 1, ValidationSpec(), **given)


def test_a_stack_of_trials_that_know_different_things_beats_each() -> None:
    material = _material(CODES, "log_loss")
    candidates = _candidates(material, [_said([0]), _said([1]), _said([2])])

    made = stacked(candidates, _truth(material), material, 10, None)

    assert made.ensemble is not None
    assert made.ensemble.score < 0.75 * (candidates[0].trial.score or 0)
    assert sum(member.weight for member in made.ensemble.members) == pytest.approx(1)
    assert all(0.2 < member.weight < 0.5 for member in made.ensemble.members)
    again = stacked(candidates, _truth(material), material, 10, None)
    assert pickle.dumps(again.model) == pickle.dumps(made.model)


def test_a_stack_is_scored_on_rows_that_its_linear_model_has_not_seen() -> None:
    """Thirty trials that say nothing: a linear model of them fits the rows it has seen, and no others."""
    few = [(rest, rows[:15]) for rest, rows in FOLDS]
    material = _material(RNG.integers(0, 2, ROWS), "roc_auc", folds=few)
    candidates = _candidates(material, [_two(RNG.random(ROWS)) for _ in range(30)])
    candidates = [Candidate(candidates[0].trial, candidates[-1].predicted), *candidates[1:]]  # its score is luck

    made = stacked(candidates, _truth(material), material, 30, None)

    assert made.ensemble is None
    assert "no better than" in made.note


@pytest.mark.parametrize(
    ("target", "said", "most", "note"),
    [
        (CODES, [_said([0])], 10, "it needs two trials"),
        (CODES, [_said([0]), _said([1])], 1, "it needs two trials"),
        (np.arange(ROWS) % 200, [np.full((ROWS, 200), 0.005)] * 8, 8, "too many coefficients to fit in time"),
    ],
)
def test_why_there_is_no_stack_is_said(target: np.ndarray, said: list[np.ndarray], most: int, note: str) -> None:
    material = _material(target, "log_loss")

    assert note in stacked(_candidates(material, said), _truth(material), material, most, None).note


def test_a_stack_whose_time_is_over_is_not_made() -> None:
    material = _material(CODES, "log_loss")

    made = stacked(_candidates(material, [_said([0]), _said([1])]), _truth(material), material, 10, ends=0.0)

    assert made.ensemble is None
    assert "the time was over" in made.note


def test_numbers_are_weighed_by_what_is_not_negative_in_any_unit() -> None:
    offset = np.linspace(5, 6, ROWS)
    material = _material(VALUES, "rmse", offset=offset)
    said = [offset + SIGNAL[:, column] * 1e-6 for column in range(3)] + [offset - VALUES]

    made = stacked(_candidates(material, said), _truth(material), material, 10, None)

    assert made.ensemble is not None
    assert made.ensemble.score < 0.05 * VALUES.std()
    weights = {member.trial.number: member.weight for member in made.ensemble.members}
    assert weights.pop(4) == pytest.approx(0, abs=1e-3)  # what says the opposite of the truth gets no weight
    assert all(weight == pytest.approx(1 / 3, abs=0.02) for weight in weights.values())
    offsets = _truth(material).offset
    assert offsets is not None
    features = meta_features([item.predicted[0] for item in _candidates(material, said)], offsets[0])
    np.testing.assert_allclose(made.model.predict(features), VALUES[FOLDS[0][1]], atol=0.1 * VALUES.std())


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
@pytest.mark.parametrize("target", [CODES, THREE])
def test_overconfident_probabilities_are_calibrated(method: str, target: np.ndarray) -> None:
    material = _material(target, "log_loss")
    honest = LogisticRegression().fit(SIGNAL[:, :2], target).predict_proba(SIGNAL[:, :2])
    boasting = honest**4 / (honest**4).sum(axis=1, keepdims=True)

    made = calibrated(method, _by_fold(boasting, material), material, None)

    assert made is not None
    before, after = made.report["before"], made.report["after"]
    assert after["ece"] < 0.6 * before["ece"]
    assert after["brier"] < before["brier"]
    for said in made.predicted:
        np.testing.assert_allclose(said.sum(axis=1), 1)
    if method == "temperature":
        assert after["log_loss"] < before["log_loss"]
        features = meta_features([honest]).reshape(ROWS, -1)
        np.testing.assert_array_equal(made.model.predict_proba(features).argmax(axis=1), honest.argmax(axis=1))


def test_probabilities_that_rounding_lifts_above_one_are_calibrated_as_the_others_are() -> None:
    material = _material(CODES, "log_loss")
    exact = _said([0, 1])
    lifted = exact.copy()
    lifted[0] = [-1e-16, 1 + 1e-15]

    models = [calibrated("temperature", _by_fold(said, material), material, None) for said in (exact, lifted)]

    found = [one.model.predict_proba(exact[:, 1:]) for one in models if one]
    np.testing.assert_allclose(*found, atol=0.01)


def test_reliability_is_what_its_definitions_say() -> None:
    target, said = [np.array([0, 1, 1, 0])], [_two(np.array([0.25, 0.75, 0.75, 0.75]))]

    found = reliability(target, said, [None])

    assert found["brier"] == pytest.approx((3 * 0.25**2 + 0.75**2) / 4)
    assert found["log_loss"] == pytest.approx(-(3 * np.log(0.75) + np.log(0.25)) / 4)
    assert found["ece"] == pytest.approx(0.0)  # three of four are right, as 0.75 says
    assert reliability(target, said, [np.array([0, 1, 1, 0])])["ece"] == pytest.approx(0.25)


@pytest.mark.parametrize("metric", ["f1", "mcc", "balanced_accuracy", "accuracy", "f1_weighted", "norm_macro_recall"])
def test_a_threshold_is_as_good_as_the_best_of_all_rows(metric: str) -> None:
    material = _material(CODES, "roc_auc")
    timid = _said([0, 1, 2])
    timid = _two(timid[:, 1] * 0.4)

    made = best_threshold(metric_of(metric), _by_fold(timid, material), material, None)

    assert made is not None
    assert made.report["after"] > made.report["before"] + 0.05
    grid = [
        metric_of(metric).score(CODES, np.eye(2)[(timid[:, 1] >= value).astype(int)])
        for value in np.linspace(0, 0.4, 400)
    ]
    reached = metric_of(metric).score(CODES, np.eye(2)[(timid[:, 1] >= made.value).astype(int)])
    assert reached >= max(grid) - 0.01


def test_a_threshold_that_makes_its_metric_worse_is_told() -> None:
    material = _material(CODES, "roc_auc")
    spec = _spec(threshold="accuracy")

    helps = finish(_by_fold(_two(_said([0, 1, 2])[:, 1] * 0.4), material), material, spec, None)
    hurts = finish(_by_fold(_said([0, 1, 2]), material), material, spec, None)

    assert helps.notes == ()
    assert hurts.report["threshold"]["after"] < hurts.report["threshold"]["before"]
    assert "automl.threshold=accuracy does not help: it takes accuracy out of fold from 0." in hurts.notes[0]


def test_weights_and_rows_of_one_holdout_are_counted() -> None:
    heavy = np.where(CODES == 1, 20.0, 1.0)
    plain, weighted = _material(CODES, "roc_auc"), _material(CODES, "roc_auc", score_weights=heavy, folds=FOLDS[:1])

    thresholds = []
    for material in (plain, weighted):
        made = best_threshold(metric_of("accuracy"), _by_fold(_said([0, 1, 2]), material), material, None)
        assert made is not None
        thresholds.append(made.value)

    assert thresholds[1] < thresholds[0] - 0.1
    assert sum(len(part.predict) for part in CrossFit(weighted)._parts) == len(FOLDS[0][1])


def test_no_row_is_predicted_by_what_was_fitted_on_it() -> None:
    twice = FOLDS + list(KFold(4, shuffle=True, random_state=9).split(SIGNAL))
    later = [(np.arange(0, 300 * k), np.arange(300 * k, 300 * (k + 1))) for k in range(1, 4)]
    for folds, alike in ((FOLDS, True), (twice, True), (FOLDS[:1], True), (later, False)):
        rows = [valid for _, valid in folds]
        for part in CrossFit(_material(CODES, "roc_auc", folds=folds, alike=alike))._parts:
            learnt = np.concatenate([every[chosen] for every, chosen in zip(rows, part.learn, strict=True)])
            predicted = rows[part.fold][part.predict]
            assert not set(learnt) & set(predicted)
            assert alike or not len(learnt) or learnt.max() < predicted.min()


def test_a_finished_model_says_what_was_reported_and_is_saved_by_skops() -> None:
    classes = ["no", "yes"]
    members = [LogisticRegression(C=c).fit(SIGNAL[:, :2], CODES) for c in (0.01, 1.0)]
    material = _material(CODES, "f1")
    features = SIGNAL[:, :2]
    candidates = _candidates(material, [member.predict_proba(features) for member in members])
    made = stacked(candidates, _truth(material), material, 10, None)
    ordered = members if [c.trial.number for c in candidates] == [1, 2] else members[::-1]
    said = _by_fold(members[0].predict_proba(features), material)
    ended = finish(said, material, _spec(metric="f1", calibration=Calibration.sigmoid, threshold="auto"), None)
    joint = (
        stack(["a", "b"], ordered, made.model, Task.classification, classes)
        if made.ensemble
        else vote(["a", "b"], members, None, Task.classification, classes)
    )

    model = ended.applied(joint, material, classes)

    assert ended.score(_truth(material), material.metric) == ended.report["threshold"]["after"]
    assert list(model.classes_) == classes
    probability = model.predict_proba(features)
    np.testing.assert_array_equal(model.predict(features) == "yes", probability[:, 1] >= ended.threshold)
    assert 0.1 < ended.threshold < 0.5
    stored = skops.io.dumps(model)
    loaded = skops.io.loads(stored, trusted=skops.io.get_untrusted_types(data=stored))
    np.testing.assert_array_equal(loaded.predict_proba(features), probability)
    np.testing.assert_array_equal(loaded.predict(features), model.predict(features))
    stream = io.BytesIO(pickle.dumps(model))
    np.testing.assert_array_equal(pickle.load(stream).predict_proba(features), probability)


def test_packages_of_members_are_found_inside_a_finished_model() -> None:
    from lightgbm import LGBMClassifier

    member = LGBMClassifier(n_estimators=2, verbose=-1).fit(SIGNAL, CODES)
    material = _material(CODES, "f1")
    ended = finish(
        _by_fold(_said([0]), material), material, _spec(calibration=Calibration.isotonic, threshold="mcc"), None
    )
    model = ended.applied(vote(["a"], [member], None, Task.classification, [0, 1]), material, [0, 1])

    assert any(line.startswith("lightgbm==") for line in requirements_of(model))


def test_every_metric_of_decided_classes_says_so() -> None:
    probability = _said([0, 1])
    shifted = _two(probability[:, 1] ** 2)  # the same order, other classes
    changed = {
        name
        for name, metric in METRICS[Task.classification].items()
        if metric.score(CODES, probability) != pytest.approx(metric.score(CODES, shifted))
    }

    assert {name for name, metric in METRICS[Task.classification].items() if metric.of_classes} == changed - {
        "log_loss"
    }


def test_differences_are_scored_as_what_is_forecast(tmp_path: Path) -> None:
    offset = 100 + 10 * np.arange(ROWS) / ROWS
    values = SIGNAL.sum(axis=1)
    material = _material(values, "mape", offset=offset)

    result = fit_fold(material, Proposal("ridge", {}), 0, tmp_path, None)

    train, valid = FOLDS[0]
    said = offset[valid] + LinearRegression().fit(SIGNAL[train], values[train]).predict(SIGNAL[valid])
    truth = offset[valid] + values[valid]
    assert result.score == pytest.approx(np.mean(np.abs(said - truth) / truth), abs=1e-3)
    kept = np.load(next(tmp_path.glob("*.npy")))
    assert kept.min() > 50


@pytest.mark.parametrize("target", [CODES, VALUES])
def test_the_script_fits_a_stack_again(target: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifies = target.dtype.kind == "i"
    material = _material(target, "log_loss" if classifies else "rmse")
    said = [_said([column]) if classifies else SIGNAL[:, column] * 1e-6 for column in range(3)]
    made = stacked(_candidates(material, said), _truth(material), material, 10, None)
    assert made.ensemble is not None
    models = [LogisticRegression(C=2.0) if classifies else LinearRegression() for _ in range(3)]
    table = pd.DataFrame(SIGNAL, columns=["a", "b", "c"]).assign(y=target)
    table.to_parquet(tmp_path / "train.parquet")
    task = material.setting.task

    script = training_script(
        made.ensemble.members, models, made.model, task, Path("train.parquet"), "y", left_out=["the threshold 0.3"]
    )

    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(script, found)  # noqa: S102 - it is what a person would run
    assert "Left out: the threshold 0.3." in script
    assert type(found["model"]).__name__ == ("StackingClassifier" if classifies else "StackingRegressor")
    assert found["model"].score(SIGNAL, target) > 0.8


@pytest.mark.parametrize(
    ("target", "metric", "none"),
    [(CODES, "log_loss", 0.567), (CODES, "roc_auc", 0.5), (THREE, "accuracy", 0.4), (VALUES, "r2", 0.0)],
)
def test_a_model_that_is_no_better_than_none_is_told(target: np.ndarray, metric: str, none: float) -> None:
    material = _material(target, metric)
    sign = 1 if material.metric.greater_is_better else -1

    (note,) = no_better_than_none(material, none - 0.2 * sign)

    assert float(re.search(r"scores (-?[\d.e-]+)\.", note).group(1)) == pytest.approx(none, abs=0.05)  # type: ignore[union-attr]
    assert no_better_than_none(material, none + 0.2 * sign) == []
