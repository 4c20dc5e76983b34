"""The search repeats, keeps every trial, and refuses what it cannot search."""

import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from keystage.adapters.flaml_search import search
from keystage.adapters.flaml_starts import starting_points

from keystage.core.errors import SearchError
from keystage.data.spec import Task
from keystage.data.table import Roles
from keystage.search.ensemble import fit_vote, vote_out_of_fold
from keystage.search.folds import Fold, make_folds, stratified_folds
from keystage.search.metrics import METRICS as BY_TASK
from keystage.search.spec import ESTIMATORS, ClassWeight, EstimatorName, SearchSpec
from keystage.search.trials import SearchResult, StoppedBy, Trial, leaderboard, trials_of
from keystage.search.validation import ValidationKind, ValidationSpec

METRICS = BY_TASK[Task.classification]
RNG = np.random.default_rng(2)
X = pd.DataFrame(RNG.normal(size=(240, 4)), columns=list("abcd"))
Y = pd.Series((X["a"] + X["b"] ** 2 + RNG.normal(size=240) > 0.8).astype(int), name="label")
FOLDS = stratified_folds(Y, 3, seed=1)


def _spec(**changes: object) -> SearchSpec:
    settings: dict[str, object] = {
        "metric": "roc_auc",
        "time_budget": None,
        "max_trials": 8,
        "validation": ValidationSpec(ValidationKind.folds, folds=3),
        "estimators": None,
        "ensemble_size": 3,
    }
    return SearchSpec(**(settings | changes))  # type: ignore[arg-type]


def _search(spec: SearchSpec, *, seed: int = 1, cores: int = 1) -> tuple[SearchResult, list[Trial]]:
    seen: list[Trial] = []
    return search(X, Y, FOLDS, spec, task=Task.classification, seed=seed, cores=cores, on_trial=seen.append), seen


def _without_seconds(result: SearchResult) -> pd.DataFrame:
    return leaderboard(result.trials, METRICS["roc_auc"])


def test_every_learner_is_tried_and_every_trial_is_kept() -> None:
    result, seen = _search(_spec())

    assert [trial.number for trial in seen] == list(range(1, 9))
    assert list(result.trials) == seen
    assert {trial.estimator for trial in seen} == {name.value for name in ESTIMATORS[Task.classification]}
    assert all(len(trial.fold_scores) == 3 for trial in seen)
    assert result.stopped_by is StoppedBy.max_trials


def test_the_same_seed_gives_the_same_trials_on_any_number_of_cores() -> None:
    first, second = _search(_spec())[0], _search(_spec(), cores=2)[0]

    pd.testing.assert_frame_equal(_without_seconds(first), _without_seconds(second))


def test_candidates_are_the_best_trials_with_what_their_fold_models_said() -> None:
    result, _ = _search(_spec())
    metric = METRICS["roc_auc"]
    best = sorted(result.trials, key=lambda trial: -trial.score)[:3]

    assert [item.trial for item in result.candidates] == best
    for item in result.candidates:
        scores = tuple(metric.score(Y.to_numpy()[rows], item.out_of_fold[rows]) for _, rows in FOLDS)
        assert scores == item.trial.fold_scores


def test_the_vote_averages_its_members_and_keeps_the_labels_own_values() -> None:
    result, _ = _search(_spec())
    words = Y.map({0: "no", 1: "yes"})

    model = fit_vote(result.candidates, X, words, Task.classification, cores=2)

    members = np.mean([item.create().fit(X, Y).predict_proba(X) for item in result.candidates], axis=0)
    np.testing.assert_allclose(model.predict_proba(X), members)
    assert set(model.predict(X)) == {"no", "yes"}
    assert vote_out_of_fold(result.candidates).shape == (240, 2)


def test_a_time_budget_cuts_the_same_sequence_short() -> None:
    whole, _ = _search(_spec(max_trials=40))
    begun = time.monotonic()
    cut, _ = _search(_spec(max_trials=None, time_budget=1.5))
    count = min(len(cut.trials), len(whole.trials))

    assert time.monotonic() - begun > 0.5  # it used its budget; how punctual it is, a benchmark tells
    assert cut.stopped_by is StoppedBy.time_budget
    assert [trial.fold_scores for trial in cut.trials[:count]] == [trial.fold_scores for trial in whole.trials[:count]]


def test_a_budget_too_small_for_one_trial_is_an_error() -> None:
    with pytest.raises(SearchError, match="no trial was done within 1e-06 seconds"):
        _search(_spec(time_budget=1e-6))


def test_a_class_with_fewer_rows_than_folds_is_refused() -> None:
    with pytest.raises(SearchError, match="class '1' has 2 training rows, fewer than the 3 folds"):
        stratified_folds(pd.Series([0] * 10 + [1] * 2), 3, seed=0)


def test_folds_part_the_rows() -> None:
    folds: list[Fold] = stratified_folds(Y, 4, seed=9)

    assert sorted(row for _, rows in folds for row in rows) == list(range(240))
    assert all(not set(train) & set(valid) for train, valid in folds)


def test_three_classes_and_few_rows_can_be_searched() -> None:
    features, codes = X.head(30), pd.Series([0, 1, 2] * 10)
    folds = stratified_folds(codes, 3, seed=0)

    result = search(
        features, codes, folds, _spec(max_trials=6), task=Task.classification, seed=0, cores=1, on_trial=lambda _: None
    )

    assert len(result.trials) == 6
    assert result.candidates[0].out_of_fold.shape == (30, 3)


