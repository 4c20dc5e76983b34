"""scikit-learn's boosted trees: one more kind for a mean of several, on labels for which they are quick."""

from dataclasses import replace
from typing import Any

from keystage.search.learners.boosted import BOTH, MOST_TREES, ROUNDS, patience
from keystage.search.learners.learner import Learner, Point, Sample, Setting, Span, Validation


def _fit_histgb(
    setting: Setting,
    point: Point,
    sample: Sample,
    validation: Validation | None,
) -> Any:
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    empty = np.isnan(sample.features).all(axis=0)
    if empty.any():  # scikit-learn 1.9 finds no bins for such a column (_hist_gradient_boosting/binning.py)
        sample = replace(sample, features=np.where(empty, 0.0, sample.features))
    settings = {key: value for key, value in point.items() if key != ROUNDS}
    parameters = {"random_state": setting.seed, "max_iter": point.get(ROUNDS, MOST_TREES), **settings}
    if setting.loss == "quantile":
        parameters |= {"loss": "quantile", "quantile": setting.quantile}
    elif setting.loss == "absolute":
        parameters["loss"] = "absolute_error"
    kind = HistGradientBoostingClassifier if setting.is_classification else HistGradientBoostingRegressor
    if validation is None:
        return kind(**parameters, early_stopping=False).fit(
            sample.features, sample.target, sample_weight=sample.weights
        )
    model = kind(**parameters, early_stopping=True, n_iter_no_change=patience(point))
    return model.fit(
        sample.features,
        sample.target,
        sample_weight=sample.weights,
        X_val=validation.sample.features,
        y_val=validation.sample.target,
        sample_weight_val=validation.sample.weights,
    )


HISTGB = Learner(
    name="histgb",
    tasks=BOTH,
    space={
        "learning_rate": Span(0.01, 0.3, log=True),
        "max_leaf_nodes": Span(4, 256, log=True, integer=True),
        "min_samples_leaf": Span(2, 128, log=True, integer=True),
        "l2_regularization": Span(1 / 1024, 100.0, log=True),
        "max_features": Span(0.3, 1.0),
    },
    starts=(
        {
            "learning_rate": 0.05,
            "max_leaf_nodes": 15,
            "min_samples_leaf": 20,
            "l2_regularization": 1.0,
            "max_features": 0.5,
        },
    ),
    fit=_fit_histgb,
    found=lambda model: {ROUNDS: max(1, int(model.n_iter_))},
    unsteady=True,
    most_classes=2,  # with more, a tree for each class and round: it takes ten times as long as LightGBM
)
