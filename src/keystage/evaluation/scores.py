"""Test metrics, and the tables behind the plots that ``dvc plots show`` draws."""

from typing import TYPE_CHECKING

from keystage.search.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

MAX_POINTS = 500  # a curve with more points looks the same and loads slower
CALIBRATION_BINS = 10


def scores(codes: "np.ndarray", probabilities: "np.ndarray") -> dict[str, float]:
    """All metrics by name, for n codes and n x k probabilities; those that need all classes lack when one is absent."""
    import numpy as np

    all_present = len(np.unique(codes)) == probabilities.shape[1]
    return {
        name: metric.score(codes, probabilities)
        for name, metric in METRICS.items()
        if all_present or not metric.needs_all_classes
    }


def plot_tables(
    codes: "np.ndarray", probabilities: "np.ndarray", classes: "Sequence[object]"
) -> "dict[str, pd.DataFrame]":
    """Tables for the four plots, by file name without ending.

    With two classes the curves are those of the second; with more there is one per class against the rest.

    Args:
        codes: n class codes.
        probabilities: n x k.
        classes: the k label values, in the order of the columns.
    """
    import pandas as pd

    shown = range(len(classes)) if len(classes) > 2 else [1]
    tables: dict[str, list[pd.DataFrame]] = {"roc": [], "precision_recall": [], "calibration": []}
    for index in shown:
        for name, table in _curves(codes == index, probabilities[:, index]).items():
            tables[name].append(table.assign(**{"class": str(classes[index])}))
    confusion = pd.DataFrame(
        {
            "actual": [str(classes[code]) for code in codes],
            "predicted": [str(classes[code]) for code in probabilities.argmax(axis=1)],
        }
    )
    return {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()} | {"confusion": confusion}


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
