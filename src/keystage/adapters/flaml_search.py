"""FLAML proposes the trials; what is measured, kept and stopped is decided here.

FLAML 2.7.0 is run in trial-count mode with its learners in turn, so the order of trials depends on data, seed and
settings alone; a time budget only cuts it short (docs/adr/0004). Left to itself it chooses the next learner by measured
seconds (``flaml/automl/automl.py``, ``_select_estimator``), and no two searches are alike.
"""

import logging
import time
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from keystage.adapters.flaml_starts import starting_points
from keystage.core.errors import SearchError, listing
from keystage.data.spec import Task
from keystage.search.folds import Fold
from keystage.search.metrics import Metric, metric_of
from keystage.search.spec import ESTIMATORS, SearchSpec
from keystage.search.trials import Candidate, SearchResult, StoppedBy, Trial

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

OnTrial = Callable[[Trial], None]
UNLIMITED = 1_000_000  # FLAML wants a number of trials
# Below this many rows, threads of a boosted tree wait for each other longer than they work
# (benchmarks/threads_under_load.py).
ROWS_WORTH_THREADS = 20_000

# Learners that fail on a missing cell.
_NEEDS_ALL_CELLS = {"lrl1", "enet"}


class _OutOfTimeError(Exception):
    """Raised inside FLAML's loop to end it at the deadline."""


class _Recorder:
    """Receives each fold from FLAML's custom metric, closes each trial, and keeps the best candidates."""

    def __init__(self, task: Task, spec: SearchSpec, metric: Metric, folds: Sequence[Fold], on_trial: OnTrial) -> None:
        self.trials: list[Trial] = []
        self.candidates: list[Candidate] = []
        self._task = task
        self._spec, self._metric, self._folds, self._on_trial = spec, metric, folds, on_trial
        self._open: list[tuple[float, np.ndarray]] = []
        self._begun = self._trial_begun = time.monotonic()
        self._estimator: Any = None
        self._config: dict[str, Any] = {}

    def fold(self, X_val: Any, y_val: Any, estimator: Any, config: dict[str, Any]) -> float:
        """Score one fold; FLAML calls in the order of the folds it was given."""
        # Forests add their trees' votes in the order in which threads finish (scikit-learn 1.9, ensemble/_forest.py,
        # _accumulate_prediction), so with several threads the last digits differ from call to call.
        if hasattr(estimator.model, "n_jobs"):
            estimator.model.n_jobs = 1
        predicted = (estimator.predict_proba if self._task is Task.classification else estimator.predict)(X_val)
        score = self._metric.score(y_val.to_numpy(), predicted)
        self._open.append((score, predicted))
        self._estimator, self._config = estimator, config
        if len(self._open) < len(self._folds):
            self.check_time()
        return self._metric.loss(score)

    def close(self) -> float:
        """All folds of a trial are scored."""
        now = time.monotonic()
        scores, predictions = zip(*self._open, strict=True)
        trial = Trial(
            number=len(self.trials) + 1,
            estimator=_name_of(self._estimator),
            hyperparameters={name: _plain(value) for name, value in sorted(self._config.items())},
            fold_scores=tuple(scores),
            seconds=now - self._trial_begun,
        )
        self.trials.append(trial)
        self._keep(trial, predictions)
        self._open, self._trial_begun = [], now
        self._on_trial(trial)
        self.check_time()
        return self._metric.loss(trial.score)

    def check_time(self) -> None:
        """End the search when what is left of the budget is needed for the final fit."""
        budget = self._spec.time_budget
        if budget is None:
            return
        # A fold model is fitted on (folds - 1) / folds of the rows, the final one on all of them.
        final_fit = sum(item.trial.seconds for item in self.candidates) / (len(self._folds) - 1)
        if time.monotonic() - self._begun + final_fit > budget:
            raise _OutOfTimeError

    def _keep(self, trial: Trial, predictions: Sequence["np.ndarray"]) -> None:
        import numpy as np

        out_of_fold = np.empty((sum(len(rows) for _, rows in self._folds), *predictions[0].shape[1:]))
        for (_, rows), predicted in zip(self._folds, predictions, strict=True):
            out_of_fold[rows] = predicted
        create = _factory(self._estimator.estimator_class, dict(self._estimator.params))
        self.candidates.append(Candidate(trial, create, out_of_fold))
        self.candidates.sort(key=lambda item: (self._metric.loss(item.trial.score), item.trial.number))
        del self.candidates[self._spec.ensemble_size :]


