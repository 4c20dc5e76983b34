"""What a guardrail looks at, and what it finds."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from keystage.core.errors import listing
from keystage.data.checks import Check
from keystage.data.profile import ColumnProfile
from keystage.data.purpose import Purpose
from keystage.data.spec import DatasetSpec

if TYPE_CHECKING:
    import pandas as pd

# What a recipe calls leaving columns out, letting them stand, and reading numbers out of texts.
_DROP, _AS_IT_IS, _NUMBERS = "drop", "as it is", "numbers"


@dataclass(frozen=True)
class Guardrail:
    """What one check found.

    Attributes:
        check: its name, one of ``GUARDRAILS``.
        outcome: passed; fixed: keystage changed something, and ``note`` says what; alerted; failed: alerted or fixed,
            and declared to fail.
        columns: those it is about.
        numbers: by column or by what they count.
        note: what was found, by which threshold, what was done and what to do.
        sampled: how many rows were looked at, where it was not all of them.
    """

    check: str
    outcome: str = "passed"
    columns: list[str] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)
    note: str = ""
    sampled: int | None = None

    @property
    def as_json(self) -> dict[str, Any]:
        """For the report; ``sampled`` where it says something."""
        told = asdict(self)
        return told if self.sampled is not None else {name: told[name] for name in told if name != "sampled"}


@dataclass(frozen=True)
class Facts:
    """What guardrails look at.

    Attributes:
        spec: the declaration.
        seed: of samples.
        profiles: of all columns of the table as read.
        checks: of the declared rules.
        rows: those with a label, n x m.
        sides: the rows for training and for the test, None of a forecast.
        without_label: how many rows were left out for want of a label.
        still_missing: columns of the prepared tables that have missing cells.
        made_of: what the recipe makes of a column, by its name: ``drop``, or the transform that ``auto`` has chosen.
        sampled_from: rows by class of the table, of which ``rows`` and ``sides`` are a sample; one class of a number
            that is to be predicted. None where they are all.
    """

    spec: DatasetSpec
    seed: int
    profiles: Sequence[ColumnProfile]
    checks: Sequence[Check]
    rows: "pd.DataFrame"
    sides: "tuple[pd.DataFrame, pd.DataFrame] | None"
    without_label: int
    still_missing: Sequence[str]
    made_of: Mapping[str, str] = field(default_factory=dict)
    sampled_from: "pd.Series | None" = None

    @property
    def row_count(self) -> int:
        """How many rows have a label."""
        return len(self.rows) if self.sampled_from is None else int(self.sampled_from.sum())

    @property
    def class_counts(self) -> "pd.Series":
        """How many rows each class has, the greatest first."""
        return self.rows[self.spec.label].value_counts() if self.sampled_from is None else self.sampled_from

    @property
    def columns(self) -> list[ColumnProfile]:
        """Features and dropped columns: neither label nor role, nor what names a forecast's series."""
        series = self.spec.forecast.series if self.spec.forecast else []
        taken = {self.spec.label, *self.spec.roles.values(), *series}
        return [profile for profile in self.profiles if profile.column not in taken]

    def found(self, check: str, numbers: Mapping[str, float], note: str, mended_by: Collection[str] = ()) -> Guardrail:
        """An alert about the features among these columns; those that are dealt with are named in the note alone.

        Args:
            check: its name.
            numbers: by column.
            note: what is said of features.
            mended_by: transforms of ``auto`` that are the answer to this.
        """
        dropped = [name for name in numbers if name in self.spec.drop]
        mended = [name for name in numbers if name not in dropped and self.made_of.get(name) in (_DROP, *mended_by)]
        named = [name for name in numbers if name not in (*dropped, *mended)]
        said = [note] if named else []
        said += [f"the recipe has dealt with {listing(map(self._mend, mended))}"] if mended else []
        said += [f"dataset.drop takes out {listing(dropped)}, of which this would be said too"] if dropped else []
        outcome = "alerted" if named else "fixed" if mended else "passed"
        told = "; ".join(filter(None, said))
        return Guardrail(check, outcome, named or mended, dict(numbers), told)

    def _mend(self, name: str) -> str:
        use = self.made_of[name]
        return {_DROP: f"{name} (left out)", _AS_IT_IS: name}.get(use, f"{name} (by '{use}')")

    @cached_property
    def hashes(self) -> "tuple[pd.Series, pd.Series]":
        """A number for each row of training and of the test, equal where rows are, but for identifiers.

        Amounts that are written as texts look like identifiers, and are none where the recipe reads them as numbers. A
        column that says what a row is for differs between the two whatever the row.
        """
        import pandas as pd

        said = (self.spec.test_column,)
        names = {item.column for item in self.profiles if item.purpose is Purpose.identifier}
        names = {name for name in names if self.made_of.get(name) != _NUMBERS}
        apart = [item.column for item in self.profiles if item.column not in names and item.column not in said]
        train, test = self.sides or (self.rows, self.rows.head(0))

        def of(side: "pd.DataFrame") -> "pd.Series":
            return pd.util.hash_pandas_object(side[apart], index=False) if apart else pd.Series([], dtype="uint64")

        return of(train), of(test)
