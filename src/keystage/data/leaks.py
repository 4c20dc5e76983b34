"""How well each column alone tells the label, on rows that it was not counted on."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MAX_ROWS, MIN_ROWS, MAX_CELLS = 10_000, 1_000, 4_000_000  # of the seeded sample; wide tables have fewer rows
FOLDS = 3
# Edges between groups of a number: 31 quantiles, and finer ones at both ends, where rare classes stand.
LEVELS = (*(step / 32 for step in range(1, 32)), 0.001, 0.002, 0.005, 0.01, 0.02, 0.98, 0.99, 0.995, 0.998, 0.999)
MAX_PLAIN = 64  # different numbers up to which each is a group of its own
MAX_CLASSES = 20  # the commonest, each against all others
PRIOR = 1.0  # rows of the overall mean that each group is given, so that a group of one row tells little


def tells_label(table: "pd.DataFrame", label: "pd.Series", seed: int, classes: bool) -> Mapping[str, float]:
    """By column: the mean over three folds of the area under the ROC curve, or of R2, of its groups' means.

    A number is cut into groups between its quantiles, any other column has a group for each value; missing cells are a
    group too. The mean of the label in each group, on two thirds of the rows, predicts the third; of classes, each is
    told from all others, and their areas are averaged. That is a decision tree of one leaf per group, at a thousandth
    of the cost of a fit: 2,000 columns take some seconds. Of a number that is to be predicted, the rank correlation
    squared counts where it is more: groups are too coarse for a copy of the label.

    Args:
        table: n x m, any types.
        label: n values, none missing.
        seed: of the sample of rows and of the folds.
        classes: whether the label is a class rather than a number.

    Returns:
        Columns of which there is a score: with at least two groups, and rows enough for three folds.
    """
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    rows = min(len(table), MAX_ROWS, max(MIN_ROWS, MAX_CELLS // max(1, len(table.columns))))
    taken = np.sort(rng.permutation(len(table))[:rows])
    fold = rng.permutation(np.arange(rows) % FOLDS)
    if classes:
        codes, values = pd.factorize(label.iloc[taken])
        common = np.argsort(-np.bincount(codes, minlength=len(values)), kind="stable")[:MAX_CLASSES]
        # Of two classes, one against the other says all.
        targets = np.stack([codes == at for at in (common[1:] if len(values) == 2 else common)])
    else:
        targets = label.iloc[taken].to_numpy(dtype="float64")[None, :]
    score = _area if classes else _explained
    found = {}
    for name in table.columns:
        column = table[name].iloc[taken]
        group = _groups(column)
        told = [_fold(group, targets, fold == at, score) for at in range(FOLDS)]
        if group.any() and not np.isnan(told).any():
            ranked = 0.0 if classes else _ranked(column, label.iloc[taken])
            found[str(name)] = max(float(np.mean(told)), ranked)
    return found


def _ranked(column: "pd.Series", label: "pd.Series") -> float:
    """Spearman's correlation with the label, squared, where no cell is missing."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(column) or column.isna().any() or column.nunique() <= MAX_PLAIN:
        return 0.0
    return float(column.rank().corr(label.rank()) ** 2)


def _groups(column: "pd.Series") -> "np.ndarray":
    """The group of each row, from 0; a missing cell's is the last."""
    import numpy as np
    import pandas as pd

    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if not (numeric or pd.api.types.is_datetime64_any_dtype(column)):
        codes = pd.factorize(column)[0]
        return np.where(codes < 0, codes.max(initial=-1) + 1, codes)
    missing = column.isna().to_numpy()
    values = (column.astype("int64") if not numeric and not missing.any() else column).to_numpy()
    if values.dtype.kind == "M":
        values = values.astype("int64")
    present = values[~missing]
    edges = np.unique(present)
    if len(edges) > MAX_PLAIN:
        edges = np.unique(np.quantile(present, LEVELS, method="higher"))
    groups = np.searchsorted(edges, values, side="left")
    groups[missing] = len(edges) + 1
    return groups


def _fold(group: "np.ndarray", targets: "np.ndarray", test: "np.ndarray", score: object) -> float:
    """The mean score over targets of what the groups' means on the other rows say of the test rows."""
    import numpy as np

    assert callable(score)
    size = int(group.max(initial=0)) + 1
    rows = np.bincount(group[~test], minlength=size)
    told = []
    for target in targets:
        known = target[~test].astype("float64")
        sums = np.bincount(group[~test], weights=known, minlength=size)
        means = (sums + PRIOR * known.mean()) / (rows + PRIOR) if len(known) else sums
        told.append(score(means[group[test]], target[test]))
    valid = [value for value in told if not np.isnan(value)]
    return float(np.mean(valid)) if valid else float("nan")


def _area(predicted: "np.ndarray", actual: "np.ndarray") -> float:
    """Under the ROC curve, by ranks, of which ties share the mean; nan where a side has no rows."""
    import numpy as np

    positives = int(actual.sum())
    negatives = len(actual) - positives
    if not positives or not negatives:
        return float("nan")
    _, place, counts = np.unique(predicted, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((ranks[place][actual].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _explained(predicted: "np.ndarray", actual: "np.ndarray") -> float:
    """R2; nan where the actual values do not differ."""
    import numpy as np

    if len(actual) < 2 or actual.min() == actual.max():
        return float("nan")
    off, spread = predicted - actual, actual - actual.mean()
    with np.errstate(all="ignore"):
        return float(1 - (off**2).sum() / (spread**2).sum())
