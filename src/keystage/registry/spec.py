"""What conf/registry declares. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass, field
from enum import Enum

from keystage.core.errors import hint
from keystage.data.spec import Task
from keystage.search.names import AZURE_METRIC_NAMES, LOWER_IS_BETTER, METRIC_NAMES, OWN_METRICS, quantile_of


class Require(Enum):
    """What a condition of the gate looks at."""

    metric = "metric"
    not_worse_than_champion = "not_worse_than_champion"
    no_failed_guardrail = "no_failed_guardrail"
    size = "size"
    prediction_time_ratio = "prediction_time_ratio"


class Incomparable(Enum):
    """What a champion that cannot be held against the new model means for it."""

    refuse = "refuse"
    accept = "accept"


class OnRefusal(Enum):
    """What becomes of a model that the gate refuses."""

    version = "version"
    nothing = "nothing"
    stop = "stop"


class Promote(Enum):
    """Which models that pass the gate become champion without being asked."""

    first = "first"
    always = "always"
    never = "never"


class ModelFormat(Enum):
    """The form in which the fitted objects are kept."""

    skops = "skops"
    pickle = "pickle"


_BOUNDED = (Require.size, Require.prediction_time_ratio)
_OF_CHAMPION = (Require.not_worse_than_champion, Require.prediction_time_ratio)


@dataclass
class GateCondition:
    """One condition of the gate. A list of them, because a list is one column of ``dvc exp show``.

    Attributes:
        require: what is looked at.
        metric: of ``metric``, which one, on the test rows; of ``not_worse_than_champion``, the one both are scored by,
            null for automl.metric.
        at_least: the least value of a metric that passes.
        at_most: the greatest value that passes: of a metric, of ``size`` in megabytes (10^6 bytes), of
            ``prediction_time_ratio`` as a multiple of the champion's.
        tolerance: of ``not_worse_than_champion``, by how much of the metric's own unit it may be worse.
        incomparable: of the two that look at the champion, what it means that the champion cannot predict this run's
            test rows, because it was trained on another schema or may not be loaded.
    """

    require: Require
    metric: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    tolerance: float = 0.0
    incomparable: Incomparable = Incomparable.refuse

    def __post_init__(self) -> None:
        """Refuse a condition that says nothing, or something that its kind does not look at."""
        if self.metric is not None:
            _require_known(self.metric)
            if self.require not in (Require.metric, Require.not_worse_than_champion):
                raise ValueError(f"registry.gate: {self.require.value} looks at no metric; leave metric out")
        self._require_bounds([name for name in ("at_least", "at_most") if getattr(self, name) is not None])
        if self.tolerance < 0 or (self.tolerance and self.require is not Require.not_worse_than_champion):
            raise ValueError("registry.gate: tolerance is 0 or more, and of not_worse_than_champion alone")
        if self.incomparable is not Incomparable.refuse and self.require not in _OF_CHAMPION:
            raise ValueError(f"registry.gate: {self.require.value} looks at no champion; leave incomparable out")

    def _require_bounds(self, bounds: list[str]) -> None:
        if self.require is Require.metric:
            self._require_metric_bound(bounds)
        elif self.require in _BOUNDED:
            if bounds != ["at_most"] or not (self.at_most or 0) > 0:
                raise ValueError(f"registry.gate: {self.require.value} needs at_most, more than 0, and nothing else")
        elif bounds:
            raise ValueError(f"registry.gate: {self.require.value} has no bounds; leave {bounds[0]} out")

    def _require_metric_bound(self, bounds: list[str]) -> None:
        if self.metric is None:
            raise ValueError("registry.gate: require=metric needs metric and a bound: metric: roc_auc, at_least: 0.8")
        if self.metric.startswith(OWN_METRICS):
            if not bounds:
                raise ValueError(f"registry.gate: {self.metric} needs at_least or at_most")
            return
        name = AZURE_METRIC_NAMES.get(self.metric, self.metric)
        wanted = "at_most" if name in LOWER_IS_BETTER or quantile_of(name) is not None else "at_least"
        if wanted not in bounds:
            direction = "small" if wanted == "at_most" else "great"
            raise ValueError(f"registry.gate: {self.metric} is better when {direction}; it needs {wanted}")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"registry.gate: no {self.metric} is at least {self.at_least} and at most {self.at_most}")


@dataclass
class RegistrySpec:
    """Where the model goes, and what it must be to be one that may be used.

    Attributes:
        model_name: the registered model's name.
        always_new_version: make a version even when that very model is one already, as Azure ML SDK v1 did.
        format: ``skops`` runs no code when it is loaded; ``pickle`` may, and is never loaded unless declared here.
        gate: what a model must be to become ``challenger``; an empty list lets every model pass.
        on_refusal: ``version`` registers a refused model without an alias, ``nothing`` does not register it, ``stop``
            does not and fails the run.
        promote: ``first`` makes the first model that passes the champion, ``always`` each one, ``never`` none.
    """

    model_name: str
    always_new_version: bool
    format: ModelFormat = ModelFormat.skops
    gate: list[GateCondition] = field(default_factory=list)
    on_refusal: OnRefusal = OnRefusal.version
    promote: Promote = Promote.first

    def __post_init__(self) -> None:
        """Refuse names that no registry takes."""
        if not self.model_name or set("/:.%\"'@") & set(self.model_name):
            raise ValueError(f"registry.model_name {self.model_name!r} is empty or holds one of / : . % ' \" @")

    def require_suits(self, task: Task) -> None:
        """Refuse a condition on a metric that is made for another task.

        Raises:
            ValueError: names it, and what suits the task.
        """
        for name in filter(None, (condition.metric for condition in self.gate)):
            ours = METRIC_NAMES[task]
            if quantile_of(name) is not None:
                suits = task is Task.regression
            else:
                suits = name.startswith(OWN_METRICS) or AZURE_METRIC_NAMES.get(name, name) in ours
            if not suits:
                raise ValueError(
                    f"registry.gate: metric '{name}' is none of {task.value}; choose from: {', '.join(ours)}"
                )


def _require_known(metric: str) -> None:
    known = [*(name for names in METRIC_NAMES.values() for name in names), *AZURE_METRIC_NAMES]
    if metric not in known and not metric.startswith(f"{OWN_METRICS}:") and quantile_of(metric) is None:
        raise ValueError(f"registry.gate: metric '{metric}' is unknown: {hint(metric, known)}")
