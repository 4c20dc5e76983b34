"""The members' models: fetched from their folds, or fitted on all rows."""

import time
from collections.abc import Sequence
from typing import Any

from keystage.adapters.fit_processes import FitProcesses
from keystage.core.errors import listing
from keystage.search import assembly
from keystage.search.fitting import Job, Material
from keystage.search.history import TrialLog, require_kept
from keystage.search.kept_model import KeptModel
from keystage.search.learners.catalogue import learner_named
from keystage.search.spec import FinalFit, SearchSpec
from keystage.search.trials import End, Trial, found_on_folds


def member_models(
    trials: Sequence[Trial],
    material: Material,
    spec: SearchSpec,
    log: TrialLog,
    processes: FitProcesses,
    ends: float | None,
) -> tuple[dict[int, Any], dict[int, FinalFit], list[str]]:
    """The members' models by trial: of all rows where it is asked for and comes to an end, else of the folds.

    Args:
        trials: that are members.
        material: table, folds, metric.
        spec: final fit.
        log: holds the fold models.
        processes: fit on all rows.
        ends: when fits must have ended, on ``time.monotonic``'s clock; None for no limit.

    Returns:
        Models; what each was fitted on; and what did not go as it was asked for.
    """
    folds = range(len(material.folds))
    voting = {trial.number for trial in trials if log.has_models(trial.proposal, folds)}
    wanted = [trial for trial in trials if is_fitted_anew(trial, material, spec) or trial.number not in voting]
    anew = wanted
    if ends is not None and may_stand_in(material, spec):
        anew = _in_time(wanted, voting, material, ends - time.monotonic(), processes.idle)
    models, failures = _fit_on_all_rows(anew, processes, log, ends) if anew else ({}, {})
    notes = [f"trial {number} was not fitted on all rows: {error}" for number, error in failures.items()]
    if late := [f"trial {trial.number}" for trial in wanted if trial.number not in {*models, *failures}]:
        told = f"not fitted on all rows for want of time: {listing(late)}"
        notes.append(f"{told}; where one has fold models, these stand for it")
    fitted_on = dict.fromkeys(models, FinalFit.all_rows)
    for trial in trials:
        if trial.number in models or trial.number not in voting:
            continue
        parts = [log.model(trial.proposal, fold) for fold in folds]
        names = [f"fold_{fold}" for fold in range(1, len(parts) + 1)]
        alone = len(parts) == 1
        models[trial.number] = (
            parts[0]
            if alone
            else assembly.vote(names, parts, None, material.setting.task, range(material.setting.classes))
        )
        fitted_on[trial.number] = FinalFit.folds
    return models, fitted_on, notes


def may_stand_in(material: Material, spec: SearchSpec) -> bool:
    """Whether the mean of a member's fold models is as good as its fit on all rows, or near it."""
    return material.alike and spec.final_fit is FinalFit.folds


def _in_time(trials: Sequence[Trial], voting: set[int], material: Material, seconds: float, cores: int) -> list[Trial]:
    """Those whose fits on all rows will likely end in time, the quickest first; and those without fold models."""
    chosen = [trial for trial in trials if trial.number not in voting]
    total = sum(_seconds_on_all_rows(trial, material) for trial in chosen)
    for trial in sorted(trials, key=lambda item: (item.seconds, item.number)):
        alone = _seconds_on_all_rows(trial, material)
        if trial not in chosen and max(alone, (total + alone) / cores) <= seconds:
            chosen.append(trial)
            total += alone
    return chosen


def is_fitted_anew(trial: Trial, material: Material, spec: SearchSpec) -> bool:
    """Whether a member is to be one fit on all rows, not the mean of its fold models."""
    steady = len(material.folds) > 1 and not learner_named(trial.estimator).unsteady
    return spec.final_fit is FinalFit.all_rows or steady or not material.alike


def _fit_on_all_rows(
    trials: Sequence[Trial], processes: FitProcesses, log: TrialLog, ends: float | None
) -> tuple[dict[int, Any], dict[int, str]]:
    """Models of those that came to an end, and errors of those that failed."""
    numbers = {trial.proposal.key: trial.number for trial in trials}
    models: dict[int, Any] = {}
    failures: dict[int, str] = {}
    jobs = [Job(trial.proposal, None, tuple(found_on_folds(trial.folds).items())) for trial in trials]
    for done in processes.all_of([(job, None) for job in jobs], ends):
        require_kept(done.result, log.fits)
        number = numbers[done.job.proposal.key]
        if done.model is None or done.result.end is not End.complete:
            failures[number] = done.result.error
        else:
            models[number] = KeptModel.read(done.model)
    return models, failures


def _seconds_on_all_rows(trial: Trial, material: Material) -> float:
    """A fold model is fitted on a part of the rows, the final one on all of them."""
    training = sum(len(rows) for rows, _ in material.folds) / len(material.folds)
    return trial.seconds / len(material.folds) * len(material.target) / training


def seconds_to_fit(trials: Sequence[Trial], material: Material, spec: SearchSpec, cores: int) -> float:
    """Seconds that the fits on all rows of these, were they members, will take on so many cores."""
    fits = [_seconds_on_all_rows(trial, material) for trial in trials if is_fitted_anew(trial, material, spec)]
    return max([*fits, sum(fits) / cores])
