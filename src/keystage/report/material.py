"""What the page and the card are made from: the small results of the stages, read and not interpreted."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Score:
    """A metric on the test rows.

    Attributes:
        value: on all of them.
        low: lower end of its interval; None where none was computed.
        high: upper end.
        baseline: what the baseline comes to; None where there is none.
        greater_is_better: its direction; None where it is not known.
    """

    value: float
    low: float | None = None
    high: float | None = None
    baseline: float | None = None
    greater_is_better: bool | None = None

    @property
    def beats_baseline(self) -> bool | None:
        """Whether the whole interval is on the better side of the baseline; None where that cannot be said."""
        if self.baseline is None or self.greater_is_better is None:
            return None
        worst = self.low if self.greater_is_better else self.high
        worst = self.value if worst is None else worst
        return worst > self.baseline if self.greater_is_better else worst < self.baseline


@dataclass(frozen=True)
class Material:
    """Everything that is told. A part that a stage did not write is empty, and is told as not there.

    Attributes:
        settings: sections of params.yaml: seed, dataset, prep, automl, registry.
        data: reports/data.json.
        search: reports/search.json.
        model: reports/model.json.
        evaluation: reports/evaluation.json.
        metrics: reports/metrics.json.
        course: reports/search.csv: trial, score, best.
        board: the trials, best first, as in artifacts/leaderboard.parquet.
        plots: the tables of reports/plots by name without ending; cells are texts.
        files: MD5 of the dataset's files by name.
        environment: the locked and the differing packages.
        environment_digest: SHA-256 of what says them, as in the lineage of a version.
    """

    settings: Mapping[str, Any]
    data: Mapping[str, Any] = field(default_factory=dict)
    search: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    course: Rows = ()
    board: Rows = ()
    plots: Mapping[str, Rows] = field(default_factory=dict)
    files: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    environment_digest: str = ""

    @property
    def dataset(self) -> Mapping[str, Any]:
        """Its declaration."""
        return dict(self.settings.get("dataset") or {})

    @property
    def label(self) -> str:
        """The column that is predicted."""
        return str(self.dataset.get("label", "label"))

    @property
    def task(self) -> str:
        """classification, regression or forecasting."""
        return str(self.dataset.get("task", ""))

    @property
    def classes(self) -> list[str]:
        """Of a classification."""
        known = self.evaluation.get("classes") or list((self.data.get("label") or {}).get("rows_per_class") or {})
        return [str(name) for name in known]

    @property
    def searched_for(self) -> str:
        """The metric that the search went by."""
        automl = self.settings.get("automl") or {}
        return str(self.evaluation.get("primary") or automl.get("metric") or "")

    @property
    def test_rows(self) -> int:
        """How many rows the scores stand on."""
        told = self.evaluation.get("rows") or (self.metrics.get("test") or {}).get("rows")
        return int(told or (self.data.get("rows") or {}).get("test") or 0)

    @property
    def scores(self) -> dict[str, Score]:
        """The metrics on the test rows, the one searched for first; without intervals where none were computed."""
        if told := self.evaluation.get("metrics"):
            found = {str(name): Score(**_known(values)) for name, values in told.items() if _is(values.get("value"))}
        else:
            baseline = self.metrics.get("baseline") or {}
            plain = {name: value for name, value in (self.metrics.get("test") or {}).items() if name != "rows"}
            found = {
                name: Score(float(value), baseline=baseline.get(name)) for name, value in plain.items() if _is(value)
            }
        first = {self.searched_for: found[self.searched_for]} if self.searched_for in found else {}
        return {**first, **found}

    @property
    def primary(self) -> tuple[str, Score] | None:
        """The metric searched for, or else the first one; None without any."""
        return next(iter(self.scores.items()), None)

    @property
    def baseline(self) -> str:
        """What the baseline is."""
        named = (self.evaluation.get("baseline") or {}).get("name")
        return str(named or ("seasonal naive" if self.task == "forecasting" else "baseline"))


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a score; others, of a later version, are left out."""
    known = {name: values[name] for name in Score.__dataclass_fields__ if name in values}
    return {name: value if _is(value) else None for name, value in known.items()}


def _is(value: object) -> bool:
    """Whether it is a number that can be told: a metric that is not defined on these rows is none."""
    return isinstance(value, int | float) and math.isfinite(value)
