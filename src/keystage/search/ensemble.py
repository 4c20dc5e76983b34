"""Which trials become the model, and with which weights: greedy selection over out-of-fold predictions.

Caruana et al. 2004, "Ensemble selection from libraries of models": the member that helps most is added again and again,
so that the share of its picks becomes its weight. Azure ML SDK v1 and AutoGluon do the same.
"""

import time
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import mean, stdev
from typing import TYPE_CHECKING

from keystage.search import many
from keystage.search.metrics import Metric
from keystage.search.trials import Trial, ranked

if TYPE_CHECKING:
    import numpy as np

CANDIDATES = 25  # best trials that may become members,
PER_LEARNER = 2  # and so many of each learner, for the sake of difference
ROUNDS = 40  # picks, of which the best number counts
CLEARLY = 2.0  # standard errors by which a step must beat its learner's best start (docs/adr/0012)


@dataclass(frozen=True)
class Candidate:
    """A trial with what its fold models said.

    Attributes:
        trial: how it scored.
        predicted: for each fold, n_f x k probabilities or n_f values of its validation rows.
    """

    trial: Trial
    predicted: Sequence["np.ndarray"]


@dataclass(frozen=True)
class Truth:
    """What is true of the folds' validation rows.

    Attributes:
        target: for each fold, n_f codes or values.
        weights: for each fold, n_f weights by which rows count; None for equal ones.
        offset: for each fold, n_f, what values are learnt as differences to; None where they are learnt as they are.
    """

    target: Sequence["np.ndarray"]
    weights: Sequence["np.ndarray | None"]
    offset: Sequence["np.ndarray"] | None = None

    def offset_of(self, fold: int) -> "np.ndarray | float":
        """What predictions of a fold's rows are on top of."""
        return 0.0 if self.offset is None else self.offset[fold]


@dataclass(frozen=True)
class Member:
    """A trial and its share in the model, between 0 and 1."""

    trial: Trial
    weight: float


@dataclass(frozen=True)
class Ensemble:
    """The members of the model, the heaviest first, with what their mean says out of fold.

    Attributes:
        members: at least one.
        fold_scores: of the weighted mean.
        note: why it is one trial alone, or what the members gain.
    """

    members: tuple[Member, ...]
    fold_scores: tuple[float, ...]
    note: str

    @property
    def score(self) -> float:
        """Mean over the folds."""
        return sum(self.fold_scores) / len(self.fold_scores)


def eligible(trials: Sequence[Trial], metric: Metric, starts: int) -> list[Trial]:
    """Trials that may become members, best first: the best of all, and the best of each learner.

    Of many steps from the best some are better by luck alone, most so where rows are few. So a step counts where it
    beats its learner's best start clearly on the same folds; with one fold, nobody knows, and each counts.

    Args:
        trials: that have ended.
        metric: the score.
        starts: how many came first that are no steps.
    """
    scored = [trial for trial in ranked(trials, metric) if trial.score is not None]
    best: dict[str, Trial] = {}
    for trial in scored:
        if trial.number <= starts and trial.proposal.rows is None:
            best.setdefault(trial.estimator, trial)
    seen: Counter[str] = Counter()
    chosen: list[Trial] = []
    place = 0
    for trial in scored:
        start = best.get(trial.estimator)
        if trial.number > starts and start is not None and not _is_clearly_better(trial, start, metric):
            continue
        seen[trial.estimator] += 1
        if place < CANDIDATES or seen[trial.estimator] <= PER_LEARNER:
            chosen.append(trial)
        place += 1
    return chosen


def _is_clearly_better(trial: Trial, start: Trial, metric: Metric) -> bool:
    folds = len(trial.fold_scores)
    if folds < 2 or folds != len(start.fold_scores):
        return True
    gains = [metric.loss(old) - metric.loss(new) for old, new in zip(start.fold_scores, trial.fold_scores, strict=True)]
    return mean(gains) > CLEARLY * stdev(gains) / sqrt(folds)


