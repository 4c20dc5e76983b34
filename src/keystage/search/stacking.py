"""Stacking: a linear model of what the members say, fitted on their out-of-fold predictions (Wolpert 1992).

Of classes it is a logistic regression on log-odds, which holds the geometric mean as a special case; of numbers a ridge
whose coefficients are not negative, as Breiman (1996, "Stacked regressions") found that they should be.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keystage.search.crossfit import INNER_FOLDS, CrossFit
from keystage.search.ensemble import Candidate, Ensemble, Member, Truth, fold_scores
from keystage.search.fitting import Material

if TYPE_CHECKING:
    import numpy as np

LEAST_PROBABILITY = 1e-2  # below it, and as near to 1, log-odds are those of it: forests and neighbours say 0 and 1
PENALTY = 0.1  # LogisticRegression's C; better out of fold than 1
RIDGE = 10.0
MOST_ROWS = 50_000  # more rows say no more of a dozen coefficients
MOST_CELLS = 2e8  # rows x features x classes of one fit: about five seconds
CELLS_PER_SECOND = 4e7  # measured with 30 to 200 classes, on one core


@dataclass(frozen=True)
class Stacked:
    """A stack, or why there is none.

    Attributes:
        ensemble: its members and scores out of fold; None where there is no stack.
        predicted: for each fold, what it says of rows that its linear model has not seen.
        model: the linear model; takes what scikit-learn's stacks give it.
        note: why there is none, or what it is made of.
    """

    ensemble: Ensemble | None
    predicted: "Sequence[np.ndarray]"
    model: Any
    note: str


def stacked(
    candidates: Sequence[Candidate],
    truth: Truth,
    material: Material,
    most_members: int,
    ends: float | None,
    mean: Ensemble | None = None,
) -> Stacked:
    """A stack of trials, when it is better than the best trial alone.

    Args:
        candidates: best first.
        truth: of the folds' validation rows.
        material: what is learnt, and its folds.
        most_members: at most.
        ends: time on ``time.monotonic``'s clock after which nothing is fitted; None for no limit.
        mean: what greedy selection chose; its members are stacked, else the best trials of different learners. On five
            tables a stack of them scored better out of fold than one of all candidates each time.
    """
    import numpy as np

    metric, best = material.metric, candidates[0]
    numbers = {member.trial.number for member in mean.members} if mean else set()
    chosen = [item for item in candidates if item.trial.number in numbers]
    if len(chosen) < 2:
        chosen = _most_different(candidates, most_members)
    if why := _why_not(len(chosen), material, ends):
        return Stacked(None, [], None, why)
    cross = CrossFit(material, ends)
    features = [
        meta_features([item.predicted[fold] for item in chosen], truth.offset_of(fold))
        for fold in range(len(truth.target))
    ]
    before = [said - truth.offset_of(fold) for fold, said in enumerate(best.predicted)]
    learn = _Learn(material, len(chosen))
    said = cross.predicted(learn.predictor, features, before, cross.fit_weights)
    is_made = said is not None and not all(map(np.array_equal, said, before))  # it stays where folds lack a class
    made = cross.on_all(learn, features, cross.fit_weights) if is_made else None
    if said is None or made is None:
        return Stacked(None, [], None, "no stack was made: the time was over, or the folds lack a class")
    predicted = [values + truth.offset_of(fold) for fold, values in enumerate(said)]
    shares = _shares(made, len(chosen))
    members = [Member(item.trial, share) for item, share in zip(chosen, shares, strict=True)]
    found = Ensemble(tuple(members), fold_scores(predicted, truth, metric), "")
    score = f"a stack of {len(chosen)} trials scores {found.score:.5g} out of fold"
    assert best.trial.score is not None
    if metric.loss(found.score) >= metric.loss(best.trial.score):
        return Stacked(None, [], None, f"{score}, no better than {best.trial.score:.5g} of the best one alone")
    note = f"{score}; a linear model weighs them, fitted on their out-of-fold predictions"
    return Stacked(Ensemble(found.members, found.fold_scores, note), predicted, made, note)


def meta_features(predicted: "Sequence[np.ndarray]", offset: "np.ndarray | float" = 0.0) -> "np.ndarray":
    """What members say, side by side, as scikit-learn's stacks give it to their final estimator.

    Args:
        predicted: of each of m members, n x k probabilities or n values.
        offset: n, taken from values.

    Returns:
        N x m for two classes or values, else n x (m k).
    """
    import numpy as np

    columns = [said - offset if said.ndim == 1 else said[:, 1] if said.shape[1] == 2 else said for said in predicted]
    return np.column_stack(columns)


def log_odds(classes: int, least: float) -> list[tuple[str, Any]]:
    """Steps of a pipeline from probabilities, kept off 0 and 1, to log-odds of two classes or logarithms of more."""
    import numpy as np
    from scipy.special import logit
    from sklearn.preprocessing import FunctionTransformer

    bounds = {"a_min": least, "a_max": 1 - least}
    return [
        ("clip", FunctionTransformer(np.clip, kw_args=bounds)),
        ("log", FunctionTransformer(logit if classes == 2 else np.log)),
    ]


class _Learn:
    """Fits the linear model."""

    def __init__(self, material: Material, members: int) -> None:
        self._setting, self._members = material.setting, members

    def __call__(self, features: "np.ndarray", target: "np.ndarray", weights: "np.ndarray | None") -> Any:
        import numpy as np

        if len(target) > MOST_ROWS:
            rows = np.sort(np.random.default_rng(self._setting.seed).permutation(len(target))[:MOST_ROWS])
            features, target = features[rows], target[rows]
            weights = None if weights is None else weights[rows]
        if not self._setting.is_classification:
            return _ridge().fit(features, target, ridge__sample_weight=weights)
        if len(np.unique(target)) < self._setting.classes:
            return None
        return _logistic(self._setting.classes).fit(features, target, logistic__sample_weight=weights)

    def predictor(self, features: "np.ndarray", target: "np.ndarray", weights: "np.ndarray | None") -> Any:
        """The model's prediction."""
        model = self(features, target, weights)
        if model is None:
            return None
        return model.predict_proba if self._setting.is_classification else model.predict


