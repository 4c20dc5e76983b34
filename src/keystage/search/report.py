"""What is said of a finished search: what the model is made of, and every metric of it on every fold."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keystage.data.spec import Task
from keystage.data.table import prediction_table
from keystage.search.ensemble import Ensemble
from keystage.search.finishing import Finish
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


def no_better_than_none(material: Material, score: float) -> list[str]:
    """A note, where a model scores no better than saying the same of every row.

    That is, of classes, their shares among the rows that a fold trains on; of numbers what the loss asks for: mean,
    median or quantile.

    Args:
        material: what is learnt, and its folds.
        score: of the model.
    """
    import numpy as np

    setting, metric = material.setting, material.metric
    scores = []
    for training, rows in material.folds:
        target = material.target[training]
        if setting.is_classification:
            shares = np.bincount(target, minlength=setting.classes) / len(target)
            said = np.tile(shares, (len(rows), 1))
        else:
            level = {"quantile": setting.quantile, "absolute": 0.5}.get(setting.loss)
            said = np.full(len(rows), target.mean() if level is None else np.quantile(target, level))
            said = said if material.offset is None else said + material.offset[rows]
        scores.append(metric.score(material.truth(rows), said, weights_at(material.score_weights, rows)))
    none = sum(scores) / len(scores)
    if metric.loss(score) < metric.loss(none):
        return []
    return [
        f"the model is no better than none: to say the same of every row scores {none:.5g}. More time or trials may "
        "help, or the columns tell nothing of the label"
    ]


def all_scores(material: Material, said: Finish, ends: float | None) -> dict[str, dict[str, Any]]:
    """Every metric of the task and the one that was searched for: mean over the folds, and fold by fold.

    A metric that needs all classes lacks where a fold has no row of one; with hundreds of classes such metrics take
    seconds, so they come last, and those for which there is no time left lack.

    Args:
        material: what is true.
        said: what a model says of each fold's validation rows, and how it decides.
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
            metric.score(material.truth(rows), judged, weights_at(material.score_weights, rows))
            for rows, judged in zip(folds, said.judged(metric), strict=True)
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
    label: "pd.Series", material: Material, said: Finish, classes: Sequence[object]
) -> "pd.DataFrame":
    """True values and what models said that had not seen the row; rows that no fold validates are left out.

    Args:
        label: n true values, as they were learnt.
        material: its folds say which rows were predicted; of a row that several folds validate, the mean is taken.
        said: what the model says of each fold's validation rows, and how it decides.
        classes: the k classes; none for numbers.

    Returns:
        Columns row (position in the training table), fold (the first that validates the row, from 1), actual,
        predicted (the class decided on, or the value), and of classes their probabilities.
    """
    import numpy as np
    import pandas as pd

    seen, mean = _mean_by_row(len(label), material, said.predicted)
    actual = label.iloc[seen] if material.offset is None else pd.Series(material.truth(seen))
    table = prediction_table(actual, mean, classes)
    if classes:
        decided = mean if said.decided is None else _mean_by_row(len(label), material, said.decided)[1]
        table.insert(1, "predicted", np.asarray(classes)[decided.argmax(axis=1)])
    fold = np.zeros(len(label), dtype="int64")
    for number in range(len(material.folds), 0, -1):
        fold[material.folds[number - 1][1]] = number
    table.insert(0, "row", seen)
    table.insert(1, "fold", fold[seen])
    return table


def _mean_by_row(rows: int, material: Material, predicted: Sequence["np.ndarray"]) -> "tuple[np.ndarray, np.ndarray]":
    import numpy as np

    total, times = np.zeros((rows, *predicted[0].shape[1:])), np.zeros(rows)
    for (_, validated), said in zip(material.folds, predicted, strict=True):
        total[validated] += said
        times[validated] += 1
    seen = np.flatnonzero(times)
    return seen, total[seen] / times[seen].reshape(-1, *[1] * (total.ndim - 1))
