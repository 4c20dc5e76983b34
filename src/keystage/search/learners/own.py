"""Learners of the user's own: scikit-learn estimators in ``src/project/estimators.py``."""

from typing import Any

from keystage.core.errors import ExtensionError
from keystage.core.extension import load_class
from keystage.data.spec import Task
from keystage.search.learners.learner import Choice, Learner, Point, Sample, Setting, Space, Span, Validation
from keystage.search.names import OWN_ESTIMATORS


def own_learner(reference: str) -> Learner:
    """The learner that ``project.estimators:Name`` names.

    The class is a scikit-learn classifier or regressor. It may have ``search_space``: a mapping from the name of a
    constructor argument to ``(low, high)``, ``(low, high, "log")`` or a list of values; whole numbers give whole ones.

    Raises:
        ExtensionError: it cannot be loaded, or is no estimator, or its space cannot be read.
    """
    from sklearn.base import is_classifier, is_regressor
    from sklearn.utils.validation import has_fit_parameter

    kind: Any = load_class(reference, OWN_ESTIMATORS)
    try:
        made = kind()
    except TypeError as error:
        raise ExtensionError(
            f"estimator '{reference}' cannot be made without arguments",
            why=str(error),
            fix="give each argument of its constructor a default, as scikit-learn asks",
        ) from error
    tasks = tuple(
        task for task, fits in ((Task.classification, is_classifier), (Task.regression, is_regressor)) if fits(made)
    )
    if not tasks or (Task.classification in tasks and not hasattr(kind, "predict_proba")):
        raise ExtensionError(
            f"estimator '{reference}' is no scikit-learn classifier with probabilities, and no regressor",
            why="a search scores probabilities of classes, or numbers",
            fix="derive it from sklearn.base.ClassifierMixin (with predict_proba) or RegressorMixin, and BaseEstimator",
        )
    space = _space(reference, getattr(kind, "search_space", {}))
    start = {name: getattr(made, name) for name in space}

    def fit(
        _setting: Setting,
        point: Point,
        sample: Sample,
        _validation: Validation | None,
    ) -> Any:
        given = {} if sample.weights is None else {"sample_weight": sample.weights}
        return kind(**point).fit(sample.features, sample.target, **given)

    weighs = has_fit_parameter(made, "sample_weight")
    return Learner(name=reference, tasks=tasks, space=space, starts=(start,), fit=fit, weighs=weighs)


def _space(reference: str, declared: Any) -> Space:
    space: dict[str, Span | Choice] = {}
    for name, values in dict(declared).items():
        if isinstance(values, list) and values:
            space[name] = Choice(tuple(values))
            continue
        numbers = values[:2] if isinstance(values, tuple) else ()
        if (
            len(numbers) < 2
            or not all(isinstance(item, int | float) for item in numbers)
            or values[2:] not in {(), ("log",)}
            or not numbers[0] < numbers[1]
            or (values[2:] and numbers[0] <= 0)
        ):
            raise ExtensionError(
                f"search_space of estimator '{reference}' cannot be read",
                why=f"'{name}' has {values!r}",
                fix='give (low, high), (low, high, "log") with low above 0, or a list of values',
            )
        whole = all(isinstance(item, int) for item in numbers)
        space[name] = Span(float(numbers[0]), float(numbers[1]), log=bool(values[2:]), integer=whole)
    return space
