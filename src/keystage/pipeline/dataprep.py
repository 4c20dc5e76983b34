"""Stage ``dataprep``: from the declared files to prepared training and test rows, and the recipe that made them."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystage.compute.spec import ComputeSpec
from keystage.core.params import outside_key
from keystage.data.reading import read_dataset
from keystage.data.roles import HELD_OUT, aside_of, roles_of
from keystage.data.spec import DatasetSpec, Task
from keystage.data.split import split, split_kind, usable_rows
from keystage.data.table import PreparedTable, write_table
from keystage.pipeline import workspace
from keystage.pipeline.forecast import prepare_forecast
from keystage.prep.recipe import fit_recipe
from keystage.prep.spec import PrepSpec

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

# Training and test rows, the raw test rows, their columns that are no features, the recipe, how many rows each side
# has, and what else the report tells.
Prepared = tuple[PreparedTable, PreparedTable, PreparedTable, "pd.DataFrame", Any, dict[str, int], dict[str, Any]]


@dataclass
class DataprepParams:
    """The sections of params.yaml that dataprep reads."""

    seed: int
    dataset: DatasetSpec
    prep: PrepSpec
    compute: ComputeSpec = outside_key("threads change no digit of the preparation")


def dataprep(params: DataprepParams) -> None:
    """Read, check and split the table, fit the recipe on the training rows, and apply it to both sides."""
    spec = params.dataset
    logger.info("Reading %s: %s", spec.name, ", ".join(spec.all_files))
    table = read_dataset(spec, Path.cwd())
    rows = usable_rows(table, spec)
    prepare = _prepare_rows if spec.forecast is None else _prepare_forecast
    train, test, raw_test, aside, recipe, counts, told = prepare(rows, params)
    write_table(train, workspace.TRAIN_TABLE)
    write_table(test, workspace.TEST_TABLE)
    write_table(raw_test, workspace.RAW_TEST)
    aside.to_parquet(workspace.ASIDE_TEST, index=False)
    workspace.write_pickle(recipe, workspace.RECIPE)
    counts = {"read": len(table), "left_out_without_label": len(table) - len(rows), **counts}
    workspace.write_json(_report(spec, table, counts, told), workspace.DATA_REPORT)


def _prepare_rows(rows: "pd.DataFrame", params: DataprepParams) -> Prepared:
    """Of rows that stand for themselves."""
    spec, prep = params.dataset, params.prep
    assert prep.test_size is not None
    train, test = split(rows, spec, prep.test_size, params.seed, prep.split)
    fitted_on = train[~train[HELD_OUT]] if HELD_OUT in train else train
    logger.info("Fitting the recipe on %d training rows, %d are kept for the test", len(fitted_on), len(test))
    recipe = fit_recipe(prep, _features(fitted_on, spec), params.seed)
    sides = [
        PreparedTable(recipe.transform(_features(side, spec)), side[spec.label], spec.task, roles_of(side, spec))
        for side in (train, test)
    ]
    raw_test = PreparedTable(_features(test, spec), test[spec.label], spec.task)
    counts = {"train": len(fitted_on), "validation": len(train) - len(fitted_on), "test": len(test)}
    told = {"split": split_kind(spec, prep.split).value}
    return sides[0], sides[1], raw_test, aside_of(test, spec), recipe, counts, told


def _prepare_forecast(rows: "pd.DataFrame", params: DataprepParams) -> Prepared:
    """Of rows that follow each other in time."""
    made = prepare_forecast(rows, params.dataset, params.prep, params.seed)
    told = made.report
    logger.info(
        "%d series, every '%s', %d periods filled; learning its %s from %d rows, %d are kept for the test",
        told["series"],
        told["frequency"],
        told["gaps_filled"],
        told["learnt"],
        len(made.train.label),
        len(made.test.label),
    )
    counts = {"train": len(made.train.label), "validation": 0, "test": len(made.test.label)}
    return made.train, made.test, made.raw_test, made.aside, made.recipe, counts, {"split": "time", "forecast": told}


def _features(side: "pd.DataFrame", spec: DatasetSpec) -> "pd.DataFrame":
    """What the recipe sees, and whoever asks the model later has to give."""
    return side.drop(columns=[*spec.no_features, HELD_OUT], errors="ignore")


def _report(spec: DatasetSpec, table: "pd.DataFrame", counts: dict[str, int], told: dict[str, Any]) -> dict[str, Any]:
    """What was read and what became of it; every row and column left out is named."""
    roles = {name: f"dataset.{role} names it" for role, name in spec.roles.items() if name in spec.no_features}
    return {
        "sources": workspace.read_json(workspace.DATASET_NOTE),
        "rows": counts,
        **told,
        "left_out_columns": {**dict.fromkeys(spec.drop, "dataset.drop names it"), **roles},
        "label": _about_label(table[spec.label], spec.task),
        "columns": {
            str(name): {
                "type": str(table[name].dtype),
                "missing": int(table[name].isna().sum()),
                "distinct": int(table[name].nunique()),
            }
            for name in table.columns
            if name != HELD_OUT
        },
    }


def _about_label(label: "pd.Series", task: Task) -> dict[str, Any]:
    """Rows per class, or the range of a number."""
    if task.learnt is Task.regression:
        return {"least": float(label.min()), "mean": float(label.mean()), "greatest": float(label.max())}
    return {"rows_per_class": {str(value): int(count) for value, count in label.value_counts().sort_index().items()}}
