"""What step ``auto`` does with missing cells, where it is asked to do something."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keystage.core.errors import ConfigError
from keystage.prep.asked_for import DRAWS, FILLS, AutoOptions
from keystage.prep.spec import TransformSpec

if TYPE_CHECKING:
    from keystage.prep.automatic import Seen


def fill_steps(seen: "list[Seen]", options: AutoOptions) -> list[TransformSpec]:
    """Steps that fill missing cells of columns of numbers, and of words; dates have none.

    Args:
        seen: what was found of each column.
        options: what was asked for.

    Raises:
        ConfigError: a column is named that is left out or holds dates.
    """
    if options.fill is None:
        return []
    numbers = [item.column for item in seen if item.use in {"", "numbers", "map"}]
    words = [item.column for item in seen if item.use in {"one_hot", "codes", "target", "text"}]
    by_column = options.fill if isinstance(options.fill, Mapping) else dict.fromkeys(numbers, options.fill)
    steps: dict[str, TransformSpec] = {}
    for column, wanted in by_column.items():
        if column not in {*numbers, *words}:
            found = next(item for item in seen if item.column == column)
            raise ConfigError(
                f"auto cannot fill column '{column}'",
                why=f"it is left out: {found.note}"
                if found.use == "drop"
                else "it holds dates, whose parts stay missing",
                fix="take it off option fill of step auto in conf/prep, or say what it is for with option purposes",
            )
        use, filling = ("fill_draws", {}) if wanted == DRAWS else ("fill", _filling(wanted))
        steps.setdefault(f"{use} {filling}", TransformSpec(use, [], filling)).columns.append(column)
    return list(steps.values())


def _filling(wanted: Any) -> dict[str, Any]:
    if wanted in FILLS:
        return {"strategy": wanted}
    return {"strategy": "constant", "fill_value": wanted}
