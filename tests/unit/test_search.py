"""A search repeats, keeps every trial, goes on where it stopped, and ends when it should."""

import json
import pickle
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold

from keystage.adapters.fit_processes import FitProcesses, write_material
from keystage.core.errors import SearchError
from keystage.data.spec import Task
from keystage.pipeline import workspace
from keystage.pipeline.final import reserve
from keystage.pipeline.members import member_models, seconds_to_fit
from keystage.pipeline.search import Found, learners_for, search
from keystage.search.assembly import model_of
from keystage.search.fitting import Material, fit_fold
from keystage.search.history import FITS, LOG, TrialLog, model_file, open_log, predictions_file
from keystage.search.learners.catalogue import LEARNERS, learner_named
from keystage.search.learners.learner import Setting
from keystage.search.metrics import Metric, metric_of
from keystage.search.names import ESTIMATORS, QUANTILE_ESTIMATORS
from keystage.search.spec import ClassWeight, EnsembleKind, FinalFit, SearchSpec
from keystage.search.standing import without_score
from keystage.search.trials import End, FoldResult, Proposal, StoppedBy, Trial, leaderboard, ranked
from keystage.search.validation import ValidationSpec
from keystage.search.weights import sample_weights, unweighed

RNG = np.random.default_rng(2)
X = RNG.normal(size=(240, 4))
X[RNG.random(X.shape) < 0.05] = np.nan
CODES = (np.nan_to_num(X[:, 0]) + np.nan_to_num(X[:, 1]) ** 2 + RNG.normal(size=240) > 0.8).astype(int)
NUMBERS = 3 * np.nan_to_num(X[:, 0]) - np.nan_to_num(X[:, 1]) + RNG.normal(0, 0.3, 240)
FAST = ["lgbm", "lrl2", "kneighbor"]


def _spec(**changes: object) -> SearchSpec:
    settings: dict[str, object] = {
        "metric": "roc_auc",
        "time_budget": None,
        "max_trials": 8,
        "trial_timeout": None,
        "memory_budget": None,
        "target_score": None,
        "patience": None,
        "validation": ValidationSpec(folds=3),
        "estimators": FAST,
        "exclude": [],
        "ensemble": EnsembleKind.greedy,
        "ensemble_size": 4,
        "final_fit": FinalFit.folds,
    }
    return SearchSpec(**(settings | changes))  # type: ignore[arg-type]


def _material(target: np.ndarray, metric: str, **given: Any) -> Material:
    task = Task.regression if target.dtype.kind == "f" else Task.classification
    classes = len(np.unique(target)) if task is Task.classification else 0
    folds = list(KFold(3, shuffle=True, random_state=1).split(X))
    return Material(X, target, folds, Setting(task, "squared", 1, classes), metric_of(metric), **given)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _search(
    spec: SearchSpec,
    *,
    target: np.ndarray = CODES,
    key: str = "a",
    cores: int = 2,
    seen: list[Trial] | None = None,
    **given: Any,
) -> Found:
    material = _material(target, spec.metric, **given)
    task, classes = material.setting.task, material.setting.classes
    learners, _ = learners_for(spec, task, 160, 4, classes)
    return search(
        material,
        learners,
        spec,
        key=key,
        seed=1,
        cores=cores,
        classes=list(range(classes)),
        begun=time.monotonic(),
        on_trial=(lambda _: None) if seen is None else seen.append,
    )


def _model(found: Found) -> Any:
    """The model as it is written and loaded."""
    return pickle.loads(pickle.dumps(found.final.model))


def _board(found: Found, metric: str = "roc_auc") -> pd.DataFrame:
    return leaderboard(found.trials, metric_of(metric))


def test_every_learner_that_suits_is_tried_and_every_trial_is_told_in_order() -> None:
    seen: list[Trial] = []

    found = _search(_spec(estimators=None, max_trials=12), seen=seen)

    assert [trial.number for trial in seen] == list(range(1, 13))
    assert list(found.trials) == seen
    learners, left_out = learners_for(_spec(estimators=None), Task.classification, 160, 4, 2)
    assert {trial.estimator for trial in seen} >= {learner.name for learner in learners}
    assert set(left_out) == {"sgd", "gaussian_nb", "catboost"}
    assert all(trial.end is End.complete and len(trial.fold_scores) == 3 for trial in seen[:11])
    assert found.stopped_by is StoppedBy.max_trials


