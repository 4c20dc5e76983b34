"""Models on top of out-of-fold predictions, judged on rows that they have not seen either.

What is fitted on the predictions that fold models made, such as a calibration, is itself scored honestly only when it
is fitted on some folds and applied to another. Folds that are ordered by time learn from the folds before; the first
then has nothing to learn from and keeps what it had.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keystage.search.fitting import Material, weights_at

if TYPE_CHECKING:
    import numpy as np

INNER_FOLDS = 5  # into which a single holdout is parted

Predict = Callable[["np.ndarray"], "np.ndarray"]
# From features, target and weights (None for equal ones) to something fitted; None where that cannot be.
Fit = Callable[["np.ndarray", "np.ndarray", "np.ndarray | None"], Any]


@dataclass(frozen=True)
class _Part:
    """Positions, within each fold's validation rows, to learn from, and those of one fold to predict."""

    learn: "Sequence[np.ndarray]"
    fold: int
    predict: "np.ndarray"


class CrossFit:
    """The validation rows of all folds, parted so that each is predicted by what was fitted on others.

    Args:
        material: its folds and what is true of their rows.
        ends: time on ``time.monotonic``'s clock after which no more is fitted; None for no limit.
    """

    def __init__(self, material: Material, ends: float | None = None) -> None:
        self._ends = ends
        self._rows = [rows for _, rows in material.folds]
        self._parts = _parts(material, self._rows)
        self.target = [material.target[rows] for rows in self._rows]
        self.fit_weights = [weights_at(material.fit_weights, rows) for rows in self._rows]
        self.score_weights = [weights_at(material.score_weights, rows) for rows in self._rows]

    def predicted(
        self,
        fit: Fit,
        features: "Sequence[np.ndarray]",
        before: "Sequence[np.ndarray]",
        weights: "Sequence[np.ndarray | None]",
    ) -> "list[np.ndarray] | None":
        """For each fold, what is predicted of its rows by fits on other rows; None when the time is over.

        Args:
            fit: gives what predicts from features.
            features: for each fold, n_f x m.
            before: for each fold, what stays where nothing can be fitted.
            weights: for each fold, n_f, or None for equal ones.
        """
        import numpy as np

        result = [np.array(said, copy=True) for said in before]
        for part in self._parts:
            if self._over:
                return None
            predictor = self._fitted(fit, features, weights, part.learn)
            if predictor is not None:
                result[part.fold][part.predict] = predictor(features[part.fold][part.predict])
        return result

    def on_all(self, fit: Fit, features: "Sequence[np.ndarray]", weights: "Sequence[np.ndarray | None]") -> Any:
        """What ``fit`` makes of the rows of all folds; None where it cannot, or the time is over."""
        import numpy as np

        if self._over:
            return None
        return self._fitted(fit, features, weights, [np.arange(len(rows)) for rows in self._rows])

    @property
    def _over(self) -> bool:
        return self._ends is not None and time.monotonic() >= self._ends

    def _fitted(
        self,
        fit: Fit,
        features: "Sequence[np.ndarray]",
        weights: "Sequence[np.ndarray | None]",
        learn: "Sequence[np.ndarray]",
    ) -> Any:
        import numpy as np

        target = np.concatenate([every[chosen] for every, chosen in zip(self.target, learn, strict=True)])
        if not len(target):
            return None
        counted = [one[chosen] for one, chosen in zip(weights, learn, strict=True) if one is not None]
        chosen_features = [every[chosen] for every, chosen in zip(features, learn, strict=True)]
        return fit(np.concatenate(chosen_features), target, np.concatenate(counted) if counted else None)


def _parts(material: Material, rows: "Sequence[np.ndarray]") -> list[_Part]:
    import numpy as np

    if len(rows) == 1:
        return _parts_of_one(material, rows[0])
    none, every = np.arange(0), [np.arange(len(one)) for one in rows]
    if not material.alike:
        return [
            _Part([every[other] if other < fold else none for other in range(len(rows))], fold, every[fold])
            for fold in range(len(rows))
        ]
    # Repeated folds hold a row several times; none that is predicted is learnt from.
    return [
        _Part([np.flatnonzero(~np.isin(other, one)) for other in rows], fold, every[fold])
        for fold, one in enumerate(rows)
    ]


def _parts_of_one(material: Material, rows: "np.ndarray") -> list[_Part]:
    import numpy as np
    from sklearn.model_selection import KFold, StratifiedKFold

    target = material.target[rows]
    if len(rows) < 2 * INNER_FOLDS:
        return []
    seed = material.setting.seed
    if material.setting.is_classification and np.unique(target, return_counts=True)[1].min() >= INNER_FOLDS:
        parted = StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=seed).split(rows, target)
    else:
        parted = KFold(INNER_FOLDS, shuffle=material.alike, random_state=seed if material.alike else None).split(rows)
    return [_Part([learn], 0, predict) for learn, predict in parted]
