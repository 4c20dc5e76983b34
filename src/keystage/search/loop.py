"""The search itself: propose, fit fold by fold in several processes, tell, until a limit is reached.

What a search does next depends on what its trials gave and on nothing else, so a log of the fits is all that is needed
to go on after a kill or with a longer budget: known fits are answered from it at once (``keystage.search.history``).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from keystage.search.ensemble import eligible
from keystage.search.fitting import Done, Job
from keystage.search.history import TrialLog
from keystage.search.limits import Fitting, Limits
from keystage.search.metrics import Metric
from keystage.search.schedule import LOOKAHEAD, Schedule
from keystage.search.trials import End, FoldResult, Proposal, StoppedBy, Trial

OnTrial = Callable[[Trial], None]
OUTRUN_BY = 0.5  # deviations between folds by which a trial may be worse than its learner's best on the first fold
_TICK = 0.5  # seconds between two looks at the clock


@dataclass
class _Open:
    """A trial under way, and the best one of its learner that was known when it was proposed."""

    number: int
    proposal: Proposal
    rival: Trial | None
    folds: dict[int, FoldResult] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)

    @property
    def seconds(self) -> float:
        return sum(fold.seconds for fold in self.folds.values())


class Search:
    """One search.

    Args:
        schedule: proposes.
        fitting: fits.
        log: remembers.
        metric: which way is better.
        folds: on which each trial is scored.
        limits: what ends it.
        reserve: seconds that must be left of the budget for what follows the search, by the trials so far.
        begun: when the budget began, on ``time.monotonic``'s clock.
        on_trial: called with each trial, in their order.
    """

    def __init__(
        self,
        schedule: Schedule,
        fitting: Fitting,
        log: TrialLog,
        metric: Metric,
        folds: int,
        limits: Limits,
        reserve: Callable[[Sequence[Trial]], float],
        begun: float,
        on_trial: OnTrial,
    ) -> None:
        self.trials: list[Trial] = []
        self._schedule, self._fitting, self._log, self._metric = schedule, fitting, log, metric
        self._folds, self._limits, self._reserve, self._on_trial = folds, limits, reserve, on_trial
        self._open: dict[int, _Open] = {}
        self._closed: dict[int, Trial] = {}
        self._told = 0
        self._must_know = 0  # trials that must be told before the next is proposed, beyond the usual
        self._begun = begun
        self.recalled = 0
        self._before = min(log.seconds, limits.seconds) if limits.seconds is not None else log.seconds
        self._stop: StoppedBy | None = None
        self._reserved_at, self._reserved = -1, 0.0
        self._kept: dict[str, Proposal] = {}

    @property
    def elapsed(self) -> float:
        """Seconds since the search began, those of the runs that it continues included."""
        return self._before + time.monotonic() - self._begun

    def run(self) -> StoppedBy:
        """Search until a limit is reached. Returns which one it was."""
        while True:
            while self._propose() or self._recall():
                pass
            if not self._open and self._stop is not None:
                return self._stop
            if self._time_left() <= 0:
                return StoppedBy.time_budget
            for trial, fold in self._waiting():
                if not self._fitting.idle:
                    break
                self._begin(trial, fold)
            for done in self._fitting.wait(min(_TICK, self._time_left())):
                self._add(done)

    def _time_left(self) -> float:
        if self._limits.seconds is None:
            return float("inf")
        if len(self._closed) != self._reserved_at:
            self._reserved_at, self._reserved = len(self._closed), self._reserve(list(self._closed.values()))
        return self._limits.seconds - self._reserved - self.elapsed

    def _propose(self) -> bool:
        """Open the next trial, if what it must know is known. Returns whether one was opened."""
        number = len(self._open) + len(self._closed) + 1
        must_know = max(number - LOOKAHEAD, self._must_know)
        while self._told < must_know and self._told + 1 in self._closed:
            self._tell(self._closed[self._told + 1])
        if self._stop is None and self._limits.trials is not None and number > self._limits.trials:
            self._stop = StoppedBy.max_trials
        if self._stop is not None or self._told < must_know:
            return False
        proposal = self._schedule.ask()
        if proposal is not None:
            self._open[number] = _Open(number, proposal, self._schedule.best_of(proposal.learner))
            return True
        if self._must_know == number - 1:
            self._stop = StoppedBy.exhausted
        self._must_know = number - 1  # what is under way may show where to go on
        return self._stop is None

    def _tell(self, trial: Trial) -> None:
        self._told = trial.number
        self._schedule.tell(trial)
        best = self._best(self._told)
        if best is None or best.score is None or self._stop is not None:
            return
        target, patience = self._limits.target_score, self._limits.patience
        if target is not None and self._metric.loss(best.score) <= self._metric.loss(target):
            self._stop = StoppedBy.target_score
        elif patience is not None and self._told - max(best.number, self._schedule.opening) >= patience:
            self._stop = StoppedBy.patience

    def _best(self, told: int) -> Trial | None:
        scored = [trial for number, trial in self._closed.items() if number <= told and trial.score is not None]
        return min(scored, key=lambda trial: (self._metric.loss(trial.score or 0.0), trial.number), default=None)

    def _recall(self) -> bool:
        """Answer one fit from the log. Returns whether there was one."""
        for trial, fold in self._waiting():
            known = self._log.recall(
                trial.proposal, fold, self._trial_limit(), self._limits.memory, self._limits.of_boosting(self._folds)
            )
            seconds = self._limits.seconds
            if known and (seconds is None or self._log.ended_at(trial.proposal, fold) <= seconds):
                trial.begun.add(fold)
                self.recalled += 1
                self._take(trial, fold, known)
                return True
        return False

    def _waiting(self) -> Iterator[tuple[_Open, int]]:
        """Fits that could be begun, those of the earliest trial first."""
        for trial in list(self._open.values()):
            folds = range(self._folds) if 0 in trial.folds else range(1)
            for fold in folds:
                if fold not in trial.begun:
                    yield trial, fold

    def _trial_limit(self) -> float | None:
        """Seconds that a trial may take; as long as none has a score, the rest of the budget unless one is set."""
        if self._limits.trial_seconds is None and self._best(len(self._closed) + len(self._open)) is None:
            return None
        return self._limits.of_trial

    def _begin(self, trial: _Open, fold: int) -> None:
        trial.begun.add(fold)
        limit, boosting = self._trial_limit(), self._limits.of_boosting(self._folds)
        hard = None if limit is None else max(0.1, limit - trial.seconds)
        # No fold boosts beyond the end of the search.
        soft = None if boosting is None else min(boosting, self._time_left())
        self._fitting.begin(Job(trial.proposal, fold), soft, hard)

    def _add(self, done: Done) -> None:
        """A fit that was done now; one of a trial that has ended meanwhile is of no use."""
        proposal, fold, result = done.job.proposal, done.job.fold, done.result
        assert fold is not None
        boosting = self._limits.of_boosting(self._folds) if result.cut else None
        limits = {End.timeout: self._trial_limit(), End.memory: self._limits.memory, End.complete: boosting}
        self._log.add(proposal, fold, result, at=self.elapsed, limit=limits.get(result.end))
        for trial in self._open.values():
            if trial.proposal == proposal:
                self._take(trial, fold, result)
                return

    def _take(self, trial: _Open, fold: int, result: FoldResult) -> None:
        trial.folds[fold] = result
        end = result.end
        if end is End.complete and fold == 0 and self._folds > 1:
            end = self._after_first_fold(trial, result)
        if end is not End.complete or len(trial.folds) == self._folds:
            self._close(trial, end)

    def _after_first_fold(self, trial: _Open, first: FoldResult) -> End:
        limit = self._trial_limit()
        if limit is not None and first.seconds * self._folds > limit:
            return End.timeout
        best = trial.rival
        if trial.number <= self._schedule.opening or best is None or first.score is None:
            return End.complete
        mean = sum(best.fold_scores) / self._folds
        deviation = (sum((score - mean) ** 2 for score in best.fold_scores) / self._folds) ** 0.5
        worse = self._metric.loss(first.score) - self._metric.loss(best.fold_scores[0])
        return End.outrun if worse > OUTRUN_BY * deviation else End.complete

    def _close(self, trial: _Open, end: End) -> None:
        ordered = tuple(trial.folds[fold] for fold in sorted(trial.folds))
        del self._open[trial.number]
        self._closed[trial.number] = Trial(trial.number, trial.proposal, ordered, end)
        while len(self.trials) + 1 in self._closed:
            self.trials.append(self._closed[len(self.trials) + 1])
            self._on_trial(self.trials[-1])
        self._let_go(self._closed[trial.number])

    def _let_go(self, trial: Trial) -> None:
        """Keep the files of those trials only that may become part of the model."""
        stay = {
            item.proposal.key for item in eligible(list(self._closed.values()), self._metric, self._schedule.opening)
        }
        self._kept[trial.proposal.key] = trial.proposal
        gone = [key for key in self._kept if key not in stay]
        self._log.let_go(self._kept.pop(key) for key in gone)

    def first_folds(self) -> list[Trial]:
        """Trials under way that were scored on their first fold, as if that were all."""
        done = [(trial, trial.folds.get(0)) for trial in self._open.values()]
        return [
            Trial(trial.number, trial.proposal, (first,)) for trial, first in done if first and first.score is not None
        ]

    def finished(self) -> list[Trial]:
        """All trials that have come to an end, in their order; with several fits at a time, there may be gaps."""
        return [self._closed[number] for number in sorted(self._closed)]