def test_the_same_seed_gives_the_same_trials_and_model_on_any_number_of_cores() -> None:
    spec = _spec(estimators=["lgbm", "xgb_limitdepth", "extra_tree", "mlp"], max_trials=24)

    first, second = _search(spec, cores=1, key="one"), _search(spec, cores=3, key="three")

    pd.testing.assert_frame_equal(_board(first), _board(second))
    assert len(first.trials) > 14  # as many starts there are: the steps from the best repeat, too
    members = [
        [(member.trial.number, member.weight) for member in found.final.ensemble.members] for found in (first, second)
    ]
    assert members[0] == members[1]
    np.testing.assert_array_equal(_model(first).predict_proba(X), _model(second).predict_proba(X))


def test_numbers_are_searched_and_averaged() -> None:
    found = _search(_spec(metric="r2", estimators=["ridge", "lgbm", "rf"], max_trials=9), target=NUMBERS)

    best = ranked(found.trials, metric_of("r2"))[0]
    assert best.score is not None
    assert best.score > 0.8
    assert found.final.ensemble.score >= best.score
    shares = [member.weight for member in found.final.ensemble.members]
    members = [member.predict(X) for member in _model(found).estimators_]
    np.testing.assert_allclose(_model(found).predict(X), np.average(members, axis=0, weights=shares))


def test_more_trials_go_on_from_the_log_and_give_what_one_search_gives() -> None:
    short = _search(_spec(max_trials=7))
    longer = _search(_spec(max_trials=16))
    at_once = _search(_spec(max_trials=16), key="other")

    assert short.recalled == 0
    assert longer.recalled >= 7 + 2  # folds
    pd.testing.assert_frame_equal(_board(longer), _board(at_once))
    np.testing.assert_array_equal(_model(longer).predict_proba(X), _model(at_once).predict_proba(X))


def test_a_log_whose_last_line_was_cut_off_loses_that_fit_only() -> None:
    whole = _search(_spec())
    log = next((workspace.SEARCHES / "a").glob(LOG))
    text = log.read_text(encoding="utf-8")
    log.write_text(text[:-40], encoding="utf-8")

    again = _search(_spec())

    fits = sum(len(trial.folds) for trial in whole.trials)
    assert again.recalled == fits - 1
    pd.testing.assert_frame_equal(_board(again), _board(whole))
    assert len([json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]) == fits


@pytest.mark.parametrize("line", [b'{"trial": "5"}', b"[]", b"\xff\x00", b'{"trial": 1, "fold": 0, "end": "over"}'])
def test_a_line_of_the_log_that_says_nothing_loses_that_fit_only(line: bytes) -> None:
    whole = _search(_spec())
    log = workspace.SEARCHES / "a" / LOG
    lines = log.read_bytes().splitlines()
    log.write_bytes(b"\n".join([*lines[:4], line, *lines[5:]]) + b"\n")

    again = _search(_spec())

    assert again.recalled == len(lines) - 1
    pd.testing.assert_frame_equal(_board(again), _board(whole))


def test_fits_whose_files_are_gone_or_cut_off_are_made_again() -> None:
    whole = _search(_spec())
    member = whole.final.ensemble.members[0].trial.proposal
    fits = workspace.SEARCHES / "a" / FITS
    predictions_file(fits, member, 0).unlink()
    model_file(fits, member, 1).write_bytes(b"x")

    again = _search(_spec())

    assert again.recalled == sum(len(trial.folds) for trial in whole.trials)
    np.testing.assert_array_equal(_model(again).predict_proba(X), _model(whole).predict_proba(X))


