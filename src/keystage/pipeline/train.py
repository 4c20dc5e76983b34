"""Stage ``train``: search within the budget, then fit the best on all training rows."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keystage.adapters.flaml_search import search
from keystage.compute import limits
from keystage.compute.spec import ComputeSpec
from keystage.core.params import outside_key
from keystage.data.spec import Task
from keystage.data.table import PreparedTable, prediction_table, read_table
from keystage.pipeline import workspace
from keystage.pipeline.progress import SearchProgress
from keystage.search.ensemble import fit_vote, vote_out_of_fold
from keystage.search.folds import Fold, make_folds
from keystage.search.metrics import Metric, metric_of
from keystage.search.spec import SearchSpec
from keystage.search.trials import SearchResult, leaderboard

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

logger = logging.getLogger(__name__)


@dataclass
class TrainParams:
    """The sections of params.yaml that train reads."""

    seed: int
    automl: SearchSpec
    compute: ComputeSpec = outside_key("other cores are no reason to search again; the stage's record names them")


def train(params: TrainParams) -> dict[str, Any]:
    """Search, fit the vote of the best trials, and write model, leaderboard, out-of-fold predictions and scores.

    Returns:
        For the stage's record, the seconds of each trial by its number.
    """
    table = read_table(workspace.TRAIN_TABLE)
    spec, metric, task = params.automl, metric_of(params.automl.metric), table.task
    cores = limits.cores(params.compute.train)
    target, classes = _target(table)
    folds = make_folds(target, task, spec.folds, params.seed)
    logger.info("Searching for the best %s over %d rows and %d folds", metric.name, len(target), spec.folds)
    with SearchProgress(spec, metric) as progress:
        result = search(
            table.features,
            target,
            folds,
            spec,
            task=task,
            seed=params.seed,
            cores=cores,
            on_trial=progress.trial_done,
        )
    for name, reason in result.left_out.items():
        logger.info("%s was not tried: %s", name, reason)
    names = ", ".join(f"{item.trial.estimator} (trial {item.trial.number})" for item in result.candidates)
    logger.info("Fitting on all %d rows: %s", len(target), names)
    model = fit_vote(result.candidates, table.features, table.label, task, cores)

    out_of_fold = vote_out_of_fold(result.candidates)
    workspace.write_pickle(model, workspace.MODEL)
    leaderboard(result.trials, metric).to_parquet(workspace.LEADERBOARD, index=False)
    prediction_table(table.label, out_of_fold, classes).to_parquet(workspace.OUT_OF_FOLD, index=False)
    report = _report(result, metric, target, out_of_fold, folds)
    workspace.write_json(report, workspace.SEARCH_REPORT)
    logger.info(
        "%d trials; %s in cross-validation: best trial %.4f, model %.4f",
        len(result.trials),
        metric.name,
        report["best_trial"][metric.name],
        report["model"][metric.name],
    )
    return {"trial_seconds": {str(trial.number): trial.seconds for trial in result.trials}}


def _target(table: PreparedTable) -> tuple["pd.Series", list[Any]]:
    """What learners fit: class codes with the classes in their order, or the numbers themselves."""
    import pandas as pd
    from sklearn.preprocessing import LabelEncoder

    if table.task is Task.regression:
        return table.label, []
    encoder = LabelEncoder().fit(table.label)
    return pd.Series(encoder.transform(table.label), name=table.label.name), list(encoder.classes_)


def _report(
    result: SearchResult, metric: Metric, target: "pd.Series", out_of_fold: "np.ndarray", folds: Sequence[Fold]
) -> dict[str, Any]:
    """Cross-validated scores of the best trial and of the model, and what ended the search."""
    scores = [metric.score(target.to_numpy()[rows], out_of_fold[rows]) for _, rows in folds]
    return {
        "best_trial": {metric.name: result.candidates[0].trial.score},
        "model": {metric.name: sum(scores) / len(scores)},
        "trials": len(result.trials),
        "members": len(result.candidates),
        "stopped_by": result.stopped_by.value,
        "left_out": result.left_out,
    }
