"""From the prepared table and the settings to what a search fits and scores."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keystage.core.errors import SearchError, listing
from keystage.data.spec import Task
from keystage.data.table import PreparedTable
from keystage.search.fitting import Material
from keystage.search.folds import Folds, make_folds
from keystage.search.learners.learner import Setting
from keystage.search.metrics import metric_of
from keystage.search.names import ABSOLUTE_METRICS, quantile_of
from keystage.search.spec import ClassWeight, SearchSpec
from keystage.search.validation import ValidationKind
from keystage.search.weights import sample_weights

if TYPE_CHECKING:
    import numpy as np


def material_of(table: PreparedTable, spec: SearchSpec, seed: int) -> tuple[Material, list[Any], Folds]:
    """What is fitted and scored.

    Args:
        table: the prepared training rows.
        spec: metric, validation and weights by class.
        seed: of the splits, and of every learner that draws.

    Returns:
        The material; the classes that its codes stand for, none for numbers; and what the folds are.

    Raises:
        ExtensionError: a metric of the user's own cannot be loaded.
        SearchError: cells are infinite, rows cannot be split as asked, or the label has not the two classes that a
            threshold decides between.
    """
    from sklearn.preprocessing import LabelEncoder

    classes: list[Any] = []
    target = table.label.to_numpy()
    if table.task is Task.classification:
        encoder = LabelEncoder()
        target, classes = encoder.fit_transform(table.label), list(encoder.classes_)
    _require_threshold_suits(spec, classes)
    metric, roles = metric_of(spec.metric), table.roles
    folds = make_folds(
        table.label,
        table.task,
        spec.validation,
        seed,
        roles,
        all_classes=metric.needs_all_classes,
        horizon=table.horizon,
    )
    quantile = quantile_of(spec.metric)
    loss = "quantile" if quantile else "absolute" if metric.name in ABSOLUTE_METRICS else "squared"
    setting = Setting(table.task, loss, seed, len(classes), quantile or 0.5)
    material = Material(
        _numbers(table),
        target,
        folds.splits,
        setting,
        metric,
        sample_weights(table.label, roles.weight, balanced=spec.class_weight is ClassWeight.balanced),
        None if roles.weight is None else roles.weight.to_numpy(),
        folds.fit_rows,
        alike=folds.kind is not ValidationKind.time,
        offset=None if roles.offset is None else roles.offset.to_numpy(),
    )
    return material, classes, folds


def _numbers(table: PreparedTable) -> "np.ndarray":
    import numpy as np

    features: np.ndarray = table.features.to_numpy(dtype="float64", na_value=np.nan)
    columns = np.isinf(features).any(axis=0)
    infinite = [str(name) for name, found in zip(table.features, columns, strict=True) if found]
    if infinite:
        raise SearchError(
            f"after the recipe, cells are infinite in: {listing(infinite)}",
            why="no learner can fit them",
            fix="add a step to conf/prep that clips or drops them",
        )
    return features


def _require_threshold_suits(spec: SearchSpec, classes: Sequence[Any]) -> None:
    if spec.threshold_metric is None:
        return
    metric_of(spec.threshold_metric)  # one of the user's own is loaded now, not after the search
    if len(classes) == 2:
        return
    raise SearchError(
        f"automl.threshold={spec.threshold} decides between two classes, and the label has {len(classes)}",
        why=listing(classes),
        fix="set automl.threshold=none; of more than two, the likeliest class is the one that is decided on",
    )