def search(
    features: "pd.DataFrame",
    target: "pd.Series",
    folds: Sequence[Fold],
    spec: SearchSpec,
    *,
    task: Task,
    seed: int,
    cores: int,
    on_trial: OnTrial,
) -> SearchResult:
    """Search for the best candidates within the budget.

    Args:
        features: n x m, numeric.
        target: n class codes, 0 to k - 1, or n numbers.
        folds: on which every trial is scored.
        spec: learners, metric, budget.
        task: what is learnt.
        seed: equal seeds propose equal trials.
        cores: threads of one fit, where the table is large enough to gain from them.
        on_trial: called after each trial.

    Raises:
        SearchError: the time was over before one trial was done, or a learner cannot take missing cells.
    """
    from flaml.automl import AutoML
    from sklearn.model_selection import PredefinedSplit

    learners, left_out = _learners(features, spec, task)
    logging.getLogger("flaml").setLevel(logging.ERROR)
    metric = metric_of(spec.metric)
    recorder = _Recorder(task, spec, metric, folds, on_trial)

    def fold_metric(
        X_val: Any, y_val: Any, estimator: Any, _labels: Any, _X: Any, _y: Any, _wv: Any, _w: Any, config: Any, *_: Any
    ) -> tuple[float, dict[str, float]]:
        return recorder.fold(X_val, y_val, estimator, config), {}

    def close_trial(_losses: Any, _logged: Any) -> tuple[float, dict[str, float]]:
        return recorder.close(), {}

    stopped_by = StoppedBy.max_trials
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # FLAML's and its learners' advice is for those who call them
        try:
            AutoML().fit(  # type: ignore[no-untyped-call]  # FLAML ships no annotations
                features.reset_index(drop=True),
                target.reset_index(drop=True),
                task=task.value,
                metric=fold_metric,
                cv_score_agg_func=close_trial,
                eval_method="cv",
                split_type=_as_splitter(folds, PredefinedSplit),
                n_splits=len(folds),
                time_budget=-1,
                max_iter=spec.max_trials or UNLIMITED,
                estimator_list=learners,
                learner_selector="roundrobin",
                starting_points={name: point for name, point in starting_points(task).items() if name in learners},
                seed=seed,
                n_jobs=cores if len(features) >= ROWS_WORTH_THREADS else 1,
                retrain_full=False,
                auto_augment=False,  # it repeats rows of rare classes, the same ones in training and validation
                skip_transform=True,  # the recipe has done it
                mlflow_logging=False,
                verbose=0,
            )
        except _OutOfTimeError:
            stopped_by = StoppedBy.time_budget
    if not recorder.trials:
        raise SearchError(
            f"no trial was done within {spec.time_budget} seconds",
            why=f"one trial fits {len(folds)} models; automl.time_budget ended before the first trial did",
            fix="raise automl.time_budget, lower automl.folds, or name faster automl.estimators",
        )
    return SearchResult(tuple(recorder.trials), tuple(recorder.candidates), stopped_by, left_out)


def _learners(features: "pd.DataFrame", spec: SearchSpec, task: Task) -> tuple[list[str], dict[str, str]]:
    """FLAML's names of the learners to try, and those that cannot be, with the reason.

    Raises:
        SearchError: a learner that was asked for by name cannot take missing cells.
    """
    names = [item.value for item in spec.estimators or ESTIMATORS[task]]
    empty = features.columns[features.isna().any()]
    helpless = [name for name in names if name in _NEEDS_ALL_CELLS] if len(empty) else []
    able = [name for name in names if name not in helpless]
    why = f"after the recipe, cells are missing in: {listing(map(str, empty))}"
    if helpless and spec.estimators:
        raise SearchError(
            f"{listing(helpless)} cannot learn from missing cells",
            why=why,
            fix=f"add a step 'fill' for them in conf/prep, or search without: "
            f"automl.estimators={'[' + ','.join(able) + ']' if able else 'null'}",
        )
    return able, dict.fromkeys(helpless, why)


def _as_splitter(folds: Sequence[Fold], kind: type) -> Any:
    """The folds as a splitter object, which FLAML uses as it is, without shuffling the table first."""
    import numpy as np

    number = np.empty(sum(len(rows) for _, rows in folds), dtype="int64")
    for index, (_, rows) in enumerate(folds):
        number[rows] = index
    return kind(number)


def _name_of(estimator: Any) -> str:
    """FLAML's name of the learner: the estimators know their class only."""
    names = {
        "LGBMEstimator": "lgbm",
        "XGBoostSklearnEstimator": "xgboost",
        "XGBoostLimitDepthEstimator": "xgb_limitdepth",
        "RandomForestEstimator": "rf",
        "ExtraTreesEstimator": "extra_tree",
        "LRL1Classifier": "lrl1",
        "ElasticNetEstimator": "enet",
    }
    return names[type(estimator).__name__]


def _factory(kind: type, params: dict[str, Any]) -> Callable[[], Any]:
    # One thread: the model must not depend on the cores it was searched with, nor its predictions on their timing.
    return lambda: kind(**params | ({"n_jobs": 1} if "n_jobs" in params else {}))


def _plain(value: Any) -> Any:
    """A NumPy scalar as Python's own, for JSON."""
    return value.item() if hasattr(value, "item") else value
