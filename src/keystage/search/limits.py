"""What ends a search and its trials, and what a search asks of those who fit."""

from dataclasses import dataclass
from typing import Protocol

from keystage.search.fitting import Done, Job

# Of the time budget, where no trial_timeout is set: what a trial's fits may take together, and after which share of it
# boosting stops by itself.
TRIAL_SHARE, BOOSTING_SHARE = 0.5, 0.5


class Fitting(Protocol):
    """Where fits are done."""

    @property
    def idle(self) -> int:
        """Fits that could be begun now."""

    def begin(self, job: Job, soft: float | None, hard: float | None) -> None:
        """Begin a fit, with seconds after which boosting stops by itself, and after which it is stopped."""

    def wait(self, seconds: float) -> list[Done]:
        """Fits that have ended, at the latest after some seconds."""


@dataclass(frozen=True)
class Limits:
    """What ends a search; None for no limit.

    Attributes:
        seconds: since it began, over all runs that it was continued in.
        trials: number of trials.
        trial_seconds: sum over the fits of one trial.
        memory: megabytes, noted with fits that were stopped for it.
        target_score: a search ends when a trial is as good.
        patience: trials without a better one, after every start has been tried.
    """

    seconds: float | None = None
    trials: int | None = None
    trial_seconds: float | None = None
    memory: int | None = None
    target_score: float | None = None
    patience: int | None = None

    @property
    def of_trial(self) -> float | None:
        """Seconds that one trial may take."""
        if self.trial_seconds is not None or self.seconds is None:
            return self.trial_seconds
        return self.seconds * TRIAL_SHARE

    def of_boosting(self, folds: int) -> float | None:
        """Seconds after which boosting on one of so many folds stops by itself, with the trees it has."""
        return None if self.of_trial is None else self.of_trial * BOOSTING_SHARE / folds
