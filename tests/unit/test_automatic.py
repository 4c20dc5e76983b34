"""Step auto: what it finds of columns, what becomes of them, and that no table and no new row breaks it."""

import logging
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from keystage.core.errors import ConfigError, DatasetError
from keystage.prep.dates import forms_of
from keystage.prep.recipe import Fitted, fit_and_prepare
from keystage.prep.spec import PrepSpec, TransformSpec
from keystage.search.assembly import model_of

ROWS = 120
DRAW = np.random.default_rng(5)
WORDS = np.array(["the", "a", "red", "green", "new", "house", "river", "boat", "with", "many", "small", "near", "town"])


def _table() -> pd.DataFrame:
    days = pd.Timestamp("2023-01-01") + pd.to_timedelta(DRAW.integers(0, 900, ROWS), unit="D")
    return pd.DataFrame(
        {
            "row": np.arange(ROWS) + 7.0,
            "email": [f"u{n}@x.org" for n in DRAW.permutation(ROWS)],
            "same": 3.0,
            "none": np.nan,
            "price": [f"€ {n:,.2f}".translate(str.maketrans(",.", ".,")) for n in DRAW.uniform(1, 9999, ROWS)],
            "share": [f"{n} %" for n in DRAW.integers(0, 100, ROWS)],
            "born": [day.strftime("%d.%m.%Y" if n % 3 else "%Y-%m-%d") for n, day in enumerate(days)],
            "sent": [day.strftime("%b %d, %Y %H:%M") for day in days],
            "paid": DRAW.choice(["Yes", "no"], ROWS),
            "colour": DRAW.choice(["red", "green", None], ROWS),
            "city": DRAW.choice([f"city {n}" for n in range(30)], ROWS),
            "zip": DRAW.choice([f"0{n}" for n in range(1000, 1040)], ROWS),
            "note": [" ".join(DRAW.choice(WORDS, 9)) for _ in range(ROWS)],
            "size": DRAW.normal(size=ROWS),
        }
    )


TABLE = _table()
LABEL = pd.Series(np.where(TABLE["colour"] == "red", "in", "out"), name="y")


def _auto(table: pd.DataFrame = TABLE, label: Any = LABEL, regression: bool = False, **options: Any) -> Fitted:
    spec = PrepSpec(0.2, [TransformSpec("auto", [], options)])
    return fit_and_prepare(spec, table, seed=3, label=label, regression=regression)


def _uses(fitted: Fitted) -> dict[str, str]:
    return {entry["column"]: entry["use"] for entry in fitted.automatic["columns"]}


def test_each_column_is_prepared_by_what_it_holds() -> None:
    fitted = _auto()

    assert _uses(fitted) == {
        "row": "drop",
        "email": "drop",
        "same": "drop",
        "none": "drop",
        "price": "numbers",
        "share": "numbers",
        "born": "dates",
        "sent": "dates",
        "paid": "map",
        "colour": "one_hot",
        "city": "target",
        "zip": "target",
        "note": "text",
        "size": "as it is",
    }
    assert fitted.left_out == {
        "row": "step 1 ('auto'): identifier: 120 of 120 values differ",
        "email": "step 1 ('auto'): identifier: 120 of 120 values differ",
        "same": "step 1 ('auto'): one value alone in the training rows",
        "none": "step 1 ('auto'): no value in the training rows",
    }
    assert fitted.table["price"].between(1, 9999).all()
    assert fitted.table[["born_year", "sent_month", "paid", "colour_red", "note_text_0"]].notna().all(axis=None)


def test_what_it_writes_is_a_recipe_that_can_be_declared() -> None:
    fitted = _auto()
    declared = [TransformSpec(**step) for step in fitted.automatic["steps"]]

    by_hand = fit_and_prepare(PrepSpec(0.2, declared), TABLE, seed=3, label=LABEL)

    pd.testing.assert_frame_equal(by_hand.table, fitted.table)