def test_starting_points_are_points_of_flamls_search_spaces() -> None:
    result, _ = _search(_spec(max_trials=6))

    for trial in result.trials:
        if trial.estimator in starting_points(Task.classification):
            assert set(starting_points(Task.classification)[trial.estimator]) <= set(trial.hyperparameters)


def test_a_leaderboard_is_ranked_and_gives_its_trials_back() -> None:
    trials = [
        Trial(1, "rf", {"n": 3}, (0.5, 0.75), 1.0),
        Trial(2, "lgbm", {}, (1.0, 0.75), 2.0),
        Trial(3, "lrl1", {}, (0.5, 0.75), 3.0),
    ]

    board = leaderboard(trials, METRICS["roc_auc"])

    assert board["trial"].tolist() == [2, 1, 3]
    assert board["score"].tolist() == [0.875, 0.625, 0.625]
    seconds = {str(trial.number): trial.seconds for trial in trials}
    assert sorted(trials_of(board, seconds), key=lambda trial: trial.number) == trials
    assert leaderboard(trials, METRICS["log_loss"])["trial"].tolist() == [1, 3, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time_budget": None, "max_trials": None}, "the search would not end"),
        ({"time_budget": 0.0}, "must be more than 0 seconds"),
        ({"max_trials": 0}, "automl.max_trials must be 1 or more"),
        ({"estimators": []}, "automl.estimators is empty"),
    ],
)
def test_settings_that_cannot_be_searched_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _spec(**change)


def test_a_learner_that_cannot_take_missing_cells_is_named_before_the_search() -> None:
    spec = _spec(estimators=[EstimatorName.lrl1, EstimatorName.lgbm])
    with pytest.raises(SearchError, match="lrl1 cannot learn from missing cells") as caught:
        search(X.mask(X > 2), Y, FOLDS, spec, task=Task.classification, seed=0, cores=1, on_trial=lambda _: None)

    assert "automl.estimators=[lgbm]" in caught.value.fix


def test_the_other_learners_take_missing_cells() -> None:
    spec = _spec(max_trials=6)

    result = search(X.mask(X > 2), Y, FOLDS, spec, task=Task.classification, seed=0, cores=1, on_trial=lambda _: None)

    assert {trial.estimator for trial in result.trials} == {
        name.value for name in ESTIMATORS[Task.classification] if name is not EstimatorName.lrl1
    }
    assert list(result.left_out) == ["lrl1"]
    assert "cells are missing in: " in result.left_out["lrl1"]


NUMBERS = pd.Series(3 * X["a"] - X["b"] + RNG.normal(0, 0.3, 240), name="label")


def test_numbers_are_searched_and_averaged_the_same_on_any_number_of_cores() -> None:
    folds = make_folds(NUMBERS, Task.regression, _spec().validation, seed=1).splits
    spec = _spec(metric="r2", max_trials=7)

    first, second = (
        search(X, NUMBERS, folds, spec, task=Task.regression, seed=1, cores=cores, on_trial=lambda _: None)
        for cores in (1, 2)
    )
    model = fit_vote(first.candidates, X, NUMBERS, Task.regression, cores=2)

    assert [trial.fold_scores for trial in first.trials] == [trial.fold_scores for trial in second.trials]
    assert {trial.estimator for trial in first.trials} == {name.value for name in ESTIMATORS[Task.regression]}
    assert first.candidates[0].trial.score > 0.9
    members = [member.predict(X) for member in model.estimators_]
    assert np.allclose(model.predict(X), np.mean(members, axis=0))
    assert vote_out_of_fold(first.candidates).shape == (240,)


def test_a_search_that_does_not_suit_the_task_is_refused() -> None:
    with pytest.raises(ValueError, match="'roc_auc' is none of regression"):
        _spec().require_suits(Task.regression)
    with pytest.raises(ValueError, match="lrl1 is not made for regression"):
        _spec(metric="r2", estimators=[EstimatorName.lrl1]).require_suits(Task.regression)
    with pytest.raises(ValueError, match="class_weight=balanced weighs classes; regression has none"):
        _spec(metric="r2", class_weight=ClassWeight.balanced).require_suits(Task.regression)


def test_rows_are_validated_once_often_or_never_and_weigh_in_each_fit() -> None:
    times = Roles(time=pd.Series(range(240)))
    spec = _spec(max_trials=2, estimators=[EstimatorName.lgbm])
    folds = make_folds(Y, Task.classification, ValidationSpec(ValidationKind.time, folds=2), 1, times)
    weights = np.where(Y == 1, 50.0, 1.0)

    def found(splits: Sequence[Fold], weights: np.ndarray | None = None) -> np.ndarray:
        result = search(
            X, Y, splits, spec, task=Task.classification, seed=1, cores=1, on_trial=lambda _: None, weights=weights
        )
        return result.candidates[0].out_of_fold

    never, once = found(folds.splits), folds.splits[-1][1]
    assert np.isnan(never[:80]).all()
    assert not np.isnan(never[once]).any()
    twice = found([folds.splits[-1], folds.splits[-1]])
    np.testing.assert_allclose(twice[once], never[once])
    assert found(folds.splits, weights)[once, 1].mean() > never[once, 1].mean()
