"""Names of metrics and learners, and what others call them. Standard library only, as all that a spec reads."""

from collections.abc import Iterable

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

# What scikit-learn, FLAML, AutoGluon and LightGBM call metrics that are here under another name, or that are nearest.
METRICS_ELSEWHERE = {
    **dict.fromkeys(("auc", "gini", "roc_auc_ovr", "roc_auc_ovo"), "roc_auc"),
    **dict.fromkeys(("roc_auc_ovr_weighted", "roc_auc_ovo_weighted"), "roc_auc_weighted"),
    **dict.fromkeys(("ap", "aucpr", "auprc", "pr_auc"), "average_precision"),
    **dict.fromkeys(("neg_log_loss", "logloss", "cross_entropy", "binary_logloss", "multi_logloss"), "log_loss"),
    **dict.fromkeys(("micro_f1", "f1_micro"), "accuracy"),  # the same, of one class a row
    **dict.fromkeys(("macro_f1", "f1_macro"), "f1"),
    **dict.fromkeys(("matthews_corrcoef", "matthews_correlation_coefficient"), "mcc"),
    **dict.fromkeys(("mse", "mean_squared_error", "neg_mean_squared_error", "l2"), "rmse"),
    **dict.fromkeys(("root_mean_squared_error", "neg_root_mean_squared_error"), "rmse"),
    **dict.fromkeys(("mean_absolute_error", "neg_mean_absolute_error", "l1"), "mae"),
    **dict.fromkeys(("mean_absolute_percentage_error", "neg_mean_absolute_percentage_error"), "mape"),
    **dict.fromkeys(("pinball_loss", "mean_pinball_loss", "quantile"), "quantile_loss:0.5"),
}
# What people know from Azure or FLAML and will look for, with what does the same here.
_NETWORK, _LINEAR = "mlp is the network here", "lrl2 and sgd of classes, ridge and sgd of numbers, are linear too"
_SERIES = "forecasts are learnt from lags and seasons by the learners of numbers"
NOT_HERE = {
    "LinearSVM": _LINEAR,
    "DecisionTree": "one tree is never better than rf or histgb; write your own in src/project/estimators.py",
    "MultinomialNaiveBayes": "it wants counts; gaussian_nb takes any numbers",
    "BernoulliNaiveBayes": "it wants yes or no; gaussian_nb takes any numbers",
    **dict.fromkeys(("TabnetClassifier", "TabnetRegressor", "TensorFlowDNN"), _NETWORK),
    **dict.fromkeys(("TensorFlowLinearClassifier", "TensorFlowLinearRegressor"), _LINEAR),
    **dict.fromkeys(("AveragedPerceptronClassifier", "FastLinearRegressor", "OnlineGradientDescentRegressor"), _LINEAR),
    **dict.fromkeys(("AutoArima", "Arimax", "Prophet", "ExponentialSmoothing", "TCNForecaster"), _SERIES),
    **dict.fromkeys(("Average", "Naive", "SeasonalAverage", "SeasonalNaive"), _SERIES),
    **dict.fromkeys(("arima", "sarimax", "prophet", "holt-winters", "snaive", "naive", "avg", "savg", "tft"), _SERIES),
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


def require_metric_name(metric: str) -> None:
    """Refuse a metric nobody knows.

    Raises:
        ValueError: names the nearest one.
    """
    known = [*(name for names in METRIC_NAMES.values() for name in names), *AZURE_METRIC_NAMES]
    if metric in known or metric.startswith(f"{OWN_METRICS}:") or quantile_of(metric) is not None:
        return
    if ":" in metric:
        mend = f"your own are written {OWN_METRICS}:name"
    elif (elsewhere := METRICS_ELSEWHERE.get(metric.casefold())) is not None:
        mend = f"take {elsewhere}"
    else:
        mend = hint(metric, known)
    raise ValueError(f"automl.metric '{metric}' is unknown: {mend}")


def require_learner_names(option: str, names: Iterable[str]) -> None:
    """Refuse learners nobody knows; to exclude one that is known but not here asks for nothing.

    Raises:
        ValueError: names each, and what is nearest to it.
    """
    known = [*dict.fromkeys(name for every in ESTIMATORS.values() for name in every), *AZURE_ESTIMATOR_NAMES]
    wrong = []
    for name in names:
        if name in known or name.startswith(f"{OWN_ESTIMATORS}:"):
            continue
        if name not in NOT_HERE:
            mend = f"your own are written {OWN_ESTIMATORS}:Name" if ":" in name else hint(name, known)
            wrong.append(f"{name} is unknown: {mend}")
        elif option != "exclude":
            wrong.append(f"{name} is not part of keystage: {NOT_HERE[name]}")
    if wrong:
        raise ValueError(f"automl.{option}: " + "; ".join(wrong))
