"""What conf/automl declares. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass
from enum import Enum

from keystage.core.errors import hint
from keystage.data.spec import Task

# What the search may improve, by task; definitions and directions stand in ``keystage.search.metrics``.
METRIC_NAMES = {
    Task.classification: (
        "roc_auc",
        "roc_auc_weighted",
        "average_precision",
        "average_precision_weighted",
        "log_loss",
        "accuracy",
        "balanced_accuracy",
        "norm_macro_recall",
        "f1",
        "f1_weighted",
        "precision",
        "precision_weighted",
        "recall",
        "mcc",
    ),
    Task.regression: ("r2", "rmse", "mae", "mape", "spearman", "normalized_rmse", "normalized_mae"),
}
# Names of Azure ML SDK v1 for the same, where it has another.
AZURE_METRIC_NAMES = {
    "AUC_weighted": "roc_auc_weighted",
    "average_precision_score_weighted": "average_precision_weighted",
    "precision_score_weighted": "precision_weighted",
    "r2_score": "r2",
    "spearman_correlation": "spearman",
    "normalized_root_mean_squared_error": "normalized_rmse",
    "normalized_mean_absolute_error": "normalized_mae",
}
OWN_METRICS = "project.metrics"  # the module in which a metric of your own stands


class EstimatorName(Enum):
    """Learners a search may try, by FLAML's names."""

    lgbm = "lgbm"
    xgboost = "xgboost"
    xgb_limitdepth = "xgb_limitdepth"
    rf = "rf"
    extra_tree = "extra_tree"
    lrl1 = "lrl1"
    enet = "enet"


_BOTH = (
    EstimatorName.lgbm,
    EstimatorName.rf,
    EstimatorName.xgboost,
    EstimatorName.extra_tree,
    EstimatorName.xgb_limitdepth,
)
# Linear models are made for one task; all other learners suit both.
ESTIMATORS = {
    Task.classification: (*_BOTH, EstimatorName.lrl1),
    Task.regression: (*_BOTH, EstimatorName.enet),
}


@dataclass
class SearchSpec:
    """One search and its budget.

    Attributes:
        metric: what is improved, as the mean over the folds: one of ``METRIC_NAMES``, Azure's name of one, or
            ``project.metrics:name`` for one of your own.
        time_budget: seconds for trials and the final fit together; null for no limit.
        max_trials: number of trials; null for no limit. With a seed and this limit alone, a search repeats exactly.
        folds: parts of the stratified cross-validation.
        estimators: learners, tried in turn; null for all that suit the task and the table.
        ensemble_size: how many of the best trials vote in the model; 1 takes the best alone.
    """

    metric: str
    time_budget: float | None
    max_trials: int | None
    folds: int
    estimators: list[EstimatorName] | None
    ensemble_size: int

    def __post_init__(self) -> None:
        """Refuse a metric nobody knows, and a search that cannot end or cannot begin."""
        known = [*(name for names in METRIC_NAMES.values() for name in names), *AZURE_METRIC_NAMES]
        if self.metric not in known and not self.metric.startswith(f"{OWN_METRICS}:"):
            raise ValueError(f"automl.metric '{self.metric}' is unknown: {hint(self.metric, known)}")
        if self.time_budget is None and self.max_trials is None:
            raise ValueError("automl.time_budget and automl.max_trials are both null: the search would not end")
        if self.time_budget is not None and self.time_budget <= 0:
            raise ValueError(f"automl.time_budget must be more than 0 seconds, not {self.time_budget}")
        for name, least in (("max_trials", 1), ("folds", 2), ("ensemble_size", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"automl.{name} must be {least} or more, not {value}")
        if self.estimators is not None and not self.estimators:
            raise ValueError("automl.estimators is empty: name at least one, or null for all that suit")

    def require_suits(self, task: Task) -> None:
        """Refuse a metric or a learner that is made for another task.

        Raises:
            ValueError: names it, and what suits the task.
        """
        ours = METRIC_NAMES[task]
        if not self.metric.startswith(OWN_METRICS) and AZURE_METRIC_NAMES.get(self.metric, self.metric) not in ours:
            raise ValueError(f"automl.metric '{self.metric}' is none of {task.value}; choose from: {', '.join(ours)}")
        for name in self.estimators or ():
            if name not in ESTIMATORS[task]:
                suit = ", ".join(item.value for item in ESTIMATORS[task])
                raise ValueError(f"automl.estimators: {name.value} is not made for {task.value}; choose from: {suit}")
