"""Codes by way of the different values are those of scikit-learn, and so is what is fitted."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import OrdinalEncoder

from keystage.prep import by_value
from keystage.prep.spec import TransformSpec
from keystage.prep.transforms import build

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "few": pd.Series(RNG.choice(["x", "y", None], 2000), dtype="str"),
        "number": RNG.normal(size=2000),
        "some": pd.Series(RNG.choice([f"v{place}" for place in range(100)], 2000), dtype="str"),
        "all": pd.Series([f"id{place}" for place in range(2000)], dtype="str"),
    },
    index=range(5, 2005),
)


@pytest.mark.parametrize("columns", [["few"], ["some", "few"], ["few", "all"], ["number", "few"]])
@pytest.mark.parametrize("use", ["codes", "one_hot"])
def test_a_step_is_fitted_and_applied_as_by_itself(columns: list[str], use: str) -> None:
    own, quick = (build(TransformSpec(use, columns), 1, {"seed": 1, "regression": False}, []) for _ in range(2))
    other = TABLE.assign(few=TABLE["few"].where(TABLE["number"] < 1, "never seen"))

    pd.testing.assert_frame_equal(by_value.fit_transform(quick, TABLE), own.fit_transform(TABLE))

    assert pickle.dumps(own) == pickle.dumps(quick)
    for table in (TABLE, other, TABLE.head(3)):
        pd.testing.assert_frame_equal(by_value.transform(quick, table), own.transform(table))


@pytest.mark.parametrize(("columns", "expected"), [(["few"], True), (["some", "few"], True), (["all"], False)])
def test_an_encoder_sees_each_value_once_where_values_repeat(
    columns: list[str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    fit = OrdinalEncoder.fit_transform
    monkeypatch.setattr(OrdinalEncoder, "fit_transform", lambda own, X, y=None: rows.append(len(X)) or fit(own, X, y))
    step = build(TransformSpec("codes", columns), 1, {"seed": 1, "regression": False}, [])

    by_value.fit_transform(step, TABLE)

    assert (max(rows) < len(TABLE)) is expected
