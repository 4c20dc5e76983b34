"""What every contender is given and gives back. It imports only what the environment of each of them holds.

Of that it imports nothing heavy before it is used: whoever trains in processes of its own, as stage train does, has no
table in the one that waits for them.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

PREDICTIONS = 3  # the test rows are predicted so often; the median of the seconds counts


@dataclass(frozen=True)
class Job:
    """One training, on the table in the working directory.

    Attributes:
        contender: who is to train: a name in ``benchmarks/search_runs.py``.
        task: binary, multiclass or regression.
        metric: what to improve: roc_auc, log_loss or r2.
        budget: seconds.
        cores: threads or processes to use.
        seed: of all that is drawn.
    """

    contender: str
    task: str
    metric: str
    budget: float
    cores: int
    seed: int

    @cached_property
    def features(self) -> "pd.DataFrame":
        """N x m numbers; cells may be missing."""
        return self._rows.drop(columns="label")

    @cached_property
    def label(self) -> "pd.Series":
        """N class codes from 0, or values."""
        return self._rows["label"]

    @cached_property
    def _rows(self) -> "pd.DataFrame":
        return _table("train.parquet")

    @property
    def is_regression(self) -> bool:
        """Whether values are predicted, and not classes."""
        return self.task == "regression"


@dataclass(frozen=True)
class Trained:
    """A model.

    Attributes:
        predict: from q x m features to q x k probabilities, or q values.
        trials: candidates that were tried; null if that is not known.
        detail: what the model is, in a few words.
    """

    predict: Callable[["pd.DataFrame"], Any]
    trials: int | None = None
    detail: str = ""


def _read(job: Job) -> None:
    """Read the rows."""
    _ = job.features, job.label


def carry_out(train: Callable[[Job], Trained], *packages: str, prepare: Callable[[Job], None] = _read) -> None:
    """Train on the job in the working directory and predict its test rows.

    Args:
        train: is timed; what it needs should have been imported.
        packages: whose versions are noted.
        prepare: is done before the clock starts.
    """
    job = Job(**json.loads(Path("job.json").read_text(encoding="utf-8")))
    prepare(job)
    begun = time.perf_counter()
    trained = train(job)
    fit_seconds = time.perf_counter() - begun
    import numpy as np
    import pandas as pd

    test = _table("test.parquet")
    predict_seconds = []
    for _ in range(PREDICTIONS):
        begun = time.perf_counter()
        predicted = np.asarray(trained.predict(test), dtype=float)
        predict_seconds.append(time.perf_counter() - begun)
    values = predicted.reshape(len(test), -1)
    pd.DataFrame(values, columns=[str(place) for place in range(values.shape[1])]).to_parquet("predictions.parquet")
    measured = {
        "fit_seconds": fit_seconds,
        "predict_seconds": median(predict_seconds),
        "trials": trained.trials,
        "detail": trained.detail,
        "versions": {"python": sys.version.split()[0], **{name: version(name) for name in packages}},
    }
    Path("measured.json").write_text(json.dumps(measured), encoding="utf-8")


def _table(file: str) -> "pd.DataFrame":
    import pandas as pd

    return pd.read_parquet(file)
