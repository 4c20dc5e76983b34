"""What dataprep makes of rows, and what it tells of them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from keystage.data.checks import Check
from keystage.data.profile import ColumnProfile
from keystage.data.roles import HELD_OUT, MARKS, aside_of, roles_of
from keystage.data.rows import in_words
from keystage.data.spec import DatasetSpec, Task
from keystage.data.split import GIVEN, split, split_kind
from keystage.data.table import PreparedTable, write_table
from keystage.pipeline import workspace
from keystage.prep.by_value import transform_all
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

    @property
    def still_missing(self) -> list[str]:
        """Columns in which cells are missing after the recipe."""
        return sorted({*with_missing(self.train.features), *with_missing(self.test.features)})

    def write(self) -> None:
        """Write what other stages read, but for the recipe."""
        write_table(self.train, workspace.TRAIN_TABLE)
        write_table(self.test, workspace.TEST_TABLE)
        write_table(self.raw_test, workspace.RAW_TEST)
        self.aside.to_parquet(workspace.ASIDE_TEST, index=False)


@dataclass(frozen=True)
class Account:
    """What was read, and what is left of it.

    Attributes:
        read: rows in the files.
        kept: those that the checks leave.
        labelled: those of them with a label.
        checks: what each declared column was held to.
        profiles: of all columns.
        label: rows per class, or the range of a number.
        rows: those with a label, or a sample of them.
        left_out: how many rows each part of ``dataset.rows`` left out, by its name.
        not_kept: columns that ``dataset.keep`` does not name.
        classes: rows by class where ``rows`` is a sample.
        sample: what the report tells of the sample; empty where all rows were held.
    """

    read: int
    kept: int
    labelled: int
    checks: Sequence[Check]
    profiles: Sequence[ColumnProfile]
    label: dict[str, Any]
    rows: "pd.DataFrame"
    left_out: dict[str, int] = field(default_factory=dict)
    not_kept: list[str] = field(default_factory=list)
    classes: "pd.Series | None" = None
    sample: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """All that is told of a preparation whose tables are written.

    Attributes:
        account: of what was read.
        recipe: the fitted one.
        counts: rows of training, of validation and of the test.
        told: what else the report tells.
        sides: raw rows for training and for the test, or samples of them; None of a forecast.
        still_missing: columns in which cells are missing after the recipe.
        left_out: why the recipe left columns out.
        automatic: what step ``auto`` found of the columns, and which steps it became.
    """

    account: Account
    recipe: Any
    counts: dict[str, int]
    told: dict[str, Any]
    sides: "tuple[pd.DataFrame, pd.DataFrame] | None"
    still_missing: list[str]
    left_out: dict[str, str] = field(default_factory=dict)
    automatic: dict[str, Any] = field(default_factory=dict)


def tell_left_out(left_out: Mapping[str, int], rows: int, spec: DatasetSpec) -> None:
    """Log how many of the rows in the files each part of ``dataset.rows`` left out."""
    for part, number in left_out.items():
        logger.info("Left out: %d of %d rows, by %s", number, rows, in_words(spec, part))


def written(account: Account, made: Prepared) -> Outcome:
    """Write the tables; what is told of them."""
    made.write()
    return Outcome(
        account, made.recipe, made.counts, made.told, made.sides, made.still_missing, made.left_out, made.automatic
    )


def prepare_rows(rows: "pd.DataFrame", spec: DatasetSpec, prep: PrepSpec, seed: int) -> Prepared:
    """Of rows that stand for themselves: split them, fit the recipe on those for training, apply it to all."""
    import pandas as pd

    train, test = split(rows, spec, prep.test_size, seed, prep.split)
    fitted_on = train[~train[HELD_OUT]] if HELD_OUT in train else train
    logger.info("Fitting the recipe on %d training rows, %d are kept for the test", len(fitted_on), len(test))
    fitted = fit_and_prepare(
        prep,
        features_of(fitted_on, spec),
        seed,
        label=fitted_on[spec.label],
        regression=spec.task.learnt is Task.regression,
    )
    held_out = train.iloc[len(fitted_on) :]  # they follow the others
    learnt = fitted.table
    if len(held_out):
        learnt = pd.concat([learnt, transform_all(fitted.recipe, features_of(held_out, spec))])
    tested = transform_all(fitted.recipe, features_of(test, spec))
    sides = [
        PreparedTable(prepared, side[spec.label], spec.task, roles_of(side, spec))
        for prepared, side in ((learnt, train), (tested, test))
    ]
    raw_test = PreparedTable(features_of(test, spec), test[spec.label], spec.task)
    counts = {"train": len(fitted_on), "validation": len(train) - len(fitted_on), "test": len(test)}
    told = {"split": GIVEN if spec.test is not None else split_kind(spec, prep.split).value}
    if spec.test is not None and prep.test_size is not None:
        logger.info("The test rows are those that dataset.test gives; prep.test_size is not used")
    made = Prepared(sides[0], sides[1], raw_test, aside_of(test, spec), fitted.recipe, counts, told, (train, test))
    return made._replace(left_out=fitted.left_out, automatic=fitted.automatic)


def features_of(side: "pd.DataFrame", spec: DatasetSpec) -> "pd.DataFrame":
    """What the recipe sees, and whoever asks the model later has to give."""
    return side.drop(columns=[*spec.no_features, *MARKS], errors="ignore")


def with_missing(features: "pd.DataFrame") -> list[str]:
    """Columns in which cells are missing."""
    missing = features.isna().any()
    return [str(name) for name in missing.index[missing]]