def select(
    candidates: Sequence[Candidate], truth: Truth, metric: Metric, most_members: int, ends: float | None = None
) -> Ensemble:
    """The members whose weighted mean scores best out of fold; one alone where no mean is better.

    Args:
        candidates: best first.
        truth: of the same folds.
        metric: the score.
        most_members: different trials in the model at most.
        ends: time on ``time.monotonic``'s clock after which no more is picked; None for no limit.
    """
    import numpy as np

    best_alone = candidates[0]
    single = Ensemble((Member(best_alone.trial, 1.0),), best_alone.trial.fold_scores, "")
    if most_members == 1:
        return replace(single, note="one trial alone was asked for")
    if len(candidates) == 1:
        return replace(single, note="there is one trial only")
    stacked = [np.stack([item.predicted[fold] for item in candidates]) for fold in range(len(truth.target))]
    picks: list[int] = [0]
    totals = [fold[0].copy() for fold in stacked]
    best_picks, best_loss = list(picks), metric.loss(single.score)
    while len(picks) < ROUNDS and (ends is None or time.monotonic() < ends):
        allowed = _allowed(picks, len(candidates), most_members)
        losses = np.mean(
            [
                _losses(metric, target, (total + fold[allowed]) / (len(picks) + 1), weights)
                for fold, total, target, weights in zip(stacked, totals, truth.target, truth.weights, strict=True)
            ],
            axis=0,
        )
        place = int(np.argmin(losses))
        picks.append(allowed[place])
        totals = [total + fold[picks[-1]] for total, fold in zip(totals, stacked, strict=True)]
        if losses[place] < best_loss - abs(best_loss) * 1e-9:
            best_picks, best_loss = list(picks), float(losses[place])
    shares = Counter(best_picks)
    if len(shares) == 1:
        return replace(single, note="no mean of trials scores better out of fold than the best one alone")
    members = [Member(candidates[place].trial, count / len(best_picks)) for place, count in shares.items()]
    members.sort(key=lambda member: (-member.weight, member.trial.number))
    predicted = weighted_mean(candidates, members)
    chosen = Ensemble(tuple(members), fold_scores(predicted, truth, metric), "")
    if metric.loss(chosen.score) >= metric.loss(single.score):
        return replace(single, note="no mean of trials scores better out of fold than the best one alone")
    return replace(chosen, note=f"{len(members)} trials, chosen greedily out of {len(candidates)}")


def without(
    chosen: Ensemble, candidates: Sequence[Candidate], truth: Truth, metric: Metric, fitted: Container[int]
) -> tuple[Ensemble, list["np.ndarray"]]:
    """What is left of an ensemble when only some members, named by trial, were fitted; and what it says per fold."""
    members = [member for member in chosen.members if member.trial.number in fitted]
    if len(members) == len(chosen.members):
        return chosen, weighted_mean(candidates, members)
    total = sum(member.weight for member in members)
    members = [Member(member.trial, member.weight / total) for member in members]
    predicted = weighted_mean(candidates, members)
    note = f"{chosen.note}; {len(chosen.members) - len(members)} of them could not be fitted"
    return Ensemble(tuple(members), fold_scores(predicted, truth, metric), note), predicted


def weighted_mean(candidates: Sequence[Candidate], members: Sequence[Member]) -> list["np.ndarray"]:
    """For each fold, what the members say together of its validation rows."""
    by_number = {item.trial.number: item for item in candidates}
    folds = len(candidates[0].predicted)
    return [
        sum(member.weight * by_number[member.trial.number].predicted[fold] for member in members)  # type: ignore[misc]
        for fold in range(folds)
    ]


def fold_scores(predicted: Sequence["np.ndarray"], truth: Truth, metric: Metric) -> tuple[float, ...]:
    """The metric of each fold's predictions."""
    return tuple(
        metric.score(target, said, weights)
        for target, said, weights in zip(truth.target, predicted, truth.weights, strict=True)
    )


def _allowed(picks: Sequence[int], candidates: int, most_members: int) -> list[int]:
    """Those that may be picked: all, until as many different ones are in as may be."""
    chosen = sorted(set(picks))
    return chosen if len(chosen) >= most_members else list(range(candidates))


def _losses(
    metric: Metric, target: "np.ndarray", predicted: "np.ndarray", weights: "np.ndarray | None"
) -> "np.ndarray":
    found = many.scores(metric, target, predicted, weights)
    return -found if metric.greater_is_better else found
