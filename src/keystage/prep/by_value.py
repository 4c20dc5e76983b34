"""Codes of texts by way of their different values: the same codes, at a tenth of the cost where values repeat."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MANY_ROWS = 1000  # fewer are quick however they are coded
REPEATED = 4  # rows per different value, from which on it is worth it


def fit_transform(step: Any, table: "pd.DataFrame", label: "np.ndarray | None" = None) -> "pd.DataFrame":
    """Fit a step of a recipe and apply it; equal to what its own ``fit_transform`` gives.

    scikit-learn sorts all texts of a column to find its categories. Its categories are those of the different ones.
    """
    found = _values(step, table)
    if found is None:
        fitted: pd.DataFrame = step.fit_transform(table, label)
        return fitted
    step.fit(_with(table.head(len(found[1])), found[1]))
    return transform(step, table)


def transform(step: Any, table: "pd.DataFrame") -> "pd.DataFrame":
    """Apply a fitted step of a recipe; equal to what its own ``transform`` gives."""
    import pandas as pd

    found = _values(step, table)
    if found is None:
        transformed: pd.DataFrame = step.transform(table)
        return transformed
    codes, values = found
    few = step.transform(_with(table.head(len(values)), values))
    columns = {name: few[name].to_numpy()[codes[name]] if name in codes else table[name] for name in few.columns}
    return pd.DataFrame(columns, index=table.index)


def transform_all(recipe: Any, table: "pd.DataFrame") -> "pd.DataFrame":
    """Apply a fitted recipe; equal to what its own ``transform`` gives."""
    for _, step in recipe.steps:
        table = transform(step, table)
    return table


def _values(step: Any, table: "pd.DataFrame") -> "tuple[dict[str, np.ndarray], pd.DataFrame] | None":
    """Of a step that codes texts: each cell's place among the different ones, and those, by column.

    The columns of different values are as long as the longest; their own first value fills the others up.
    """
    from sklearn.preprocessing import OrdinalEncoder

    from keystage.prep.columns import OnColumns

    if not isinstance(step, OnColumns) or type(step.transformer) is not OrdinalEncoder or len(table) < MANY_ROWS:
        return None
    columns = step.columns
    if any(name not in table or table[name].dtype != "str" for name in columns):
        return None
    import numpy as np
    import pandas as pd

    codes, values = {}, {}
    for name in columns:
        codes[name], values[name] = pd.factorize(table[name], use_na_sentinel=False)
    longest = max(len(found) for found in values.values())
    if longest * REPEATED > len(table):
        return None
    filled = {
        name: found.take(np.arange(longest) * (np.arange(longest) < len(found))) for name, found in values.items()
    }
    return codes, pd.DataFrame(filled).astype("str")


def _with(head: "pd.DataFrame", values: "pd.DataFrame") -> "pd.DataFrame":
    """Some rows of the table, with these cells in the columns that are coded."""
    head = head.reset_index(drop=True)
    return head.assign(**{str(name): values[name] for name in values.columns})[list(head.columns)]
