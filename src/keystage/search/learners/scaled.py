"""Learners that look at distances or sums: their columns are filled and brought to one scale first.

Each is a scikit-learn pipeline, so it takes the same rows as the trees do, missing cells included.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from keystage.data.spec import Task
from keystage.search.learners.learner import Choice, Fit, Learner, Point, Sample, Setting, Span, Validation

CLASSES, NUMBERS = (Task.classification,), (Task.regression,)
MOST_ROWS_BY_DISTANCE = 5000  # Azure ML SDK v1 leaves KNN and SVM out above that many samples (MAX_SAMPLES_AUTOBLOCK)
MOST_QUANTILES = 1000


def _steps(point: Point, rows: int, seed: int) -> list[Any]:
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    fill = SimpleImputer(strategy="median", keep_empty_features=True)
    if point.get("scaling") == "quantile":
        quantiles = QuantileTransformer(
            n_quantiles=min(MOST_QUANTILES, rows), output_distribution="normal", random_state=seed
        )
        return [fill, quantiles]
    return [fill, StandardScaler()]


def _pipeline(make: Callable[[Setting, dict[str, Any], int], Any], *, scaled_target: bool = False) -> Fit:
    """A fit of what ``make`` gives behind filled and scaled columns."""

    def fit(
        setting: Setting,
        point: Point,
        sample: Sample,
        _validation: Validation | None,
    ) -> Any:
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        columns = sample.features.shape[1]
        final = make(setting, {key: value for key, value in point.items() if key != "scaling"}, columns)
        model = make_pipeline(*_steps(point, len(sample.target), setting.seed), final)
        given = {}
        if sample.weights is not None:
            given[f"{model.steps[-1][0]}__sample_weight"] = sample.weights
        if scaled_target and not setting.is_classification:
            model = TransformedTargetRegressor(model, transformer=StandardScaler())
        return model.fit(sample.features, sample.target, **given)

    return fit


def _logistic(setting: Setting, point: dict[str, Any], _columns: int, *, lasso: bool) -> Any:
    from sklearn.linear_model import LogisticRegression

    if not lasso:
        return LogisticRegression(solver="lbfgs", max_iter=1000, **point)
    solver = "liblinear" if setting.classes == 2 else "saga"
    return LogisticRegression(l1_ratio=1.0, solver=solver, max_iter=300, random_state=setting.seed, **point)


def _ridge(_setting: Setting, point: dict[str, Any], _columns: int) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(**point)


def _elastic_net(setting: Setting, point: dict[str, Any], _columns: int) -> Any:
    from sklearn.linear_model import ElasticNet

    return ElasticNet(max_iter=2000, random_state=setting.seed, **point)


def _lasso_lars(setting: Setting, point: dict[str, Any], _columns: int) -> Any:
    from sklearn.linear_model import LassoLars

    return LassoLars(random_state=setting.seed, **point)


def _sgd(setting: Setting, point: dict[str, Any], _columns: int) -> Any:
    from sklearn.linear_model import SGDClassifier, SGDRegressor

    if setting.is_classification:
        return SGDClassifier(loss="log_loss", average=True, random_state=setting.seed, **point)
    return SGDRegressor(average=True, random_state=setting.seed, **point)


def _neighbours(setting: Setting, point: dict[str, Any], _columns: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    return (KNeighborsClassifier if setting.is_classification else KNeighborsRegressor)(**point)


def _svm(setting: Setting, point: dict[str, Any], columns: int) -> Any:
    """``gamma`` is a multiple of 1 / columns, scikit-learn's default for scaled columns."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import SVC, SVR

    point["gamma"] /= columns
    if setting.is_classification:
        return CalibratedClassifierCV(SVC(random_state=setting.seed, **point), cv=3, ensemble=False)
    return SVR(**point)


def _mlp(setting: Setting, point: dict[str, Any], _columns: int) -> Any:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    width, layers = point.pop("width"), point.pop("layers")
    kind = MLPClassifier if setting.is_classification else MLPRegressor
    return kind(hidden_layer_sizes=(width,) * layers, random_state=setting.seed, **point)


def _naive_bayes(_setting: Setting, point: dict[str, Any], _columns: int) -> Any:
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB(**point)