def test_the_log_has_a_line_for_each_kind_of_column(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        _auto(TABLE[["row", "price", "paid", "size"]])

    assert [record.message for record in caplog.records] == [
        "auto: as it is 1: size",
        "auto: drop 1: row (identifier: 120 of 120 values differ)",
        "auto: numbers 1: price",
        "auto: map 1: paid",
    ]


def test_cells_that_are_no_numbers_are_counted_and_days_that_could_be_months_are_told() -> None:
    table = pd.DataFrame(
        {
            "n": [*(f"{k} kg" for k in range(1, 98)), "unknown", "-", "?"],
            "d": [f"0{1 + k % 9}/0{1 + k % 7}/2020" for k in range(100)],
        }
    )
    noted = {entry["column"]: entry["note"] for entry in _auto(table, None).automatic["columns"]}

    assert noted["n"] == "3 cells are no numbers and become missing"
    assert noted["d"] == "day and month could change places: taken as %d/%m/%Y"


@pytest.mark.parametrize(
    "cells",
    [
        [f"{k:03d}" for k in range(100)],  # codes
        [f"A{k % 40}" for k in range(100)],
        [f"{k % 50}" for k in range(100)],  # declared as string
        [f"{k % 50} {'kg' if k % 2 else 'g'}" for k in range(100)],  # which nobody can add up
    ],
)
def test_codes_and_mixed_units_are_no_numbers(cells: list[str]) -> None:
    assert _uses(_auto(pd.DataFrame({"c": cells, "x": np.arange(100) / 3}), None))["c"] in {"codes", "one_hot", "drop"}


def test_a_form_of_few_days_that_many_cells_have_is_read_too() -> None:
    stamps = [f"2019-03-{n % 31 + 1:02} {n % 24:02}:{n % 60:02}:{n % 59:02}" for n in range(1200)]
    days = [f"{n % 31 + 1:02}/03/2019 10:00" for n in range(31)]
    texts, counts = np.unique(np.array(stamps + days * 20), return_counts=True)

    found = forms_of(pd.Series(texts), counts, 0.95)

    assert found is not None
    assert found.forms == ["ISO8601", "%d/%m/%Y %H:%M"]
    assert found.read.all()


def test_new_rows_may_hold_anything() -> None:
    fitted = _auto()
    odd = pd.DataFrame({name: ["", "?", "zebra", None] for name in TABLE}).assign(
        row=1, same=2, none=0, size=[1, None, np.inf, 3]
    )

    made = fitted.recipe.transform(odd)

    assert list(made) == list(fitted.table)
    assert not np.isinf(made.to_numpy()).any()
    assert fitted.recipe.transform(TABLE.head(1)[list(reversed(TABLE.columns))]).shape == (1, fitted.table.shape[1])


def test_purposes_fills_and_blocks_are_as_asked() -> None:
    table = TABLE.assign(size=TABLE["size"].where(TABLE["size"] > -1))
    fitted = _auto(
        table,
        purposes={"row": "number", "zip": "identifier", "city": "text", "paid": "category"},
        fill={"size": "median", "colour": "none"},
        block=["dates", "target"],
        components=3,
    )
    uses = _uses(fitted)

    assert [uses[name] for name in ("row", "zip", "city", "paid", "born")] == [
        "as it is",
        "drop",
        "text",
        "one_hot",
        "drop",
    ]
    assert fitted.left_out["born"] == "step 1 ('auto'): datetime, and option block has 'dates'"
    assert fitted.table["size"].notna().all()
    assert {"colour_none", "city_text_2"} < set(fitted.table)
    assert _auto(table, fill="mean").table["size"].isna().sum() == 0
    assert _auto(table, fill={"size": "draws"}).table["size"].isna().sum() == 0
    assert (
        _uses(_auto(purposes={"price": "number", "sent": "datetime", "size": "category"}, one_hot=200))["size"]
        == "one_hot"
    )


def test_the_label_encodes_where_there_are_rows_enough_and_never_a_forecast() -> None:
    rare = pd.Series([*["in"] * 118, "out", "out"], name="y")
    number = pd.Series(DRAW.normal(size=ROWS), name="y")

    assert _uses(_auto(label=rare))["city"] == "codes"
    assert _uses(_auto(label=None))["city"] == "codes"
    assert _uses(_auto(label=number, regression=True))["city"] == "target"


def test_the_same_seed_gives_the_same_numbers() -> None:
    pd.testing.assert_frame_equal(_auto().table, _auto().table)


def test_it_is_kept_by_skops() -> None:
    fitted = _auto()
    kept = skops.io.dumps(fitted.recipe)
    again = skops.io.loads(kept, trusted=skops.io.get_untrusted_types(data=kept))

    pd.testing.assert_frame_equal(again.transform(TABLE), fitted.recipe.transform(TABLE))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"purpose": {}}, "did you mean 'purposes'"),
        ({"purposes": {"sise": "number"}}, "did you mean 'size'"),
        ({"purposes": {"size": "nummer"}}, "did you mean 'number'"),
        ({"purposes": ["size"]}, "COLUMN: PURPOSE"),
        ({"purposes": {"city": "number"}}, "cannot take column 'city' for number"),
        ({"purposes": {"colour": "boolean"}}, "cannot take column 'colour' for boolean"),
        ({"purposes": {"size": "datetime"}}, "they look like number, float64"),
        ({"fill": {"sise": 1}}, "did you mean 'size'"),
        ({"fill": {"row": 1}}, "cannot fill column 'row'"),
        ({"block": ["onehot"]}, "did you mean 'one_hot'"),
        ({"one_hot": 0}, "whole number from 1"),
        ({"components": "many"}, "whole number from 1"),
    ],
)
def test_a_wrong_option_is_refused_with_the_nearest(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _auto(**options)


def test_a_table_of_nothing_but_identifiers_is_refused_with_what_each_is() -> None:
    with pytest.raises(DatasetError, match=r"leaves no column\n.*row: identifier"):
        _auto(TABLE[["row", "same"]])


def test_measurements_with_words_among_them_are_no_identifiers() -> None:
    cells = [f"{n / 7:.3f}" if n % 8 else f"none {n}" for n in range(120)]
    fitted = _auto(pd.DataFrame({"x": cells, "code": [f"{n}{'AB'[n % 2]}" for n in range(120)]}))

    assert fitted.left_out == {"code": "step 1 ('auto'): identifier: 120 of 120 values differ"}
    assert fitted.table["x"].isna().sum() == 15


_NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6) | st.sampled_from(
    ["a:b", '{"a": [1]}', "a", "y_", "[0]", "<b>", "x,y", "a_year", "a_text_0"]
)
_CELLS: dict[str, Any] = {
    "number": st.floats() | st.none(),
    "whole": st.integers(-3, 3),
    "word": st.sampled_from(["x", "y", "year", "", " ", "text_0", "Yes", "no"]) | st.none(),
    "any": st.text(st.characters(codec="utf-8"), max_size=8) | st.none(),
    "money": st.floats(-1e6, 1e6).map(lambda number: f"$ {number:,.2f}") | st.sampled_from(["", "-", "1.2.3"]),
    "date": st.dates().map(str) | st.dates().map(lambda day: day.strftime("%d.%m.%Y")) | st.none(),
    "phrase": st.lists(st.sampled_from(list(WORDS)), max_size=6).map(" ".join),
}


