"""From chosen trials to one scikit-learn model that takes prepared rows.

A member is its fold models' mean, which needs no more fitting, or one fit on all rows. All of it is scikit-learn's own:
votes of fitted models, so a registered model needs no code of ours to load.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from keystage.data.spec import Task

if TYPE_CHECKING:
    import pandas as pd


def vote(
    names: Sequence[str], models: Sequence[Any], weights: Sequence[float] | None, task: Task, classes: Iterable[Any]
) -> Any:
    """A ``VotingClassifier`` or ``VotingRegressor`` of models that are fitted already.

    Args:
        names: of the models.
        models: fitted on class codes, or on values.
        weights: of the models; None for equal ones.
        task: what is learnt.
        classes: k values that the codes stand for, in order; none for numbers.
    """
    from sklearn.base import clone
    from sklearn.ensemble import VotingClassifier, VotingRegressor
    from sklearn.preprocessing import LabelEncoder

    # As after a fit by scikit-learn: what could be fitted anew, and beside it what is fitted.
    members = [(name, clone(model)) for name, model in zip(names, models, strict=True)]
    shares = None if weights is None else list(weights)
    if task is Task.classification:
        made = VotingClassifier(members, voting="soft", weights=shares)
        made.le_ = LabelEncoder().fit(list(classes))
        made.classes_ = made.le_.classes_
    else:
        made = VotingRegressor(members, weights=shares)
    made.estimators_ = list(models)
    return made


def stack(names: Sequence[str], models: Sequence[Any], final: Any, task: Task, classes: Iterable[Any]) -> Any:
    """A ``StackingClassifier`` or ``StackingRegressor`` of models that are fitted already, the last of them, too.

    Args:
        names: of the models.
        models: fitted on class codes, or on values.
        final: fitted on what the models say; of classes, on their codes.
        task: what is learnt.
        classes: k values that the codes stand for, in order; none for numbers.
    """
    from sklearn.base import clone
    from sklearn.ensemble import StackingClassifier, StackingRegressor
    from sklearn.preprocessing import LabelEncoder

    members = [(name, clone(model)) for name, model in zip(names, models, strict=True)]
    if task is Task.classification:
        made = StackingClassifier(members, clone(final), stack_method="predict_proba")
        made._label_encoder = LabelEncoder().fit(list(classes))  # as its own fit does
        made.classes_ = made._label_encoder.classes_
    else:
        made = StackingRegressor(members, clone(final))
    made.stack_method_ = ["predict_proba" if task is Task.classification else "predict"] * len(models)
    made.estimators_, made.final_estimator_ = list(models), final
    return made


def deciding(model: Any, threshold: float) -> Any:
    """A fitted classifier of two classes whose ``predict`` says the second from a probability on."""
    from sklearn.base import clone
    from sklearn.model_selection import FixedThresholdClassifier

    second = model.classes_[1]
    made = FixedThresholdClassifier(
        clone(model),
        threshold=threshold,
        pos_label=second.item() if hasattr(second, "item") else second,
        response_method="predict_proba",
    )
    made.estimator_ = model
    return made


def model_of(final: Any, features: "pd.DataFrame") -> Any:
    """The final model behind a step that checks the columns' names and turns the table into an array.

    ``StandardScaler`` without mean and deviation changes no number; it is scikit-learn's one transformer that lets
    missing cells pass, refuses other columns and gives an array, so that learners which stumble over names like
    ``a[1]`` never see them.
    """
    import numpy as np
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    columns = StandardScaler(with_mean=False, with_std=False).fit(features.astype("float64").iloc[:1])
    # Row by row, however the table lies in memory: the last digit of a sum depends on it.
    layout = FunctionTransformer(np.ascontiguousarray)
    return Pipeline([("columns", columns), ("layout", layout), ("model", final)])
