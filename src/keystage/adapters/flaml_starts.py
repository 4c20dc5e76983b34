"""Where FLAML begins each learner: its usual settings, in the names of FLAML's search space.

FLAML's own starts are the cheapest models there are (4 trees of 4 leaves), which serves large tables and wastes a small
budget (docs/adr/0004).
"""

from typing import Any

from keystage.data.spec import Task

_BOOSTING = {
    "n_estimators": 100,
    "learning_rate": 0.05,
    "colsample_bytree": 0.9,
    "reg_alpha": 0.001,
    "reg_lambda": 1.0,
}
_XGBOOST = _BOOSTING | {"min_child_weight": 2.0, "subsample": 0.9, "colsample_bylevel": 1.0}

_BY_LEARNER: dict[str, dict[str, Any]] = {
    "lgbm": _BOOSTING | {"num_leaves": 15, "min_child_samples": 20, "log_max_bin": 8},
    "xgboost": _XGBOOST | {"max_leaves": 15},
    "xgb_limitdepth": _XGBOOST | {"max_depth": 4},
    "rf": {"n_estimators": 100, "max_features": 0.4, "max_leaves": 48},
    "extra_tree": {"n_estimators": 100, "max_features": 0.6, "max_leaves": 64},
}
_FORESTS = ("rf", "extra_tree")


def starting_points(task: Task) -> dict[str, dict[str, Any]]:
    """First point of each learner's search space; the split criterion of forests is searched for classes alone."""
    criterion = {"criterion": "gini"} if task is Task.classification else {}
    return {name: point | (criterion if name in _FORESTS else {}) for name, point in _BY_LEARNER.items()}
