"""Validation: every kind gives what it says, for many tables, or says why it cannot."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from keystage.core.errors import SearchError
from keystage.data.spec import DatasetSpec, Task
from keystage.data.table import Roles
from keystage.search.folds import Folds, make_folds
from keystage.search.validation import ValidationKind, ValidationSpec
from keystage.search.weights import sample_weights

SEEDS = range(12)
C, R = Task.classification, Task.regression


def _label(task: Task, rows: int, draw: np.random.Generator) -> pd.Series:
    values = np.sort(draw.permutation(rows) % 3) if task is C else draw.normal(size=rows)
    return pd.Series(draw.permutation(values), name="label")


def _spec(kind: str, **settings: Any) -> ValidationSpec:
    return ValidationSpec(ValidationKind(kind), **settings)


def _apart(folds: Folds) -> bool:
    return all(not set(train) & set(valid) and len(train) and len(valid) for train, valid in folds.splits)


@pytest.mark.parametrize("task", [C, R])
@pytest.mark.parametrize("seed", SEEDS)
def test_folds_score_each_row_once_in_each_repetition(task: Task, seed: int) -> None:
    draw = np.random.default_rng(seed)
    label, count, repeats = _label(task, int(draw.integers(30, 90)), draw), int(draw.integers(2, 7)), seed % 3 + 1

    folds = make_folds(label, task, _spec("folds", folds=count, repeats=repeats), seed)

    assert _apart(folds)
    assert len(folds.splits) == count * repeats
    for first in range(0, count * repeats, count):
        validated = [row for _, valid in folds.splits[first : first + count] for row in valid]
        assert sorted(validated) == list(range(len(label)))
    assert all(len(train) + len(valid) == len(label) for train, valid in folds.splits)


@pytest.mark.parametrize("task", [C, R])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_holdout_is_a_share_of_the_rows_and_of_each_class(task: Task, seed: int) -> None:
    draw = np.random.default_rng(seed)
    label, share = _label(task, int(draw.integers(30, 200)), draw), float(draw.uniform(0.05, 0.6))

    folds = make_folds(label, task, _spec("holdout", share=share, repeats=2), seed)

    assert _apart(folds)
    assert len(folds.splits) == 2
    assert not np.array_equal(folds.splits[0][1], folds.splits[1][1])
    for _, valid in folds.splits:
        assert abs(len(valid) - share * len(label)) <= (3 if task is C else 1)
        assert task is R or set(label.iloc[valid]) == set(label)


@pytest.mark.parametrize("task", [C, R])
@pytest.mark.parametrize("kind", ["groups", "holdout", "auto"])
@pytest.mark.parametrize("seed", SEEDS)
def test_no_group_stands_on_both_sides(task: Task, kind: str, seed: int) -> None:
    draw = np.random.default_rng(seed)
    label = _label(task, 200, draw)
    group = pd.Series(draw.integers(0, 40, 200)).map("house {}".format)

    folds = make_folds(label, task, _spec(kind, folds=4, share=0.3), seed, Roles(group=group))

    assert _apart(folds)
    for train, valid in folds.splits:
        assert not set(group[train]) & set(group[valid])
    if kind != "holdout":
        assert folds.kind is ValidationKind.groups
        assert sorted(row for _, valid in folds.splits for row in valid) == list(range(200))


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_validated_is_later_and_equal_times_stay_together(dated: bool, seed: int) -> None:
    draw = np.random.default_rng(seed)
    days = pd.Series(draw.integers(0, 60, 150))
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D") if dated else days.astype("float64")
    label = _label(R, 150, draw)

    folds = make_folds(label, R, _spec("time", folds=4), seed, Roles(time=time))

    assert len(folds.splits) == 4
    assert all(time[train].max() < time[valid].min() for train, valid in folds.splits)
    assert [len(train) for train, _ in folds.splits] == sorted(len(train) for train, _ in folds.splits)
    assert set(folds.splits[-1][0]) | set(folds.splits[-1][1]) == set(range(150))
    assert make_folds(label, R, _spec("auto", folds=4), seed, Roles(time=time)).kind is ValidationKind.time


def test_a_split_column_is_followed_and_its_unnumbered_rows_are_never_validated() -> None:
    label = pd.Series([0, 1] * 6)
    fold = pd.Series([0, 0, 1, 1, -1, -1] * 2)

    folds = make_folds(label, C, _spec("auto", folds=5), 0, Roles(fold=fold))

    assert folds.kind is ValidationKind.column
    assert [list(valid) for _, valid in folds.splits] == [[0, 1, 6, 7], [2, 3, 8, 9]]
    assert all(len(train) == 8 for train, _ in folds.splits)
    assert folds.fit_rows is None
    assert folds.note == "8 rows that the split column names, in 2 folds"


def test_given_validation_rows_score_trials_and_are_left_out_of_the_last_fit() -> None:
    label, held_out = pd.Series([0, 1] * 6), pd.Series([False] * 8 + [True] * 4)

    folds = make_folds(label, C, _spec("auto"), 0, Roles(held_out=held_out))

    assert [list(valid) for _, valid in folds.splits] == [[8, 9, 10, 11]]
    assert folds.fit_rows is not None
    assert list(folds.fit_rows) == list(range(8))


@pytest.mark.parametrize(
    ("rows", "least", "kind", "splits", "note"),
    [
        (999, 300, "folds", 10, "10 folds: fewer than 1,000 rows (automatic rule)"),
        (1000, 300, "folds", 3, "3 folds: 1,000 to 19,999 rows (automatic rule)"),
        (19_999, 300, "folds", 3, "3 folds: 1,000 to 19,999 rows (automatic rule)"),
        (20_000, 300, "holdout", 1, "10% of the rows held out: 20,000 rows or more (automatic rule)"),
        (999, 9, "holdout", 1, "10% of the rows held out: a class has 9 rows, fewer than 10 folds (automatic rule)"),
    ],
)
def test_the_automatic_rule(rows: int, least: int, kind: str, splits: int, note: str) -> None:
    label = pd.Series(["rare"] * least + ["often"] * (rows - least))

    folds = make_folds(label, C, _spec("auto"), 3)

    assert (folds.kind.value, len(folds.splits), folds.note) == (kind, splits, note)
    if kind == "holdout":
        _, valid = folds.splits[0]
        assert len(valid) == pytest.approx(rows / 10, abs=1)
        assert set(label.iloc[valid]) == {"rare", "often"}


def test_the_automatic_rule_of_numbers_asks_for_no_class() -> None:
    assert make_folds(pd.Series(np.arange(50.0)), R, _spec("auto"), 0).note.startswith("10 folds")
    assert make_folds(pd.Series(np.arange(50.0)), R, _spec("auto", folds=4, repeats=2), 0).note == (
        "4 folds, drawn 2 times"
    )


def test_equal_seeds_draw_equal_splits() -> None:
    label = _label(C, 90, np.random.default_rng(0))
    for kind in ("folds", "holdout", "groups"):
        first, second, other = (
            make_folds(
                label, C, _spec(kind, folds=3), seed, Roles(group=pd.Series(range(90))) if kind == "groups" else None
            )
            for seed in (2**32 - 1, 2**32 - 1, 7)
        )
        assert all(np.array_equal(a, b) for a, b in zip(first.splits[0], second.splits[0], strict=True))
        assert not np.array_equal(first.splits[0][1], other.splits[0][1])


TEN = pd.Series([0, 1] * 5)


@pytest.mark.parametrize(
    ("label", "task", "spec", "roles", "message"),
    [
        (TEN, C, _spec("folds", folds=6), Roles(), "class '0' has 5 training rows, fewer than the 6 folds"),
        (TEN * 1.0, R, _spec("folds", folds=6), Roles(), "10 training rows are too few for 6 folds"),
        (TEN, C, _spec("groups", folds=3), Roles(group=pd.Series([1, 2] * 5)), "of 2 groups, fewer than the 3"),
        (TEN, C, _spec("groups"), Roles(group=pd.Series([1] * 10)), "of 1 group, fewer than the 2 folds"),
        (TEN, C, _spec("groups", folds=2), Roles(group=TEN), "has no row of class '[01]' to"),
        (TEN, C, _spec("groups"), Roles(), "the prepared table has no group column"),
        (TEN, C, _spec("time", folds=3), Roles(time=pd.Series([1, 2, 3, 3, 3] * 2)), "have 3 different times, too few"),
        (TEN, C, _spec("time"), Roles(time=pd.Series([1] * 10)), "have 1 different times, too few for 1 folds"),
        (TEN, C, _spec("column"), Roles(fold=pd.Series([0] * 10)), "all training rows are for validation"),
        (TEN, C, _spec("column"), Roles(fold=pd.Series([-1] * 10)), "no training row is for validation"),
        (TEN, C, _spec("column"), Roles(fold=-TEN), "split 1 has no row of class '1' to score"),
        (
            TEN * 1.0,
            R,
            _spec("column"),
            Roles(fold=pd.Series([0, *[-1] * 9])),
            "split 1 has 9 rows to fit and 1 to score",
        ),
        (pd.Series(list("aaaab")), C, _spec("holdout"), Roles(), "split 1 has no row of class 'b' to score"),
    ],
)
def test_what_cannot_be_validated_is_said(
    label: pd.Series, task: Task, spec: ValidationSpec, roles: Roles, message: str
) -> None:
    with pytest.raises(SearchError, match=message):
        make_folds(label, task, spec, 0, roles)


@pytest.mark.parametrize(
    ("roles", "why"),
    [
        (Roles(held_out=pd.Series([False] * 4 + [True] * 2)), "2 rows of it are of dataset.validation_files"),
        (Roles(weight=pd.Series([1.0] * 4 + [0.0] * 2)), "2 rows of it have the weight 0"),
        (
            Roles(held_out=pd.Series([False] * 3 + [True, False, True]), weight=pd.Series([1.0] * 4 + [0.0, 1.0])),
            "1 row of it is of dataset.validation_files, where nothing is fitted and 1 row of it has the weight 0",
        ),
    ],
)
def test_a_class_that_no_fit_would_know_is_refused(roles: Roles, why: str) -> None:
    label = pd.Series(list("abaacc"), name="kind")

    with pytest.raises(SearchError, match="no row that a model is fitted on is of class 'c'") as raised:
        make_folds(label, C, _spec("column" if roles.held_out is not None else "folds", folds=2), 0, roles)

    assert why in raised.value.why
    assert "rows: {where: \"kind not in ['c']\"}" in raised.value.fix


MANY = pd.Series([0, 1] * 50)
SPLIT = pd.Series([0, 1, 1, 0] * 25)


@pytest.mark.parametrize(
    ("label", "task", "spec", "roles", "told"),
    [
        (MANY, C, _spec("folds", folds=4), Roles(), []),
        (MANY, C, _spec("groups", folds=4), Roles(group=pd.Series(range(100)) // 2), []),
        (MANY, C, _spec("folds", folds=4), Roles(group=pd.Series(range(100)) // 50), ["rows of 2 groups of dataset"]),
        (
            MANY,
            C,
            _spec("auto"),
            Roles(fold=SPLIT, group=SPLIT * 0),
            ["rows of 1 group of dataset.group are fitted on"],
        ),
        (MANY, C, _spec("folds", folds=4), Roles(time=pd.Series(range(100))), ["kind=folds does not look at dataset"]),
        (MANY * 1.0, R, _spec("holdout", share=0.02), Roles(), ["trials are scored on 2 rows only"]),
        (MANY, C, _spec("folds", folds=4, share=0.3), Roles(), ["automl.validation.share=0.3 is not used: kind=folds"]),
        (
            pd.Series([0, 1] * 40 + [2, 0] * 10),
            C,
            _spec("time", folds=4),
            Roles(time=pd.Series(range(100))),
            [r"in 1 of 4 splits, rows are scored of classes that no row fitted on has \(2\)"],
        ),
    ],
)
def test_what_makes_scores_better_or_chancier_than_they_look_is_told(
    label: pd.Series, task: Task, spec: ValidationSpec, roles: Roles, told: list[str]
) -> None:
    cautions = make_folds(label, task, spec, 0, roles, all_classes=False).cautions

    assert len(cautions) == len(told)
    for caution, expected in zip(cautions, told, strict=True):
        assert re.search(expected, caution)


def test_advice_for_rows_of_one_class_does_not_name_the_metric() -> None:
    with pytest.raises(SearchError, match="split 1 has rows of one class only to fit") as raised:
        make_folds(MANY, C, _spec("column"), 0, Roles(fold=MANY), all_classes=False)

    assert raised.value.fix.startswith("mark other rows in dataset.fold")


def test_a_metric_that_needs_no_class_is_scored_without_it() -> None:
    folds = make_folds(pd.Series(list("aaaab")), C, _spec("holdout"), 0, all_classes=False)

    assert len(folds.splits[0][1]) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"folds": 1}, "automl.validation.folds must be 2 or more, or null"),
        ({"repeats": 0}, "automl.validation.repeats must be 1 or more"),
        ({"share": 0.0}, "automl.validation.share must be between 0 and 1"),
        ({"kind": ValidationKind.time, "repeats": 2}, "has no sense with kind=time"),
    ],
)
def test_settings_that_split_nothing_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ValidationSpec(**settings)


def test_given_validation_rows_are_not_ignored() -> None:
    dataset = DatasetSpec(["a.csv"], "y", C, "t", "data", validation_files=["b.csv"])
    with pytest.raises(ValueError, match="kind=folds would ignore dataset"):
        _spec("folds").require_suits(dataset)
    _spec("column").require_suits(dataset)


@pytest.mark.parametrize(
    ("role", "by"),
    [
        ({"fold": "f"}, "dataset.fold"),
        ({"time": "t"}, "dataset.time"),
        ({"validation_files": ["b.csv"]}, "validation_f"),
    ],
)
def test_repeats_of_what_is_not_drawn_are_refused(role: dict[str, Any], by: str) -> None:
    with pytest.raises(ValueError, match=f"repeats=2 has no sense with .*{by}"):
        _spec("auto", repeats=2).require_suits(DatasetSpec(["a.csv"], "y", C, "t", "data", **role))
    _spec("auto", repeats=2).require_suits(DatasetSpec(["a.csv"], "y", C, "t", "data", time="t", group="g"))


def test_weights_are_those_given_times_those_of_the_classes() -> None:
    label, given = pd.Series(["a", "a", "a", "b"]), pd.Series([1.0, 2.0, 0.0, 3.0])

    assert sample_weights(label, None, balanced=False) is None
    by_class = sample_weights(label, None, balanced=True)
    both = sample_weights(label, given, balanced=True)

    assert by_class is not None
    assert both is not None
    assert by_class.tolist() == pytest.approx([4 / 6, 4 / 6, 4 / 6, 2.0])
    assert both.tolist() == pytest.approx([4 / 6, 8 / 6, 0.0, 6.0])
