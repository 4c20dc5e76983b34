"""What conf/automl declares. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass, field
from enum import Enum
from math import isfinite

from keystage.core.errors import hint
from keystage.data.spec import Task
from keystage.search.names import (
    AUTO_THRESHOLD,
    AZURE_METRIC_NAMES,
    ESTIMATORS,
    LOWER_IS_BETTER,
    METRIC_NAMES,
    NO_THRESHOLD,
    OWN_ESTIMATORS,
    OWN_METRICS,
    QUANTILE_ESTIMATORS,
    THRESHOLD_METRICS,
    WHY_NO_THRESHOLD,
    canonical,
    quantile_of,
    require_learner_names,
    require_metric_name,
)
from keystage.search.validation import ValidationSpec

# Settings in which searches differ after their trials, or in how many there are, not in what the trials are.
AFTER_TRIALS = {
    *("time_budget", "max_trials", "trial_timeout", "memory_budget", "target_score", "patience"),
    *("ensemble", "ensemble_size", "final_fit", "calibration", "threshold"),
}
LEAST_MEMORY = 200  # megabytes: one process with the learners' libraries


class ClassWeight(Enum):
    """Weights of the rows by their class."""

    balanced = "balanced"


class EnsembleKind(Enum):
    """How trials become one model."""

    greedy = "greedy"
    stacking = "stacking"
    none = "none"


class Calibration(Enum):
    """How probabilities are corrected by what the model said out of fold."""

    none = "none"
    sigmoid = "sigmoid"
    isotonic = "isotonic"
    temperature = "temperature"


class FinalFit(Enum):
    """What a member of the model is fitted on."""

    folds = "folds"
    all_rows = "all_rows"


@dataclass
class SearchSpec:
    """One search and its budget.

    Attributes:
        metric: what is improved, as the mean over the folds: one of ``METRIC_NAMES``, Azure's name of one,
            ``quantile_loss:Q`` for a quantile between 0 and 1, or ``project.metrics:name`` for one of your own.
        time_budget: seconds for all of the stage after the table is read; null for no limit.
        max_trials: number of trials; null for no limit. With a seed and no time_budget that ends it, a search repeats
            exactly.
        trial_timeout: seconds that the fits of one trial may take together; null for half of the time_budget.
        memory_budget: megabytes that all fits may use at the same time; null for no limit.
        target_score: the search ends when a trial is as good; null for never.
        patience: the search ends after so many trials without a better one, counted once every learner has been tried;
            null for never.
        validation: the rows on which trials are scored.
        estimators: learners to try; null for all that suit the task and the table.
        exclude: learners not to try.
        ensemble: ``greedy`` for the weighted mean of the trials that are best together, ``stacking`` for a linear model
            of what trials say, ``none`` for the best alone.
        ensemble_size: different trials in the model at most.
        final_fit: ``folds`` makes a member that varies with its rows, such as boosted trees, of its fold models' mean,
            and fits the others on all rows; ``all_rows`` fits each on all rows.
        calibration: of probabilities, fitted on what the model says out of fold: ``sigmoid``, ``isotonic`` or
            ``temperature``; of classification.
        threshold: ``none`` for the likeliest class; else, of two classes, the second from the probability on that is
            best for a metric out of fold: its name, ``project.metrics:name``, or ``auto`` for automl.metric.
        class_weight: ``balanced`` lets each class weigh the same in every fit, however rare it is; of classification.
    """

    metric: str
    time_budget: float | None
    max_trials: int | None
    validation: ValidationSpec
    trial_timeout: float | None = None
    memory_budget: int | None = None
    target_score: float | None = None
    patience: int | None = None
    estimators: list[str] | None = None
    exclude: list[str] = field(default_factory=list)
    ensemble: EnsembleKind = EnsembleKind.greedy
    ensemble_size: int = 10
    final_fit: FinalFit = FinalFit.folds
    calibration: Calibration = Calibration.none
    threshold: str = NO_THRESHOLD
    class_weight: ClassWeight | None = None

    def __post_init__(self) -> None:
        """Refuse a metric nobody knows, and a search that cannot end or cannot begin."""
        require_metric_name(self.metric)
        if self.time_budget is None and self.max_trials is None and self.patience is None:
            raise ValueError(
                "automl.time_budget, automl.max_trials and automl.patience are all null: the search would not end"
            )
        self._require_in_range()
        self._require_reachable()
        for name in ("estimators", "exclude"):
            require_learner_names(name, getattr(self, name) or ())
        self._require_threshold()
        if self.ensemble is EnsembleKind.stacking and self.is_of_quantile:
            raise ValueError(f"automl.ensemble=stacking weighs means, not quantiles as {self.metric} asks: take greedy")
        if self.estimators is not None and not self.estimators:
            raise ValueError("automl.estimators is empty: name at least one, or null for all that suit")
        if self.estimators is not None and not set(self.named()) - set(map(canonical, self.exclude)):
            raise ValueError("automl.exclude takes out all that automl.estimators names")

    def _require_in_range(self) -> None:
        for name in ("time_budget", "trial_timeout"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"automl.{name} must be more than 0 seconds, not {value}")
        if self.target_score is not None and not isfinite(self.target_score):
            raise ValueError(f"automl.target_score must be a finite number or null, not {self.target_score}")
        for name, least in (
            ("max_trials", 1),
            ("patience", 1),
            ("ensemble_size", 1),
            ("memory_budget", LEAST_MEMORY),
        ):
            value = getattr(self, name)
            if value is not None and value < least:
                unit = " megabytes" if name == "memory_budget" else ""
                raise ValueError(f"automl.{name} must be {least}{unit} or more, not {value}")

    def _require_reachable(self) -> None:
        name = AZURE_METRIC_NAMES.get(self.metric, self.metric)
        if self.target_score is None or name.startswith(OWN_METRICS):
            return
        falls = name in LOWER_IS_BETTER or self.is_of_quantile
        best = 0 if falls else 1
        if self.target_score < best if falls else self.target_score > best:
            raise ValueError(f"automl.target_score={self.target_score} cannot be reached: {name} is {best} at best")

    def _require_threshold(self) -> None:
        name = self.threshold_metric
        if name is None or name.startswith(f"{OWN_METRICS}:"):
            return
        known = [*THRESHOLD_METRICS, AUTO_THRESHOLD, NO_THRESHOLD]
        why = WHY_NO_THRESHOLD.get(name) or (
            f"it is none of decided classes; choose from: {', '.join(THRESHOLD_METRICS)}"
            if any(name in names for names in METRIC_NAMES.values())
            else f"it is unknown: {hint(name, known)}"
        )
        if name not in THRESHOLD_METRICS:
            raise ValueError(f"automl.threshold={self.threshold}: no threshold is best for {name}, for {why}")

    @property
    def threshold_metric(self) -> str | None:
        """The metric by which the threshold is chosen; None for no threshold."""
        if self.threshold == NO_THRESHOLD:
            return None
        name = self.metric if self.threshold == AUTO_THRESHOLD else self.threshold
        return AZURE_METRIC_NAMES.get(name, name)

    def named(self) -> list[str]:
        """The learners asked for, by their own names, each once."""
        return list(dict.fromkeys(canonical(name) for name in self.estimators or ()))

    @property
    def is_of_quantile(self) -> bool:
        """Whether a quantile of the label is to be predicted."""
        return quantile_of(self.metric) is not None

    def require_suits(self, task: Task) -> None:
        """Refuse a metric or a learner that is made for another task.

        Raises:
            ValueError: names it, and what suits the task.
        """
        self._require_metric_suits(task)
        if self.class_weight is not None and task is not Task.classification:
            raise ValueError(f"automl.class_weight={self.class_weight.value} weighs classes; {task.value} has none")
        if task is not Task.classification and self.calibration is not Calibration.none:
            raise ValueError(
                f"automl.calibration={self.calibration.value} is of probabilities; {task.value} predicts none"
            )
        if task is not Task.classification and self.threshold != NO_THRESHOLD:
            raise ValueError(f"automl.threshold={self.threshold} decides between two classes; {task.value} has none")
        for name in self.named():
            if name not in ESTIMATORS[task] and not name.startswith(OWN_ESTIMATORS):
                suit = ", ".join(ESTIMATORS[task])
                raise ValueError(f"automl.estimators: {name} is not made for {task.value}; choose from: {suit}")
        if not set(self.named() or ESTIMATORS[task]) - set(map(canonical, self.exclude)):
            raise ValueError(f"automl.exclude takes out all learners for {task.value}")

    def _require_metric_suits(self, task: Task) -> None:
        ours = METRIC_NAMES[task]
        if self.is_of_quantile:
            if task is not Task.regression:
                raise ValueError(f"automl.metric '{self.metric}' is of numbers, not of {task.value}")
            self._require_quantile_learners()
        elif not self.metric.startswith(OWN_METRICS) and AZURE_METRIC_NAMES.get(self.metric, self.metric) not in ours:
            raise ValueError(f"automl.metric '{self.metric}' is none of {task.value}; choose from: {', '.join(ours)}")

    def _require_quantile_learners(self) -> None:
        wrong = [name for name in self.named() if name not in QUANTILE_ESTIMATORS]
        if wrong:
            able = ", ".join(QUANTILE_ESTIMATORS)
            raise ValueError(f"automl.estimators: {wrong[0]} predicts no quantiles; choose from: {able}")
