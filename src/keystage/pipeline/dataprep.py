"""Stage ``dataprep``: from the declared files to prepared training and test rows, and the recipe that made them."""

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from keystage.compute.spec import ComputeSpec
from keystage.core.errors import listing
from keystage.core.params import outside_key
from keystage.data.columns import Level
from keystage.data.guardrails.finding import Facts, Guardrail
from keystage.data.guardrails.run import guarded
from keystage.data.profile import profiled
from keystage.data.reading import Read, read_dataset
from keystage.data.roles import HELD_OUT, MARKS, aside_of, roles_of, setting_of
from keystage.data.rows import in_words
from keystage.data.sources.pinned import read_pinned
from keystage.data.spec import DatasetSpec, Task
from keystage.data.split import GIVEN, split, split_kind, usable_rows
from keystage.data.table import PreparedTable, write_table
from keystage.pipeline import workspace
from keystage.pipeline.forecast import prepare_forecast
from keystage.pipeline.progress import steps_shown
from keystage.prep.recipe import fit_and_prepare
from keystage.prep.spec import PrepSpec

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)


class Prepared(NamedTuple):
    """What dataprep makes of rows.

    Attributes:
        train: rows to learn from.
        test: rows to score.
        raw_test: the same before the recipe.
        aside: their columns that are no features.
        recipe: the fitted one.
        counts: how many rows each side has.
        told: what else the report tells.
        sides: the raw rows for training and for the test, None of a forecast.
        left_out: why the recipe left columns out.
        automatic: what step ``auto`` found of the columns, and which steps it became.
    """

    train: PreparedTable
    test: PreparedTable
    raw_test: PreparedTable
    aside: "pd.DataFrame"
    recipe: Any
    counts: dict[str, int]
    told: dict[str, Any]
    sides: "tuple[pd.DataFrame, pd.DataFrame] | None"
    left_out: dict[str, str] = {}  # noqa: RUF012 - never changed
    automatic: dict[str, Any] = {}  # noqa: RUF012 - the same


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
    logger.info("Reading %s: %s", spec.name, listing(spec.all_entries))
    pinned, noted = read_pinned(workspace.PINNED_NOTE), workspace.read_json(workspace.DATASET_NOTE)
    with steps_shown() as say:
        read = read_dataset(spec, Path.cwd(), seed=params.seed, pinned=pinned, noted=noted, say=say)
    for part, number in read.left_out.items():
        logger.info("Left out: %d of %d rows, by %s", number, read.rows, in_words(spec, part))
    rows = usable_rows(read.table, spec)
    made = (_prepare_rows if spec.forecast is None else _prepare_forecast)(rows, params)
    write_table(made.train, workspace.TRAIN_TABLE)
    write_table(made.test, workspace.TEST_TABLE)
    write_table(made.raw_test, workspace.RAW_TEST)
    made.aside.to_parquet(workspace.ASIDE_TEST, index=False)
    workspace.write_pickle(made.recipe, workspace.RECIPE)
    workspace.write_json(_report(params, read, rows, made), workspace.DATA_REPORT)


def _prepare_rows(rows: "pd.DataFrame", params: DataprepParams) -> Prepared:
    """Of rows that stand for themselves."""
    import pandas as pd

    spec, prep = params.dataset, params.prep
    train, test = split(rows, spec, prep.test_size, params.seed, prep.split)
    fitted_on = train[~train[HELD_OUT]] if HELD_OUT in train else train
    logger.info("Fitting the recipe on %d training rows, %d are kept for the test", len(fitted_on), len(test))
    fitted = fit_and_prepare(
        prep,
        _features(fitted_on, spec),
        params.seed,
        label=fitted_on[spec.label],
        regression=spec.task.learnt is Task.regression,
    )
    held_out = train.iloc[len(fitted_on) :]  # they follow the others
    learnt = fitted.table
    if len(held_out):
        learnt = pd.concat([learnt, fitted.recipe.transform(_features(held_out, spec))])
    tested = fitted.recipe.transform(_features(test, spec))
    sides = [
        PreparedTable(prepared, side[spec.label], spec.task, roles_of(side, spec))
        for prepared, side in ((learnt, train), (tested, test))
    ]
    raw_test = PreparedTable(_features(test, spec), test[spec.label], spec.task)
    counts = {"train": len(fitted_on), "validation": len(train) - len(fitted_on), "test": len(test)}
    told = {"split": GIVEN if spec.test is not None else split_kind(spec, prep.split).value}
    if spec.test is not None and prep.test_size is not None:
        logger.info("The test rows are those that dataset.test gives; prep.test_size is not used")
    made = Prepared(sides[0], sides[1], raw_test, aside_of(test, spec), fitted.recipe, counts, told, (train, test))
    return made._replace(left_out=fitted.left_out, automatic=fitted.automatic)


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
    about = {"split": "time", "forecast": told}
    about_recipe = (made.fitted.left_out, made.fitted.automatic)
    return Prepared(
        made.train, made.test, made.raw_test, made.aside, made.fitted.recipe, counts, about, None, *about_recipe
    )


