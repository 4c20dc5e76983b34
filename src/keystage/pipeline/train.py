"""Stage ``train``: search within the budget, then fit the best on all training rows."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keystage.adapters.flaml_search import search
from keystage.compute import limits
from keystage.compute.spec import ComputeSpec
from keystage.core.params import outside_key
from keystage.data.table import read_table
from keystage.pipeline import workspace
from keystage.pipeline.progress import SearchProgress
from keystage.search.ensemble import fit_vote, vote_out_of_fold
from keystage.search.folds import Fold, stratified_folds
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
    from sklearn.preprocessing import LabelEncoder

    table = read_table(workspace.TRAIN_TABLE)
    spec, metric = params.automl, metric_of(params.automl.metric)
    cores = limits.cores(params.compute.train)
    encoder = LabelEncoder().fit(table.label)
    codes = _codes(encoder, table.label)
    folds = stratified_folds(codes, spec.folds, params.seed)
    logger.info("Searching for the best %s over %d rows and %d folds", metric.name, len(codes), spec.folds)
    with SearchProgress(spec, metric) as progress:
        result = search(table.features, codes, folds, spec, seed=params.seed, cores=cores, on_trial=progress.trial_done)
    names = ", ".join(f"{item.trial.estimator} (trial {item.trial.number})" for item in result.candidates)
    logger.info("Fitting on all %d rows: %s", len(codes), names)
    model = fit_vote(result.candidates, table.features, table.label, cores)

    out_of_fold = vote_out_of_fold(result.candidates)
    workspace.write_pickle(model, workspace.MODEL)
    leaderboard(result.trials, metric).to_parquet(workspace.LEADERBOARD, index=False)
    _out_of_fold_table(table.label, out_of_fold, encoder.classes_).to_parquet(workspace.OUT_OF_FOLD, index=False)
    report = _report(result, metric, codes, out_of_fold, folds)
    workspace.write_json(report, workspace.SEARCH_REPORT)
    logger.info(
        "%d trials; %s in cross-validation: best trial %.4f, model %.4f",
        len(result.trials),
        metric.name,
        report["best_trial"][metric.name],
        report["model"][metric.name],
    )
    return {"trial_seconds": {str(trial.number): trial.seconds for trial in result.trials}}


def _codes(encoder: Any, label: "pd.Series") -> "pd.Series":
    import pandas as pd

    return pd.Series(encoder.transform(label), name=label.name)


def _out_of_fold_table(label: "pd.Series", probabilities: "np.ndarray", classes: Sequence[object]) -> "pd.DataFrame":
    import pandas as pd

    columns = {f"probability_{value}": probabilities[:, index] for index, value in enumerate(classes)}
    return pd.DataFrame({"actual": label.to_numpy(), **columns})


def _report(
    result: SearchResult, metric: Metric, codes: "pd.Series", out_of_fold: "np.ndarray", folds: Sequence[Fold]
) -> dict[str, Any]:
    """Cross-validated scores of the best trial and of the model, and what ended the search."""
    scores = [metric.score(codes.to_numpy()[rows], out_of_fold[rows]) for _, rows in folds]
    return {
        "best_trial": {metric.name: result.candidates[0].trial.score},
        "model": {metric.name: sum(scores) / len(scores)},
        "trials": len(result.trials),
        "members": len(result.candidates),
        "stopped_by": result.stopped_by.value,
    }
