"""What conf/dataset may ask of a column and of a table. Standard library only: DVC imports this on every experiment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from keystage.core.errors import hint

# In the order in which they are reported: src/keystage/data/guardrails says what each looks for.
GUARDRAILS = (
    "schema",
    "target_missing",
    "few_rows",
    "class_imbalance",
    "missing_values",
    "constant",
    "near_constant",
    "identifier",
    "high_cardinality",
    "mixed_types",
    "infinities",
    "leaking",
    "duplicate_rows",
    "train_test_overlap",
    "shared_groups",
)


class ColumnType(Enum):
    """The type a column must have; a cell that cannot be read as such is an error."""

    integer = "integer"
    number = "number"
    string = "string"
    boolean = "boolean"
    datetime = "datetime"


NUMERIC = {ColumnType.integer, ColumnType.number}


class BadCells(Enum):
    """What becomes of a cell that cannot be read as the declared type of its column."""

    error = "error"
    empty = "empty"  # null is YAML's word for no value


class OnViolation(Enum):
    """What becomes of a cell that breaks a declared rule: stop, empty the cell, leave its row out, or only count it."""

    error = "error"
    empty = "empty"  # null is YAML's word for no value
    drop_row = "drop_row"
    report = "report"


class Level(Enum):
    """What a guardrail's finding does."""

    alert = "alert"
    fail = "fail"
    skip = "skip"  # off is YAML's word for false


@dataclass
class ColumnSpec:
    """A declared column; it must be in every file. What is not given is not checked.

    Attributes:
        name: as in the header.
        type: what its cells are.
        minimum: the least value of a number, an integer or a datetime (an ISO 8601 text).
        maximum: the greatest one.
        allowed: all values there may be.
        unique: no value stands twice; of those that do, all but the first break the rule.
        nullable: cells may be missing.
        on_violation: what becomes of cells that break one of these rules; null is as ``dataset.on_violation`` says.
    """

    name: str
    type: ColumnType
    minimum: Any = None
    maximum: Any = None
    allowed: list[Any] | None = None
    unique: bool = False
    nullable: bool = True
    on_violation: OnViolation | None = None

    def __post_init__(self) -> None:
        """Refuse rules that no cell of the type could be held to."""
        for rule in ("minimum", "maximum"):
            if getattr(self, rule) is None:
                continue
            if self.type in {ColumnType.string, ColumnType.boolean}:
                raise ValueError(f"dataset.columns: {rule} of '{self.name}' suits no {self.type.value}; use allowed")
            self._require_suits(rule, getattr(self, rule))
        if self.allowed is not None and not self.allowed:
            raise ValueError(f"dataset.columns: allowed of '{self.name}' is empty: name the values, or leave it out")
        for value in self.allowed or ():
            self._require_suits("allowed", value)
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"dataset.columns: minimum of '{self.name}' is above its maximum")

    def _require_suits(self, rule: str, value: Any) -> None:
        """Of numbers a number, of booleans a boolean, of strings and datetimes a text."""
        number = isinstance(value, int | float) and not isinstance(value, bool) and value == value
        suits = {
            ColumnType.integer: number,
            ColumnType.number: number,
            ColumnType.boolean: isinstance(value, bool),
        }.get(self.type, isinstance(value, str))
        if suits and self.type is ColumnType.datetime:
            suits = _is_time(value)
        if not suits:
            raise ValueError(f"dataset.columns: {rule} of '{self.name}' must be a {self.type.value}, not {value!r}")


def require_guardrails(levels: Mapping[str, Level]) -> None:
    """Refuse guardrails that there are not.

    Raises:
        ValueError: with the nearest name.
    """
    for name in levels:
        if name not in GUARDRAILS:
            raise ValueError(f"dataset.guardrails has no '{name}': {hint(name, GUARDRAILS)}")


def _is_time(text: str) -> bool:
    from datetime import datetime

    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def declared_type(columns: Iterable[ColumnSpec], name: str) -> ColumnType | None:
    """What a column is declared as; None where it is not."""
    return next((column.type for column in columns if column.name == name), None)
