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
from keystage.core.errors import SearchError, listing
from keystage.core.params import PARAMS_FILE, as_text, outside_key
from keystage.data.spec import Task
from keystage.data.table import PreparedTable, read_table
from keystage.pipeline import workspace
from keystage.pipeline.inputs import fingerprints
from keystage.pipeline.progress import SearchProgress
from keystage.pipeline.search import Found, learners_for, search
from keystage.search.assembly import model_of
from keystage.search.finishing import Finish
from keystage.search.fitting import Material
from keystage.search.folds import Folds, make_folds
from keystage.search.learners.learner import Setting
from keystage.search.metrics import metric_of
from keystage.search.names import ABSOLUTE_METRICS, OWN_METRICS, quantile_of
from keystage.search.report import (
    all_scores,
    course_table,
    members_report,
    no_better_than_none,
    out_of_fold_table,
)
from keystage.search.script import not_in_script, training_script
from keystage.search.spec import AFTER_TRIALS, ClassWeight, SearchSpec
from keystage.search.standing import hyperparameters, standing
from keystage.search.trials import leaderboard
from keystage.search.validation import ValidationKind
from keystage.search.weights import sample_weights

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
    material, classes, folds = _material(table, spec, params.seed)
    table = replace(table, features=table.features.head(1))  # the search has its own; names are still wanted
    _require_threshold_suits(spec, classes)
    rows, columns = len(material.folds[0][0]), material.features.shape[1]
    learners, left_out = learners_for(spec, table.task, rows, columns, len(classes))
    _say_plan(material, folds, spec, [learner.name for learner in learners], left_out, cores)
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
    _write(table, found, folds, classes, left_out, ends)
    return {"trial_seconds": {str(trial.number): trial.seconds for trial in found.trials}}


def _material(table: PreparedTable, spec: SearchSpec, seed: int) -> tuple[Material, list[Any], Folds]:
    """What is fitted and scored; the classes that the codes stand for, none for numbers; and what the folds are."""
    import numpy as np
    from sklearn.preprocessing import LabelEncoder

    features = table.features.to_numpy(dtype="float64", na_value=np.nan)
    infinite = [
        str(name) for name, column in zip(table.features, np.isinf(features).any(axis=0), strict=True) if column
    ]
    if infinite:
        raise SearchError(
            f"after the recipe, cells are infinite in: {listing(infinite)}",
            why="no learner can fit them",
            fix="add a step to conf/prep that clips or drops them",
        )
    classes: list[Any] = []
    target = table.label.to_numpy()
    if table.task is Task.classification:
        encoder = LabelEncoder()
        target, classes = encoder.fit_transform(table.label), list(encoder.classes_)
    metric, roles = metric_of(spec.metric), table.roles
    folds = make_folds(
        table.label,
        table.task,
        spec.validation,
        seed,
        roles,
        all_classes=metric.needs_all_classes,
        horizon=table.horizon,
    )
    quantile = quantile_of(spec.metric)
    loss = "quantile" if quantile else "absolute" if metric.name in ABSOLUTE_METRICS else "squared"
    setting = Setting(table.task, loss, seed, len(classes), quantile or 0.5)
    material = Material(
        features,
        target,
        folds.splits,
        setting,
        metric,
        sample_weights(table.label, roles.weight, balanced=spec.class_weight is ClassWeight.balanced),
        None if roles.weight is None else roles.weight.to_numpy(),
        folds.fit_rows,
        alike=folds.kind is not ValidationKind.time,
        offset=None if roles.offset is None else roles.offset.to_numpy(),
    )
    return material, classes, folds


def _require_threshold_suits(spec: SearchSpec, classes: Sequence[Any]) -> None:
    if spec.threshold_metric is None or len(classes) == 2:
        return
    raise SearchError(
        f"automl.threshold={spec.threshold} decides between two classes, and the label has {len(classes)}",
        why=listing(classes),
        fix="set automl.threshold=none; of more than two, the likeliest class is the one that is decided on",
    )


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
    notes = [*found.notes, *final.notes, *no_better_than_none(material, final.score)]
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
