"""What is said of a finished search: what the model is made of, and every metric of it on every fold."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keystage.data.spec import Task
from keystage.data.table import prediction_table
from keystage.search.ensemble import Ensemble
from keystage.search.fitting import Material, weights_at
from keystage.search.metrics import METRICS, Metric
from keystage.search.trials import Trial

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def members_report(ensemble: Ensemble, fitted_on: "dict[int, Any]") -> list[dict[str, Any]]:
    """One entry per member, the heaviest first, with what it was fitted on by trial."""
    return [
        {
            "trial": member.trial.number,
            "estimator": member.trial.estimator,
            "weight": member.weight,
            "fitted_on": fitted_on[member.trial.number].value,
            "hyperparameters": dict(member.trial.proposal.point),
        }
        for member in ensemble.members
    ]


def all_scores(material: Material, predicted: Sequence["np.ndarray"], ends: float | None) -> dict[str, dict[str, Any]]:
    """Every metric of the task and the one that was searched for: mean over the folds, and fold by fold.

    A metric that needs all classes lacks where a fold has no row of one; with hundreds of classes such metrics take
    seconds, so they come last, and those for which there is no time left lack.

    Args:
        material: what is true.
        predicted: for each fold, n_f x k probabilities or n_f values of its validation rows.
        ends: when the budget is used up, on ``time.monotonic``'s clock; None for no limit.
    """
    import numpy as np

    task, folds = material.setting.task, [rows for _, rows in material.folds]
    every = task is not Task.classification or all(
        len(np.unique(material.target[rows])) == material.setting.classes for rows in folds
    )
    found: dict[str, dict[str, Any]] = {}
    for metric in {material.metric.name: material.metric, **_cheap_first(task)}.values():
        if metric.needs_all_classes and not every:
            continue
        if found and ends is not None and time.monotonic() > ends:
            break
        scores = [
            metric.score(
                material.target[rows],
                said,
                weights_at(material.score_weights, rows),
            )
            for rows, said in zip(folds, predicted, strict=True)
        ]
        found[metric.name] = {"mean": sum(scores) / len(scores), "folds": scores}
    return found


def _cheap_first(task: Task) -> dict[str, Metric]:
    return dict(sorted(METRICS[task].items(), key=lambda item: item[1].needs_all_classes))


def course_table(trials: Sequence[Trial], metric: Metric) -> "pd.DataFrame":
    """How the search went: for each trial that has a score, its number, its score, and the best up to it."""
    import pandas as pd

    scored = [(trial.number, trial.score) for trial in trials if trial.score is not None]
    table = pd.DataFrame(scored, columns=["trial", "score"])
    best = table["score"].cummax() if metric.greater_is_better else table["score"].cummin()
    return table.assign(best=best)


def out_of_fold_table(
    label: "pd.Series", material: Material, predicted: Sequence["np.ndarray"], classes: Sequence[object]
) -> "pd.DataFrame":
    """True values and what models said that had not seen the row; rows that no fold validates are left out.

    Args:
        label: n true values.
        material: its folds say which rows were predicted; of a row that several folds validate, the mean is taken.
        predicted: for each fold, n_f x k probabilities or n_f values.
        classes: the k classes; none for numbers.

    Returns:
        Columns row (position in the training table), actual, and those of ``prediction_table``.
    """
    import numpy as np

    total = np.zeros((len(label), *predicted[0].shape[1:]))
    times = np.zeros(len(label))
    for (_, rows), said in zip(material.folds, predicted, strict=True):
        total[rows] += said
        times[rows] += 1
    seen = np.flatnonzero(times)
    mean = total[seen] / times[seen].reshape(-1, *[1] * (total.ndim - 1))
    table = prediction_table(label.iloc[seen], mean, classes)
    table.insert(0, "row", seen)
    return table
