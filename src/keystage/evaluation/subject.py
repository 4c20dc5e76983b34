"""The test rows, with all that is looked at together with them."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from keystage.core.errors import KeystageError
from keystage.data.spec import Task
from keystage.data.table import PreparedTable
from keystage.evaluation.asked import Asked, codes_of
from keystage.evaluation.baseline import baseline
from keystage.evaluation.intervals import Units, blocks_of, units_of
from keystage.evaluation.scores import Scored, metrics_for
from keystage.search.metrics import Metric

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Subject:
    """The test rows.

    Attributes:
        table: as they are prepared.
        raw: the same rows, raw.
        scored: what the model said of them.
        primary: the metric that the search improved.
        metrics: those that can be told, by name; the primary one first, where it is among them.
        naive_name: what the baseline is called.
        naive: the same rows, of which the baseline has spoken.
        units: what intervals draw.
        asked: recipe and model.
        notes: what was bounded, left out or failed.
    """

    table: PreparedTable
    raw: "pd.DataFrame"
    scored: Scored
    primary: Metric
    metrics: dict[str, Metric]
    naive_name: str
    naive: Scored
    units: Units
    asked: Asked
    notes: list[str] = field(default_factory=list)

    @property
    def judged(self) -> Metric:
        """The primary metric, or log loss where a class without test rows leaves it undefined."""
        return self.metrics.get(self.primary.name) or self.metrics["log_loss"]

    def part(self, name: str, work: Callable[[], T], instead: T) -> T:
        """What ``work`` gives; a part that fails must not cost the run: it is noted, and its bug shows in the log."""
        try:
            return work()
        except KeystageError as error:
            self.notes.append(f"{name} left out: {error.what}")
        except Exception as error:
            logger.warning("%s failed, and is left out:", name, exc_info=True)
            self.notes.append(f"{name} left out, it failed: {type(error).__name__}: {str(error).strip()[:200]}")
        return instead


def subject(
    model: Any, recipe: Any, train: PreparedTable, table: PreparedTable, raw: "pd.DataFrame", primary: Metric
) -> Subject:
    """Ask model and baseline of the test rows.

    Args:
        model: takes prepared rows.
        recipe: that prepared them.
        train: the training rows, whose label the baseline knows.
        table: n prepared test rows.
        raw: the same rows, raw.
        primary: the metric that the search improved.
    """
    classes = list(model.classes_) if table.task is Task.classification else []
    asked, notes = Asked(recipe, model, classes), list[str]()
    weights = None if table.roles.weight is None else table.roles.weight.to_numpy()
    if weights is not None and not weights.sum():
        weights, notes = None, ["all test rows weigh 0, so each counts once"]
    if classes:
        scored = Scored(
            Task.classification,
            codes_of(table.label, classes),
            model.predict_proba(table.features),
            codes_of(model.predict(table.features), classes),
            weights,
            classes,
        )
    else:  # a forecast may have been learnt as a difference; it is judged as what it is
        offset = 0.0 if table.roles.offset is None else table.roles.offset.to_numpy()
        said = model.predict(table.features)
        scored = Scored(table.task, offset + table.label.to_numpy(), offset + said, weights=weights)
    metrics = metrics_for(scored, primary)
    if primary.name not in metrics:
        notes.append(f"{primary.name} is not told: a class has no test row; importances are by log_loss")
    codes = codes_of(train.label, classes) if classes else None
    name, said = baseline(train, table, codes, len(classes), primary.name)
    naive = replace(scored, predicted=said, decided=said.argmax(axis=1) if classes else None)
    return Subject(table, raw, scored, primary, metrics, name, naive, _units(table, raw, asked), asked, notes)


def _units(table: PreparedTable, raw: "pd.DataFrame", asked: Asked) -> Units:
    """What is independent of each other: series, groups, or rows."""
    if asked.history is not None and len(asked.history.names_) > 1:
        return units_of(asked.series_of(raw), "series")
    if asked.history is not None:
        assert table.roles.time is not None
        return blocks_of(table.roles.time.to_numpy())
    return Units() if table.roles.group is None else units_of(table.roles.group.to_list(), "groups")
