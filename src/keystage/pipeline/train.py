"""Stage ``train``: search within the budget, then make one model of the best trials."""

import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from keystage.adapters.fork_server import start_server
from keystage.compute import limits
from keystage.compute.spec import ComputeSpec
from keystage.core.params import PARAMS_FILE, as_text, outside_key
from keystage.data.table import PreparedTable, read_table
from keystage.pipeline import workspace
from keystage.pipeline.inputs import fingerprints
from keystage.pipeline.material import material_of
from keystage.pipeline.progress import SearchProgress
from keystage.pipeline.search import Found, learners_for, search
from keystage.search.assembly import model_of
from keystage.search.finishing import Finish
from keystage.search.fitting import Material
from keystage.search.folds import Folds
from keystage.search.names import OWN_METRICS
from keystage.search.report import (
    all_scores,
    course_table,
    members_report,
    no_better_than_none,
    out_of_fold_table,
)
from keystage.search.script import not_in_script, training_script
from keystage.search.spec import AFTER_TRIALS, SearchSpec
from keystage.search.standing import hyperparameters, standing, without_score
from keystage.search.trials import leaderboard
from keystage.search.weights import unweighed

logger = logging.getLogger(__name__)


@dataclass
class TrainParams:
    """The sections of params.yaml that train reads."""

    seed: int
    automl: SearchSpec
    compute: ComputeSpec = outside_key("other cores are no reason to search again; the stage's record names them")


def train(params: TrainParams) -> dict[str, Any]:
    """Search, make the model, and write it with leaderboard, out-of-fold predictions and scores.

    Returns:
        For the stage's record, the seconds of each trial by its number.
    """
    start_server()  # its imports go on while the table is read
    table = read_table(workspace.TRAIN_TABLE)
    begun = time.monotonic()
    spec, cores = params.automl, limits.cores(params.compute.train)
    material, classes, folds = material_of(table, spec, params.seed)
    table = replace(table, features=table.features.head(1))  # the search has its own; names are still wanted
    rows, columns = len(material.folds[0][0]), material.features.shape[1]
    learners, left_out = learners_for(spec, table.task, rows, columns, len(classes))
    cautions = (*folds.cautions, *unweighed(learners, material.fit_weights))
    _say_plan(material, folds, spec, [learner.name for learner in learners], left_out, cores)
    for caution in cautions:
        logger.info("  %s", caution)
    with SearchProgress(spec, material.metric) as progress:
        found = search(
            material,
            learners,
            spec,
            key=_search_key(params),
            seed=params.seed,
            cores=cores,
            classes=classes,
            begun=begun,
            on_trial=progress.trial_done,
        )
    if found.recalled:
        logger.info("%d fits were taken from the log of an earlier run of this search", found.recalled)
    ends = None if spec.time_budget is None else begun + spec.time_budget
    _write(table, replace(found, notes=(*cautions, *found.notes)), folds, classes, left_out, ends)
    return {"trial_seconds": {str(trial.number): trial.seconds for trial in found.trials}}


def _search_key(params: TrainParams) -> str:
    """Equal for searches with the same trials: by what the stage reads, and the settings that trials depend on."""
    spec = {name: value for name, value in asdict(params.automl).items() if name not in AFTER_TRIALS}
    inputs = fingerprints("train")
    inputs.pop(PARAMS_FILE.as_posix(), None)
    if not params.automl.metric.startswith(OWN_METRICS):  # a threshold's metric scores no trial
        inputs.pop(workspace.OWN_METRIC_NOTE.as_posix(), None)
    text = as_text({"inputs": inputs, "seed": params.seed, "automl": spec})
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _say_plan(
    material: Material,
    folds: Folds,
    spec: SearchSpec,
    learners: Sequence[str],
    left_out: Mapping[str, str],
    cores: int,
) -> None:
    """What is about to be done, before it takes its time."""
    rows, columns = material.features.shape
    logger.info("Table: %d rows, %d columns; validation: %s", rows, columns, folds.note)
    logger.info("Searching for the best %s with %s", material.metric.name, ", ".join(learners))
    for name, reason in left_out.items():
        logger.info("  not %s: %s", name, reason)
    limits_said = {
        "seconds": spec.time_budget,
        "trials": spec.max_trials,
        "seconds a trial": spec.trial_timeout,
        "MB": spec.memory_budget,
        "trials without a better one": spec.patience,
    }
    said = ", ".join(f"{value:g} {name}" for name, value in limits_said.items() if value is not None)
    logger.info("At most %s; %d fits at the same time", said, cores)


def _write(
    table: PreparedTable,
    found: Found,
    folds: Folds,
    classes: list[Any],
    left_out: Mapping[str, str],
    ends: float | None,
) -> None:
    material, final = found.material, found.final
    metric = material.metric
    workspace.write_pickle(model_of(final.model, table.features), workspace.MODEL)
    leaderboard(found.trials, metric).to_parquet(workspace.LEADERBOARD, index=False)
    said = out_of_fold_table(table.label, material, final.finish, classes)
    said.to_parquet(workspace.OUT_OF_FOLD, index=False)
    best = final.best_alone
    assert best.score is not None
    report = {
        "best_trial": {metric.name: best.score},
        "model": {metric.name: final.score},
        "trials": len(found.trials),
        "members": len(final.ensemble.members),
        "stopped_by": found.stopped_by.value,
        "validation": {"kind": folds.kind.value, "folds": len(material.folds), "note": folds.note},
    }
    workspace.write_json(report, workspace.SEARCH_REPORT)
    weights = {member.trial.number: member.weight for member in final.ensemble.members}
    scoreless = without_score(found.trials)
    notes = [*found.notes, *scoreless, *final.notes, *no_better_than_none(material, final.score)]
    about_model = {
        "members": members_report(final.ensemble, final.fitted_on),
        "chosen": final.ensemble.note,
        "notes": notes,
        "left_out": dict(left_out),
        "scores": {
            "model": all_scores(material, final.finish, ends),
            "best_trial": all_scores(material, Finish(final.best_out_of_fold), ends),
        },
        **final.finish.report,
        "estimators": standing(found.trials, metric, weights),
        "hyperparameters": hyperparameters(found.trials, metric) if ends is None or time.monotonic() < ends else {},
    }
    workspace.write_json(about_model, workspace.MODEL_REPORT)
    script = training_script(
        final.ensemble.members,
        final.members,
        final.stacked_by,
        table.task,
        workspace.TRAIN_TABLE,
        str(table.label.name),
        left_out=not_in_script(material, final.finish),
    )
    workspace.TRAIN_AGAIN.write_text(script, encoding="utf-8")
    course_table(found.trials, metric).to_csv(workspace.SEARCH_COURSE, index=False)
    logger.info(
        "%d trials; %s in cross-validation: best trial %.4f, model %.4f (%s)",
        len(found.trials),
        metric.name,
        best.score,
        final.score,
        final.ensemble.note,
    )
    for note in notes:
        logger.info("  %s", note)
