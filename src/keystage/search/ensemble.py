"""From the best trials to one model: they are fitted on all training rows and vote with their probabilities."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keystage.search.trials import Candidate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def fit_vote(candidates: Sequence[Candidate], features: "pd.DataFrame", label: "pd.Series", cores: int) -> Any:
    """Fit the candidates on all rows, as a scikit-learn ``VotingClassifier`` that averages probabilities.

    The vote keeps the label's own values, so the model predicts what the table holds, strings included.

    Args:
        candidates: best first.
        features: n x m.
        label: n values.
        cores: members fitted at the same time.
    """
    from joblib import parallel_config
    from sklearn.ensemble import VotingClassifier

    members = [(f"{item.trial.estimator}_{item.trial.number}", item.create()) for item in candidates]
    # Threads, not processes: fits release the interpreter's lock, and a new process would import for seconds.
    with parallel_config(backend="threading", n_jobs=cores):
        return VotingClassifier(members, voting="soft").fit(features, label)


def vote_out_of_fold(candidates: Sequence[Candidate]) -> "np.ndarray":
    """Mean of the candidates' out-of-fold probabilities, n x k: what the vote would have said of unseen rows."""
    import numpy as np

    mean: np.ndarray = np.mean([item.out_of_fold for item in candidates], axis=0)
    return mean