def test_fewer_trials_after_more_give_what_they_give_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keystage.search.ensemble.CANDIDATES", 2)
    monkeypatch.setattr("keystage.search.ensemble.PER_LEARNER", 1)
    learners = ["lgbm", "mlp"]
    _search(_spec(max_trials=6, estimators=learners))  # lets go of what cannot be a member among so many
    fewer = _search(_spec(max_trials=2, estimators=learners))
    alone = _search(_spec(max_trials=2, estimators=learners), key="other")

    assert fewer.recalled == sum(len(trial.folds) for trial in fewer.trials)
    np.testing.assert_array_equal(_model(fewer).predict_proba(X), _model(alone).predict_proba(X))


def test_a_log_in_use_is_left_alone() -> None:
    _search(_spec(max_trials=3))
    before = (workspace.SEARCHES / "a" / LOG).read_bytes()
    with open_log(workspace.SEARCHES, "a"):
        found = _search(_spec(max_trials=4))

    assert found.recalled == 0
    assert (workspace.SEARCHES / "a" / LOG).read_bytes() == before
    assert not list(workspace.SEARCHES.glob("passing-*"))


def test_what_a_killed_run_left_beside_the_logs_is_cleared_away() -> None:
    (workspace.SEARCHES / "passing-1").mkdir(parents=True)

    _search(_spec(max_trials=1))

    assert [path.name for path in workspace.SEARCHES.iterdir() if path.is_dir()] == ["a"]


def test_only_the_newest_logs_are_kept() -> None:
    for number in range(5):
        _search(_spec(max_trials=1), key=f"search{number}")

    assert sorted(path.name for path in workspace.SEARCHES.iterdir() if path.is_dir()) == [
        "search2",
        "search3",
        "search4",
    ]


def test_a_time_budget_cuts_the_same_sequence_short() -> None:
    learners = ["lrl2", "kneighbor", "svm"]  # none that the clock could end early
    cut = _search(_spec(max_trials=None, time_budget=8.0, trial_timeout=60.0, estimators=learners), key="cut")
    whole = _search(_spec(max_trials=len(cut.trials) + 6, estimators=learners), key="whole")

    assert cut.stopped_by is StoppedBy.time_budget
    scores = {trial.number: trial.fold_scores for trial in whole.trials}
    assert cut.trials
    assert all(trial.fold_scores == scores[trial.number] for trial in cut.trials)


def test_boosting_that_the_clock_cut_short_is_not_taken_where_it_may_go_on(tmp_path: Path) -> None:
    proposal = Proposal("lgbm", LEARNERS["lgbm"].starts[0])
    material = _material(CODES, "log_loss")
    log = TrialLog(tmp_path / "log")
    hurried = fit_fold(material, proposal, 0, log.fits, seconds=1e-9)
    log.add(proposal, 0, hurried, at=1.0, limit=1.0)

    assert hurried.cut
    assert hurried.found["n_estimators"] < fit_fold(material, proposal, 0, log.fits, None).found["n_estimators"]
    assert log.recall(proposal, 0, seconds=5.0, memory=None, boosting=1.0) == hurried
    assert log.recall(proposal, 0, seconds=9.0, memory=None, boosting=2.0) is None
    assert log.recall(proposal, 0, seconds=None, memory=None, boosting=None) is None
    log.close()


def test_probabilities_that_do_not_sum_to_one_are_a_failed_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keystage.search.fitting.predict", lambda _, features, __: np.full((len(features), 2), 1.5))

    done = fit_fold(_material(CODES, "log_loss"), Proposal("lrl2", {"C": 1.0}), 0, tmp_path, None)

    assert (done.end, done.error) == (End.failed, "ValueError: its probabilities do not sum to 1")


def test_a_fit_that_was_stopped_is_tried_again_when_it_may_take_longer(tmp_path: Path) -> None:
    proposal, log = Proposal("lgbm", {}), TrialLog(tmp_path / "log")
    stopped = FoldResult(None, 2.0, end=End.timeout, error="stopped after 2.0 seconds")
    log.add(proposal, 0, stopped, at=1.0, limit=2.0)
    log.close()

    log = TrialLog(tmp_path / "log")
    assert log.recall(proposal, 0, seconds=2.0, memory=None, boosting=None) == stopped
    assert log.recall(proposal, 0, seconds=3.0, memory=None, boosting=None) is None
    assert log.recall(proposal, 0, seconds=None, memory=None, boosting=None) is None
    log.close()


