"""One fit: a proposal on the training rows of one fold, scored on its validation rows."""

import os
import pickle
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystage.core.disk import disk_error
from keystage.data.spec import Task
from keystage.search.folds import Fold
from keystage.search.history import model_file, predictions_file
from keystage.search.learners.catalogue import learner_named
from keystage.search.learners.learner import Sample, Setting, Validation
from keystage.search.metrics import Metric
from keystage.search.trials import End, FoldResult, Proposal

if TYPE_CHECKING:
    import numpy as np

LONGEST_ERROR = 500  # characters of a learner's words that are kept
_ROUNDED = 1e-3  # by which probabilities of single precision may miss 1


class UnwrittenError(OSError):
    """The disk keeps no more: no fault of a learner, so no end of a trial."""


@dataclass(frozen=True)
class Material:
    """What all fits of a search are made from.

    Attributes:
        features: n x m numbers; cells may be missing.
        target: n class codes from 0, or n values.
        folds: on which every proposal is scored.
        setting: what all fits have in common.
        metric: the score.
        fit_weights: n, by which rows count for a fit; None for equal ones.
        score_weights: n, by which rows count for a score; None for equal ones.
        alike: whether fold models are as good as each other; those of the first times know less than the last.
        fit_rows: positions of the rows on which the model may be fitted in the end; None for all.
        offset: n, what values are learnt as differences to, and scored with; None where they are learnt as they are.
    """

    features: "np.ndarray"
    target: "np.ndarray"
    folds: Sequence[Fold]
    setting: Setting
    metric: Metric
    fit_weights: "np.ndarray | None" = None
    score_weights: "np.ndarray | None" = None
    fit_rows: "np.ndarray | None" = None
    alike: bool = True
    offset: "np.ndarray | None" = None

    def truth(self, rows: "np.ndarray") -> "np.ndarray":
        """What predictions of some rows are scored against: codes, or values in the unit that the files have."""
        values: np.ndarray = self.target[rows]
        return values if self.offset is None else values + self.offset[rows]

    def sample(self, rows: "np.ndarray | slice", *, weighed: bool) -> Sample:
        """Some rows, with the weights that they have in a fit where it can weigh."""
        weights = weights_at(self.fit_weights, rows) if weighed else None
        return Sample(self.features[rows], self.target[rows], weights)


@dataclass(frozen=True)
class Job:
    """A fit that is wanted.

    Attributes:
        proposal: what is fitted.
        fold: on which fold, from 0; None for all rows.
        found: for a fit on all rows, what the folds' fits found out.
    """

    proposal: Proposal
    fold: int | None
    found: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Done:
    """A fit that has ended: its result, and for one on all rows the file with the model."""

    job: Job
    result: FoldResult
    model: Path | None = None


def fit_fold(material: Material, proposal: Proposal, fold: int, fits: Path, seconds: float | None) -> FoldResult:
    """Fit and score; keep model and predictions as files. A learner that fails is a result, too.

    Args:
        material: what is fitted and scored.
        proposal: what is tried.
        fold: number of the fold, from 0.
        fits: the folder of the files.
        seconds: after which boosting stops with the trees it has; None for no limit.
    """
    begun = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # learners' advice is for those who call them by hand
            score, found = _fit(material, proposal, fold, fits, None if seconds is None else begun + seconds)
    except UnwrittenError as error:
        return FoldResult(None, time.monotonic() - begun, end=End.failed, error=_words(error), errno=error.errno)
    except MemoryError as error:
        return FoldResult(None, time.monotonic() - begun, end=End.memory, error=_words(error))
    except Exception as error:  # noqa: BLE001 - any error of a learner is the trial's end, not the search's
        return FoldResult(None, time.monotonic() - begun, end=End.failed, error=_words(error))
    ended = time.monotonic()
    cut = bool(found) and seconds is not None and ended >= begun + seconds
    return FoldResult(score, ended - begun, found, cut=cut)


