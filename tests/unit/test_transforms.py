"""Each transform that a recipe may name: what it makes of cells, of new ones, and of wrong options."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io

from keystage.core.errors import ConfigError, DatasetError, KeystageError
from keystage.prep.numbers import Numbers
from keystage.prep.recipe import fit_and_prepare, fit_recipe
from keystage.prep.spec import PrepSpec, TransformSpec

TABLE = pd.DataFrame(
    {
        "n": [1.0, 2.0, np.nan, 4.0, 50.0, -3.0],
        "w": ["a", "b", "a", None, "c", "a"],
        "money": ["€ 1.234,50", "12,5", "7", "x", None, "-3 %"],
        "when": ["31.12.2024 13:00", "01.01.2025 00:30", "15.06.2025 12:00", None, "y", "16.06.2025 12:00"],
        "said": ["a red apple", "two red pears", "one apple", "", None, "pears and plums"],
    }
)
LABEL = pd.Series([0, 1, 0, 1, 0, 1], name="y")


def _step(use: str, columns: list[str], **options: Any) -> pd.DataFrame:
    return _fitted(TransformSpec(use, columns, options)).transform(TABLE)


def _fitted(*steps: TransformSpec, drop: bool = True) -> Any:
    every = [name for step in steps for name in step.columns]
    others = [name for name in TABLE if name not in every and name != "n"]
    first = [TransformSpec("drop", others)] if drop and others else []
    return fit_recipe(PrepSpec(0.2, [*first, *steps]), TABLE, seed=0, label=LABEL)


def _cells(made: pd.DataFrame, name: str) -> list[float | None]:
    return [None if value != value else round(float(value), 6) for value in made[name]]


def test_words_become_numbers_and_what_is_not_named_is_missing() -> None:
    made = _step("map", ["w"], values={"A ": 1, "b": 2}, ignore_case=True)

    assert _cells(made, "w") == [1, 2, 1, None, None, 1]
    assert _cells(_step("map", ["w"], values={"a": 1}, others=0), "w") == [1, 0, 1, None, 0, 1]
    assert _cells(_step("map", ["n"], values={1: 10, 2: None}), "n") == [10, None, None, 4, 50, -3]


def test_words_become_words_and_what_is_not_named_stays() -> None:
    recipe = _fitted(TransformSpec("map", ["w"], {"values": {"b": "a"}}), TransformSpec("codes", ["w"]))

    assert _cells(recipe.transform(TABLE), "w") == [0, 0, 0, -2, 1, 0]
    assert _cells(recipe.transform(TABLE.head(1).assign(w="zebra")), "w") == [-1]


def test_bins_have_the_edges_that_are_given() -> None:
    assert _cells(_step("bins", ["n"], edges=[0, 2, 10]), "n") == [1, 2, None, 2, 3, 0]


def test_numbers_are_limited_and_logged() -> None:
    assert _cells(_step("clip", ["n"], minimum=0, maximum=4), "n") == [1, 2, None, 4, 4, 0]
    assert _cells(_step("clip", ["n"], high=0.5), "n") == [1, 2, None, 2, 2, -3]
    assert _cells(_step("log", ["n"]), "n") == _cells(
        pd.DataFrame({"n": [np.log(2), np.log(3), np.nan, np.log(5), np.log(51), -np.log(4)]}), "n"
    )


def test_numbers_are_read_out_of_texts_in_the_form_of_their_country() -> None:
    assert _cells(_step("numbers", ["money"], decimal=","), "money") == [1234.5, 12.5, 7, None, None, -3]


def test_negative_amounts_are_read_as_books_write_them() -> None:
    texts = ["($16,576.77)", "0.64-", "\u22120.5", "(5", "5)", "-(5)", "-5-", "(5-"]
    made = _fitted(TransformSpec("numbers", ["money"])).transform(TABLE.head(1).reindex([0] * 8).assign(money=texts))

    assert made["money"].fillna(0).tolist() == [-16576.77, -0.64, -0.5, 0, 0, 0, 0, 0]


def test_a_number_in_the_marks_of_another_country_is_missing_and_no_other_number() -> None:
    table = TABLE.head(1).reindex([0] * 4).assign(money=["17.583", "18.5", "1.234.567", "1.234,5"])
    seen = _fitted(TransformSpec("numbers", ["money"], {"decimal": ","})).transform(table)
    plain = TABLE.assign(money=["2,5", "3", "1,25", None, "x", "7,0"])
    unseen = Numbers(",").fit(plain[["money"]]).transform(table[["money"]])

    assert [None if np.isnan(cell) else cell for cell in seen["money"]] == [17583, None, 1234567, 1234.5]
    assert [None if np.isnan(cell) else cell for cell in unseen["money"]] == [None, None, 1234567, 1234.5]


def test_dates_become_parts_those_that_differ_or_those_asked_for() -> None:
    forms = ["%d.%m.%Y %H:%M"]
    usual = _step("dates", ["when"], forms=forms)
    asked = _step("dates", ["when"], forms=forms, parts=["quarter", "elapsed"], since="2025-01-01")

    assert list(usual) == [
        f"when_{part}" for part in ("year", "month", "day", "weekday", "hour", "minute", "elapsed")
    ] + ["n"]
    assert _cells(usual, "when_weekday") == [1, 2, 6, None, None, 0]
    assert _cells(asked, "when_quarter") == [4, 1, 2, None, None, 2]
    assert _cells(asked, "when_elapsed")[1:3] == [pytest.approx(30 / 1440, abs=1e-6), 165.5]


def test_rare_words_are_one_word_and_so_are_new_ones() -> None:
    recipe = _fitted(TransformSpec("rare", ["w"], {"min_count": 2, "other": "else"}), TransformSpec("one_hot", ["w"]))
    made = recipe.transform(TABLE.assign(w=["a", "b", "c", "new", None, "a"]))

    assert [name for name in made if name.startswith("w")] == ["w_a", "w_else", "w_nan"]
    assert made["w_else"].tolist() == [0, 1, 1, 1, 0, 0]


def test_texts_become_a_few_numbers_and_missing_ones_stay_missing() -> None:
    made = _step("text", ["said"], components=2, analyzer="word")
    hashed = _step("text", ["said"], components=2, hashed=True)

    for table in (made, hashed):
        assert list(table) == ["said_text_0", "said_text_1", "n"]
        assert table["said_text_0"].isna().tolist() == [False, False, False, False, True, False]
        assert table.loc[3, "said_text_0"] == 0


def test_encoding_by_the_label_tells_no_row_its_own_label() -> None:
    """Categories that say nothing: in training they must not say the label, though each stands twice."""
    draw = np.random.default_rng(0)
    table = pd.DataFrame({"c": np.repeat([f"c{n}" for n in range(150)], 2), "n": range(300)})
    for label, regression in (
        (pd.Series(draw.permutation(np.tile(["no", "yes"], 150)), name="y"), False),
        (pd.Series(draw.normal(size=300), name="y"), True),
    ):
        spec = PrepSpec(0.2, [TransformSpec("target", ["c"], {"smooth": 0.0})])
        fitted = fit_and_prepare(spec, table, seed=1, label=label, regression=regression)
        numbers = label if regression else (label == "yes").astype(float)

        assert abs(np.corrcoef(fitted.table["c"], numbers)[0, 1]) < 0.2
        assert np.corrcoef(fitted.recipe.transform(table)["c"], numbers)[0, 1] > 0.6
        assert fitted.recipe.transform(table.head(1).assign(c="new"))["c"].iloc[0] == pytest.approx(numbers.mean())


def test_columns_are_kept_left_out_and_told() -> None:
    spec = PrepSpec(0.2, [TransformSpec("keep", ["w", "n"]), TransformSpec("drop", ["w"])])
    fitted = fit_and_prepare(spec, TABLE, seed=0)

    assert list(fitted.table) == ["n"]
    assert fitted.left_out == {
        **dict.fromkeys(["money", "when", "said"], "step 1 of the recipe ('keep') leaves it out"),
        "w": "step 2 of the recipe ('drop') leaves it out",
    }


def test_missing_cells_are_filled_and_marked() -> None:
    made = _step("fill", ["n"], strategy="median", add_indicator=True)

    assert list(made) == ["n", "missingindicator_n"]
    assert made.loc[2].tolist() == [2.0, 1.0]


def test_infinite_numbers_become_missing() -> None:
    table = pd.DataFrame({"n": [1.0, np.inf, -np.inf]})

    assert fit_recipe(PrepSpec(0.2, [TransformSpec("finite")]), table, seed=0).transform(table)["n"].isna().sum() == 2


def test_no_quantile_bin_is_for_infinite_numbers_where_the_training_rows_had_none() -> None:
    recipe = fit_recipe(PrepSpec(0.2, [TransformSpec("quantile_bins", ["n"], {"bins": 2})]), TABLE[["n"]], seed=0)

    with pytest.raises(ValueError, match="column 'n' holds infinite numbers: step 'finite' makes them missing"):
        recipe.transform(pd.DataFrame({"n": [1.0, np.inf]}))


def test_a_transformer_of_scikit_learn_is_named_by_where_it_stands() -> None:
    made = _step("sklearn.preprocessing:PowerTransformer", ["n"], standardize=False)
    drawn = [
        fit_recipe(
            PrepSpec(0.2, [TransformSpec("sklearn.preprocessing:QuantileTransformer", ["n"], {"n_quantiles": 3})]),
            TABLE[["n"]],
            seed=seed,
        )
        .steps[1][1]
        .transformer.random_state
        for seed in (3, 4)
    ]

    assert made["n"].is_monotonic_increasing is False
    assert made["n"].notna().sum() == 5
    assert drawn == [3, 4]


def test_your_own_function_takes_a_table_and_its_options() -> None:
    made = _step("project.transforms:ratio", ["n"], of="n", to="n")

    assert _cells(made, "n_to_n") == [1, 1, None, 1, 1, 1]


def test_a_name_that_is_taken_is_not_taken_twice() -> None:
    table = pd.DataFrame({"c": ["x", "z"], "c_x": [1.0, 2.0], "y": [3.0, 4.0]})
    spec = PrepSpec(0.2, [TransformSpec("one_hot", ["c"])])
    fitted = fit_and_prepare(spec, table, seed=0, label=pd.Series([0, 1], name="c_z"))

    assert list(fitted.table) == ["c_x_", "c_z_", "c_x", "y"]


def test_a_recipe_is_kept_by_pickle_and_by_skops() -> None:
    steps = (
        TransformSpec("dates", ["when"], {"forms": ["%d.%m.%Y %H:%M"]}),
        TransformSpec("numbers", ["money"], {"decimal": ","}),
        TransformSpec("map", ["w"], {"values": {"a": 1, "b": 2}}),
        TransformSpec("text", ["said"], {"components": 2}),
        TransformSpec("bins", ["n"], {"edges": [0, 3]}),
    )
    recipe = _fitted(*steps)
    kept = skops.io.dumps(recipe)
    types = skops.io.get_untrusted_types(data=kept)

    assert all(name.startswith(("keystage.prep.", "sklearn.")) for name in types)
    pd.testing.assert_frame_equal(skops.io.loads(kept, trusted=types).transform(TABLE), recipe.transform(TABLE))
    assert pickle.dumps(recipe) == pickle.dumps(_fitted(*steps))


@pytest.mark.parametrize(
    ("step", "kind", "message"),
    [
        (TransformSpec("fill", []), ConfigError, r"step 1 of the recipe \('fill'\) names no columns"),
        (TransformSpec("fill", ["n", "n"]), ConfigError, r"step 1 .* names column 'n' twice"),
        (TransformSpec("fill", ["n"], {"strateg": "mean"}), ConfigError, "did you mean 'strategy'"),
        (TransformSpec("fill", ["n"], {"strategy": "medin"}), ConfigError, "did you mean 'median'"),
        (TransformSpec("bins", ["n"], {"edges": [2, 1]}), ConfigError, "each above the one before"),
        (TransformSpec("bins", ["n"]), ConfigError, "missing a required argument: 'edges'"),
        (TransformSpec("clip", ["n"]), ConfigError, "give minimum or low"),
        (TransformSpec("clip", ["n"], {"minimum": 1, "low": 0.1}), ConfigError, "say the same"),
        (TransformSpec("clip", ["n"], {"low": 2}), ConfigError, "from 0 to 1"),
        (TransformSpec("log", ["n"], {"base": 2}), ConfigError, "has no option 'base'"),
        (TransformSpec("log", ["w"]), DatasetError, r"step 1 .*'log' on w\) cannot be fitted"),
        (TransformSpec("map", ["w"], {"values": {}}), ConfigError, "values is empty"),
        (TransformSpec("map", ["w"], {"values": {"a": 1, "b": "c"}}), DatasetError, "words and numbers"),
        (TransformSpec("map", ["n"], {"values": {"a": 1}}), DatasetError, "holds numbers"),
        (TransformSpec("rare", ["n"]), DatasetError, "declare it as string"),
        (TransformSpec("rare", ["w"], {"min_count": 0}), ConfigError, "1 or more"),
        (TransformSpec("numbers", ["money"], {"decimal": ";"}), ConfigError, "option decimal has no ';'"),
        (TransformSpec("dates", ["when"], {"parts": ["yer"]}), ConfigError, "did you mean 'year'"),
        (TransformSpec("dates", ["when"], {"since": "soon"}), ConfigError, "does not take these options"),
        (TransformSpec("dates", ["w"]), DatasetError, "holds no date in the forms ISO8601"),
        (TransformSpec("text", ["said"], {"analyzer": "words"}), ConfigError, "did you mean 'word'"),
        (TransformSpec("text", ["said"], {"ngrams": [2, 1]}), ConfigError, "least and the greatest"),
        (TransformSpec("text", ["n"]), DatasetError, "holds numbers, not texts"),
        (TransformSpec("target", ["w"], {"folds": 1}), ConfigError, "2 or more"),
        (TransformSpec("sklearn.preprocessing:Powr", ["n"]), ConfigError, "no transformer of scikit-learn"),
        (TransformSpec("sklearn.preproces:PowerTransformer", ["n"]), ConfigError, "No module named"),
        (TransformSpec("sklearn.preprocessing._data:PowerTransformer", ["n"]), ConfigError, "private"),
        (TransformSpec("sklearn.preprocessing:OneHotEncoder", ["w"]), DatasetError, "sparse_output=False"),
        (TransformSpec("project.transforms:ratio", ["n"], {"off": 1}), ConfigError, "does not take these options"),
    ],
)
def test_a_wrong_step_is_refused_by_its_number(step: TransformSpec, kind: type[KeystageError], message: str) -> None:
    with pytest.raises(kind, match=message):
        fit_recipe(PrepSpec(0.2, [step]), TABLE, seed=0, label=LABEL)


def test_your_own_function_is_kept_by_skops_by_its_name() -> None:
    recipe = _fitted(TransformSpec("project.transforms:ratio", ["n"], {"of": "n", "to": "n"}))
    kept = skops.io.dumps(recipe)
    types = skops.io.get_untrusted_types(data=kept)

    assert "project.transforms.ratio" in types
    pd.testing.assert_frame_equal(skops.io.loads(kept, trusted=types).transform(TABLE), recipe.transform(TABLE))
