"""The tables behind the plots that ``dvc plots show`` and the report draw."""

from typing import TYPE_CHECKING

from keystage.evaluation.scores import Scored

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MAX_POINTS = 500  # a curve with more points looks the same and loads slower
MAX_DECISIONS = 20_000  # rows of the confusion table; of more, a seeded sample keeps the shares
CALIBRATION_BINS = 10
SCORE_BINS = 20
SHARES = 100  # points of gains and lift: after each hundredth of the rows
# The plots that dvc.yaml draws; DVC complains of a file that is not there, and draws one without rows empty.
PLOT_COLUMNS = {
    "roc": ("false_positive_rate", "true_positive_rate", "class"),
    "precision_recall": ("recall", "precision", "class"),
    "gains": ("share", "found", "class"),
    "lift": ("share", "lift", "class"),
    "calibration": ("predicted", "observed", "rows", "class"),
    "scores": ("probability", "rows", "actual", "class"),
    "confusion": ("actual", "predicted"),
    "predicted": ("actual", "predicted"),
    "residuals": ("actual", "predicted", "residual"),
    "forecast": ("time", "actual", "predicted", "low", "high", "series"),
}


def plot_tables(scored: Scored, seed: int) -> "dict[str, pd.DataFrame]":
    """Tables for the plots of dvc.yaml, by file name without ending; those of another task have no rows.

    With two classes the curves are those of the second; with more there is one per class against the rest. Rows count
    by their weights, in the confusion table once each.

    Args:
        scored: the test rows.
        seed: of the sample that stands for a large confusion table.
    """
    import pandas as pd

    tables = _of_classes(scored, seed) if scored.classes else _residuals(scored)
    return {name: pd.DataFrame(columns=list(columns)) for name, columns in PLOT_COLUMNS.items()} | tables


def _of_classes(scored: Scored, seed: int) -> "dict[str, pd.DataFrame]":
    import numpy as np
    import pandas as pd

    shown = range(len(scored.classes)) if len(scored.classes) > 2 else [1]
    weights = np.ones(scored.rows) if scored.weights is None else scored.weights
    tables: dict[str, list[pd.DataFrame]] = {}
    for code in shown:
        positive = scored.truth == code
        if not weights[positive].sum() or not weights[~positive].sum():  # no curve without both
            continue
        for name, table in _curves(positive, scored.predicted[:, code].astype("float64"), weights).items():
            tables.setdefault(name, []).append(table.assign(**{"class": str(scored.classes[code])}))
    drawn = {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}
    return {**drawn, "confusion": _confusion(scored, seed)}


def _confusion(scored: Scored, seed: int) -> "pd.DataFrame":
    """A row per test row, in the label's words."""
    import numpy as np
    import pandas as pd

    names = np.asarray([str(name) for name in scored.classes], dtype=object)
    rows = np.arange(scored.rows)
    if scored.rows > MAX_DECISIONS:
        rows = np.sort(np.random.default_rng(seed).choice(scored.rows, MAX_DECISIONS, replace=False))
    assert scored.decided is not None
    return pd.DataFrame({"actual": names[scored.truth[rows]], "predicted": names[scored.decided[rows]]})


def _residuals(scored: Scored) -> "dict[str, pd.DataFrame]":
    """Points for predicted against true, and for what is left over; of many rows, some taken evenly by true value."""
    import pandas as pd

    points = pd.DataFrame({"actual": scored.truth, "predicted": scored.predicted})
    points = _thin(points.sort_values("actual", ignore_index=True))
    return {"predicted": points, "residuals": points.assign(residual=points["actual"] - points["predicted"])}


def _curves(positive: "np.ndarray", probability: "np.ndarray", weights: "np.ndarray") -> "dict[str, pd.DataFrame]":
    import pandas as pd
    from sklearn.metrics import precision_recall_curve, roc_curve

    false_positive, true_positive, _ = roc_curve(positive, probability, sample_weight=weights)
    precision, recall, _ = precision_recall_curve(positive, probability, sample_weight=weights)
    return {
        "roc": _thin(pd.DataFrame({"false_positive_rate": false_positive, "true_positive_rate": true_positive})),
        "precision_recall": _thin(pd.DataFrame({"recall": recall, "precision": precision})),
        **_gains(positive, probability, weights),
        "calibration": _calibration(positive, probability, weights),
        "scores": _histogram(positive, probability),
    }


def _gains(positive: "np.ndarray", probability: "np.ndarray", weights: "np.ndarray") -> "dict[str, pd.DataFrame]":
    """What is found among the rows with the highest probabilities, from 1 in 100 of them to all.

    Gains are the share of all positives that is found; lift is how many times more that is than at random.
    """
    import numpy as np
    import pandas as pd

    order = np.argsort(-probability, kind="stable")
    taken, found = weights[order].cumsum(), (weights * positive)[order].cumsum()
    # Rows of equal probability have no order: the curve is straight over them.
    ends = np.flatnonzero(np.diff(probability[order], append=-np.inf))
    share = np.linspace(0, 1, SHARES + 1)
    gained = np.interp(share, np.append(0, taken[ends] / taken[-1]), np.append(0, found[ends] / found[-1]))
    gains = pd.DataFrame({"share": share, "found": gained})
    return {"gains": gains, "lift": pd.DataFrame({"share": share[1:], "lift": gained[1:] / share[1:]})}


def _calibration(positive: "np.ndarray", probability: "np.ndarray", weights: "np.ndarray") -> "pd.DataFrame":
    """Mean probability and observed share in bins of as many rows each, by quantiles as scikit-learn has it."""
    import numpy as np
    import pandas as pd

    edges = np.unique(np.quantile(probability, np.linspace(0, 1, CALIBRATION_BINS + 1)))
    bins = np.searchsorted(edges[1:-1], probability)
    total = np.bincount(bins, weights)
    there = total > 0
    said, seen = np.bincount(bins, weights * probability), np.bincount(bins, weights * positive)
    columns = {"predicted": said[there] / total[there], "observed": seen[there] / total[there]}
    return pd.DataFrame({**columns, "rows": np.bincount(bins)[there]})


def _histogram(positive: "np.ndarray", probability: "np.ndarray") -> "pd.DataFrame":
    """Rows by probability, those of the class and the others."""
    import numpy as np
    import pandas as pd

    edges = np.linspace(0, 1, SCORE_BINS + 1)
    middle = ((edges[:-1] + edges[1:]) / 2).round(6)
    parts = [
        pd.DataFrame({"probability": middle, "rows": np.histogram(probability[chosen], edges)[0], "actual": actual})
        for chosen, actual in ((positive, "of the class"), (~positive, "others"))
    ]
    return pd.concat(parts, ignore_index=True)


def _thin(curve: "pd.DataFrame") -> "pd.DataFrame":
    """At most ``MAX_POINTS`` points, evenly taken, both ends kept."""
    import numpy as np

    return curve.iloc[np.unique(np.linspace(0, len(curve) - 1, MAX_POINTS).round().astype(int))]