def test_a_budget_too_small_for_one_trial_is_an_error() -> None:
    with pytest.raises(SearchError, match="no trial was done within 1e-06 seconds"):
        _search(_spec(time_budget=1e-6))


@pytest.mark.parametrize(
    ("change", "stopped_by", "most"),
    [
        ({"target_score": 0.6, "max_trials": 200}, StoppedBy.target_score, 12),
        ({"patience": 5, "max_trials": 400}, StoppedBy.patience, 399),
    ],
)
def test_a_search_ends_before_its_last_trial(change: dict[str, object], stopped_by: StoppedBy, most: int) -> None:
    found = _search(_spec(**change))

    assert found.stopped_by is stopped_by
    assert len(found.trials) <= most


def test_a_search_ends_when_no_learner_has_a_step_left(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nowhere:
        def __init__(self, *_: object) -> None:
            pass

        def ask(self) -> None:
            pass

    monkeypatch.setattr("keystage.pipeline.search.FlamlSteps", Nowhere)

    found = _search(_spec(max_trials=1000))

    assert found.stopped_by is StoppedBy.exhausted
    assert len(found.trials) == sum(len(learner_named(name).starts) for name in FAST)


def test_trials_that_lose_clearly_on_the_first_fold_are_not_fitted_on_the_others() -> None:
    found = _search(_spec(estimators=["lgbm", "mlp"], max_trials=40))

    outrun = [trial for trial in found.trials if trial.end is End.outrun]
    assert outrun
    assert all(len(trial.fold_scores) == 1 and trial.score is None for trial in outrun)
    assert not {trial.number for trial in outrun} & {item.trial.number for item in found.final.ensemble.members}


def test_a_metric_that_cannot_score_is_named_with_its_own_words(tmp_path: Path) -> None:
    def cost(_truth: np.ndarray, _predicted: np.ndarray) -> float:
        raise IndexError("no third column")

    material = replace(_material(CODES, "log_loss"), metric=Metric("project.metrics:cost", cost, weighs=False))

    done = fit_fold(material, Proposal("lrl2", {"C": 1.0}), 0, tmp_path, None)

    told = "ValueError: metric project.metrics:cost cannot score it: IndexError: no third column"
    assert (done.end, done.error) == (End.failed, told)
    assert without_score([Trial(1, Proposal("lrl2", {}), (done,), done.end)]) == [
        f"no trial came to a score of: lrl2 ({told})"
    ]


def test_rows_of_rare_classes_may_lack_in_a_fold() -> None:
    codes = CODES.copy()
    codes[:2] = 2

    found = _search(_spec(metric="log_loss", max_trials=4), target=codes)

    assert all(trial.end is End.complete for trial in found.trials)
    assert set(found.final.fitted_on.values()) <= {FinalFit.folds, FinalFit.all_rows}
    assert _model(found).predict_proba(X).shape == (240, 3)


def test_weights_change_fits_and_scores() -> None:
    heavy = np.where(np.nan_to_num(X[:, 0]) > 0, 10.0, 0.1)
    plain = _search(_spec(max_trials=3))
    weighted = _search(_spec(max_trials=3), key="weighted", fit_weights=heavy, score_weights=heavy)
    balanced = sample_weights(pd.Series(CODES), None, balanced=True)
    in_balance = _search(_spec(max_trials=3, class_weight=ClassWeight.balanced), key="b", fit_weights=balanced)

    assert len({tuple(found.trials[0].fold_scores) for found in (plain, weighted, in_balance)}) == 3
    learners, _ = learners_for(_spec(), Task.classification, 160, 4, 2)
    assert unweighed(learners, None) == []
    assert unweighed(learners, heavy)[0].endswith("says: kneighbor")
    means = [_model(found).predict_proba(X)[:, 1].mean() for found in (plain, in_balance)]
    assert means[1] > means[0]  # class 1 is the rarer one


def test_one_trial_alone_can_be_asked_for_and_fitted_on_all_rows() -> None:
    found = _search(_spec(ensemble=EnsembleKind.none, final_fit=FinalFit.all_rows, estimators=["lgbm"]))

    (member,) = found.final.ensemble.members
    assert member.trial == ranked(found.trials, metric_of("roc_auc"))[0]
    assert found.final.fitted_on == {member.trial.number: FinalFit.all_rows}
    (model,) = _model(found).estimators_
    assert model.n_estimators == round(np.mean([fold.found["n_estimators"] for fold in member.trial.folds]))


def test_fold_models_stand_for_members_that_there_is_no_time_to_fit_on_all_rows(tmp_path: Path) -> None:
    material, spec = _material(CODES, "roc_auc"), _spec(time_budget=60.0, max_trials=None)
    log, trials = TrialLog(tmp_path), []
    for number, (name, seconds) in enumerate([("lrl2", 0.1), ("svm", 40.0), ("lgbm", 0.1)], start=1):
        proposal = Proposal(name, LEARNERS[name].starts[0])
        done = [replace(fit_fold(material, proposal, fold, log.fits, None), seconds=seconds) for fold in range(3)]
        trials.append(Trial(number, proposal, tuple(done)))
    write_material(material, tmp_path / "material")
    processes = FitProcesses(1, tmp_path / "material", log.fits, None)

    models, fitted_on, notes = member_models(trials, material, spec, log, processes, time.monotonic() + 30)
    processes.close()

    assert set(models) == {1, 2, 3}
    assert fitted_on == {1: FinalFit.all_rows, 2: FinalFit.folds, 3: FinalFit.folds}  # lgbm is its folds' mean by right
    assert notes == ["not fitted on all rows for want of time: trial 2; where one has fold models, these stand for it"]
    assert len(models[2].estimators_) == 3
    least = seconds_to_fit(trials, material, spec, 1)
    assert 40 < least < 70
    assert reserve(trials, 3, material, spec, log, 1) < 60 * 0.1 + 3
    assert reserve(trials, 3, material, replace(spec, final_fit=FinalFit.all_rows), log, 1) > least
    log.close()


def test_the_model_takes_a_table_with_its_columns_whatever_they_are_called() -> None:
    found = _search(_spec())
    names = ["a[1]", "{b}", "c:d", 'e"f']
    table = pd.DataFrame(X, columns=names)

    model = model_of(_model(found), table)

    np.testing.assert_array_equal(model.predict_proba(table), _model(found).predict_proba(X))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict_proba(table[names[::-1]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time_budget": None, "max_trials": None}, "the search would not end"),
        ({"time_budget": 0.0}, "must be more than 0 seconds"),
        ({"time_budget": float("nan")}, "must be more than 0 seconds"),
        ({"trial_timeout": -1.0}, "automl.trial_timeout must be more than 0 seconds"),
        ({"target_score": float("nan")}, "automl.target_score must be a finite number or null, not nan"),
        ({"max_trials": 0}, "automl.max_trials must be 1 or more"),
        ({"patience": 0}, "automl.patience must be 1 or more"),
        ({"memory_budget": 10}, "automl.memory_budget must be 200 megabytes or more"),
        ({"ensemble_size": 0}, "automl.ensemble_size must be 1 or more"),
        ({"estimators": []}, "automl.estimators is empty"),
        ({"estimators": ["lgmb"]}, r"automl.estimators: lgmb is unknown: did you mean 'lgbm'\?"),
        ({"exclude": ["LightGMB"]}, r"automl.exclude: LightGMB is unknown: did you mean 'LightGBM'\?"),
        (
            {"estimators": ["lgmb", "FastLinearRegressor"]},
            r"lgmb is unknown: did you mean 'lgbm'\?; FastLinearRegressor is not part of keystage: lrl2 and sgd of",
        ),
        ({"estimators": ["TabnetClassifier"]}, "TabnetClassifier is not part of keystage: mlp is the network here"),
        ({"estimators": ["lgbm"], "exclude": ["LightGBM"]}, "automl.exclude takes out all"),
        ({"metric": "AUC"}, "automl.metric 'AUC' is unknown: take roc_auc"),
        ({"metric": "F1"}, r"automl.metric 'F1' is unknown: did you mean 'f1'\?"),
        ({"metric": "root_mean_squared_error"}, "is unknown: take rmse"),
        ({"metric": "AUC_weighted", "target_score": 2.0}, "target_score=2.0 cannot be reached: roc_auc_weighted is 1"),
        ({"metric": "quantile_loss:0.9", "target_score": -1.0}, "cannot be reached: quantile_loss:0.9 is 0 at best"),
        (
            {"metric": "project.costs:cost"},
            "'project.costs:cost' is unknown: your own are written project.metrics:name",
        ),
        ({"estimators": ["project.own:Own"]}, "is unknown: your own are written project.estimators:Name"),
        ({"threshold": "f2"}, "no threshold is best for f2, for it is unknown: choose from: accuracy"),
        ({"threshold": "recall"}, "it is perfect where every row is called the second class"),
        ({"threshold": "auto"}, "no threshold is best for roc_auc, for it is none of decided classes"),
        ({"metric": "quantile_loss:0.9", "ensemble": EnsembleKind.stacking}, "weighs means, not quantiles"),
        ({"metric": "quantile_loss:2"}, "must name a quantile between 0 and 1"),
    ],
)
def test_settings_that_cannot_be_searched_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _spec(**change)


@pytest.mark.parametrize(
    ("change", "task", "message"),
    [
        ({}, Task.regression, "'roc_auc' is none of regression"),
        ({"metric": "r2", "estimators": ["lrl1"]}, Task.regression, "lrl1 is not made for regression"),
        ({"metric": "quantile_loss:0.9"}, Task.classification, "is of numbers, not of classification"),
        ({"metric": "quantile_loss:0.9", "estimators": ["rf"]}, Task.regression, "rf predicts no quantiles"),
        (
            {"metric": "r2", "class_weight": ClassWeight.balanced},
            Task.regression,
            "weighs classes; regression has none",
        ),
    ],
)
def test_a_search_that_does_not_suit_the_task_is_refused(change: dict[str, object], task: Task, message: str) -> None:
    spec = _spec(**{"estimators": None, **change})
    with pytest.raises(ValueError, match=message):
        spec.require_suits(task)


def test_azures_names_of_learners_are_understood() -> None:
    spec = _spec(estimators=["LightGBM", "RandomForest", "lgbm"], exclude=["ExtremeRandomTrees"])

    assert spec.named() == ["lgbm", "rf"]
    learners, left_out = learners_for(_spec(estimators=None, exclude=["KNN"]), Task.classification, 160, 4, 2)
    assert "kneighbor" not in {learner.name for learner in learners}
    assert left_out["kneighbor"] == "automl.exclude names it"
    assert _spec(exclude=["TensorFlowDNN", "Prophet"]).exclude  # what is not here is out already


def test_advice_where_no_learner_is_left_names_one_that_is_not_excluded() -> None:
    small = [name for name in ESTIMATORS[Task.classification] if name not in {"svm", "lrl1", "gaussian_nb"}]
    with pytest.raises(SearchError, match="no learner is left") as raised:
        learners_for(_spec(estimators=None, exclude=small), Task.classification, 500_000, 10, 2)

    assert raised.value.fix in {
        f"name one to try it all the same: automl.estimators=[{name}], or take one off automl.exclude"
        for name in ("svm", "lrl1", "gaussian_nb")
    }
    spec = _spec(metric="quantile_loss:0.9", estimators=None, exclude=list(QUANTILE_ESTIMATORS))
    with pytest.raises(SearchError) as raised:
        learners_for(spec, Task.regression, 500_000, 10, 0)
    assert raised.value.fix == "take one off automl.exclude"


def test_learners_that_would_not_end_are_left_out_with_the_reason() -> None:
    learners, left_out = learners_for(_spec(estimators=None), Task.classification, 500_000, 10, 300)

    assert "500,000 training rows are more than 5,000" in left_out["svm"]
    assert "lgbm" in {learner.name for learner in learners}
