"""Test metrics, and the tables behind the plots that ``dvc plots show`` draws."""

from typing import TYPE_CHECKING

from keystage.data.spec import Task
from keystage.search.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

MAX_POINTS = 500  # a curve with more points looks the same and loads slower
CALIBRATION_BINS = 10
# The plots that dvc.yaml draws; DVC complains of a file that is not there, and draws one without rows empty.
PLOT_COLUMNS = {
    "roc": ("false_positive_rate", "true_positive_rate"),
    "precision_recall": ("recall", "precision"),
    "calibration": ("predicted", "observed"),
    "confusion": ("actual", "predicted"),
    "predicted": ("actual", "predicted"),
    "residuals": ("predicted", "residual"),
}


def scores(
    task: Task, truth: "np.ndarray", predicted: "np.ndarray", decided: "np.ndarray | None" = None
) -> dict[str, float]:
    """All metrics of the task by name; those that need all classes lack when one is absent.

    Args:
        task: what was learnt.
        truth: n class codes, or n values.
        predicted: n x k probabilities, or n values.
        decided: n class codes that the model decided on; None for the likeliest.
    """
    import numpy as np

    judged = predicted if decided is None else np.eye(predicted.shape[1])[decided]
    all_present = task is not Task.classification or len(np.unique(truth)) == predicted.shape[1]
    return {
        name: metric.score(truth, judged if metric.of_classes else predicted)
        for name, metric in METRICS[task].items()
        if all_present or not metric.needs_all_classes
    }


def plot_tables(
    truth: "np.ndarray", predicted: "np.ndarray", classes: "Sequence[object]", decided: "np.ndarray | None" = None
) -> "dict[str, pd.DataFrame]":
    """Tables for the plots of dvc.yaml, by file name without ending; those of the other task have no rows.

    With two classes the curves are those of the second; with more there is one per class against the rest.

    Args:
        truth: n class codes, or n values.
        predicted: n x k probabilities, or n values.
        classes: the k label values, in the order of the columns; none for a regressor.
        decided: n class codes that the model decided on; None for the likeliest.
    """
    import pandas as pd

    if classes and decided is None:
        decided = predicted.argmax(axis=1)
    tables = _of_classes(truth, predicted, classes, decided) if decided is not None else _residuals(truth, predicted)
    return {name: pd.DataFrame(columns=list(columns)) for name, columns in PLOT_COLUMNS.items()} | tables


def _of_classes(
    truth: "np.ndarray", predicted: "np.ndarray", classes: "Sequence[object]", decided: "np.ndarray"
) -> "dict[str, pd.DataFrame]":
    import pandas as pd

    shown = range(len(classes)) if len(classes) > 2 else [1]
    tables: dict[str, list[pd.DataFrame]] = {"roc": [], "precision_recall": [], "calibration": []}
    for index in shown:
        for name, table in _curves(truth == index, predicted[:, index]).items():
            tables[name].append(table.assign(**{"class": str(classes[index])}))
    confusion = pd.DataFrame(
        {
            "actual": [str(classes[code]) for code in truth],
            "predicted": [str(classes[code]) for code in decided],
        }
    )
    return {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()} | {"confusion": confusion}


def _residuals(truth: "np.ndarray", predicted: "np.ndarray") -> "dict[str, pd.DataFrame]":
    """Points for predicted against true, and for what is left over; of many rows, some taken evenly by true value."""
    import pandas as pd

    points = pd.DataFrame({"actual": truth, "predicted": predicted}).sort_values("actual", ignore_index=True)
    points = _thin(points)
    return {"predicted": points, "residuals": points.assign(residual=points["actual"] - points["predicted"])}


def _curves(positive: "np.ndarray", probability: "np.ndarray") -> "dict[str, pd.DataFrame]":
    import numpy as np
    import pandas as pd
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import precision_recall_curve, roc_curve

    false_positive, true_positive, _ = roc_curve(positive, probability)
    precision, recall, _ = precision_recall_curve(positive, probability)
    bins = min(CALIBRATION_BINS, len(np.unique(probability)))
    observed, predicted = calibration_curve(positive, probability, n_bins=bins, strategy="quantile")
    return {
        "roc": _thin(pd.DataFrame({"false_positive_rate": false_positive, "true_positive_rate": true_positive})),
        "precision_recall": _thin(pd.DataFrame({"recall": recall, "precision": precision})),
        "calibration": pd.DataFrame({"predicted": predicted, "observed": observed}),
    }


def _thin(curve: "pd.DataFrame") -> "pd.DataFrame":
    """At most ``MAX_POINTS`` points, evenly taken, both ends kept."""
    import numpy as np

    return curve.iloc[np.unique(np.linspace(0, len(curve) - 1, MAX_POINTS).round().astype(int))]