def _features(side: "pd.DataFrame", spec: DatasetSpec) -> "pd.DataFrame":
    """What the recipe sees, and whoever asks the model later has to give."""
    return side.drop(columns=[*spec.no_features, *MARKS], errors="ignore")


def _report(params: DataprepParams, read: Read, rows: "pd.DataFrame", made: Prepared) -> dict[str, Any]:
    """What was read and what became of it; every row and column left out is named."""
    spec, table = params.dataset, read.table
    logger.info("Profiling %d rows of %d columns", *table.shape)
    profiles = list(profiled(table.drop(columns=list(MARKS), errors="ignore")))
    without_label = len(table) - len(rows)
    still_missing = sorted({*_with_missing(made.train), *_with_missing(made.test)})
    logger.info("Checking the guardrails")
    guardrails = guarded(
        Facts(spec, params.seed, profiles, read.checks, rows, made.sides, without_label, still_missing)
    )
    _tell(guardrails, spec)
    roles = {name: f"{setting_of(role)} names it" for role, name in spec.roles.items() if name in spec.no_features}
    by_rows = {f"left_out_by_{part}": number for part, number in read.left_out.items()}
    by_checks = read.rows - len(table) - sum(read.left_out.values())
    left_out = {**by_rows, "left_out_by_checks": by_checks, "left_out_without_label": without_label}
    return {
        "sources": workspace.read_json(workspace.DATASET_NOTE),
        "rows": {"read": read.rows, **left_out, **made.counts},
        **made.told,
        "left_out_columns": {
            **dict.fromkeys(read.not_kept, "dataset.keep does not name it"),
            **dict.fromkeys(spec.drop, "dataset.drop names it"),
            **roles,
            **made.left_out,
        },
        **({"automatic": made.automatic} if made.automatic else {}),
        "label": _about_label(table[spec.label], spec.task),
        "checks": [asdict(check) for check in read.checks],
        "guardrails": [found.as_json for found in guardrails],
        "guardrails_skipped": [name for name, level in spec.guardrails.items() if level is Level.skip],
        "profile": [profile.as_json for profile in profiles],
    }


def _with_missing(table: PreparedTable) -> list[str]:
    """Columns in which cells are missing after the recipe."""
    missing = table.features.isna().any()
    return [str(name) for name in missing.index[missing]]


def _tell(guardrails: list[Guardrail], spec: DatasetSpec) -> None:
    """One line for each guardrail that has something to say."""
    for found in guardrails:
        if found.outcome != "passed":
            about = f" ({listing(found.columns)})" if found.columns else ""
            logger.info("Guardrail %s %s%s: %s", found.check, found.outcome, about, found.note)
    passed = sum(found.outcome == "passed" for found in guardrails)
    skipped = sorted(name for name, level in spec.guardrails.items() if level is Level.skip)
    logger.info(
        "Guardrails passed: %d of %d%s", passed, len(guardrails), f"; skipped: {listing(skipped)}" if skipped else ""
    )


def _about_label(label: "pd.Series", task: Task) -> dict[str, Any]:
    """Rows per class, or the range of a number."""
    if task.learnt is Task.regression:
        return {"least": float(label.min()), "mean": float(label.mean()), "greatest": float(label.max())}
    return {"rows_per_class": {str(value): int(count) for value, count in label.value_counts().sort_index().items()}}