_SCALING = Choice(("standard", "quantile"))
LRL1 = Learner(
    "lrl1",
    CLASSES,
    {"C": Span(1 / 1024, 1024, log=True), "scaling": _SCALING},
    ({"C": 1.0, "scaling": "standard"},),
    _pipeline(partial(_logistic, lasso=True)),
    most_rows=20_000,
    most_classes=20,
    most_columns=500,
)
LRL2 = Learner(
    "lrl2",
    CLASSES,
    {"C": Span(1 / 1024, 1024, log=True), "scaling": _SCALING},
    (
        {"C": 1.0, "scaling": "standard"},
        {"C": 0.1, "scaling": "quantile"},
    ),
    _pipeline(partial(_logistic, lasso=False)),
    most_rows=200_000,
)
RIDGE = Learner(
    "ridge",
    NUMBERS,
    {"alpha": Span(1e-3, 1e4, log=True), "scaling": _SCALING},
    ({"alpha": 1.0, "scaling": "standard"}, {"alpha": 10.0, "scaling": "quantile"}),
    _pipeline(_ridge),
)
ENET = Learner(
    "enet",
    NUMBERS,
    {"alpha": Span(1e-4, 1.0, log=True), "l1_ratio": Span(0.0, 1.0), "scaling": _SCALING},
    ({"alpha": 0.01, "l1_ratio": 0.5, "scaling": "standard"},),
    _pipeline(_elastic_net, scaled_target=True),
    most_rows=200_000,
)
LASSOLARS = Learner(
    "lassolars",
    NUMBERS,
    {"alpha": Span(1e-5, 1.0, log=True), "scaling": _SCALING},
    ({"alpha": 0.001, "scaling": "standard"},),
    _pipeline(_lasso_lars, scaled_target=True),
    weighs=False,
    why_by_name="enet tries the same and more",
)
SGD = Learner(
    "sgd",
    (*CLASSES, *NUMBERS),
    {"alpha": Span(1e-6, 0.1, log=True), "scaling": _SCALING},
    ({"alpha": 1e-4, "scaling": "standard"},),
    _pipeline(_sgd, scaled_target=True),
    why_by_name="lrl2 and ridge find the optimum that it comes near to",
)
KNEIGHBOR = Learner(
    "kneighbor",
    (*CLASSES, *NUMBERS),
    {
        "n_neighbors": Span(1, 100, log=True, integer=True),
        "weights": Choice(("uniform", "distance")),
        "scaling": _SCALING,
    },
    (
        {"n_neighbors": 7, "weights": "distance", "scaling": "standard"},
        {"n_neighbors": 25, "weights": "distance", "scaling": "quantile"},
    ),
    _pipeline(_neighbours),
    weighs=False,
    most_rows=20_000,
    most_columns=200,
)
SVM = Learner(
    "svm",
    (*CLASSES, *NUMBERS),
    {"C": Span(0.01, 100.0, log=True), "gamma": Span(0.01, 100.0, log=True), "scaling": _SCALING},
    (
        {"C": 1.0, "gamma": 1.0, "scaling": "standard"},
        {"C": 3.0, "gamma": 0.3, "scaling": "standard"},
        {"C": 10.0, "gamma": 1.0, "scaling": "standard"},
    ),
    _pipeline(_svm, scaled_target=True),
    most_rows=MOST_ROWS_BY_DISTANCE,
    most_classes=30,
)
MLP = Learner(
    "mlp",
    (*CLASSES, *NUMBERS),
    {
        "width": Span(16, 256, log=True, integer=True),
        "layers": Span(1, 3, integer=True),
        "alpha": Span(1e-5, 10.0, log=True),
        "learning_rate_init": Span(1e-4, 1e-2, log=True),
        "max_iter": Span(20, 300, log=True, integer=True),
        "scaling": _SCALING,
    },
    (
        {"width": 64, "layers": 2, "alpha": 0.1, "learning_rate_init": 1e-3, "max_iter": 60, "scaling": "standard"},
        {"width": 256, "layers": 1, "alpha": 0.01, "learning_rate_init": 1e-3, "max_iter": 100, "scaling": "standard"},
        {"width": 256, "layers": 2, "alpha": 0.001, "learning_rate_init": 1e-3, "max_iter": 50, "scaling": "standard"},
    ),
    _pipeline(_mlp, scaled_target=True),
    unsteady=True,
    most_rows=20_000,
    most_columns=500,
)
GAUSSIAN_NB = Learner(
    "gaussian_nb",
    CLASSES,
    {"var_smoothing": Span(1e-9, 1.0, log=True), "scaling": _SCALING},
    ({"var_smoothing": 1e-6, "scaling": "quantile"},),
    _pipeline(_naive_bayes),
    why_by_name="its probabilities are too sure",
)
