"""Trials, and the leaderboard that lists every one of them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from keystage.search.metrics import Metric

if TYPE_CHECKING:
    import pandas as pd


class StoppedBy(Enum):
    """Which limit ended a search."""

    max_trials = "max_trials"
    time_budget = "time_budget"
    target_score = "target_score"
    patience = "patience"
    exhausted = "exhausted"  # there was nothing left that had not been tried


class End(Enum):
    """How a trial ended. Only what was scored on all folds has a score."""

    complete = "complete"
    outrun = "outrun"  # worse on the first fold than its learner's best by more than the folds differ
    failed = "failed"
    timeout = "timeout"
    memory = "memory"


@dataclass(frozen=True)
class Proposal:
    """What a trial tries.

    Attributes:
        learner: FLAML's name of the learner, or the reference of one of the user's own.
        point: its hyperparameters.
        rows: training rows of a fold that it is fitted on; None for all of them.
    """

    learner: str
    point: Mapping[str, Any]
    rows: int | None = None

    @cached_property
    def key(self) -> str:
        """Equal for equal proposals."""
        text = json.dumps([self.learner, dict(self.point), self.rows], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class FoldResult:
    """One fit on the training rows of a fold.

    Attributes:
        score: the metric on the fold's validation rows; None where the fit came to no end.
        seconds: wall time of fit and prediction.
        found: what the fit found out, such as the number of trees; see ``Learner.found``.
        end: complete, or why there is no score.
        error: the learner's own words, where it failed.
        cut: whether boosting was ended by the clock, so that the fit does not repeat.
        errno: what the system said where the disk could not keep the fit; None of all others.
    """

    score: float | None
    seconds: float
    found: Mapping[str, Any] = field(default_factory=dict)
    end: End = End.complete
    error: str = ""
    cut: bool = False
    errno: int | None = None


@dataclass(frozen=True)
class Trial:
    """One proposal and how it did, fold by fold.

    Attributes:
        number: place in the search, from 1.
        proposal: what was tried.
        folds: results of the folds that were fitted, in their order.
        end: how it ended.
    """

    number: int
    proposal: Proposal
    folds: tuple[FoldResult, ...]
    end: End = End.complete

    @property
    def estimator(self) -> str:
        """Name of the learner."""
        return self.proposal.learner

    @property
    def name(self) -> str:
        """What it is called as a member of the model."""
        return f"{self.estimator.rpartition(':')[2]}_{self.number}"

    @property
    def fold_scores(self) -> tuple[float, ...]:
        """Scores of the folds that have one."""
        return tuple(fold.score for fold in self.folds if fold.score is not None)

    @cached_property
    def score(self) -> float | None:
        """Mean over the folds; None unless all were scored."""
        return sum(self.fold_scores) / len(self.fold_scores) if self.end is End.complete else None

    @property
    def seconds(self) -> float:
        """Wall time of its fits, one after the other."""
        return sum(fold.seconds for fold in self.folds)

    @property
    def error(self) -> str:
        """Why it failed, in the learner's words; empty where it did not."""
        return next((fold.error for fold in self.folds if fold.error), "")


def ranked(trials: Sequence[Trial], metric: Metric) -> list[Trial]:
    """Best first; of equals the earlier; those without a score last."""
    return sorted(
        trials,
        key=lambda trial: (
            trial.score is None,
            0.0 if trial.score is None else metric.loss(trial.score),
            trial.number,
        ),
    )


def found_on_folds(folds: Sequence[FoldResult]) -> dict[str, Any]:
    """What the folds' fits found out, as hyperparameters of one fit: the mean of each number, as a whole one."""
    names = {name: None for fold in folds for name in fold.found}
    return {name: round(sum(fold.found[name] for fold in folds) / len(folds)) for name in names}


@dataclass(frozen=True)
class Row:
    """A line of the leaderboard.

    Attributes:
        trial: number of the trial.
        estimator: name of the learner.
        score: None unless all folds were scored.
        fold_scores: of the folds that were scored.
        end: how the trial ended.
        error: the learner's words, where it failed.
        hyperparameters: what was tried.
        seconds: wall time of all its fits.
    """

    trial: int
    estimator: str
    score: float | None
    fold_scores: tuple[float, ...]
    end: End
    error: str
    hyperparameters: dict[str, Any]
    seconds: float


def rows_of(board: "pd.DataFrame", seconds: Mapping[str, float]) -> list[Row]:
    """The lines of a leaderboard, best first, with the seconds they took by their trial's number."""
    return [
        Row(
            trial=int(row["trial"]),
            estimator=str(row["estimator"]),
            score=None if row["score"] != row["score"] else float(row["score"]),
            fold_scores=tuple(float(score) for score in row["fold_scores"]),
            end=End(row["end"]),
            error=str(row["error"]),
            hyperparameters=json.loads(row["hyperparameters"]),
            seconds=seconds[str(row["trial"])],
        )
        for row in board.to_dict(orient="records")
    ]


def leaderboard(trials: Sequence[Trial], metric: Metric) -> "pd.DataFrame":
    """One row per trial, best first.

    Columns: rank, trial, estimator, score (missing unless all folds have one) and fold_scores (a list) in the metric's
    own unit, end, error, rows (training rows of a fold; missing for all), hyperparameters and found (both JSON).
    Seconds are not among them: equal searches give equal leaderboards.
    """
    import pandas as pd

    return pd.DataFrame(
        {
            "rank": rank,
            "trial": trial.number,
            "estimator": trial.estimator,
            "metric": metric.name,
            "score": float("nan") if trial.score is None else trial.score,
            "fold_scores": list(trial.fold_scores),
            "end": trial.end.value,
            "error": trial.error,
            "rows": float("nan") if trial.proposal.rows is None else float(trial.proposal.rows),
            "hyperparameters": json.dumps(dict(trial.proposal.point), sort_keys=True),
            "found": json.dumps(found_on_folds(trial.folds) if trial.end is End.complete else {}, sort_keys=True),
        }
        for rank, trial in enumerate(ranked(trials, metric), start=1)
    )
