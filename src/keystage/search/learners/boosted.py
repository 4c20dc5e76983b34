"""Boosted trees.

Their number is not searched: boosting stops when the loss on the fold's validation rows has not fallen for a while, and
a fit on all rows takes the mean of the folds' numbers.

The starts follow the portfolio that TabRepo (Salinas and Erickson 2024, arXiv:2311.02971) found on 200 data sets, with
learning rates raised so that a fold ends within seconds.
"""

import time
from typing import TYPE_CHECKING, Any

from keystage.data.spec import Task
from keystage.search.learners.learner import Choice, Learner, Point, Sample, Setting, Span, Validation

if TYPE_CHECKING:
    import numpy as np

MOST_TREES = 2000
LEAST_GAIN = 1e-4
# Megabytes of histograms that a fit keeps. Unlimited, as the libraries have it, a tree of 250 leaves on 2,000 columns
# takes 2 GB (LightGBM) or 4 GB (XGBoost); with this limit it was as fast, and no different.
HISTOGRAMS = 256
_HISTOGRAM_BYTES = 256 * 16  # of one column, in XGBoost: 256 bins of two doubles
ROUNDS = "n_estimators"
BOTH = (Task.classification, Task.regression)


def patience(point: Point) -> int:
    """Trees without a gain after which boosting stops: more where each of them moves less."""
    return int(min(100, max(20, 2.0 / float(point["learning_rate"]))))


def least_gain(setting: Setting, target: "np.ndarray") -> float:
    """By how much the loss must fall for boosting to go on: a small share of that of a constant prediction.

    Where classes part cleanly the loss falls for thousands of trees, each by less than can be measured on other rows.
    """
    import numpy as np

    if setting.is_classification:
        shares = np.bincount(target) / len(target)
        return LEAST_GAIN * float(-(shares * np.log(np.maximum(shares, 1e-12))).sum())
    spread = float(np.std(target)) if setting.loss == "squared" else float(np.mean(np.abs(target - np.median(target))))
    return LEAST_GAIN * spread


def _fit_lgbm(
    setting: Setting,
    point: Point,
    sample: Sample,
    validation: Validation | None,
) -> Any:
    from lightgbm import LGBMClassifier, LGBMRegressor, early_stopping

    parameters = {
        "verbosity": -1,
        "n_jobs": 1,
        "random_state": setting.seed,
        "deterministic": True,
        "force_row_wise": True,
        "histogram_pool_size": HISTOGRAMS,
        "subsample_freq": 1,
        ROUNDS: MOST_TREES,
        **point,
    }
    if setting.loss == "quantile":
        parameters |= {"objective": "quantile", "alpha": setting.quantile}
    elif setting.loss == "absolute":
        parameters["objective"] = "l1"
    model = (LGBMClassifier if setting.is_classification else LGBMRegressor)(**parameters)
    if validation is None:
        return model.fit(sample.features, sample.target, sample_weight=sample.weights)
    gain = least_gain(setting, sample.target)
    watch = [early_stopping(patience(point), verbose=False, min_delta=gain), *_lgbm_clock(validation)]
    return model.fit(
        sample.features,
        sample.target,
        sample_weight=sample.weights,
        eval_X=validation.sample.features,
        eval_y=validation.sample.target,
        eval_sample_weight=None if validation.sample.weights is None else [validation.sample.weights],
        eval_metric="rmse" if setting.task is Task.regression and setting.loss == "squared" else None,
        callbacks=watch,
    )


def _lgbm_clock(validation: Validation) -> list[Any]:
    from lightgbm.callback import EarlyStopException

    ends = validation.ends
    if ends is None:
        return []

    def stop_in_time(env: Any) -> None:
        if time.monotonic() > ends:
            raise EarlyStopException(env.iteration, env.evaluation_result_list)

    return [stop_in_time]


