"""How far two tables are apart: against SciPy, values worked out by hand, and what must hold for any two."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.browser import browser, needs_chromium
from tests.material import EVIL

from keystage.compute import limits
from keystage.compute.spec import ComputeProfile
from keystage.data.drift import classifier
from keystage.data.drift import compare as comparing
from keystage.data.drift.columns import column_drift
from keystage.data.drift.compare import compare
from keystage.data.drift.statistics import (
    counts_between,
    edges_of,
    jensen_shannon,
    number_drift,
    psi,
    psi_by_chance,
)
from keystage.data.drift.told import Level
from keystage.data.purpose import Purpose
from keystage.report.drift.page import page

limits.apply(ComputeProfile(cores=1))
DRAWS = np.random.default_rng(5)


@pytest.fixture(autouse=True)
def _same_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever tests ran before on this worker."""
    monkeypatch.setattr(f"{__name__}.DRAWS", np.random.default_rng(5))


def _table(rows: int, shift: float = 0.0, other: float = 0.3) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "number": DRAWS.normal(shift, 2, rows),
            "category": DRAWS.choice(["a", "b"], rows, p=[1 - other, other]),
            "few": DRAWS.integers(0, 3, rows),
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(DRAWS.integers(0, 365, rows), unit="D"),
            "id": np.arange(rows),
        }
    )


@pytest.fixture(scope="module")
def drifted() -> comparing.Drift:
    target = _table(400, shift=3.0).assign(extra=1, category=lambda table: table["category"].replace("b", EVIL))
    target.loc[::2, "number"] = None
    return compare(_table(300).assign(label=0, gone=1), target, ("before", EVIL), {"few": "dropped"})


def test_wasserstein_is_in_standard_deviations_of_the_baseline_and_ks_is_the_largest_gap() -> None:
    baseline, target = DRAWS.normal(0, 2, 500), DRAWS.normal(1, 2, 400)

    found = number_drift(baseline, target)

    assert found.wasserstein == pytest.approx(stats.wasserstein_distance(baseline, target) / baseline.std(ddof=1))
    assert number_drift(baseline, baseline + 4).wasserstein == pytest.approx(4 / baseline.std(ddof=1))
    assert (found.ks, found.ks_p) == tuple(stats.ks_2samp(baseline, target, method="asymp"))


def test_a_baseline_that_does_not_vary_has_no_unit_to_measure_in() -> None:
    ones = np.ones(9)

    assert number_drift(ones, ones).wasserstein == 0
    assert number_drift(ones, ones + 1).wasserstein is None
    assert number_drift(ones, ones + 1).ks == 1


def test_the_stability_index_is_what_the_formula_gives() -> None:
    half = (0.75 - 0.5) * math.log(0.75 / 0.5) + (0.25 - 0.5) * math.log(0.25 / 0.5)

    assert psi(np.array([50, 50]), np.array([75, 25])) == pytest.approx(half)
    assert psi(np.array([50, 50]), np.array([500, 500])) == 0
    assert math.isfinite(psi(np.array([100, 0]), np.array([0, 100])))


def test_chance_alone_stays_below_its_bound_in_ninety_nine_of_a_hundred_draws() -> None:
    bound, edges = psi_by_chance(800, 500, 10), edges_of(DRAWS.normal(size=100_000))
    draws = [
        psi(counts_between(DRAWS.normal(size=800), edges), counts_between(DRAWS.normal(size=500), edges))
        for _ in range(1000)
    ]

    assert 0.975 <= np.mean(np.array(draws) < bound) <= 1.0
    assert np.mean(np.array(draws) < bound / 2) < 0.97, "the bound is not far above what is needed"


def test_jensen_shannon_goes_from_equal_shares_to_none_in_common() -> None:
    assert jensen_shannon(np.array([3, 3]), np.array([90, 90])) == 0
    assert jensen_shannon(np.array([3, 0]), np.array([0, 9])) == 1
    divergence = 0.5 * (0.5 * math.log2(0.5 / 0.75) + 0.5 * math.log2(0.5 / 0.25)) + 0.5 * math.log2(1 / 0.75)
    assert jensen_shannon(np.array([5, 5]), np.array([7, 0])) == pytest.approx(math.sqrt(divergence))


def test_new_and_vanished_values_are_named_with_their_share() -> None:
    found = column_drift(pd.Series(["a", "b"] * 50), pd.Series(["a", "c", "c", "d"] * 25), Purpose.category, "")

    assert found.new is not None
    assert (found.new.values, found.new.share, found.new.examples) == (2, 0.75, ("c", "d"))
    assert found.vanished is not None
    assert (found.vanished.values, found.vanished.share, found.vanished.examples) == (1, 0.5, ("b",))
    assert found.level is Level.large


def test_missing_cells_alone_are_a_drift() -> None:
    whole = pd.Series(DRAWS.normal(size=400))

    found = column_drift(whole, whole.where(whole.index % 3 > 0), Purpose.number, "")

    assert found.missing == (0.0, pytest.approx(1 / 3, abs=0.01))
    assert found.level is Level.large
    assert found.ks is not None
    assert found.ks < 0.1, "the numbers that are there are the same"