def _fit(
    material: Material, proposal: Proposal, fold: int, fits: Path, ends: float | None
) -> tuple[float, dict[str, Any]]:
    import numpy as np

    learner = learner_named(proposal.learner)
    training, validation = material.folds[fold]
    sample = material.sample(_sampled(training, proposal.rows, material.setting.seed), weighed=learner.weighs)
    watched = material.sample(validation, weighed=learner.weighs)
    present = np.unique(sample.target) if material.setting.is_classification else None
    complete = present is None or len(present) == material.setting.classes
    if not complete and present is not None:  # learners want codes without gaps
        sample = replace(sample, target=np.searchsorted(present, sample.target))
        watched = watched.at(np.isin(watched.target, present))  # rows of classes never seen cannot be watched
        watched = replace(watched, target=np.searchsorted(present, watched.target))
    model = learner.fit(material.setting, proposal.point, sample, Validation(watched, ends))
    predicted = predict(model, material.features[validation], material.setting.task)
    if present is not None and not complete:
        spread = np.zeros((len(predicted), material.setting.classes))
        spread[:, present] = predicted
        predicted = spread
    if not np.isfinite(predicted).all():
        raise ValueError("it predicts what is no number")
    if present is not None and not np.allclose(predicted.sum(axis=1), 1, atol=_ROUNDED):
        raise ValueError("its probabilities do not sum to 1")  # in a mean of members it would count for more
    if material.offset is not None:
        predicted += material.offset[validation]
    score = _score(material, predicted, validation)
    if not np.isfinite(score):
        raise ValueError(f"its {material.metric.name} is no number")
    _write(predictions_file(fits, proposal, fold), lambda file: np.save(file, predicted))
    if complete:  # one that lacks a class cannot vote
        _write(model_file(fits, proposal, fold), lambda file: pickle.dump(model, file, protocol=5))
    return score, dict(learner.found(model))


def _score(material: Material, predicted: "np.ndarray", rows: "np.ndarray") -> float:
    metric = material.metric
    try:
        return metric.score(material.truth(rows), predicted, weights_at(material.score_weights, rows))
    except Exception as error:
        raise ValueError(f"metric {metric.name} cannot score it: {_words(error)}") from error


def fit_all(
    material: Material, proposal: Proposal, found: dict[str, Any], fits: Path
) -> tuple[FoldResult, Path | None]:
    """Fit a proposal on all rows; keep the model as a file.

    Args:
        material: what is fitted.
        proposal: what is fitted.
        found: what the folds' fits found out.
        fits: the folder of the file.
    """
    begun = time.monotonic()
    learner, path = learner_named(proposal.learner), fits / f"{proposal.key}-all.pkl"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = slice(None) if material.fit_rows is None else material.fit_rows
            sample = material.sample(rows, weighed=learner.weighs)
            model = learner.fit(material.setting, {**proposal.point, **found}, sample, None)
        _write(path, lambda file: pickle.dump(model, file, protocol=5))
    except UnwrittenError as error:
        failed = FoldResult(None, time.monotonic() - begun, end=End.failed, error=_words(error), errno=error.errno)
        return failed, None
    except Exception as error:  # noqa: BLE001 - as above
        return FoldResult(None, time.monotonic() - begun, end=End.failed, error=_words(error)), None
    return FoldResult(None, time.monotonic() - begun), path


def predict(model: Any, features: "np.ndarray", task: Task) -> "np.ndarray":
    """N x k probabilities of a classifier, or n values of a regressor."""
    import numpy as np

    predicted = model.predict_proba(features) if task is Task.classification else model.predict(features)
    return np.asarray(predicted, dtype="float64")


def _sampled(rows: "np.ndarray", most: int | None, seed: int) -> "np.ndarray":
    import numpy as np

    if most is None or len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])


def weights_at(weights: "np.ndarray | None", rows: "np.ndarray | slice") -> "np.ndarray | None":
    """The weights of some rows; None where all rows count once."""
    return None if weights is None else weights[rows]


def _write(path: Path, write: Any) -> None:
    """Whole or not at all: a process that is killed leaves no half of a file under its name.

    Raises:
        UnwrittenError: the disk is full or read-only, or denies access.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            write(file)
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        if disk_error(error) is None:
            raise
        raise UnwrittenError(error.errno, error.strerror) from error


def _words(error: BaseException) -> str:
    """In one line, without what would colour or clear a terminal."""
    plain = "".join(sign if sign.isprintable() else " " for sign in f"{type(error).__name__}: {error}")
    return " ".join(plain.split())[:LONGEST_ERROR]
