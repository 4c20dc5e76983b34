"""How each learner did, and which of its hyperparameters made the difference."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keystage.core.errors import cut, listing
from keystage.search.metrics import Metric
from keystage.search.trials import End, Trial, ranked

if TYPE_CHECKING:
    import pandas as pd

LEAST_TRIALS = 20  # of a learner, for a word on its hyperparameters
LONGEST_WHY = 120  # characters of a learner's words in a note
LEAST_EXPLAINED = 0.1  # of the scores' variance, by trees that had not seen the trial
METHOD = (
    "how much a random forest's R2 falls, over a learner's trials, when a setting's values are shuffled, as shares of "
    "all such falls; by scores on the first fold"
)


def standing(trials: Sequence[Trial], metric: Metric, members: Mapping[int, float]) -> list[dict[str, Any]]:
    """One entry per learner, the best first: its best trial, how its trials ended, its share in the model.

    Seconds are not among them: equal searches give equal reports.

    Args:
        trials: of a search.
        metric: their score.
        members: by trial, its weight in the model.
    """
    entries: dict[str, dict[str, Any]] = {}
    for trial in ranked(trials, metric):
        first = {"estimator": trial.estimator, "best": trial.score, "best_trial": trial.number, "trials": 0}
        entry = entries.setdefault(trial.estimator, {**first, **{end.value: 0 for end in End}, "weight": 0.0})
        entry["trials"] += 1
        entry[trial.end.value] += 1
        entry["weight"] += members.get(trial.number, 0.0)
    return list(entries.values())


def without_score(trials: Sequence[Trial]) -> list[str]:
    """A note, where learners came to no score in any trial: which, and how their last one ended."""
    ends = {trial.estimator: trial.error or trial.end.value for trial in trials}
    scored = {trial.estimator for trial in trials if trial.score is not None}
    lost = [f"{name} ({cut(why, LONGEST_WHY)})" for name, why in ends.items() if name not in scored]
    return [f"no trial came to a score of: {listing(lost)}"] if lost else []


def hyperparameters(trials: Sequence[Trial], metric: Metric) -> dict[str, Any]:
    """Which hyperparameters mattered, by learner: a small forest learns the score from them.

    In place of fANOVA (Hutter et al. 2014), which needs a package of its own: permutation importance over the trials,
    told only where the forest's out-of-bag R2 says that there is something to tell.

    Returns:
        method, least_trials, and by estimator: trials, explained (out-of-bag R2), and importance, by name from the
        greatest, shares that sum to 1; or why nothing can be told.
    """
    by_learner: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.fold_scores and trial.proposal.rows is None:
            by_learner.setdefault(trial.estimator, []).append(trial)
    told = {name: _of_learner(group, metric) for name, group in by_learner.items() if len(group) >= LEAST_TRIALS}
    return {"method": METHOD, "least_trials": LEAST_TRIALS, "estimators": told}


def _of_learner(trials: Sequence[Trial], metric: Metric) -> dict[str, Any]:
    import numpy as np
    from scipy.stats import rankdata
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    points = _points(trials)
    # Ranks: one trial that went astray would else be all that there is to explain.
    losses = rankdata([metric.loss(trial.fold_scores[0]) for trial in trials])
    entry: dict[str, Any] = {"trials": len(trials)}
    if not points.shape[1] or np.ptp(losses) == 0:
        return {**entry, "note": "its trials do not differ"}
    forest = RandomForestRegressor(100, min_samples_leaf=2, oob_score=True, random_state=0, n_jobs=1)
    explained = float(forest.fit(points.to_numpy(), losses).oob_score_)
    entry["explained"] = explained
    if explained < LEAST_EXPLAINED:
        return {**entry, "note": "its scores do not follow from its hyperparameters in a way that can be told"}
    falls = permutation_importance(forest, points.to_numpy(), losses, n_repeats=5, random_state=0).importances_mean
    falls = np.maximum(falls, 0.0)
    order = np.argsort(-falls, kind="stable")
    return {**entry, "importance": {str(points.columns[place]): float(falls[place] / falls.sum()) for place in order}}


def _points(trials: Sequence[Trial]) -> "pd.DataFrame":
    """Hyperparameters as numbers, one column each; those that never differ are left out."""
    import pandas as pd

    table = pd.DataFrame([dict(trial.proposal.point) for trial in trials])
    for name, column in table.items():
        if not pd.api.types.is_numeric_dtype(column) or column.isna().any():
            numbers = pd.to_numeric(column, errors="coerce")
            codes = pd.Series(pd.factorize(column.astype("str"), sort=True)[0], index=table.index)
            table[name] = codes if numbers.isna().all() else numbers.fillna(-1.0)
    return table.astype("float64").loc[:, lambda every: every.nunique() > 1]