@pytest.mark.parametrize(
    ("baseline", "target"),
    [
        (pd.Series([None] * 60, dtype="float64"), pd.Series([1.0] * 60)),
        (pd.Series([None] * 60, dtype="object"), pd.Series([None] * 60, dtype="object")),
        (pd.Series([1.0, np.inf] * 30), pd.Series([1.0, -np.inf] * 30)),
        (pd.Series([True, False] * 30), pd.Series([True] * 60)),
        (pd.Series([True, False] * 30), pd.Series([1.0, None] * 30)),
        (pd.Series([None] * 60, dtype="float64"), pd.Series(pd.date_range("2024", periods=60))),
        (pd.Series([1, 2] * 30), pd.Series(["1", "x"] * 30)),
        (pd.Series(["a"] * 60), pd.Series([], dtype="str")),
    ],
    ids=[
        "empty before",
        "empty",
        "infinite",
        "booleans",
        "booleans and numbers",
        "times that begin",
        "of two types",
        "no rows",
    ],
)
def test_odd_columns_have_numbers_that_json_has(
    monkeypatch: pytest.MonkeyPatch, baseline: pd.Series, target: pd.Series
) -> None:
    monkeypatch.setattr(classifier, "FOLDS", 2)
    found = column_drift(baseline.rename("x"), target.rename("x"), Purpose.category, "")

    assert found.column == "x"
    json.dumps(found.as_json, allow_nan=False)
    other = pd.DataFrame({"y": DRAWS.normal(size=60)})
    whole = compare(other.assign(x=baseline), other.head(len(target)).assign(x=target), ("a", "b"))
    json.dumps(whole.as_json, allow_nan=False)


def test_a_shift_between_few_different_rows_is_seen() -> None:
    before, after = (pd.DataFrame({"x": DRAWS.random(400) < share, "z": 1}) for share in (0.2, 0.8))

    found = compare(before, after, ("a", "b"))

    assert found.magnitude is not None
    assert found.magnitude > 0.4


def test_booleans_with_missing_cells_are_booleans_still() -> None:
    found = compare(
        pd.DataFrame({"x": [True, False] * 40}),
        pd.DataFrame({"x": pd.Series(["True", None, "False", None] * 20, dtype="str")}),
        ("a", "b"),
    )

    assert found.schema.retyped == {}
    assert found.columns[0].new is not None
    assert found.columns[0].new.values == 0


def test_tables_of_one_distribution_are_not_told_apart() -> None:
    found = compare(_table(300), _table(300), ("a", "b"))

    assert found.magnitude is not None
    assert found.magnitude < comparing.THRESHOLD
    assert not found.drifted


def test_equal_tables_are_told_apart_by_nothing_though_each_row_has_a_twin() -> None:
    table = _table(200)

    found = compare(table, table, ("a", "b"))

    assert found.told is not None
    assert found.told.roc_auc == pytest.approx(0.5)
    assert found.magnitude == 0
    assert all(not column.psi for column in found.columns)


def test_what_no_column_shows_alone_the_classifier_sees() -> None:
    sign = DRAWS.choice([-1.0, 1.0], 600)
    before = pd.DataFrame({"x": sign, "y": sign + DRAWS.normal(0, 0.1, 600)})
    after = pd.DataFrame({"x": sign, "y": -sign + DRAWS.normal(0, 0.1, 600)})

    found = compare(before, after, ("a", "b"))

    assert not found.drifted
    assert found.magnitude is not None
    assert found.magnitude > 0.9


def test_a_drift_is_found_by_column_and_by_the_classifier_and_repeats(drifted: comparing.Drift) -> None:
    levels = {column.column: column.level for column in drifted.columns}

    assert levels["number"] is Level.large
    assert levels["id"] is Level.none
    assert drifted.schema.added == ("extra",)
    assert drifted.schema.removed == ("label", "gone")
    assert drifted.magnitude is not None
    assert drifted.magnitude > 0.5
    assert drifted.told is not None
    assert sum(drifted.told.contribution.values()) == pytest.approx(1)
    assert max(drifted.told.contribution, key=lambda name: drifted.told.contribution[name]) in {"number", "category"}
    assert "few" not in drifted.told.contribution, "what is dropped, no model sees"
    assert drifted.columns[-1].column == "few"
    one, other = _table(100), _table(100, 1.0)
    assert compare(one, other, ("a", "b")).as_json == compare(one, other, ("a", "b")).as_json
    json.dumps(drifted.as_json, allow_nan=False)


def test_few_rows_are_compared_by_column_alone_and_many_are_sampled_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = compare(_table(30), _table(300), ("a", "b"))

    assert few.magnitude is None
    assert few.notes == (
        "A table has fewer than 50 rows: no classifier is asked, because chance could tell them apart.",
    )

    monkeypatch.setattr(comparing, "MAX_ROWS", 100)
    many = compare(_table(120), _table(80), ("a", "b"), seed=3)

    assert many.rows == (120, 80)
    assert many.notes[0] == "Of a table with more rows, 100 are compared, drawn at random with seed 3."

    drawn = compare(_table(100), _table(80), ("a", "b"), seed=3, drawn_of=(5000, 80))

    assert (drawn.rows, drawn.notes[0]) == ((5000, 80), many.notes[0])


def test_the_page_tells_it_and_takes_names_for_text(drifted: comparing.Drift) -> None:
    text = page(drifted)

    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "No; new: extra; gone: label and gone." in text
    assert "1 new value in" in text
    assert page(drifted) == text


@needs_chromium
def test_the_page_fits_a_phone_and_asks_for_nothing(drifted: comparing.Drift, tmp_path: Path) -> None:
    (tmp_path / "drift.html").write_text(page(drifted), encoding="utf-8")

    with browser(tmp_path / "profile") as opened:
        for scheme, width in (("light", 390), ("dark", 1280)):
            opened.colours(scheme)
            opened.open(tmp_path / "drift.html", width=width)

            assert opened.js("document.documentElement.scrollWidth <= window.innerWidth")
        assert opened.js("document.querySelectorAll('svg.overlaid').length") == 3
        assert opened.complaints == []
        assert all(address.startswith(("file:", "data:")) for address in opened.requests)
