"""The recipe: the declared steps as one scikit-learn pipeline, fitted on training rows alone."""

from typing import TYPE_CHECKING, Any

from keystage.core.errors import ConfigError, DatasetError, hint, listing
from keystage.prep import by_value
from keystage.prep.spec import PrepSpec
from keystage.prep.transforms import build

if TYPE_CHECKING:
    import pandas as pd

# LightGBM refuses these in a column's name (they are JSON's), XGBoost three of them.


def fit_recipe(
    spec: PrepSpec, features: "pd.DataFrame", seed: int, history: Any = None, label: "pd.Series | None" = None
) -> Any:
    """Fit all steps on the training rows.

    Args:
        spec: the declared steps.
        features: raw training rows without the label, n x m.
        seed: passed to transforms that draw.
        history: of a forecast, an unfitted ``SeriesHistory``, which comes before the steps; those are fitted on rows
            of which all of the past is known.
        label: n values for it.

    Returns:
        A fitted scikit-learn pipeline that takes raw rows and gives numeric pandas tables.

    Raises:
        ConfigError: a step names an unknown transform, column or option.
        DatasetError: a step cannot be fitted, or what comes out is not ready for an estimator.
    """
    from sklearn.pipeline import Pipeline

    from keystage.prep.raw import RawRows

    door = RawRows().fit(features)
    steps: list[tuple[str, Any]] = [("00_raw_rows", door)]
    table = door.transform(features)
    if history is not None:
        try:
            history.fit(table, label)
            table = history.transform(table[history.has_past(table)])
        except ValueError as error:
            raise DatasetError(
                "features of the past cannot be made",
                why=str(error),
                fix="correct the column it names in the files, or dataset.forecast in conf/dataset",
            ) from error
        steps.append(("00_series_history", history))
    for number, step in enumerate(spec.steps, start=1):
        unknown = [name for name in step.columns if name not in table.columns]
        if unknown:
            raise ConfigError(
                f"step {number} of the recipe ('{step.use}') names column '{unknown[0]}', which is not there",
                why=f"at this step the table has: {listing(map(str, table.columns))}",
                fix=f"correct prep.steps in conf/prep: {hint(unknown[0], map(str, table.columns))}",
            )
        transformer = build(step, seed)
        try:
            table = by_value.transform(by_value.fit(transformer, table), table)
        except (ValueError, TypeError) as error:
            raise DatasetError(
                f"step {number} of the recipe ('{step.use}' on {listing(step.columns)}) cannot be fitted",
                why=str(error).strip().split("\n")[0],
                fix="look at the columns it names, and at the step's options in conf/prep",
            ) from error
        steps.append((f"{number:02d}_{step.use.rpartition(':')[2]}", transformer))
    _require_ready(table)
    return Pipeline(steps)


def _require_ready(table: "pd.DataFrame") -> None:
    """Estimators take finite or missing numbers; say so before a search begins."""
    import numpy as np
    import pandas as pd

    words = [str(name) for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    if words:
        raise DatasetError(
            f"after the recipe, columns are still no numbers: {listing(words)}",
            why="estimators take numbers; " + "; ".join(f"{name} is {table[name].dtype}" for name in words[:3]),
            fix="use 'codes' or 'one_hot' for categories, your own transform for text and dates, or dataset.drop",
        )
    infinite = [str(name) for name in table.columns if np.isinf(table[name].to_numpy(dtype="float64")).any()]
    if infinite:
        raise DatasetError(
            f"columns hold infinite values: {listing(infinite)}",
            why="estimators refuse them",
            fix="empty those cells, or replace them in a step of your own in src/project/transforms.py",
        )
    if table.empty or not len(table.columns):
        raise DatasetError(
            "no column is left after the recipe",
            why="dataset.drop and prep.steps took all of them",
            fix="drop fewer columns in conf/dataset",
        )