@st.composite
def _tables(draw: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training rows, and new ones with cells of another kind in columns of text."""
    rows = draw(st.integers(22, 30))
    names = draw(st.lists(_NAMES, min_size=1, max_size=5, unique=True).filter(lambda names: "a_x" not in names))
    kinds = [draw(st.sampled_from(sorted(_CELLS))) for _ in names]

    def column(kind: str, size: int) -> pd.Series:
        values = draw(st.lists(_CELLS[kind], min_size=size, max_size=size))
        return pd.Series(values, dtype="float64" if kind in {"number", "whole"} else "str")

    other = [
        "number" if kind in {"number", "whole"} else draw(st.sampled_from(["any", "date", "money"])) for kind in kinds
    ]
    return (
        pd.DataFrame({name: column(kind, rows) for name, kind in zip(names, kinds, strict=True)}),
        pd.DataFrame({name: column(kind, 3) for name, kind in zip(names, other, strict=True)}),
    )


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # the smallest table that fails would take minutes to find
)
@given(_tables())
def test_any_table_becomes_numbers_of_one_width_and_so_do_new_rows(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    table, new = tables
    table["still here"] = np.linspace(0.0, 1.0, len(table)) ** 2
    label = pd.Series(np.arange(len(table)) % 2, name="a_x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = _auto(table, label)
        made = fitted.recipe.transform(new.assign(**{"still here": 0.5}))

    for side in (fitted.table, made, fitted.recipe.transform(table)):
        assert list(side) == list(fitted.table)
        assert side.columns.is_unique
        assert "a_x" not in side
        assert not np.isinf(side.to_numpy(dtype="float64")).any()
    assert set(fitted.left_out) == {item["column"] for item in fitted.automatic["columns"] if item["use"] == "drop"}


def test_names_with_signs_of_json_trouble_no_learner() -> None:
    table = TABLE[["colour", "size"]].set_axis(['{"c": [":"]}', "s<b>,e"], axis="columns")
    prepared = _auto(table).table
    learnt = LGBMClassifier(verbosity=-1, n_jobs=1).fit(prepared.to_numpy(), (LABEL == "in").astype(int))

    assert model_of(learnt, prepared).predict(prepared).mean() == pytest.approx((LABEL == "in").mean(), abs=0.05)
    assert make_pipeline(LogisticRegression()).fit(prepared, LABEL).score(prepared, LABEL) > 0.9
