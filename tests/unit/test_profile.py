"""A profile says what pandas says, of any table, and the same each time."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystage.data.profile import BINS, MAX_DETAILED, ColumnProfile, profiled
from keystage.data.purpose import Purpose

NUMBERS = st.one_of(st.floats(), st.integers(-5, 5).map(float))
TEXTS = st.one_of(st.none(), st.text(max_size=8), st.sampled_from(["yes", "no", "2020-01-01", "1", ""]))


def _one(values: object, name: str = "x") -> ColumnProfile:
    return next(iter(profiled(pd.DataFrame({name: values}))))


@settings(max_examples=150, deadline=None)
@given(st.lists(NUMBERS, max_size=40))
def test_numbers_of_any_kind_have_a_profile_that_json_can_hold(values: list[float]) -> None:
    column = pd.Series(values, dtype="float64")

    told = _one(column)

    json.dumps(told.as_json, allow_nan=False)
    finite = column[np.isfinite(column)]
    assert (told.count, told.missing) == (column.count(), column.isna().sum())
    assert told.distinct == column.nunique()
    assert told.infinite == np.isinf(column).sum()
    if told.histogram:
        assert sum(told.histogram["counts"]) == len(finite)
        assert len(told.histogram["edges"]) == BINS + 1
    if told.quantiles and finite.abs().max() < 1e100:
        expected = finite.quantile([0, 0.05, 0.25, 0.5, 0.75, 0.95, 1]).tolist()
        assert list(told.quantiles.values()) == pytest.approx(expected, rel=1e-6, abs=1e-300)


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, max_size=40))
def test_texts_of_any_kind_have_a_profile(values: list[str | None]) -> None:
    column = pd.Series(values, dtype="str")

    told = _one(column)

    json.dumps(told.as_json, allow_nan=False)
    assert (told.count, told.missing, told.distinct) == (column.count(), column.isna().sum(), column.nunique())
    assert sum(item["count"] for item in told.top) <= told.count
    assert told.as_json == _one(column.copy()).as_json


def test_moments_are_those_of_pandas() -> None:
    column = pd.Series(np.random.default_rng(1).gamma(2, size=500))

    told = _one(column)

    assert (told.mean, told.std, told.skew) == pytest.approx((column.mean(), column.std(), column.skew()))


@pytest.mark.parametrize("values", [[], [math.nan], [3.0], [0.1] * 7, [math.inf, -math.inf], [1e308, -1e308, 0.0]])
def test_columns_without_a_shape_have_null_for_it(values: list[float]) -> None:
    told = _one(pd.Series(values, dtype="float64"))

    assert told.skew is None or abs(told.skew) < 1e-6
    assert told.histogram is None
    json.dumps(told.as_json, allow_nan=False)


ROWS = 400
IDS = np.random.default_rng(0).permutation(10**6)[:ROWS]


@pytest.mark.parametrize(
    ("name", "values", "purpose"),
    [
        ("x", np.linspace(0, 1, ROWS), Purpose.number),
        ("x", np.arange(ROWS) % 3, Purpose.category),
        ("x", np.arange(ROWS) % 2, Purpose.boolean),
        ("x", np.arange(ROWS) % 2 == 0, Purpose.boolean),
        ("x", ["Yes", "no"] * (ROWS // 2), Purpose.boolean),
        ("x", [7] * ROWS, Purpose.constant),
        ("x", [None] * ROWS, Purpose.constant),
        ("x", np.arange(ROWS) + 1000, Purpose.identifier),
        ("x", np.arange(ROWS)[::-1], Purpose.identifier),
        ("x", np.arange(ROWS) * 17 + 5, Purpose.identifier),
        ("population", np.sort(IDS), Purpose.number),
        ("Year", np.arange(ROWS) + 2000 - ROWS, Purpose.number),
        ("x", IDS, Purpose.number),
        ("patientId", IDS, Purpose.identifier),
        ("customer_id", [*IDS[:-1], None], Purpose.identifier),
        ("paid", IDS, Purpose.number),
        ("x", np.arange(10), Purpose.number),
        ("x", [f"{at:08x}" for at in IDS], Purpose.identifier),
        ("x", [f"the ship number {at} sank" for at in IDS], Purpose.text),
        ("x", [f"{at // 2}" + "x" for at in range(ROWS)], Purpose.category),
        ("x", pd.date_range("2020-01-01", periods=ROWS), Purpose.datetime),
        ("x", [f"2020-01-{at % 28 + 1:02d}" for at in range(ROWS)], Purpose.datetime),
        ("x", [f"2020-13-{at % 28 + 1:02d}" for at in range(ROWS)], Purpose.category),
    ],
)
def test_purposes(name: str, values: object, purpose: Purpose) -> None:
    assert _one(values, name).purpose is purpose


def test_times_have_ends_instead_of_quantiles() -> None:
    told = _one(pd.Series(pd.to_datetime(["2020-01-02", None, "2019-05-01T12:00"], format="ISO8601"))).as_json

    assert (told["first"], told["last"]) == ("2019-05-01T12:00:00", "2020-01-02T00:00:00")
    assert told["quantiles"] is told["mean"] is None
    assert told["top"][0] == {"value": "2019-05-01T12:00:00", "count": 1}


def test_the_commonest_come_first_and_equal_ones_as_they_came() -> None:
    assert [item["value"] for item in _one(["b", "a", "c", "c"]).top] == ["c", "b", "a"]
    assert [item["value"] for item in _one([3, 1, 2, 2]).top] == ["2", "1", "3"]


def test_a_wide_table_has_details_of_its_first_columns() -> None:
    wide = pd.DataFrame(np.arange(3.0 * (MAX_DETAILED + 1)).reshape(3, -1)).rename(columns=str)

    *_, before, last = profiled(wide)

    assert before.histogram
    assert before.top
    assert last.histogram is None
    assert last.top == []
    assert last.quantiles
