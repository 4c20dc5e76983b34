"""Trials, and the leaderboard that lists every one of them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from keystage.search.metrics import Metric

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class StoppedBy(Enum):
    """Which limit ended a search."""

    max_trials = "max_trials"
    time_budget = "time_budget"


@dataclass(frozen=True)
class Trial:
    """One candidate, fitted and scored once per fold.

    Attributes:
        number: place in the search, from 1.
        estimator: FLAML's name of the learner.
        hyperparameters: the point of FLAML's search space.
        fold_scores: the metric on each fold's validation rows.
        seconds: wall time of all folds together.
    """

    number: int
    estimator: str
    hyperparameters: dict[str, Any]
    fold_scores: tuple[float, ...]
    seconds: float

    @property
    def score(self) -> float:
        """Mean over the folds."""
        return sum(self.fold_scores) / len(self.fold_scores)


@dataclass(frozen=True)
class Candidate:
    """A trial with what is needed to make a model of it.

    Attributes:
        trial: how it scored.
        create: gives an unfitted scikit-learn estimator with the trial's hyperparameters.
        out_of_fold: n x k probabilities, or n values, each row predicted by the fold model that had not seen it.
    """

    trial: Trial
    create: Callable[[], Any]
    out_of_fold: "np.ndarray"


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        trials: all of them, in order.
        candidates: those that may vote, best first.
        stopped_by: what ended the search.
        left_out: learners that were not named and could not be tried, with the reason.
    """

    trials: tuple[Trial, ...]
    candidates: tuple[Candidate, ...]
    stopped_by: StoppedBy
    left_out: dict[str, str]


def ranked(trials: Sequence[Trial], metric: Metric) -> list[Trial]:
    """Best first; of equals the earlier."""
    return sorted(trials, key=lambda trial: (metric.loss(trial.score), trial.number))


def leaderboard(trials: Sequence[Trial], metric: Metric) -> "pd.DataFrame":
    """One row per trial, best first.

    Columns: rank, trial, estimator, score and fold_scores (a list) in the metric's own unit, hyperparameters (JSON).
    Seconds are not among them: equal searches give equal leaderboards.
    """
    import pandas as pd

    return pd.DataFrame(
        {
            "rank": rank,
            "trial": trial.number,
            "estimator": trial.estimator,
            "metric": metric.name,
            "score": trial.score,
            "fold_scores": list(trial.fold_scores),
            "hyperparameters": json.dumps(trial.hyperparameters, sort_keys=True),
        }
        for rank, trial in enumerate(ranked(trials, metric), start=1)
    )


def trials_of(board: "pd.DataFrame", seconds: Mapping[str, float]) -> list[Trial]:
    """The trials of a leaderboard, best first, with the seconds they took by their number."""
    return [
        Trial(
            number=int(row["trial"]),
            estimator=str(row["estimator"]),
            hyperparameters=json.loads(row["hyperparameters"]),
            fold_scores=tuple(float(score) for score in row["fold_scores"]),
            seconds=seconds[str(row["trial"])],
        )
        for row in board.to_dict(orient="records")
    ]
