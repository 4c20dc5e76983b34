"""Names of metrics and learners, and what others call them. Standard library only, as all that a spec reads."""

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
NO_THRESHOLD, AUTO_THRESHOLD = "none", "auto"
# By which a threshold can be chosen.
THRESHOLD_METRICS = (
    "accuracy",
    "balanced_accuracy",
    "norm_macro_recall",
    "f1",
    "f1_weighted",
    "mcc",
)
WHY_NO_THRESHOLD = {
    "recall": "it is perfect where every row is called the second class: take f1, mcc or balanced_accuracy",
    "precision": "it is best where hardly a row is called the second class: take f1, mcc or balanced_accuracy",
    "precision_weighted": "it is best where hardly a row is called the second class: take f1_weighted",
}
LOWER_IS_BETTER = ("log_loss", "rmse", "mae", "mape", "normalized_rmse", "normalized_mae")  # as in search.metrics
ABSOLUTE_METRICS = ("mae", "mape", "normalized_mae")  # boosted trees learn the median for them
QUANTILE_LOSS = "quantile_loss"
OWN_METRICS = "project.metrics"  # the module in which a metric of your own stands
QUANTILE_ESTIMATORS = ("lgbm", "xgboost", "xgb_limitdepth", "histgb", "catboost")
OWN_ESTIMATORS = "project.estimators"  # likewise for an estimator
# Learners whose packages are extras, with the lock of those: `make NAME` installs them.
EXTRAS = {"catboost": "requirements/catboost.txt"}


# What people know from Azure or FLAML and will look for, with what does the same here.
NOT_HERE = {
    "LinearSVM": "sgd and lrl2 are linear too",
    "DecisionTree": "one tree is never better than rf or histgb; write your own in src/project/estimators.py",
    "MultinomialNaiveBayes": "it wants counts; gaussian_nb takes any numbers",
    "BernoulliNaiveBayes": "it wants yes or no; gaussian_nb takes any numbers",
    "TabnetClassifier": "mlp is the network here",
    "TabnetRegressor": "mlp is the network here",
    "svc": "svm with a kernel, or sgd and lrl2, which are linear",
}
# Learners by task, by FLAML's names where it has them; what they are stands in ``keystage.search.learners``.
_BOTH = (
    "lgbm",
    "xgboost",
    "xgb_limitdepth",
    "histgb",
    "catboost",
    "rf",
    "extra_tree",
    "kneighbor",
    "svm",
    "mlp",
    "sgd",
)
ESTIMATORS = {
    Task.classification: (*_BOTH, "lrl1", "lrl2", "gaussian_nb"),
    Task.regression: (*_BOTH, "ridge", "enet", "lassolars"),
}
# Names of Azure ML SDK v1 for the same or the nearest.
AZURE_ESTIMATOR_NAMES = {
    "LightGBM": "lgbm",
    "XGBoostClassifier": "xgboost",
    "XGBoostRegressor": "xgboost",
    "GradientBoosting": "histgb",
    "RandomForest": "rf",
    "ExtremeRandomTrees": "extra_tree",
    "KNN": "kneighbor",
    "SVM": "svm",
    "SGD": "sgd",
    "LogisticRegression": "lrl2",
    "ElasticNet": "enet",
    "LassoLars": "lassolars",
}


def canonical(estimator: str) -> str:
    """A learner's own name, also for Azure's."""
    return AZURE_ESTIMATOR_NAMES.get(estimator, estimator)


def quantile_of(metric: str) -> float | None:
    """The quantile that ``quantile_loss:0.9`` asks for; None of another metric.

    Raises:
        ValueError: it is no number between 0 and 1.
    """
    name, _, quantile = metric.partition(":")
    if name != QUANTILE_LOSS:
        return None
    try:
        value = float(quantile)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise ValueError(f"automl.metric '{metric}' must name a quantile between 0 and 1, like {QUANTILE_LOSS}:0.9")
    return value
