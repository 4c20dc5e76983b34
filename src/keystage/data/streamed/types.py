"""One type for a column whose blocks have several: whole numbers here, empty cells there."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd


def settled_types(found: Mapping[str, Iterable[str]], name: str) -> dict[str, str]:
    """The type of each column that holds the cells of all blocks.

    Args:
        found: by column, pandas' names of the types in its blocks.
        name: of the dataset, for the error.

    Raises:
        DatasetError: a column holds times and something else, or times with zones and without.
    """
    return {column: _settled(column, sorted(set(types)), name) for column, types in found.items()}


def conform(frame: "pd.DataFrame", types: Mapping[str, str]) -> "pd.DataFrame":
    """The columns in these types; a table that has them is given as it is."""
    other = {name: kind for name, kind in types.items() if str(frame[name].dtype) != kind}
    return frame.astype(other) if other else frame


def _settled(column: str, types: list[str], name: str) -> str:
    times = [kind for kind in types if kind.startswith("datetime64")]
    if len(types) == 1:
        return types[0]
    if times:
        zones = {kind.partition(",")[2] for kind in types}
        if len(times) < len(types) or len(zones) > 1:
            raise DatasetError(
                f"column '{column}' has times of several kinds",
                why=f"blocks of rows of dataset '{name}' are {', '.join(types)}",
                fix=f"write them with one zone, or all without, or declare '{column}' as string in dataset.columns",
            )
        return next(kind for unit in ("ns", "us", "ms", "s") for kind in times if f"[{unit}" in kind)
    # Booleans beside other things, and be it missing cells, are texts, as in a table read at once.
    return "str" if {"str", "bool"} & set(types) else "float64"
