"""A pipeline of raw rows as ONNX predicts what the original does, or says which part has no converter."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

from keystage.core.errors import ExportError
from keystage.data.spec import Task
from keystage.prep.recipe import fit_recipe
from keystage.prep.spec import PrepSpec, TransformSpec
from keystage.registry.package import join
from keystage.search.assembly import model_of, vote

pytest.importorskip("skl2onnx")
# skl2onnx 1.20 and its companions are older than scikit-learn 1.9 and onnx 1.23.
pytestmark = pytest.mark.filterwarnings("default")

STEPS = (
    TransformSpec(use="fill", columns=["age"], options={"strategy": "median"}),
    TransformSpec(use="fill", columns=["port"], options={"strategy": "constant", "fill_value": "none"}),
    TransformSpec(use="quantile_bins", columns=["fare"], options={"bins": 4}),
    TransformSpec(use="fill", columns=["fare"], options={"strategy": "constant", "fill_value": 9.0}),
    TransformSpec(use="bins", columns=["tickets"], options={"edges": [2, 4]}),
    TransformSpec(use="codes", columns=["sex", "deck", "floor"]),
    TransformSpec(use="one_hot", columns=["port"]),
)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    draw = np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "age": draw.normal(30, 10, 200),
            "sex": draw.choice(["f", "m"], 200),
            "deck": draw.choice(["A", "B", None], 200),
            "floor": draw.choice([1.0, 2.0, np.nan], 200),
            "fare": draw.exponential(30, 200),
            "port": draw.choice(["S", "C", None], 200),
            "tickets": draw.integers(1, 5, 200),
        }
    )
    table.loc[::7, "age"] = np.nan
    table.loc[::11, "fare"] = np.nan
    return table


def _pipeline(rows: pd.DataFrame, steps: tuple[TransformSpec, ...], make: Callable[[Any, Any], Any]) -> Any:
    recipe = fit_recipe(PrepSpec(test_size=0.2, steps=list(steps)), rows, seed=1)
    prepared = recipe.transform(rows)
    filled = prepared.fillna(0.0).to_numpy()
    return join(recipe, model_of(make(filled, (prepared["age"].fillna(0) > 30).astype(int)), prepared))


def _votes(features: Any, target: Any) -> Any:
    from lightgbm import LGBMClassifier
    from xgboost import XGBClassifier

    boosted = [LGBMClassifier(n_estimators=9, verbosity=-1, n_jobs=1), XGBClassifier(n_estimators=9, n_jobs=1)]
    folds = vote(["a", "b"], [one.fit(features, target) for one in boosted], None, Task.classification, [0, 1])
    others = [HistGradientBoostingClassifier(max_iter=9), RandomForestClassifier(9), LogisticRegression(max_iter=1000)]
    members = [folds, *(one.fit(features, target) for one in others)]
    return vote(
        ["boosted", "histogram", "forest", "linear"], members, [0.4, 0.1, 0.3, 0.2], Task.classification, ["no", "yes"]
    )


def _by_quantiles(features: Any, target: Any) -> Any:
    """As the search makes them with ``scaling: quantile``."""
    scaling = QuantileTransformer(n_quantiles=9, output_distribution="normal")
    members = [make_pipeline(scaling, LogisticRegression()).fit(features, target), GaussianNB().fit(features, target)]
    return vote(["linear", "bayes"], members, None, Task.classification, [0, 1])


def _values(features: Any, _target: Any) -> Any:
    target = 100 * features[:, 0]
    members = [one.fit(features, target) for one in (Ridge(), RandomForestRegressor(9, random_state=1))]
    return vote(["ridge", "forest"], members, [0.6, 0.4], Task.regression, ())


def test_recipe_and_votes_of_learners_predict_the_same_also_for_cells_never_seen(rows: pd.DataFrame) -> None:
    from keystage.adapters.onnx_model import convert, predict

    pipeline = _pipeline(rows, STEPS, _votes)
    new = rows.assign(sex="other", deck=None, floor=7.0, port=None, age=np.nan)
    content = convert(pipeline)

    for table in (rows, new, rows.head(1)):
        assert predict(content, table) == pytest.approx(pipeline.predict_proba(table), abs=1e-6)


def test_what_auto_makes_of_numbers_and_few_categories_predicts_the_same(rows: pd.DataFrame) -> None:
    from keystage.adapters.onnx_model import convert, predict

    pipeline = _pipeline(rows, (TransformSpec("auto", [], {"fill": "median"}),), _votes)
    new = rows.assign(sex="other", deck=None, floor=7.0, age=np.inf)

    for table in (rows, new):
        assert predict(convert(pipeline), table) == pytest.approx(pipeline.predict_proba(table), abs=1e-6)


def test_bins_of_scikit_learn_predict_the_same(rows: pd.DataFrame) -> None:
    from keystage.adapters.onnx_model import convert, predict

    options = {"n_bins": 2, "encode": "ordinal", "quantile_method": "averaged_inverted_cdf"}
    step = TransformSpec(use="sklearn.preprocessing:KBinsDiscretizer", columns=["tickets"], options=options)
    pipeline = _pipeline(rows, (*STEPS[:4], step, *STEPS[5:]), _votes)

    assert predict(convert(pipeline), rows) == pytest.approx(pipeline.predict_proba(rows), abs=1e-6)


def test_numbers_are_predicted_too(rows: pd.DataFrame) -> None:
    from keystage.adapters.onnx_model import convert, predict

    pipeline = _pipeline(rows, STEPS, _values)

    assert predict(convert(pipeline), rows) == pytest.approx(pipeline.predict(rows), rel=1e-5, abs=1e-4)


@pytest.mark.parametrize(
    ("steps", "make", "words"),
    [
        ((TransformSpec(use="fill_draws", columns=["age"]), *STEPS), _votes, r"step '01_fill_draws' \(FillDraws\)"),
        (
            (*STEPS[:-1], TransformSpec(use="one_hot", columns=["port"], options={"drop": "first"})),
            _votes,
            r"step '07_one_hot' \(OneHotEncoder\)",
        ),
        (STEPS, _by_quantiles, r"the model \(QuantileTransformer\)"),
    ],
)
def test_a_part_without_a_converter_is_named(
    rows: pd.DataFrame, steps: tuple[TransformSpec, ...], make: Callable[[Any, Any], Any], words: str
) -> None:
    from keystage.adapters.onnx_model import convert

    with pytest.raises(ExportError, match=words):
        convert(_pipeline(rows, steps, make))
