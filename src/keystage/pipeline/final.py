"""The end of a search: choose the members of the model, fit or fetch them, and say what they score together."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keystage.adapters.fit_processes import FitProcesses
from keystage.core.errors import SearchError
from keystage.pipeline.members import is_fitted_anew, may_stand_in, member_models, seconds_to_fit
from keystage.search import assembly
from keystage.search.ensemble import Candidate, Ensemble, Truth, eligible, select, without
from keystage.search.finishing import Finish, finish
from keystage.search.fitting import Material, weights_at
from keystage.search.history import TrialLog
from keystage.search.spec import Calibration, EnsembleKind, FinalFit, SearchSpec
from keystage.search.stacking import seconds_of, stacked
from keystage.search.trials import Trial, ranked

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)

_LEAST_RESERVE, _RESERVED_SHARE = 0.3, 0.02  # seconds, and share of the budget
_BYTES_PER_SECOND = 50e6  # at which models are read and written again, on a slow disk
_FINISHING, _STACKING = 1.0, 2.0  # seconds of a calibration or a threshold, and of a stack, with all their folds
_STACKED_SHARE = 0.1  # of the budget, for a stack of many classes
_REFIT_SHARE = 0.1  # of the budget at most, for fits on all rows of members whose fold models may stand for them


@dataclass(frozen=True)
class Final:
    """The model, and what it is made of.

    Attributes:
        model: a scikit-learn vote or stack on class codes or values, calibrated and with a threshold where those are
            asked for; of kept models, so it takes arrays once it was pickled and loaded.
        members: the model of each member, in the ensemble's order.
        stacked_by: the linear model of a stack; None of a weighted mean.
        ensemble: its members and how they score together.
        fitted_on: by trial, what its member was fitted on.
        finish: calibration and threshold, and what the model says of each fold's validation rows.
        score: of the model as it ends.
        best_alone: the best trial that may be a member.
        best_out_of_fold: for each fold, what that one alone says of its validation rows.
        notes: what did not go as it was asked for.
    """

    model: Any
    members: Sequence[Any]
    stacked_by: Any
    ensemble: Ensemble
    fitted_on: dict[int, FinalFit]
    finish: Finish
    score: float
    best_alone: Trial
    best_out_of_fold: Sequence["np.ndarray"]
    notes: tuple[str, ...]


def reserve(
    trials: Sequence[Trial], starts: int, material: Material, spec: SearchSpec, log: TrialLog, cores: int
) -> float:
    """Seconds of the budget that what follows the search will take, by the trials so far."""
    likely = eligible(trials, material.metric, starts)[
        : 1 if spec.ensemble is EnsembleKind.none else spec.ensemble_size
    ]
    seconds = _after_fits(likely, material, spec, log)
    if spec.ensemble is EnsembleKind.stacking:
        most = _STACKED_SHARE * (spec.time_budget or 0.0)
        seconds += _STACKING + min(seconds_of(material, spec.ensemble_size), most)
    fitting = seconds_to_fit(likely, material, spec, cores)
    if may_stand_in(material, spec):
        fitting = min(fitting, _REFIT_SHARE * (spec.time_budget or 0.0))
    return seconds + fitting


def _after_fits(members: Sequence[Trial], material: Material, spec: SearchSpec, log: TrialLog) -> float:
    """Seconds of the budget from the last fit to the written model."""
    seconds = max(_LEAST_RESERVE, _RESERVED_SHARE * (spec.time_budget or 0.0))
    seconds += _FINISHING * ((spec.threshold_metric is not None) + (spec.calibration is not Calibration.none))
    models = ((trial, 1 if is_fitted_anew(trial, material, spec) else len(material.folds)) for trial in members)
    sizes = (log.size(trial.proposal) * number / len(material.folds) for trial, number in models)
    return seconds + sum(sizes) / _BYTES_PER_SECOND


def fit_final(
    trials: Sequence[Trial],
    starts: int,
    material: Material,
    spec: SearchSpec,
    log: TrialLog,
    processes: FitProcesses,
    ends: float | None,
    classes: "list[Any]",
) -> Final:
    """Choose the members and make the model of them.

    Args:
        trials: at least one has a score.
        starts: how many of them came first that are no steps from others.
        material: table, folds, metric.
        spec: ensemble and final fit.
        log: holds the fold models and what they predicted.
        processes: fit on all rows, where that is asked for.
        ends: when the budget is used up, on ``time.monotonic``'s clock; None for no limit.
        classes: k values that the codes stand for; none for numbers.

    Raises:
        SearchError: no member could be fitted.
    """
    candidates = _candidates(trials, starts, material, log)
    truth = Truth(
        [material.truth(rows) for _, rows in material.folds],
        [weights_at(material.score_weights, rows) for _, rows in material.folds],
        None if material.offset is None else [material.offset[rows] for _, rows in material.folds],
    )
    size = 1 if spec.ensemble is EnsembleKind.none else spec.ensemble_size
    logger.info("Choosing members among %d trials, and making the model of them", len(candidates))
    mean = select(candidates, truth, material.metric, size, ends)
    wanted = spec.ensemble is EnsembleKind.stacking
    stack = stacked(candidates, truth, material, size, ends, mean) if wanted else None
    stacks = stack.ensemble if stack else None
    chosen = stacks or mean
    trials_chosen = [member.trial for member in chosen.members]
    fits_end = None if ends is None else ends - _after_fits(trials_chosen, material, spec, log)
    models, fitted_on, notes = member_models(trials_chosen, material, spec, log, processes, fits_end)
    if not models:
        raise SearchError(
            "no member of the model could be fitted on all rows",
            why="; ".join(notes),
            fix="raise automl.time_budget, or set automl.final_fit=folds",
        )
    if stack and not (stacks and len(models) == len(chosen.members)):
        if stacks:  # its linear model counts on all of them
            fitted = [item for item in candidates if item.trial.number in models]
            chosen = select(fitted, truth, material.metric, size, ends)
        notes.append(f"{stack.note}; the choice without it is taken")
        stack = None
    ensemble, predicted = (
        (chosen, stack.predicted) if stack else without(chosen, candidates, truth, material.metric, fitted=models)
    )
    names = [member.trial.name for member in ensemble.members]
    members = [models[member.trial.number] for member in ensemble.members]
    task, linear = material.setting.task, stack.model if stack else None
    if stack:
        model = assembly.stack(names, members, linear, task, classes)
    else:
        model = assembly.vote(names, members, [member.weight for member in ensemble.members], task, classes)
    ended = finish(predicted, material, spec, ends)
    return Final(
        ended.applied(model, material, classes),
        members,
        linear,
        ensemble,
        fitted_on,
        ended,
        ended.score(truth, material.metric),
        candidates[0].trial,
        candidates[0].predicted,
        (*notes, *_left_aside(trials, candidates[0].trial, material), *ended.notes),
    )


def _left_aside(trials: Sequence[Trial], best: Trial, material: Material) -> list[str]:
    """What is said where trials score better than the best that may be a member."""
    better = [trial for trial in ranked(trials, material.metric) if trial.score is not None]
    count = next((place for place, trial in enumerate(better) if trial.number == best.number), 0)
    if not count:
        return []
    return [
        f"{count} of {len(better)} trials score better than trial {best.number}, but not clearly better than the first "
        "ones of their learners on the same folds: of many steps some are so by luck, and they are no members"
    ]


def _candidates(trials: Sequence[Trial], starts: int, material: Material, log: TrialLog) -> list[Candidate]:
    """Those whose predictions are there, best first."""
    candidates = []
    for trial in eligible(trials, material.metric, starts):
        predicted = [log.predicted(trial.proposal, fold) for fold in range(len(material.folds))]
        if all(item is not None for item in predicted):
            candidates.append(Candidate(trial, [item for item in predicted if item is not None]))
    return candidates
