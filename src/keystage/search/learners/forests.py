"""Forests: many deep trees at once, each on other rows or with other splits. They need no tuning to be good."""

from functools import partial
from typing import Any

from keystage.data.spec import Task
from keystage.search.learners.learner import Choice, Learner, Point, Sample, Setting, Space, Span, Validation

BOTH = (Task.classification, Task.regression)
MOST_TREES, LEAST_TREES = 150, 50
ROWS = 2_000_000  # that the trees of a forest learn from together: what bounds its seconds and its size


def _fit(setting: Setting, point: Point, sample: Sample, _validation: Validation | None, *, extra: bool) -> Any:
    from sklearn import ensemble

    kind = {
        (True, False): ensemble.RandomForestClassifier,
        (True, True): ensemble.ExtraTreesClassifier,
        (False, False): ensemble.RandomForestRegressor,
        (False, True): ensemble.ExtraTreesRegressor,
    }[setting.is_classification, extra]
    parameters = {key: value for key, value in point.items() if setting.is_classification or key != "criterion"}
    trees, of_a_tree = size_for(len(sample.target))
    parameters["min_samples_leaf"] = max(parameters["min_samples_leaf"], least_leaf(len(sample.target), extra=extra))
    if of_a_tree is not None:
        parameters |= {"bootstrap": True, "max_samples": of_a_tree}
    model = kind(n_estimators=trees, random_state=setting.seed, n_jobs=1, **parameters)
    return model.fit(sample.features, sample.target, sample_weight=sample.weights)


def size_for(rows: int) -> tuple[int, int | None]:
    """The number of trees, and how many rows each draws; None for as many as scikit-learn takes of its own accord.

    150 trees of 43,152 rows of diamonds (R2 0.98149) take 535 MB, 57 (0.98115) 204 MB and two fifths of the time.

    Args:
        rows: to learn from.
    """
    trees = max(LEAST_TREES, min(MOST_TREES, ROWS // rows))
    return trees, ROWS // trees if rows > ROWS // trees else None


def least_leaf(rows: int, *, extra: bool) -> int:
    """The rows that a leaf holds at least.

    Of more rows than those from which on trees are fewer, leaves of one make a forest large and no better
    (docs/adr/0012).

    Args:
        rows: to learn from.
        extra: whether splits are drawn, which makes more leaves.
    """
    return 1 if rows <= ROWS // MOST_TREES else 3 if extra else 2


_SPACE: Space = {
    "max_features": Span(0.05, 1.0, log=True),
    "min_samples_leaf": Span(1, 32, log=True, integer=True),
    "criterion": Choice(("gini", "entropy")),
}
_STARTS = (
    {"max_features": 0.4, "min_samples_leaf": 1, "criterion": "gini"},
    {"max_features": 0.25, "min_samples_leaf": 5, "criterion": "entropy"},
)
MOST_CLASSES = 100  # each leaf keeps a number per class: with 300 classes, gigabytes

RF = Learner("rf", BOTH, _SPACE, _STARTS, partial(_fit, extra=False), most_classes=MOST_CLASSES)
EXTRA_TREE = Learner(
    "extra_tree",
    BOTH,
    _SPACE,
    ({"max_features": 0.7, "min_samples_leaf": 1, "criterion": "gini"}, *_STARTS[1:]),
    partial(_fit, extra=True),
    most_classes=MOST_CLASSES,
)