def _logistic(classes: int) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    return Pipeline([*log_odds(classes, LEAST_PROBABILITY), ("logistic", LogisticRegression(C=PENALTY, max_iter=500))])


def _ridge() -> Any:
    """On standard scales, so that neither penalty nor tolerance depend on the label's unit."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = Pipeline([("scale", StandardScaler()), ("ridge", Ridge(RIDGE, positive=True))])
    return TransformedTargetRegressor(pipeline, transformer=StandardScaler())


def _most_different(candidates: Sequence[Candidate], most: int) -> list[Candidate]:
    """The best of each learner, then the best of what is left."""
    first: dict[str, Candidate] = {}
    for item in candidates:
        first.setdefault(item.trial.estimator, item)
    chosen = list(first.values())[:most]
    rest = [item for item in candidates if all(item is not other for other in chosen)]
    return chosen + rest[: most - len(chosen)]


def seconds_of(material: Material, members: int) -> float:
    """How long all fits of a stack of so many members may take."""
    from_others = len(material.folds) if len(material.folds) > 1 else INNER_FOLDS
    return (from_others + 1) * _cells(material, members) / CELLS_PER_SECOND


def _cells(material: Material, members: int) -> float:
    """Rows x features x classes of one fit; of two classes, and of numbers, fits take no time to speak of."""
    classes, rows = material.setting.classes, sum(len(rows) for _, rows in material.folds)
    return min(rows, MOST_ROWS) * members * classes * classes if classes > 2 else 0.0


def _why_not(members: int, material: Material, ends: float | None) -> str:
    if members < 2:
        return "no stack was made: it needs two trials, and automl.ensemble_size of 2 or more"
    needed = seconds_of(material, members)
    late = ends is not None and needed > 0 and time.monotonic() + needed > ends
    if late or _cells(material, members) > MOST_CELLS:
        classes = material.setting.classes
        return f"no stack was made: {members} trials of {classes} classes give it too many coefficients to fit in time"
    return ""


def _shares(model: Any, members: int) -> list[float]:
    """Each member's share of the coefficients' absolute values."""
    import numpy as np

    linear = model[-1] if hasattr(model, "steps") else model.regressor_[-1]
    coefficients = np.abs(np.atleast_2d(linear.coef_))
    by_member = coefficients.reshape(len(coefficients), members, -1).sum(axis=(0, 2))
    total = float(by_member.sum())
    return [float(value) / total if total else 1 / members for value in by_member]
