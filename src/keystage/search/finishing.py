"""What is done to a chosen model before it is the final one: calibrate its probabilities, set its threshold."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keystage.search.assembly import deciding, stack
from keystage.search.calibration import calibrated
from keystage.search.ensemble import Truth, fold_scores
from keystage.search.fitting import Material
from keystage.search.metrics import Metric, metric_of
from keystage.search.spec import Calibration, SearchSpec
from keystage.search.threshold import best_threshold

if TYPE_CHECKING:
    import numpy as np

_WORSE = "automl.{0} does not help: it takes {1} out of fold from {2:.5g} to {3:.5g}; none would be better"


@dataclass(frozen=True)
class Finish:
    """How a model ends.

    Attributes:
        predicted: for each fold, what the finished model says of rows that nothing of it was fitted on.
        calibrator: None for none.
        threshold: None for the likeliest class.
        decided: for each fold, n_f x 2, 1 for the class decided on by a threshold of other rows; None for none.
        decided_for: name of the metric that the threshold is for.
        report: scores before and after.
        notes: what did not go as it was asked for.
    """

    predicted: "Sequence[np.ndarray]"
    calibrator: Any = None
    threshold: float | None = None
    decided: "Sequence[np.ndarray] | None" = None
    decided_for: str = ""
    report: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def judged(self, metric: Metric) -> "Sequence[np.ndarray]":
        """For each fold, what a metric judges: the classes decided on, where it is of them, else what is predicted."""
        if self.decided is not None and (metric.of_classes or metric.name == self.decided_for):
            return self.decided
        return self.predicted

    def score(self, truth: Truth, metric: Metric) -> float:
        """Mean over the folds."""
        scores = fold_scores(self.judged(metric), truth, metric)
        return sum(scores) / len(scores)

    def applied(self, model: Any, material: Material, classes: Sequence[Any]) -> Any:
        """The model, finished."""
        if self.calibrator is not None:
            model = stack(["model"], [model], self.calibrator, material.setting.task, classes)
        return model if self.threshold is None else deciding(model, self.threshold)


def finish(predicted: "Sequence[np.ndarray]", material: Material, spec: SearchSpec, ends: float | None) -> Finish:
    """Fit what the settings ask for.

    Args:
        predicted: for each fold, what the chosen model says of its validation rows.
        material: what is learnt, and its folds.
        spec: names calibration and threshold.
        ends: time on ``time.monotonic``'s clock after which nothing is fitted; None for no limit.
    """
    calibrator, threshold, decided, report, notes = None, None, None, {}, []
    if spec.calibration is not Calibration.none:
        method = spec.calibration.value
        made = calibrated(method, predicted, material, ends)
        if made is None:
            notes.append("probabilities are not calibrated: the time was over, or the folds lack a class")
        else:
            calibrator, predicted = made.model, made.predicted
            report["calibration"] = made.report
            before, after = made.report["before"]["log_loss"], made.report["after"]["log_loss"]
            notes += [_WORSE.format(f"calibration={method}", "log loss", before, after)] if after > before else []
    name = spec.threshold_metric or ""
    if name:
        metric = metric_of(name)
        best = best_threshold(metric, predicted, material, ends)
        if best is None:
            notes.append("no threshold is set: the time was over")
        else:
            threshold, decided = best.value, best.decided
            report["threshold"] = best.report
            before, after = best.report["before"], best.report["after"]
            if metric.loss(after) > metric.loss(before):
                notes.append(_WORSE.format(f"threshold={spec.threshold}", name, before, after))
    return Finish(predicted, calibrator, threshold, decided, name, report, tuple(notes))
