"""Compare two tables: schema, each column, and all columns together."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from keystage.data.drift.classifier import MAX_ROWS as MAX_CLASSIFIED
from keystage.data.drift.classifier import MIN_ROWS, Told, told_apart
from keystage.data.drift.columns import column_drift, family
from keystage.data.drift.told import ColumnDrift, Level
from keystage.data.profile import profiled

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 200_000  # of each table whose cells are compared
THRESHOLD = 0.2  # of the magnitude, above which two tables are called drifted, as in Azure ML SDK v1
SEED = 0


@dataclass(frozen=True)
class Schema:
    """Columns of one table alone, and those whose cells are of another type.

    Attributes:
        added: columns of the target alone.
        removed: columns of the baseline alone.
        retyped: type in both, by column.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    retyped: Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class Drift:
    """How two tables differ.

    Attributes:
        baseline: what people call the one.
        target: the other.
        rows: of both.
        schema: what differs in the columns there are.
        columns: those that both have, the most drifted first; what is no feature comes last.
        told: how well a classifier tells rows apart; None where it was not asked.
        notes: what was sampled or left out.
        seed: of samples and folds.
    """

    baseline: str
    target: str
    rows: tuple[int, int]
    schema: Schema
    columns: tuple[ColumnDrift, ...]
    told: Told | None
    notes: tuple[str, ...]
    seed: int

    @property
    def magnitude(self) -> float | None:
        """0 for tables that cannot be told apart, up to 1; None where nobody tried."""
        return None if self.told is None else self.told.magnitude

    @property
    def drifted(self) -> list[ColumnDrift]:
        """The columns that have."""
        return [column for column in self.columns if column.level is not Level.none]

    @property
    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        told = None if self.told is None else {**asdict(self.told), "contribution": dict(self.told.contribution)}
        return {
            "baseline": self.baseline,
            "target": self.target,
            "rows": {"baseline": self.rows[0], "target": self.rows[1]},
            "magnitude": self.magnitude,
            "threshold": THRESHOLD,
            "classifier": told,
            "schema": asdict(self.schema),
            "columns": [column.as_json for column in self.columns],
            "notes": list(self.notes),
            "seed": self.seed,
        }


def compare(
    baseline: "pd.DataFrame",
    target: "pd.DataFrame",
    names: tuple[str, str],
    roles: Mapping[str, str] | None = None,
    seed: int = SEED,
    drawn_of: tuple[int, int] | None = None,
) -> Drift:
    """Compare a table of n rows with one of m. Equal tables, roles and seed give equal results.

    Args:
        baseline: what is compared with.
        target: what may have drifted.
        names: what people call them.
        roles: of columns that are no features, by name: label, dropped, weight and the like.
        seed: of samples and folds.
        drawn_of: how many rows each has, where those that are given are a random sample; None where they are all.
    """
    given, rows = roles or {}, drawn_of or (len(baseline), len(target))
    notes = []
    if max(rows) > MAX_ROWS:
        notes.append(f"Of a table with more rows, {MAX_ROWS:,} are compared, drawn at random with seed {seed}.")
        baseline, target = (
            side.sample(MAX_ROWS, random_state=seed) if len(side) > MAX_ROWS else side for side in (baseline, target)
        )
    both = [name for name in baseline.columns if name in target.columns]
    purposes = {profile.column: profile.purpose for profile in profiled(baseline[both])}
    drifts = [
        column_drift(baseline[name], target[name], purposes[str(name)], given.get(str(name), "")) for name in both
    ]
    drifts.sort(key=lambda drift: (bool(drift.role), -(drift.psi or 0.0)))
    # What is no feature the classifier does not see: a model does not either.
    seen = [drift for drift in drifts if not drift.role and drift.kind != "identifier"]
    told = told_apart(baseline, target, seen, seed)
    notes += _notes(rows, told, seen, seed)
    parts = told.contribution if told else {}
    columns = tuple(replace(drift, contribution=parts.get(drift.column)) for drift in drifts)
    return Drift(*names, rows, _schema(baseline, target, both), columns, told, tuple(notes), seed)


def _schema(baseline: "pd.DataFrame", target: "pd.DataFrame", both: list[str]) -> Schema:
    kinds = {
        name: (family(baseline[name]), family(target[name]))
        for name in both
        if baseline[name].notna().any() and target[name].notna().any()
    }
    return Schema(
        tuple(str(name) for name in target.columns if name not in both),
        tuple(str(name) for name in baseline.columns if name not in both),
        {str(name): pair for name, pair in kinds.items() if pair[0] != pair[1]},
    )


def _notes(rows: tuple[int, int], told: Told | None, seen: list[ColumnDrift], seed: int) -> list[str]:
    if not seen:
        return ["There is no column that a classifier could tell the tables by."]
    if told is None:
        return [
            f"A table has fewer than {MIN_ROWS} rows: no classifier is asked, because chance could tell them apart."
        ]
    if max(rows) > MAX_CLASSIFIED:
        return [f"The classifier sees up to {MAX_CLASSIFIED:,} rows of each table, drawn at random with seed {seed}."]
    return []
