"""What step ``auto`` may be told: options, each checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from keystage.core.errors import ConfigError, hint, listing
from keystage.data.purpose import Purpose
from keystage.prep.built_in import STRATEGIES
from keystage.prep.spec import TransformSpec

DRAWS = "draws"
FILLS = (*STRATEGIES[:-1], DRAWS)
# What auto may make of a column; each may be blocked.
WAYS = ("numbers", "dates", "map", "one_hot", "codes", "target", "text")


@dataclass(frozen=True)
class AutoOptions:
    """Options of step ``auto``.

    Attributes:
        purposes: what a column is for, by its name, where that is not to be found: number, category, boolean, datetime,
            text, or identifier, which is left out.
        fill: what missing cells become, by column, or one for all columns of numbers: mean, median, most_frequent,
            draws, or a value. Without it they stay missing, of categories as one of their own.
        block: transforms that auto must not use.
        one_hot: categories up to which a column becomes one of 0 and 1 for each.
        components: numbers that a text becomes, at most.
    """

    purposes: Mapping[str, Any] = field(default_factory=dict)
    fill: Any = None
    block: tuple[str, ...] = ()
    one_hot: int = 10
    components: int = 20


def auto_options(step: TransformSpec, number: int, there: list[str]) -> AutoOptions:
    """The options of a step ``auto``.

    Args:
        step: as declared.
        number: its place in the recipe.
        there: the columns that it sees.

    Raises:
        ConfigError: an option, purpose, transform or column that there is not, with the nearest.
    """
    known = [item.name for item in fields(AutoOptions)]
    for name in step.options:
        _require(name in known, number, f"option '{name}'", hint(name, known))
    given = {**step.options, "block": tuple(step.options.get("block") or ())}
    options = AutoOptions(**{name: value for name, value in given.items() if value is not None})
    purposes = [purpose.value for purpose in Purpose if purpose is not Purpose.constant]
    _require(isinstance(options.purposes, Mapping), number, "list of purposes", "write purposes: {COLUMN: PURPOSE}")
    for column, purpose in options.purposes.items():
        _require(column in there, number, f"column '{column}' among purposes", hint(str(column), there))
        _require(purpose in purposes, number, f"purpose '{purpose}' of '{column}'", hint(str(purpose), purposes))
    for column in options.fill if isinstance(options.fill, Mapping) else ():
        _require(column in there, number, f"column '{column}' among fill", hint(str(column), there))
    for way in options.block:
        _require(way in WAYS, number, f"transform '{way}' to block", hint(str(way), WAYS))
    for name in ("one_hot", "components"):
        value = getattr(options, name)
        _require(isinstance(value, int) and value >= 1, number, f"{name} of {value}", "give a whole number from 1")
    return options


def _require(holds: bool, number: int, what: str, fix: str) -> None:
    if not holds:
        raise ConfigError(
            f"step {number} of the recipe ('auto') takes no {what}",
            why="options of that step in prep.steps; " + listing(item.name for item in fields(AutoOptions)),
            fix=f"correct conf/prep: {fix}",
        )
