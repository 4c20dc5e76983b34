"""Put a search together from its parts: learners, log, processes, schedule; then make the model of what it found."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from keystage.adapters.fit_processes import FitProcesses, remove_material, write_material
from keystage.adapters.flaml_steps import FlamlSteps
from keystage.core.errors import SearchError, listing
from keystage.data.spec import Task
from keystage.pipeline import workspace
from keystage.pipeline.final import Final, fit_final, reserve
from keystage.search.ensemble import eligible
from keystage.search.fitting import Job, Material
from keystage.search.history import TrialLog, open_log, require_kept
from keystage.search.learners.catalogue import learner_named, unsuited
from keystage.search.learners.learner import Learner
from keystage.search.limits import Limits
from keystage.search.loop import Search
from keystage.search.names import ESTIMATORS, OWN_METRICS, QUANTILE_ESTIMATORS, canonical
from keystage.search.schedule import Schedule
from keystage.search.spec import SearchSpec
from keystage.search.trials import End, StoppedBy, Trial

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """What a search found, and the model of it.

    Attributes:
        trials: all that came to an end, in their order.
        final: the model and its members.
        stopped_by: what ended the search.
        recalled: fits that were answered from the log of an earlier run.
        material: what was fitted and scored, with the folds that were.
        notes: what a person should know of how it went.
    """

    trials: tuple[Trial, ...]
    final: Final
    stopped_by: StoppedBy
    recalled: int
    material: Material
    notes: tuple[str, ...]


def learners_for(
    spec: SearchSpec, task: Task, rows: int, columns: int, classes: int
) -> tuple[list[Learner], dict[str, str]]:
    """The learners to try, and those that are not, with the reason.

    Args:
        spec: names learners, or none.
        task: what is learnt.
        rows: training rows of a fold.
        columns: of the table.
        classes: of the label; 0 for numbers.

    Raises:
        ExtensionError: one of the user's own cannot be loaded.
        SearchError: none is left, or one of the user's own is made for another task.
    """
    excluded = set(map(canonical, spec.exclude))
    if named := [name for name in spec.named() if name not in excluded]:
        return [_made_for(learner_named(name), task) for name in named], {}
    every = [learner_named(name) for name in ESTIMATORS[task]]
    whys = {learner.name: _why_not(learner, excluded, spec, (rows, columns, classes)) for learner in every}
    left_out = {name: why for name, why in whys.items() if why}
    if len(left_out) == len(every):
        able = set(QUANTILE_ESTIMATORS if spec.is_of_quantile else ESTIMATORS[task]) - excluded
        mends = [f"name one to try it all the same: automl.estimators=[{name}]" for name in left_out if name in able]
        mends = mends[:1] + (["take one off automl.exclude"] if excluded else [])
        raise SearchError(
            "no learner is left for this table",
            why="; ".join(f"{name}: {why}" for name, why in left_out.items()),
            fix=", or ".join(mends),
        )
    return [learner for learner in every if learner.name not in left_out], left_out


def _made_for(learner: Learner, task: Task) -> Learner:
    if task in learner.tasks:
        return learner
    raise SearchError(
        f"{learner.name} is not made for {task.value}",
        why="automl.estimators names it",
        fix="take it off automl.estimators, or name another",
    )


def _why_not(learner: Learner, excluded: set[str], spec: SearchSpec, size: tuple[int, int, int]) -> str | None:
    if learner.name in excluded:
        return "automl.exclude names it"
    if spec.is_of_quantile and learner.name not in QUANTILE_ESTIMATORS:
        return "it predicts no quantiles"
    return unsuited(learner, *size)


def search(
    material: Material,
    learners: list[Learner],
    spec: SearchSpec,
    *,
    key: str,
    seed: int,
    cores: int,
    classes: "list[Any]",
    begun: float,
    on_trial: Callable[[Trial], None],
) -> Found:
    """Search, choose and fit the model, all within the budget.

    Args:
        material: table, folds, metric.
        learners: to be tried.
        spec: budget and ensemble.
        key: equal for searches with the same trials: the name of the log that is continued.
        seed: equal seeds propose equal trials.
        cores: fits at the same time.
        classes: k values that the codes stand for; none for numbers.
        begun: when the budget began, on ``time.monotonic``'s clock.
        on_trial: called after each trial, in their order.

    Raises:
        SearchError: no trial came to a score, or no member could be fitted.
    """
    rows, columns = len(material.folds[0][0]), material.features.shape[1]
    with ExitStack() as stack:
        log = stack.enter_context(open_log(workspace.main_root() / workspace.SEARCHES, key))
        written = log.folder / "material"
        stack.callback(remove_material, written)
        write_material(material, written)
        processes = FitProcesses(cores, written, log.fits, spec.memory_budget)
        stack.callback(processes.close)
        schedule = Schedule(learners, material.metric, rows, columns, seed, FlamlSteps)
        course = Search(
            schedule,
            processes,
            log,
            material.metric,
            len(material.folds),
            Limits(
                spec.time_budget,
                spec.max_trials,
                spec.trial_timeout,
                spec.memory_budget,
                spec.target_score,
                spec.patience,
            ),
            reserve=lambda trials: reserve(trials, schedule.opening, material, spec, log, cores),
            begun=begun,
            on_trial=on_trial,
        )
        stopped_by = course.run()
        processes.abandon()
        trials, notes = course.finished(), []
        if all(trial.score is None for trial in trials) and (begun_ones := course.first_folds()):
            # Better a model that was scored on one fold than none.
            trials += begun_ones
            material = replace(material, folds=material.folds[:1])
            notes.append("the time was over before a trial was scored on all folds; the first fold alone was scored")
        _require_score(trials, spec, stopped_by)
        ends = None if spec.time_budget is None else begun + spec.time_budget
        _fit_lost(eligible(trials, material.metric, schedule.opening), log, processes, ends)
        final = fit_final(trials, schedule.opening, material, spec, log, processes, ends, classes)
    return Found(tuple(trials), final, stopped_by, course.recalled, material, tuple(notes))


def _fit_lost(trials: Sequence[Trial], log: TrialLog, processes: FitProcesses, ends: float | None) -> None:
    """Fit those folds again of which model or predictions are gone: damaged, or let go by a search of more trials."""
    lost = [(trial, fold) for trial in trials for fold in range(len(trial.folds)) if log.is_lost(trial.proposal, fold)]
    if lost:
        logger.info("Files of %d fits are not there, or not whole: these are made again", len(lost))
    # One that the clock cut short gets the seconds that it had.
    jobs = [
        (Job(trial.proposal, fold), trial.folds[fold].seconds if trial.folds[fold].cut else None)
        for trial, fold in lost
    ]
    for done in processes.all_of(jobs, ends):
        require_kept(done.result, log.fits)
    processes.abandon()


def _require_score(trials: list[Trial], spec: SearchSpec, stopped_by: StoppedBy) -> None:
    if any(trial.score is not None for trial in trials):
        return
    if not trials:
        raise SearchError(
            f"no trial was done within {spec.time_budget} seconds",
            why="one trial fits a model on each fold; automl.time_budget ended before the first trial did",
            fix="raise automl.time_budget, lower automl.validation.folds, or name faster automl.estimators",
        )
    said = {f"{trial.estimator}: {trial.error or trial.end.value}": None for trial in trials}
    ends = {trial.end for trial in trials}
    mends = {
        End.timeout: "raise automl.trial_timeout, or automl.time_budget where that is null",
        End.memory: "raise automl.memory_budget",
        End.failed: "mend what they say"
        + (" in src/project/metrics.py" if spec.metric.startswith(OWN_METRICS) else ""),
    }
    raise SearchError(
        f"no trial of {len(trials)} came to a score; the search was ended by {stopped_by.value}",
        why=listing(said),
        fix="; ".join(mend for end, mend in mends.items() if end in ends),
    )
