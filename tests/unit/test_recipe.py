"""A recipe is fitted on training rows alone and gives numbers only."""

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier

from keystage.core.errors import ConfigError, DatasetError, ExtensionError, KeystageError
from keystage.prep.recipe import fit_recipe
from keystage.prep.spec import PrepSpec, TransformSpec
from keystage.search.assembly import model_of

TRAIN = pd.DataFrame(
    {"Age": [20.0, np.nan, 40.0, 60.0, 30.0, 50.0], "Sex": ["m", "f", "m", "f", None, "m"], "Fare": [1, 2, 3, 4, 5, 6]}
)


def _prep(*steps: TransformSpec) -> PrepSpec:
    return PrepSpec(test_size=0.2, steps=list(steps))


def test_statistics_come_from_the_rows_it_was_fitted_on() -> None:
    recipe = fit_recipe(
        _prep(TransformSpec("fill", ["Age"], {"strategy": "mean"}), TransformSpec("codes", ["Sex"])), TRAIN, seed=0
    )

    scored = recipe.transform(pd.DataFrame({"Age": [np.nan], "Sex": ["x"], "Fare": [7]}))

    assert scored["Age"].tolist() == [40.0]
    assert scored["Sex"].tolist() == [-1.0]


def test_codes_tell_unknown_from_missing() -> None:
    recipe = fit_recipe(_prep(TransformSpec("codes", ["Sex"], {"unknown": -1, "missing": -2})), TRAIN, seed=0)

    codes = recipe.transform(TRAIN.head(3).assign(Sex=["f", None, "other"]))["Sex"].tolist()

    assert codes == [0.0, -2.0, -1.0]


def test_quantile_bins_make_groups_of_equal_size() -> None:
    table = pd.DataFrame({"x": np.arange(100.0) ** 2})

    groups = fit_recipe(_prep(TransformSpec("quantile_bins", ["x"], {"bins": 5})), table, seed=0).transform(table)

    assert groups["x"].value_counts().tolist() == [20] * 5


def test_a_missing_cell_has_no_bin_though_the_training_rows_had_none() -> None:
    step = TransformSpec("quantile_bins", ["x"], {"bins": 2})
    recipe = fit_recipe(_prep(step), pd.DataFrame({"x": [1.0, 2]}), seed=0)

    bins = recipe.transform(pd.DataFrame({"x": [0.0, np.nan, 9]}))["x"]

    assert bins.tolist()[::2] == [0, 1]
    assert np.isnan(bins[1])


def test_raw_rows_may_carry_more_columns_in_another_order() -> None:
    recipe = fit_recipe(_prep(TransformSpec("codes", ["Sex"])), TRAIN, seed=0)

    shuffled = TRAIN.assign(Name="x")[["Name", "Fare", "Sex", "Age"]]

    pd.testing.assert_frame_equal(recipe.transform(shuffled), recipe.transform(TRAIN))


def test_your_own_transform_is_found_by_reference() -> None:
    step = TransformSpec("project.transforms:ClipQuantiles", ["Fare"], {"low": 0.0, "high": 0.5})
    recipe = fit_recipe(_prep(step, TransformSpec("codes", ["Sex"])), TRAIN, seed=0)

    assert recipe.transform(TRAIN)["Fare"].max() == 3.5


@pytest.mark.parametrize(
    ("step", "kind", "message"),
    [
        (TransformSpec("fil", ["Age"]), ConfigError, "no transform is called 'fil'"),
        (TransformSpec("fill", ["Agee"]), ConfigError, "names column 'Agee', which is not there"),
        (TransformSpec("quantile_bins", ["Fare"], {"bin": 3}), ConfigError, "does not take these options"),
        (TransformSpec("fill", ["Sex"], {"strategy": "mean"}), DatasetError, "cannot be fitted"),
        (TransformSpec("os.path:join", ["Age"]), ExtensionError, "cannot be used as a transform"),
        (TransformSpec("project.transforms:Clip", ["Age"]), ExtensionError, "has no class or function 'Clip'"),
        (
            TransformSpec("fill", ["Age"]),
            DatasetError,
            r"columns are still no numbers: Sex(.|\n)*let prep=auto prepare",
        ),
    ],
)
def test_a_wrong_step_is_refused_in_words(step: TransformSpec, kind: type[KeystageError], message: str) -> None:
    with pytest.raises(kind, match=message):
        fit_recipe(_prep(step), TRAIN, seed=0)


def test_infinite_values_are_refused() -> None:
    with pytest.raises(DatasetError, match="columns hold infinite values: x"):
        fit_recipe(_prep(), pd.DataFrame({"x": [1.0, np.inf]}), seed=0)


def test_cells_and_names_may_hold_what_boosted_trees_refuse_in_names() -> None:
    table = pd.DataFrame({'{a}: "<b>", c': range(40), "when": ["10:30", "<5", "[7]", "yellow, or so"] * 10})
    recipe = fit_recipe(_prep(TransformSpec("one_hot", ["when"])), table, seed=0)
    prepared = recipe.transform(table)
    label = np.arange(40) % 2
    learnt = LGBMClassifier(verbosity=-1, min_child_samples=2).fit(prepared.to_numpy(), label)

    said = model_of(learnt, prepared).predict_proba(prepared)

    assert (said == learnt.predict_proba(prepared.to_numpy())).all()


def test_numbers_of_any_kind_are_scored_alike() -> None:
    steps = (TransformSpec("fill", ["Age"], {"strategy": "constant", "fill_value": 0}), TransformSpec("codes", ["Sex"]))
    recipe = fit_recipe(_prep(*steps, TransformSpec("quantile_bins", ["Fare"], {"bins": 2})), TRAIN, seed=0)
    expected = recipe.transform(TRAIN)

    for kinds in ({"Fare": "float64"}, {"Fare": "Int64"}, {"Fare": "str"}, {"Fare": "object", "Sex": "category"}):
        pd.testing.assert_frame_equal(recipe.transform(TRAIN.astype(kinds)), expected)
    whole = TRAIN.fillna({"Age": 7.0}).astype({"Age": "int64"})
    assert recipe.transform(whole)["Age"].tolist() == [20, 7, 40, 60, 30, 50]


def test_raw_rows_that_cannot_be_scored_say_which_column() -> None:
    recipe = fit_recipe(_prep(TransformSpec("codes", ["Sex"])), TRAIN, seed=0)

    with pytest.raises(ValueError, match="raw rows lack columns: Age, Fare"):
        recipe.transform(TRAIN[["Sex"]])
    with pytest.raises(ValueError, match="column 'Fare' of the raw rows holds no numbers"):
        recipe.transform(TRAIN.assign(Fare="much"))