def _fit_xgboost(
    setting: Setting,
    point: Point,
    sample: Sample,
    validation: Validation | None,
) -> Any:
    from xgboost import XGBClassifier, XGBRegressor
    from xgboost.callback import EarlyStopping, TrainingCallback

    class Clock(TrainingCallback):
        def after_iteration(self, *_: Any) -> bool:
            return bool(validation and validation.ends is not None and time.monotonic() > validation.ends)

    parameters = {
        "n_jobs": 1,
        "random_state": setting.seed,
        "tree_method": "hist",
        "max_cached_hist_node": max(8, HISTOGRAMS * 2**20 // (_HISTOGRAM_BYTES * sample.features.shape[1])),
        "verbosity": 0,
        ROUNDS: MOST_TREES,
        **point,
    }
    if "max_leaves" in point:
        parameters |= {"grow_policy": "lossguide", "max_depth": 0}
    if setting.loss == "quantile":
        parameters |= {"objective": "reg:quantileerror", "quantile_alpha": setting.quantile}
    elif setting.loss == "absolute":
        parameters["objective"] = "reg:absoluteerror"
    kind = XGBClassifier if setting.is_classification else XGBRegressor
    if validation is None:
        return kind(**parameters).fit(sample.features, sample.target, sample_weight=sample.weights)
    watch = EarlyStopping(rounds=patience(point), min_delta=least_gain(setting, sample.target))
    model = kind(**parameters, callbacks=[watch, *([Clock()] if validation.ends is not None else [])])
    model.fit(
        sample.features,
        sample.target,
        sample_weight=sample.weights,
        eval_set=[(validation.sample.features, validation.sample.target)],
        sample_weight_eval_set=None if validation.sample.weights is None else [validation.sample.weights],
        verbose=False,
    )
    return model.set_params(callbacks=None)  # they are no part of the model


LGBM = Learner(
    name="lgbm",
    tasks=BOTH,
    space={
        "learning_rate": Span(0.01, 0.3, log=True),
        "num_leaves": Span(4, 256, log=True, integer=True),
        "min_child_samples": Span(2, 128, log=True, integer=True),
        "colsample_bytree": Span(0.3, 1.0),
        "subsample": Span(0.5, 1.0),
        "reg_alpha": Span(1 / 1024, 100.0, log=True),
        "reg_lambda": Span(1 / 1024, 100.0, log=True),
        "extra_trees": Choice((False, True)),
    },
    starts=tuple(
        {
            "learning_rate": rate,
            "num_leaves": leaves,
            "min_child_samples": least,
            "colsample_bytree": columns,
            "subsample": rows,
            "reg_alpha": 1 / 1024,
            "reg_lambda": ridge,
            "extra_trees": extra,
        }
        for rate, leaves, least, columns, rows, ridge, extra in (
            (0.05, 63, 8, 0.83, 1.0, 0.01, True),
            (0.05, 31, 20, 0.9, 1.0, 1 / 1024, False),
            (0.05, 6, 10, 0.6, 0.8, 5.0, False),
            (0.03, 16, 48, 0.56, 0.8, 1.0, True),
            (0.03, 53, 14, 0.7, 0.9, 0.1, False),
            (0.03, 210, 50, 0.83, 0.9, 0.01, False),
        )
    ),
    fit=_fit_lgbm,
    found=lambda model: {ROUNDS: max(1, int(model.best_iteration_ or model.n_estimators_))},
    unsteady=True,
)

_XGBOOST_SPACE = {
    "learning_rate": Span(0.01, 0.3, log=True),
    "min_child_weight": Span(0.001, 128, log=True),
    "subsample": Span(0.5, 1.0),
    "colsample_bytree": Span(0.3, 1.0),
    "reg_alpha": Span(1 / 1024, 100.0, log=True),
    "reg_lambda": Span(1 / 1024, 100.0, log=True),
}
_XGBOOST_START = {"subsample": 0.9, "colsample_bytree": 0.9, "reg_alpha": 1 / 1024, "reg_lambda": 1.0}


def _xgboost_found(model: Any) -> Point:
    return {ROUNDS: int(model.best_iteration) + 1}


XGBOOST = Learner(
    name="xgboost",
    tasks=BOTH,
    space={**_XGBOOST_SPACE, "max_leaves": Span(4, 256, log=True, integer=True)},
    starts=(
        {**_XGBOOST_START, "learning_rate": 0.05, "min_child_weight": 1.0, "max_leaves": 31},
        {**_XGBOOST_START, "learning_rate": 0.05, "min_child_weight": 5.0, "max_leaves": 8, "colsample_bytree": 0.6},
    ),
    fit=_fit_xgboost,
    found=_xgboost_found,
    unsteady=True,
)
XGB_LIMITDEPTH = Learner(
    name="xgb_limitdepth",
    tasks=BOTH,
    space={**_XGBOOST_SPACE, "max_depth": Span(2, 12, integer=True)},
    starts=(
        {**_XGBOOST_START, "learning_rate": 0.05, "min_child_weight": 1.0, "max_depth": 6},
        {**_XGBOOST_START, "learning_rate": 0.1, "min_child_weight": 2.0, "max_depth": 3, "colsample_bytree": 0.7},
        {**_XGBOOST_START, "learning_rate": 0.03, "min_child_weight": 0.6, "max_depth": 10, "colsample_bytree": 0.69},
    ),
    fit=_fit_xgboost,
    found=_xgboost_found,
    unsteady=True,
)
