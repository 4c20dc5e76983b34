"""CatBoost: ordered boosting of symmetric trees. Its package is an extra (``make catboost``)."""

import time
from typing import Any

from keystage.search.learners.boosted import BOTH, MOST_TREES, ROUNDS, patience
from keystage.search.learners.learner import Learner, Point, Sample, Setting, Span, Validation


class _Clock:
    """Ends boosting in time; CatBoost asks it after each tree."""

    def __init__(self, ends: float) -> None:
        self._ends = ends

    def after_iteration(self, _: Any) -> bool:
        """Whether to go on."""
        return time.monotonic() <= self._ends


def _fit_catboost(setting: Setting, point: Point, sample: Sample, validation: Validation | None) -> Any:
    from catboost import CatBoostClassifier, CatBoostRegressor, Pool

    parameters = {
        "thread_count": 1,
        "random_seed": setting.seed,
        "allow_writing_files": False,  # else it writes catboost_info into the project
        "logging_level": "Silent",
        ROUNDS: MOST_TREES,
        **point,
    }
    if setting.loss == "quantile":
        parameters["loss_function"] = f"Quantile:alpha={setting.quantile}"
    elif setting.loss == "absolute":
        parameters["loss_function"] = "MAE"
    model = (CatBoostClassifier if setting.is_classification else CatBoostRegressor)(**parameters)
    if validation is None:
        return model.fit(sample.features, sample.target, sample_weight=sample.weights)
    watched = validation.sample
    return model.fit(
        sample.features,
        sample.target,
        sample_weight=sample.weights,
        eval_set=Pool(watched.features, watched.target, weight=watched.weights),
        early_stopping_rounds=patience(point),
        callbacks=None if validation.ends is None else [_Clock(validation.ends)],
    )


CATBOOST = Learner(
    name="catboost",
    tasks=BOTH,
    space={
        "learning_rate": Span(0.01, 0.3, log=True),
        "depth": Span(3, 9, integer=True),
        "l2_leaf_reg": Span(1.0, 30.0, log=True),
        "rsm": Span(0.3, 1.0),
        "random_strength": Span(0.1, 10.0, log=True),
    },
    starts=tuple(
        {"learning_rate": rate, "depth": depth, "l2_leaf_reg": ridge, "rsm": columns, "random_strength": 1.0}
        for rate, depth, ridge, columns in ((0.05, 6, 3.0, 1.0), (0.1, 4, 3.0, 0.7), (0.05, 8, 5.0, 0.85))
    ),
    fit=_fit_catboost,
    found=lambda model: {ROUNDS: max(1, int(model.tree_count_))},
    unsteady=True,
    why_by_name="its package is an extra",
)
