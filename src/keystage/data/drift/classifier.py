"""How well a classifier tells the rows of two tables apart: what differs in no single column shows here too.

A classifier two-sample test (Lopez-Paz, Oquab 2017, "Revisiting classifier two-sample tests", ICLR). As in Azure ML SDK
v1's drift, its Matthews correlation is the magnitude (``ds_mcc_test``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keystage.data.drift.columns import lengths, numbers
from keystage.data.drift.told import ColumnDrift

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.random import Generator
    from sklearn.ensemble import HistGradientBoostingClassifier

MIN_ROWS = 50  # of each table, as Azure asks for; with fewer, chance tells them apart
MAX_ROWS = 10_000  # of each table that the classifier sees
FOLDS = 5
MAX_EXPLAINED = 50  # columns whose part is measured, the most drifted ones
MAX_SHUFFLED = 1000  # rows of a fold in which a column's part is measured
_MANY_TWINS = 10
_CODES = 60  # categories that the classifier tells from each other


@dataclass(frozen=True)
class Told:
    """How well rows were told apart that the classifier had not seen.

    Attributes:
        roc_auc: 0.5 where it can only guess, 1 where it always knows.
        mcc: Matthews correlation, 0 where it can only guess, 1 where it always knows.
        contribution: of each column to that, of 1; none where it can only guess.
    """

    roc_auc: float
    mcc: float
    contribution: Mapping[str, float]

    @property
    def magnitude(self) -> float:
        """The correlation, 0 where it is below."""
        return max(0.0, self.mcc)


def told_apart(baseline: "pd.DataFrame", target: "pd.DataFrame", drifts: list[ColumnDrift], seed: int) -> Told | None:
    """Cross-validate a classifier of the tables' rows, n and m; None where there are too few, or no column to see.

    Equal rows are in the same fold, or one that both tables hold would be known, wrongly, by its twin; those that stand
    ten times or more are not, because it is their share in each table that tells. Each table counts the same, whatever
    its length. What a column contributes is how much less ROC AUC there is when its values are shuffled (permutation
    importance; Breiman 2001, "Random forests", Machine Learning 45), on rows not seen in fitting.

    Args:
        baseline: the one table.
        target: the other.
        drifts: of the columns to see, the most drifted first.
        seed: of the sample, the folds and the shuffles.
    """
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import matthews_corrcoef, roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold

    if min(len(baseline), len(target)) < MIN_ROWS or not drifts:
        return None
    sides = [side.sample(min(len(side), MAX_ROWS), random_state=seed) for side in (baseline, target)]
    X, categorical = _features(sides, drifts)
    y = np.repeat([0, 1], [len(side) for side in sides])
    weight = np.where(y == 1, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    score, lost = np.full(len(y), 0.5), np.zeros(X.shape[1])
    draws = np.random.default_rng(seed)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for seen, unseen in folds.split(X, y, _twins(X)):
        if len(np.unique(y[seen])) < 2:
            continue  # the rows not seen stay at a guess
        known = np.where(np.isnan(X[seen]).all(axis=0), 0.0, X)  # a column of nothing has no bins
        model = HistGradientBoostingClassifier(
            max_iter=60, max_leaf_nodes=15, min_samples_leaf=10, early_stopping=False, random_state=seed,
            categorical_features=categorical,
        )  # fmt: skip
        model.fit(known[seen], y[seen], sample_weight=weight[seen])
        score[unseen] = model.predict_proba(known[unseen])[:, 1]
        lost += _lost(model, known[unseen], y[unseen], draws)
    mcc = float(matthews_corrcoef(y, score > 0.5, sample_weight=weight))
    parts = lost / lost.sum() if mcc > 0 and lost.sum() > 0 else np.zeros_like(lost)
    named = {drift.column: float(part) for drift, part in zip(drifts, parts[:MAX_EXPLAINED], strict=False)}
    return Told(float(roc_auc_score(y, score)), mcc, named)


def _twins(X: "np.ndarray") -> "np.ndarray":
    """A number for each row; equal rows share one, unless there are so many that their shares can be learnt."""
    import numpy as np
    import pandas as pd

    rows, _ = pd.factorize(pd.util.hash_pandas_object(pd.DataFrame(X), index=False))
    often = np.bincount(rows)[rows] >= _MANY_TWINS
    found: np.ndarray = np.where(often, len(rows) + np.arange(len(rows)), rows)
    return found


def _lost(
    model: "HistGradientBoostingClassifier", X: "np.ndarray", y: "np.ndarray", draws: "Generator"
) -> "np.ndarray":
    """ROC AUC that is lost when a column's values are shuffled, by column; 0 of those that are not measured."""
    import numpy as np
    from sklearn.metrics import roc_auc_score

    lost = np.zeros(X.shape[1])
    some = draws.permutation(len(y))[:MAX_SHUFFLED]
    X, y = X[some], y[some]
    if len(np.unique(y)) < 2:
        return lost
    whole = roc_auc_score(y, model.predict_proba(X)[:, 1])
    for at in range(min(X.shape[1], MAX_EXPLAINED)):
        shuffled = X.copy()
        shuffled[:, at] = draws.permutation(shuffled[:, at])
        lost[at] = max(0.0, whole - roc_auc_score(y, model.predict_proba(shuffled)[:, 1]))
    return lost


def _features(sides: "list[pd.DataFrame]", drifts: list[ColumnDrift]) -> "tuple[np.ndarray, np.ndarray]":
    """What the classifier sees of both, below each other: numbers, lengths of free texts, codes of categories."""
    import numpy as np
    import pandas as pd

    made, categorical = [], []
    for drift in drifts:
        columns = [side[drift.column] for side in sides]
        categorical.append(drift.kind == "category")
        if drift.kind == "category":
            texts = pd.concat([column.astype("str").where(column.notna()) for column in columns], ignore_index=True)
            common = texts.value_counts().index[:_CODES]
            codes = texts.map({value: code for code, value in enumerate(common)})
            made.append(codes.fillna(_CODES).where(texts.notna()).to_numpy("float64", na_value=np.nan))
        else:
            measure = lengths if drift.kind == "text" else numbers
            made.append(np.concatenate([measure(column) for column in columns]))
    return np.column_stack(made), np.array(categorical)
