"""Which trial comes next: the strong starts of every learner first, then steps from the best of them.

Trial k is proposed knowing what the trials up to k - ``LOOKAHEAD`` gave, and no other. So the order depends on data,
seed and settings alone, whatever the number of fits at the same time, while there is always work for several cores.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from keystage.search.learners.catalogue import portfolio
from keystage.search.learners.learner import Learner, Point, Space
from keystage.search.metrics import Metric
from keystage.search.trials import Proposal, Trial

LOOKAHEAD = 4
# Turns of the learners, by their rank: the best one gets the most, and each has its turn.
_TURNS = (0, 1, 0, 2, 0, 1, 3, 0, 1, 2, 4)
_ATTEMPTS = 20  # steps that lead to what has been tried, before another learner has its turn
# Cells of a training part (rows x columns) from which learners are first tried on a sample of the rows.
SAMPLED_CELLS = 1_000_000
_LEAST_SAMPLE = 2000  # rows


class Steps(Protocol):
    """A search in one learner's space, from one point on."""

    def ask(self) -> Point | None:
        """A point to try; None when the search has come to its end."""

    def tell(self, point: Point, loss: float | None) -> None:
        """How a point that was asked for did; None where it has no score."""


StepsFrom = Callable[[Space, Point, float, int], Steps]  # space, start, its loss, seed


class Schedule:
    """Proposes one trial after the other.

    Args:
        learners: those to be tried.
        metric: which way is better.
        rows: training rows of a fold.
        columns: of the table.
        seed: equal seeds propose equal trials.
        steps_from: makes the search in one learner's space.

    Attributes:
        opening: how many trials come before the first step from the best; no patience is lost before them.
    """

    def __init__(
        self, learners: Sequence[Learner], metric: Metric, rows: int, columns: int, seed: int, steps_from: StepsFrom
    ) -> None:
        self._learners = {learner.name: learner for learner in learners}
        self._metric, self._seed, self._steps_from = metric, seed, steps_from
        sample = max(_LEAST_SAMPLE, SAMPLED_CELLS // max(1, columns))
        starts = [(turn, Proposal(learner.name, point)) for turn, learner, point in portfolio(learners)]
        self._rounds = {proposal.key: turn for turn, proposal in starts}
        self._starts = [proposal for _, proposal in starts]
        self._sample = sample if rows > 2 * sample else None
        self._sampled = [replace(proposal, rows=self._sample) for proposal in self._starts] if self._sample else []
        self.opening = len(self._sampled) + len(self._starts)
        self._proposed: dict[str, Proposal] = {}
        self._told: list[Trial] = []
        self._steps: dict[str, Steps] = {}
        self._turn = 0

    def tell(self, trial: Trial) -> None:
        """How the next trial in order did."""
        self._told.append(trial)
        steps = self._steps.get(trial.estimator)
        if steps is not None and trial.proposal.rows is None:
            steps.tell(trial.proposal.point, self._loss(trial))

    def ask(self) -> Proposal | None:
        """The next trial; None when nothing new is left."""
        proposal = self._opening() or self._step()
        if proposal is not None:
            self._proposed[proposal.key] = proposal
        return proposal

    def best_of(self, learner: str) -> Trial | None:
        """The best trial of a learner on all rows, of those that were told."""
        return self._best({learner: self._learners[learner]}).get(learner)

    def _opening(self) -> Proposal | None:
        if self._sampled:
            return self._sampled.pop(0)
        if not self._starts:
            return None
        rank = self._rank_by_standing() if self._sample is None else self._rank_by_sample()
        best = min(self._starts, key=rank)
        self._starts.remove(best)
        return best

    def _rank_by_sample(self) -> Callable[[Proposal], float]:
        """Those first that did best on the sample; of those not told yet, in the portfolio's order."""
        losses = {
            Proposal(trial.estimator, trial.proposal.point).key: self._loss(trial)
            for trial in self._told
            if trial.proposal.rows is not None
        }

        def rank(proposal: Proposal) -> float:
            loss = losses.get(proposal.key, 0.0)
            return float("inf") if loss is None else loss

        return rank

    def _rank_by_standing(self) -> Callable[[Proposal], float]:
        """Each learner's first start; then those of better learners earlier, a place for a round."""
        places = {name: place for place, name in enumerate(self._standing())}

        def rank(proposal: Proposal) -> float:
            number = self._rounds[proposal.key]
            return number + places.get(proposal.learner, len(self._learners)) if number else -1

        return rank

    def _step(self) -> Proposal | None:
        """One step of the learner whose turn it is."""
        best = self._standing()
        movable = [name for name in best if self._learners[name].space]
        for _ in range(len(_TURNS) * 2 if movable else 0):
            name = movable[_TURNS[self._turn % len(_TURNS)] % len(movable)]
            self._turn += 1
            for _ in range(_ATTEMPTS):
                point = self._stepping(name, best[name]).ask()
                if point is None:
                    del self._steps[name]  # from the best anew, with another seed
                    break
                proposal = Proposal(name, point)
                if proposal.key not in self._proposed:
                    return proposal
                self._steps[name].tell(point, self._known_loss(proposal))
        return None

    def _stepping(self, name: str, best: Trial) -> Steps:
        if name not in self._steps:
            learner = self._learners[name]
            loss = self._loss(best)
            assert loss is not None
            seed = self._seed + 1000 * list(self._learners).index(name) + self._turn
            self._steps[name] = self._steps_from(learner.space, best.proposal.point, loss, seed)
        return self._steps[name]

    def _standing(self) -> dict[str, Trial]:
        """The best trial of each learner that has one, the best learner first."""
        best = self._best(self._learners)
        return {name: best[name] for name in sorted(best, key=lambda name: (self._loss(best[name]) or 0.0, name))}

    def _best(self, learners: Mapping[str, Learner]) -> dict[str, Trial]:
        best: dict[str, Trial] = {}
        for trial in self._told:
            if trial.score is None or trial.proposal.rows is not None or trial.estimator not in learners:
                continue
            loss = self._metric.loss(trial.score)
            if trial.estimator not in best or loss < (self._loss(best[trial.estimator]) or 0.0):
                best[trial.estimator] = trial
        return best

    def _loss(self, trial: Trial) -> float | None:
        return None if trial.score is None else self._metric.loss(trial.score)

    def _known_loss(self, proposal: Proposal) -> float | None:
        return next((self._loss(trial) for trial in self._told if trial.proposal.key == proposal.key), None)
