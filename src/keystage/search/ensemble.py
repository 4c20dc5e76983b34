"""From the best trials to one model: they are fitted on all training rows, and their predictions are averaged."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keystage.data.spec import Task
from keystage.search.trials import Candidate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def fit_vote(
    candidates: Sequence[Candidate], features: "pd.DataFrame", label: "pd.Series", task: Task, cores: int
) -> Any:
    """Fit the candidates on all rows, as a scikit-learn ``VotingClassifier`` or ``VotingRegressor``.

    A classifier averages probabilities, and keeps the label's own values: it predicts what the table holds, strings
    included. A regressor averages values.

    Args:
        candidates: best first.
        features: n x m.
        label: n values.
        task: what is learnt.
        cores: members fitted at the same time.
    """
    from joblib import parallel_config
    from sklearn.ensemble import VotingClassifier, VotingRegressor

    members = [(f"{item.trial.estimator}_{item.trial.number}", item.create()) for item in candidates]
    # Threads, not processes: fits release the interpreter's lock, and a new process would import for seconds.
    with parallel_config(backend="threading", n_jobs=cores):
        if task is Task.regression:
            return VotingRegressor(members).fit(features, label)
        return VotingClassifier(members, voting="soft").fit(features, label)


def vote_out_of_fold(candidates: Sequence[Candidate]) -> "np.ndarray":
    """Mean of the candidates' out-of-fold predictions: what the vote would have said of unseen rows."""
    import numpy as np

    mean: np.ndarray = np.mean([item.out_of_fold for item in candidates], axis=0)
    return mean
