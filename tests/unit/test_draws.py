"""FillDraws: the same row gets the same value wherever it is scored."""

import numpy as np
import pandas as pd
import pytest

from keystage.prep.draws import FillDraws


def _table() -> pd.DataFrame:
    rows = 400
    rng = np.random.default_rng(1)
    ages = pd.Series(rng.integers(1, 80, rows).astype("float64"))
    ages[rng.random(rows) < 0.3] = np.nan
    return pd.DataFrame({"Age": ages, "Fare": np.arange(rows) * 0.5, "Sex": rng.choice(["male", "female"], rows)})


def test_no_cell_stays_empty_and_present_ones_are_kept() -> None:
    table = _table()
    filled = FillDraws(["Age"], seed=1).fit_transform(table)
    present = table["Age"].notna()

    assert filled["Age"].notna().all()
    assert (filled.loc[present, "Age"] == table.loc[present, "Age"]).all()


def test_draws_follow_the_spread_of_the_values_present() -> None:
    table = _table()
    drawn = FillDraws(["Age"], seed=1).fit_transform(table).loc[table["Age"].isna(), "Age"]

    assert set(drawn) <= set(table["Age"].dropna())
    assert drawn.nunique() > 30
    assert abs(drawn.mean() - table["Age"].mean()) < 6


def test_a_row_alone_gets_what_it_gets_in_a_batch_in_any_order() -> None:
    table = _table()
    fill = FillDraws(["Age"], seed=1).fit(table)
    together = fill.transform(table)
    shuffled = fill.transform(table.sample(frac=1, random_state=3)).sort_index()
    alone = pd.concat([fill.transform(table.iloc[[row]]) for row in range(40)])

    pd.testing.assert_frame_equal(shuffled, together)
    pd.testing.assert_frame_equal(alone, together.head(40))


def test_the_number_type_of_other_columns_changes_no_draw() -> None:
    table = _table().assign(Parch=1)
    fill = FillDraws(["Age"]).fit(table)

    as_float = fill.transform(table.astype({"Parch": "float64"}))["Age"]
    as_nullable = fill.transform(table.astype({"Parch": "Int64"}))["Age"]

    assert as_float.equals(fill.transform(table)["Age"])
    assert as_nullable.equals(as_float)


def test_another_seed_gives_other_draws() -> None:
    table = _table()
    first, second = (FillDraws(["Age"], seed=seed).fit_transform(table)["Age"] for seed in (1, 2))

    assert (first != second).any()


def test_a_column_without_any_value_cannot_be_fitted() -> None:
    with pytest.raises(ValueError, match="no training row has a value in: Age"):
        FillDraws(["Age"]).fit(pd.DataFrame({"Age": [np.nan, np.nan], "Fare": [1.0, 2.0]}))
