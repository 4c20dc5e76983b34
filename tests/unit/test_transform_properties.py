"""What holds of every transform, whatever the rows: unseen values, missing columns, one row, none."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from keystage.core.errors import DatasetError
from keystage.prep.recipe import fit_and_prepare
from keystage.prep.spec import PrepSpec, TransformSpec

# Of each transform, steps that use it, and end in numbers.
CODES = TransformSpec("codes", ["w"])
STEPS = {
    "auto": [TransformSpec("auto", [])],
    "fill": [TransformSpec("fill", ["n"], {"strategy": "median", "add_indicator": True}), CODES],
    "fill_constant": [TransformSpec("fill", ["n"], {"strategy": "constant", "fill_value": 7.0}), CODES],
    "fill_draws": [TransformSpec("fill_draws", ["n"]), CODES],
    "finite": [TransformSpec("finite", []), CODES],
    "map": [TransformSpec("map", ["w"], {"values": {"a": 1, "b": 2}, "others": 0})],
    "numbers": [TransformSpec("numbers", ["w"])],
    "dates": [
        CODES,
        TransformSpec("dates", ["when"], {"parts": ["year", "weekday", "elapsed"], "since": "2024-01-01"}),
    ],
    "quantile_bins": [TransformSpec("quantile_bins", ["n"], {"bins": 3}), CODES],
    "bins": [TransformSpec("bins", ["n"], {"edges": [0.0, 10.0]}), CODES],
    "clip": [TransformSpec("clip", ["n"], {"low": 0.1, "high": 0.9}), CODES],
    "log": [TransformSpec("log", ["n"]), CODES],
    "codes": [CODES],
    "one_hot": [TransformSpec("one_hot", ["w"])],
    "rare": [TransformSpec("rare", ["w"], {"min_count": 2}), CODES],
    "target": [TransformSpec("target", ["w"])],
    "text": [TransformSpec("text", ["w"], {"components": 2})],
    "keep": [TransformSpec("keep", ["n"])],
    "sklearn": [TransformSpec("sklearn.preprocessing:RobustScaler", ["n"]), CODES],
}
numbers = st.one_of(st.none(), st.integers(-5, 5).map(float), st.floats(-1e6, 1e6, allow_subnormal=False))
words = st.one_of(st.none(), st.sampled_from(["a", "b", "12", "a red house"]), st.text(max_size=8))
times = st.one_of(st.none(), st.datetimes(pd.Timestamp("1990-01-01"), pd.Timestamp("2040-01-01")))


@st.composite
def tables(draw: st.DrawFn, least: int, most: int) -> pd.DataFrame:
    """Rows of a number, a text and a time, any of whose cells may be missing, and all of a column's."""
    rows = draw(st.lists(st.tuples(numbers, words, times), min_size=least, max_size=most))
    gone = draw(st.sets(st.sampled_from(["n", "w", "when"]), max_size=2)) if draw(st.integers(0, 3)) == 0 else set()
    table = pd.DataFrame(rows, columns=["n", "w", "when"])
    typed: dict[str, pd.Series] = {
        "n": table["n"].astype("float64"),
        "w": table["w"].astype("str"),
        "when": pd.to_datetime(table["when"]),
    }
    return pd.DataFrame(
        {name: column.mask(pd.Series(name in gone, index=table.index)) for name, column in typed.items()}
    )


@pytest.mark.filterwarnings("ignore:All-NaN slice:RuntimeWarning")  # of scikit-learn's scaler
@pytest.mark.parametrize("name", STEPS)
@settings(
    max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(train=tables(12, 30), later=tables(0, 6))
def test_rows_are_prepared_one_by_one_whatever_they_hold(name: str, train: pd.DataFrame, later: pd.DataFrame) -> None:
    label = pd.Series(np.arange(len(train)) % 2, name="y")
    used = {column for step in STEPS[name] for column in step.columns}
    others = [TransformSpec("drop", ["when"])] if "when" not in used and name not in {"auto", "keep"} else []
    try:
        fitted = fit_and_prepare(PrepSpec(0.2, [*others, *STEPS[name]]), train, 3, label=label)
    except DatasetError:
        return  # nothing can be learnt of a column without values, and that is told
    before = later.copy()
    gone = {column for column in train if train[column].isna().all()}
    assert not (name == "fill" and "n" in gone) or "n" in fitted.left_out

    made = fitted.recipe.transform(later)

    pd.testing.assert_frame_equal(later, before)
    assert list(made.columns) == list(fitted.table.columns)
    assert made.index.equals(later.index)
    assert all(pd.api.types.is_numeric_dtype(kind) for kind in made.dtypes)
    assert not np.isinf(made.to_numpy(dtype="float64")).any()
    _require_one_by_one(fitted.recipe, later, made)


def _require_one_by_one(recipe: Any, later: pd.DataFrame, made: pd.DataFrame) -> None:
    """What becomes of a row does not depend on those beside it, nor on the order of the columns."""
    apart = [recipe.transform(later.iloc[[place]][["when", "w", "n"]]) for place in range(len(later))]
    if apart:
        pd.testing.assert_frame_equal(pd.concat(apart), made, check_dtype=False, rtol=1e-9)
