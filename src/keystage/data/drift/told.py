"""What is told of a column that is in both tables."""

from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any


class Level(Enum):
    """How much a column has drifted, by its population stability index, where that is beyond chance."""

    none = "none"
    some = "some"
    large = "large"


@dataclass(frozen=True)
class Difference:
    """Values that only one of the tables has.

    Attributes:
        values: how many different ones.
        share: of that table's rows, missing ones left out.
        examples: the commonest.
    """

    values: int
    share: float
    examples: tuple[str, ...]


@dataclass(frozen=True)
class ColumnDrift:
    """How a column differs; what does not suit its kind is None.

    Attributes:
        column: its name.
        kind: number, datetime, category, text (whose lengths are compared) or identifier.
        role: label, dropped or a role of the declaration; empty for a feature.
        level: how much, in a word.
        psi: population stability index; missing cells are a bin of their own.
        psi_by_chance: what it stays below in 99 of 100 draws of such sizes without a change.
        jensen_shannon: distance over the same bins, 0 to 1.
        wasserstein: of numbers, in standard deviations of the baseline; times in days first.
        ks: of numbers, the largest gap of distribution functions.
        ks_p: its probability without a change.
        missing: share of missing cells in the baseline and the target.
        mean: of numbers, in both.
        new: of categories, values of the target alone.
        vanished: of categories, values of the baseline alone.
        histogram: labels or edges, and shares of both tables.
        contribution: to how well a classifier tells the tables apart, of 1.
        note: what to know beside that.
    """

    column: str
    kind: str
    role: str = ""
    level: Level = Level.none
    psi: float | None = None
    psi_by_chance: float | None = None
    jensen_shannon: float | None = None
    wasserstein: float | None = None
    ks: float | None = None
    ks_p: float | None = None
    missing: tuple[float, float] = (0.0, 0.0)
    mean: tuple[float, float] | None = None
    new: Difference | None = None
    vanished: Difference | None = None
    histogram: dict[str, list[Any]] = field(default_factory=dict)
    contribution: float | None = None
    note: str = ""

    @property
    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        return {**asdict(self), "level": self.level.value}
