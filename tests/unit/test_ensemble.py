"""Greedy selection helps where trials differ, and takes one alone where it does not help."""

import numpy as np
import pytest

from keystage.search.ensemble import CANDIDATES, Candidate, Truth, eligible, select, weighted_mean, without
from keystage.search.metrics import Metric, metric_of
from keystage.search.trials import End, FoldResult, Proposal, Trial

RNG = np.random.default_rng(5)
TARGET = [RNG.normal(size=80), RNG.normal(size=60)]
TRUTH = Truth(TARGET, [None, None])
RMSE = metric_of("rmse")


def _candidate(number: int, said: list[np.ndarray], metric: Metric = RMSE, learner: str = "lgbm") -> Candidate:
    folds = tuple(
        FoldResult(metric.score(target, predicted), 0.1) for target, predicted in zip(TARGET, said, strict=True)
    )
    return Candidate(Trial(number, Proposal(learner, {"n": number}), folds), said)


def _noisy(deviation: float) -> list[np.ndarray]:
    return [target + RNG.normal(0, deviation, len(target)) for target in TARGET]


def test_trials_that_err_differently_are_better_together() -> None:
    candidates = [_candidate(number, _noisy(0.5 + number / 100)) for number in range(1, 7)]

    chosen = select(candidates, TRUTH, RMSE, most_members=10)

    assert len(chosen.members) > 3
    assert sum(member.weight for member in chosen.members) == pytest.approx(1)
    best_alone = min(item.trial.score or 0.0 for item in candidates)
    assert chosen.score < 0.8 * best_alone
    mean = weighted_mean(candidates, chosen.members)
    assert [RMSE.score(target, said) for target, said in zip(TARGET, mean, strict=True)] == list(chosen.fold_scores)


def test_no_more_members_than_asked_for() -> None:
    candidates = [_candidate(number, _noisy(0.5)) for number in range(1, 7)]

    for most in (1, 2, 3):
        assert len(select(candidates, TRUTH, RMSE, most).members) <= most
    assert select(candidates, TRUTH, RMSE, 1).note == "one trial alone was asked for"


def test_one_alone_where_no_mean_is_better() -> None:
    candidates = [_candidate(1, _noisy(0.01)), _candidate(2, _noisy(3.0)), _candidate(3, _noisy(4.0))]

    chosen = select(candidates, TRUTH, RMSE, most_members=5)

    assert [(member.trial.number, member.weight) for member in chosen.members] == [(1, 1.0)]
    assert "no mean of trials scores better" in chosen.note
    assert select(candidates[:1], TRUTH, RMSE, 5).note == "there is one trial only"


def test_a_choice_whose_time_is_over_is_the_best_alone() -> None:
    candidates = [_candidate(number, _noisy(0.5)) for number in range(1, 7)]

    assert len(select(candidates, TRUTH, RMSE, 5, ends=0.0).members) == 1


def test_members_that_could_not_be_fitted_leave_their_weight_to_the_others() -> None:
    candidates = [_candidate(number, _noisy(0.5)) for number in range(1, 7)]
    chosen = select(candidates, TRUTH, RMSE, most_members=4)
    gone = chosen.members[0].trial.number

    left, _ = without(chosen, candidates, TRUTH, RMSE, {item.trial.number for item in chosen.members} - {gone})

    assert gone not in {member.trial.number for member in left.members}
    assert sum(member.weight for member in left.members) == pytest.approx(1)
    assert "1 of them could not be fitted" in left.note


def test_the_best_of_all_and_the_best_of_each_learner_may_become_members() -> None:
    def trial(number: int, learner: str, score: float) -> Trial:
        return Trial(number, Proposal(learner, {"n": number}), (FoldResult(score, 0.1),))

    many = [trial(number, "lgbm", number / 100) for number in range(1, 41)]
    weak = [trial(50, "lrl1", 9.0), trial(51, "lrl1", 8.0), trial(52, "lrl1", 7.0)]
    failed = Trial(60, Proposal("rf", {}), (FoldResult(None, 0.1, end=End.failed, error="no"),), End.failed)

    chosen = [item.number for item in eligible([*many, *weak, failed], RMSE, starts=60)]

    assert chosen == [*range(1, CANDIDATES + 1), 52, 51]


def test_a_step_counts_where_it_clearly_beats_its_learners_best_start() -> None:
    def trial(number: int, learner: str, *scores: float) -> Trial:
        return Trial(number, Proposal(learner, {"n": number}), tuple(FoldResult(score, 0.1) for score in scores))

    starts = [trial(1, "lgbm", 1.0, 1.2, 0.9), trial(2, "lgbm", 2.0, 2.2, 1.9), trial(3, "rf", 1.5, 1.6, 1.4)]
    lucky, clear = trial(4, "lgbm", 0.6, 1.3, 0.8), trial(5, "lgbm", 0.8, 1.01, 0.69)
    other = trial(6, "svm", 1.4, 1.4, 1.4)  # has no start of its own to be held against

    def chosen(count: int) -> list[int]:
        return [item.number for item in eligible([*starts, lucky, clear, other], RMSE, count)]

    assert chosen(3) == [5, 1, 6, 3, 2]
    assert chosen(6) == [5, 4, 1, 6, 3, 2]
    one_fold = [trial(1, "lgbm", 1.0), trial(2, "lgbm", 0.9)]
    assert [item.number for item in eligible(one_fold, RMSE, 1)] == [2, 1], "with one fold nobody knows"
