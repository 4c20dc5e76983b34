"""Each guardrail finds what it is for, leaves a sound table alone, and does as it is declared."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystage.data.checks import held_to_declaration
from keystage.data.columns import GUARDRAILS, ColumnSpec, ColumnType, Level, OnViolation
from keystage.data.forecast import ForecastSpec
from keystage.data.given import GivenTest
from keystage.data.guardrails.finding import Facts, Guardrail
from keystage.data.guardrails.run import guarded
from keystage.data.leaks import tells_label
from keystage.data.profile import profiled
from keystage.data.spec import DatasetSpec, Task

N = 300
_RNG = np.random.default_rng(5)
X, NOISE = _RNG.normal(size=N), _RNG.random(N)
Y = _RNG.permutation(np.arange(N) % 2)


def _found(
    cells: dict[str, Any],
    task: Task = Task.classification,
    still_missing: tuple[str, ...] = (),
    sides: tuple[int, int] | None = (200, 100),
    made_of: dict[str, str] | None = None,
    **changes: Any,
) -> dict[str, Guardrail]:
    table = pd.DataFrame({"x": X, "y": Y} | cells)
    spec = DatasetSpec(["a.csv"], "y", task, "t", "data", **changes)
    held, checks = held_to_declaration(table, spec)
    rows = held[held["y"].notna()].reset_index(drop=True)
    split = (rows.head(sides[0]), rows.tail(sides[1])) if sides else None
    facts = Facts(
        spec, 7, list(profiled(held)), checks, rows, split, len(held) - len(rows), still_missing, made_of or {}
    )
    found = guarded(facts)
    json.dumps([item.as_json for item in found], allow_nan=False)
    return {item.check: item for item in found}


def _not_passed(found: dict[str, Guardrail]) -> dict[str, str]:
    return {name: item.outcome for name, item in found.items() if item.outcome != "passed"}


def test_a_sound_table_passes_all() -> None:
    found = _found({})

    assert list(found) == list(GUARDRAILS)
    assert _not_passed(found) == {}


FINDINGS: dict[str, tuple[dict[str, Any], str]] = {
    "constant": ({"c": 1, "none": np.nan}, "alerted"),
    "near_constant": ({"c": np.where(np.arange(N) < 2, 1, 0)}, "alerted"),
    "identifier": ({"number": np.arange(N) + 5, "text": [f"{at:04x}" for at in range(N)]}, "alerted"),
    "high_cardinality": ({"place": [f"town {at}" for at in np.arange(N) % 40]}, "alerted"),
    "mixed_types": ({"power": np.where(NOISE < 0.9, (NOISE * 9).round().astype(int).astype(str), "?")}, "alerted"),
    "infinities": ({"i": np.where(NOISE < 0.5, np.inf, X)}, "alerted"),
    "leaking": ({"near": Y + NOISE / 2, "word": np.where(Y, "paid", "due"), "gone": np.where(Y, np.nan, X)}, "alerted"),
    "missing_values": ({"some": np.where(NOISE < 0.1, np.nan, X)}, "fixed"),
}


@pytest.mark.parametrize("check", FINDINGS)
def test_a_column_is_found_by_its_guardrail(check: str) -> None:
    columns, outcome = FINDINGS[check]

    found = _found(columns)

    assert found[check].outcome == outcome
    assert found[check].columns == list(columns)
    assert set(found[check].numbers) == set(columns)
    assert found[check].note
    assert set(_not_passed(found)) <= {check, "missing_values"}


@pytest.mark.parametrize("check", FINDINGS)
def test_a_dropped_column_is_told_of_and_alerts_nobody(check: str) -> None:
    columns, _ = FINDINGS[check]

    found = _found(columns, drop=list(columns))

    assert _not_passed(found) == {}
    assert f"dataset.drop takes out {', '.join(columns)}" in found[check].note


def test_missing_values_that_the_recipe_leaves_or_that_are_most_are_alerted() -> None:
    columns = {"some": np.where(NOISE < 0.1, np.nan, X), "most": np.where(NOISE < 0.8, np.nan, X)}

    filled, left = _found(columns)["missing_values"], _found(columns, still_missing=("some",))["missing_values"]

    assert filled.outcome == left.outcome == "alerted"
    assert "more than 50% are missing: most" in filled.note
    assert "left to the learners, of which some refuse them: some" in left.note
    assert "filled or coded by the recipe: most" in left.note


def test_cells_that_miss_in_rows_without_a_label_are_not_called_filled() -> None:
    gone, some = np.arange(N) < 20, NOISE < 0.1
    cells = {"y": np.where(gone, np.nan, Y), "some": np.where(some, np.nan, X), "apart": np.where(gone, np.nan, X)}

    found = _found(cells, sides=(200, 80))["missing_values"]

    assert found.outcome == "fixed"
    assert found.note == (
        "filled or coded by the recipe: some; in rows without a label alone, which are left out: apart"
    )


def test_missing_cells_of_columns_that_the_recipe_leaves_out_are_not_called_filled() -> None:
    cells = {"gone": np.where(NOISE < 0.7, np.nan, X)}

    found = _found(cells, made_of={"gone": "drop"})["missing_values"]

    assert (found.outcome, found.columns) == ("fixed", ["gone"])
    assert found.note == "the recipe has dealt with gone (left out)"


def test_numbers_that_are_declared_as_texts_are_told_where_they_are_most_of_them() -> None:
    columns = [ColumnSpec("heat", ColumnType.string)]
    for share, outcome in ((0.2, "alerted"), (0.7, "passed")):
        cells = {"heat": np.where(share > NOISE, "sensor off", (X * 100).round().astype(int).astype(str))}
        found = _found(cells, columns=columns)["mixed_types"]
        assert found.outcome == outcome
    with_words = _found({"heat": np.where(NOISE < 0.2, "sensor off", "7")}, columns=columns)["mixed_types"]
    assert "name them in dataset.missing, and have the column declared as number" in with_words.note


def test_rows_without_a_label_are_a_thing_that_was_fixed() -> None:
    found = _found({"y": np.where(np.arange(N) < 20, np.nan, Y)}, sides=(200, 80))

    assert _not_passed(found) == {"target_missing": "fixed"}
    assert found["target_missing"].numbers == {"rows": 20}


def test_amounts_that_the_recipe_reads_out_of_texts_tell_rows_apart() -> None:
    amounts = [f"${number:,}.50" for number in range(1000, 1000 + N)]
    twice = {"x": np.r_[X[: N - 10], X[:10]], "y": np.r_[Y[: N - 10], Y[:10]], "amount": amounts}

    assert _found(twice)["duplicate_rows"].numbers == {"rows": 10}
    assert _found(twice, made_of={"amount": "numbers"})["duplicate_rows"].numbers == {"rows": 0}


def test_equal_rows_are_counted_identifiers_apart() -> None:
    twice = np.r_[X[: N - 10], X[:10]]

    found = _found({"x": twice, "y": np.r_[Y[: N - 10], Y[:10]], "id": np.arange(N)}, drop=["id"])

    assert _not_passed(found) == {"duplicate_rows": "alerted", "train_test_overlap": "alerted"}
    assert found["duplicate_rows"].numbers == found["train_test_overlap"].numbers == {"rows": 10}


def test_groups_on_both_sides_of_a_given_split_are_told() -> None:
    house = np.r_[np.arange(190), np.arange(180, 190), np.arange(200, 300)]  # rows 190 to 199 are for training

    apart = _found({"house": house}, group="house")["shared_groups"]
    shared = _found({"house": np.arange(N) % 250}, group="house")["shared_groups"]
    given = _found({"house": np.arange(N) % 250}, group="house", test=GivenTest(files=["b.csv"]))["shared_groups"]

    assert (apart.outcome, apart.numbers) == ("passed", {"groups": 0, "test_rows": 0})
    assert (shared.outcome, shared.columns) == ("alerted", ["house"])
    assert shared.numbers == {"groups": 50, "test_rows": 50}
    assert shared.note == (
        "50 of 100 test rows are of groups that stand in training too (50 groups): the test scores say little of new "
        "groups; prep.split=groups keeps each group on one side"
    )
    assert "give a test of other groups in dataset.test, or none" in given.note


def test_few_rows_and_rare_classes_are_told() -> None:
    rare = _found({"y": np.where(np.arange(N) < 8, "rare", "usual")})
    small = _found({"x": X, "y": Y}, sides=(60, 20))["few_rows"]
    wide = _found({f"c{at}": _RNG.normal(size=N) for at in range(N + 1)})["few_rows"]

    assert _not_passed(rare) == {"few_rows": "alerted", "class_imbalance": "alerted"}
    assert rare["few_rows"].note == "fewer than 10 rows are of: rare"
    assert rare["class_imbalance"].numbers == {"smallest": 8, "greatest": 292, "ratio": 0.0274}
    assert small.outcome == "passed"
    assert wide.note == "there are more features than rows"


def test_broken_rules_are_in_the_guardrails_too() -> None:
    columns = [ColumnSpec("x", ColumnType.number, minimum=-1)]
    below = int((X < -1).sum())

    reported = _found({}, columns=columns, on_violation=OnViolation.report)["schema"]
    emptied = _found({}, columns=columns, on_violation=OnViolation.empty)["schema"]

    assert (reported.outcome, emptied.outcome) == ("alerted", "fixed")
    assert reported.numbers == {"rules": 2, "x": below}
    assert emptied.note == f"x: {below} cells that are below -1 (emptied)"


def test_a_guardrail_can_fail_or_be_skipped() -> None:
    levels = {"leaking": Level.fail, "infinities": Level.fail, "identifier": Level.skip}

    found = _found({"leak": Y, "number": np.arange(N) + 5}, guardrails=levels)

    assert found["leaking"].outcome == "failed"
    assert found["infinities"].outcome == "passed"
    assert "identifier" not in found


def test_a_copy_of_a_number_leaks_and_a_good_feature_does_not() -> None:
    label = np.exp(X)

    found = _found({"copy": X * 3 + 2, "good": X + NOISE, "y": label}, task=Task.regression, drop=["x"])

    assert found["leaking"].columns == ["copy"]
    assert found["class_imbalance"].outcome == "passed"


def test_a_forecasts_time_and_series_are_no_features() -> None:
    columns = {"day": np.arange(N), "shop": [f"s{at}" for at in range(N)], "y": X * 3}
    forecast = ForecastSpec(horizon=3, series=["shop"])

    found = _found(columns, task=Task.forecasting, sides=None, time="day", forecast=forecast)

    assert found["identifier"].outcome == "passed"
    assert found["leaking"].columns == ["x"]
    assert found["train_test_overlap"].note == "the test is the last periods of each series"
    assert found["shared_groups"].note == "no groups are declared"


def test_no_column_of_noise_tells_the_label_of_many_classes_and_a_rare_class_is_told() -> None:
    label = pd.Series(np.r_[np.repeat("rare", 12), [f"k{at % 30}" for at in range(1188)]])
    noise = np.random.default_rng(2).normal(size=(len(label), 4))

    told = tells_label(pd.DataFrame(noise, columns=list("abcd")), label, 1, classes=True)
    rare = tells_label(pd.DataFrame({"a": (label == "rare") + noise[:, 0] / 100}), label == "rare", 1, classes=True)

    assert max(told.values()) < 0.65
    assert rare["a"] > 0.99


CELLS = st.one_of(st.none(), st.floats(width=32), st.integers(-3, 3), st.text(max_size=3))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=4, max_size=30), st.sampled_from(["größe", "a\nb", " ", "y "]))
def test_any_table_is_guarded_the_same_each_time(rows: list[tuple[Any, Any]], name: str) -> None:
    def once() -> list[dict[str, Any]]:
        table = pd.DataFrame({name: pd.Series([row[0] for row in rows], dtype="object").astype("str")})
        table["n"] = pd.to_numeric(pd.Series([row[1] for row in rows], dtype="object"), errors="coerce").astype(float)
        table["y"] = [at % 2 for at in range(len(rows))]
        spec = DatasetSpec(["a.csv"], "y", Task.classification, "t", "data")
        sides = (table.iloc[::2], table.iloc[1::2])
        return [item.as_json for item in guarded(Facts(spec, 1, list(profiled(table)), [], table, sides, 0, []))]

    told = once()

    json.dumps(told, allow_nan=False)
    assert told == once()
    assert [item["check"] for item in told] == list(GUARDRAILS)


def test_what_the_recipe_has_dealt_with_is_fixed_and_the_rest_told() -> None:
    cells = {
        "number": np.arange(N) + 5,
        "place": [f"town {at}" for at in np.arange(N) % 40],
        "mixed": ["n.b." if at % 9 else f"{at}" for at in range(N)],
    }
    untouched = _found(cells)
    found = _found(cells, made_of={"number": "drop", "place": "target", "mixed": "numbers"})

    for check, name in (("identifier", "number"), ("high_cardinality", "place"), ("mixed_types", "mixed")):
        assert untouched[check].outcome == "alerted"
        assert found[check].outcome == "fixed"
        assert name in found[check].columns
    assert found["identifier"].note == "the recipe has dealt with number (left out)"
    assert found["high_cardinality"].note == "the recipe has dealt with place (by 'target'), mixed (by 'numbers')"
