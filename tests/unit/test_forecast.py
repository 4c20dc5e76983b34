"""Forecasts: features of the past and of nothing later, for one series and many, or a word on why not."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from keystage.core.errors import ConfigError, DatasetError, SearchError
from keystage.data.forecast import ForecastSpec
from keystage.data.series import arrange, last_periods, season_of
from keystage.data.spec import DatasetSpec, Task
from keystage.data.table import Roles
from keystage.pipeline.forecast import PreparedForecast, prepare_forecast
from keystage.prep.forecaster import Forecaster
from keystage.prep.history import SeriesHistory
from keystage.prep.spec import PrepSpec, TransformSpec
from keystage.search.folds import make_folds
from keystage.search.validation import ValidationKind, ValidationSpec

PREP = PrepSpec(test_size=None)


def _spec(horizon: int = 6, series: tuple[str, ...] = (), **forecast: Any) -> DatasetSpec:
    return DatasetSpec(
        ["a.csv"],
        "sold",
        Task.forecasting,
        "shop",
        "data",
        time="when",
        forecast=ForecastSpec(horizon, list(series), **forecast),
    )


def _rows(periods: int = 80, frequency: str = "MS", names: tuple[str, ...] = (), seed: int = 0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    tables = []
    for number, name in enumerate(names or ("",)):
        steps = np.arange(periods)
        sold = 100 * (number + 1) + 2 * steps + 10 * np.sin(steps * np.pi / 6) + draw.normal(size=periods)
        times = pd.date_range("2015-01-01", periods=periods, freq=frequency)
        table = pd.DataFrame({"when": times, "price": draw.normal(size=periods), "sold": sold})
        tables.append(table.assign(shop=name) if names else table)
    return pd.concat(tables, ignore_index=True).sample(frac=1, random_state=seed).reset_index(drop=True)


def _prepared(rows: pd.DataFrame, spec: DatasetSpec, prep: PrepSpec = PREP) -> PreparedForecast:
    return prepare_forecast(rows, spec, prep, seed=0)


SHOPS = ("north", "south", "west")


@pytest.mark.parametrize("names", [(), SHOPS])
@pytest.mark.parametrize("horizon", [1, 5, 14])
@pytest.mark.parametrize("seed", range(4))
def test_no_feature_is_from_the_future(names: tuple[str, ...], horizon: int, seed: int) -> None:
    spec, rows = _spec(horizon, ("shop",) if names else ()), _rows(names=names, seed=seed)
    draw = np.random.default_rng(seed)
    origin = rows["when"].sort_values().iloc[int(draw.integers(len(rows) // 2, len(rows)))]
    later = rows["when"] > origin
    changed = rows.assign(sold=rows["sold"].where(~later, rows["sold"] + draw.normal(0, 1000, len(rows))))
    last = origin + pd.tseries.frequencies.to_offset("MS") * horizon

    def features(table: pd.DataFrame) -> pd.DataFrame:
        ordered = arrange(table, spec)
        assert spec.forecast is not None
        lags = spec.forecast.settled_lags(12)
        history = SeriesHistory("sold", "when", list(spec.forecast.series), "MS", horizon, 12, lags, [3, 12])
        inputs = ordered.rows.drop(columns="sold")
        return history.fit(inputs, ordered.rows["sold"]).transform(inputs)[(inputs["when"] <= last).to_numpy()]

    pd.testing.assert_frame_equal(features(rows), features(changed), check_exact=True)


@pytest.mark.parametrize("names", [(), SHOPS])
def test_the_test_is_the_end_of_each_series_and_the_model_can_be_asked_of_it_and_of_what_follows(
    names: tuple[str, ...],
) -> None:
    spec, rows = _spec(6, ("shop",) if names else ()), _rows(names=names)

    made = _prepared(rows, spec)

    asked = made.raw_test.features
    assert len(asked) == 6 * max(1, len(names))
    assert asked["when"].min() == rows["when"].sort_values().unique()[-6]
    pd.testing.assert_frame_equal(made.recipe.transform(asked), made.test.features, check_exact=True)
    future = asked.assign(when=asked["when"] + pd.DateOffset(months=6))
    latest = made.recipe.transform(future)["sold_lag_6"].to_numpy()
    np.testing.assert_allclose(latest, made.raw_test.label)
    ahead = asked.assign(when=asked["when"] + pd.DateOffset(months=7))
    with pytest.raises(ValueError, match=r"is 7 periods after the last value.*to 6 periods after"):
        made.recipe.transform(ahead)
    with pytest.raises(ValueError, match="is among those learnt from"):
        made.recipe.transform(asked.assign(when=asked["when"] - pd.DateOffset(months=6)))
    with pytest.raises(ValueError, match="is not among the times that the model knows"):
        made.recipe.transform(asked.assign(when=asked["when"] + pd.DateOffset(days=1)))
    if names:
        with pytest.raises(ValueError, match="series 'east' is unknown"):
            made.recipe.transform(asked.assign(shop="east"))


def test_lags_means_and_the_calendar_are_what_they_say() -> None:
    rows = _rows().sort_values("when", ignore_index=True)
    sold = rows["sold"].to_numpy()

    made = _prepared(rows, _spec(6, lags=[7], windows=[2, 3], difference=False))

    first = made.train.features.iloc[0]
    assert list(made.train.features) == [
        "when_trend", "when_month", "sold_lag_7", "sold_lag_12", "sold_mean_2", "sold_mean_3", "price"
    ]  # fmt: skip
    assert first["when_trend"] == 12
    assert first["when_month"] == 1
    assert first["sold_lag_7"] == sold[5]
    assert first["sold_lag_12"] == sold[0]
    assert first["sold_mean_3"] == pytest.approx(sold[4:7].mean())
    assert made.train.label.iloc[0] == sold[12]
    assert made.report["left_out_without_past"] == 12


@pytest.mark.parametrize(
    ("frequency", "parts"),
    [
        ("MS", ["month"]), ("QS", ["quarter"]), ("D", ["month", "day", "weekday"]), ("W-SUN", ["month", "week"]),
        ("h", ["day", "weekday", "hour"]), ("YS", []),
    ],
)  # fmt: skip
def test_the_calendar_has_the_parts_that_tell_something(frequency: str, parts: list[str]) -> None:
    rows = _rows(200, frequency).drop(columns="price")

    history = SeriesHistory("sold", "when", [], frequency, 1, 1, [1], []).fit(rows.drop(columns="sold"), rows["sold"])

    assert history.calendar_ == parts


def test_holidays_are_a_feature_of_days() -> None:
    rows = _rows(400, "D")
    made = _prepared(rows, _spec(7, holidays="DE-BY"))

    holiday = made.train.features.set_index("when_trend")["when_holiday"]
    day = {date: (pd.Timestamp(date) - pd.Timestamp("2015-01-01")).days for date in ("2015-04-06", "2015-04-07")}
    assert [holiday[place] for place in day.values()] == [1.0, 0.0]  # Easter Monday and the day after
    future = made.raw_test.features.tail(1).assign(when=pd.Timestamp("2016-02-10"), price=0.0)
    assert made.recipe.transform(future)["when_holiday"].tolist() == [0.0]
    with pytest.raises(DatasetError, match="features of the past cannot be made") as caught:
        _prepared(rows, _spec(7, holidays="XX"))
    assert "knows no 'XX'" in caught.value.why
    with pytest.raises(DatasetError, match="features of the past cannot be made") as caught:
        _prepared(_rows(), _spec(holidays="DE"))
    assert "the times are 31 days apart" in caught.value.why


def test_a_trend_is_learnt_as_a_difference_and_noise_as_itself() -> None:
    trend, flat = _rows(), _rows()
    flat["sold"] = np.random.default_rng(3).normal(size=len(flat))

    rising, level = _prepared(trend, _spec()), _prepared(flat, _spec())

    assert rising.report["learnt"] == "difference to sold_lag_12"
    offset = rising.test.roles.offset
    assert offset is not None
    np.testing.assert_allclose(rising.test.label + offset, rising.raw_test.label)
    assert rising.train.label.std() < 3
    assert level.report["learnt"] == "value"
    assert level.train.roles.offset is None
    assert _prepared(flat, _spec(difference=True)).train.roles.offset is not None


def test_the_baseline_is_the_latest_season_known() -> None:
    rows = _rows().sort_values("when", ignore_index=True)

    short, long = _prepared(rows, _spec(6)), _prepared(rows, _spec(14))

    assert short.test.roles.baseline is not None
    assert long.test.roles.baseline is not None
    np.testing.assert_allclose(short.test.roles.baseline, rows["sold"].to_numpy()[-18:-12])
    np.testing.assert_allclose(long.test.roles.baseline, [*rows["sold"].to_numpy()[-26:-14], *rows["sold"][-26:-24]])


class _Two:
    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return np.full(len(X), 2.0)


def test_predictions_are_added_to_the_value_they_are_differences_to() -> None:
    assert Forecaster(_Two(), "a").predict(pd.DataFrame({"a": [1.0, 5.0]})).tolist() == [3.0, 7.0]


def test_intervals_are_as_wide_as_the_errors_of_that_series_so_many_periods_ahead() -> None:
    made = _prepared(_rows(names=SHOPS), _spec(6, ("shop",)))
    history = made.recipe.steps[1][1]
    told = {
        "widths": [
            {"series": name, "step": step, "half_width": 10.0 * number + step}
            for number, name in enumerate(SHOPS)
            for step in range(1, 7)
        ]
    }
    asked = made.raw_test.features[made.raw_test.features["shop"] != "south"]
    later = asked.assign(when=asked["when"] + pd.DateOffset(months=6))
    for rows in (asked, later):
        features = made.recipe.transform(rows)

        low, high = Forecaster.of(_Two(), history, told, features.columns).around(features, np.zeros(len(rows)))

        step = rows.groupby("shop")["when"].rank().to_numpy()
        np.testing.assert_array_equal(high, step + rows["shop"].map({"north": 0.0, "west": 20.0}).to_numpy())
        np.testing.assert_array_equal(low, -high)


def test_a_recipe_that_takes_the_place_in_time_leaves_no_intervals() -> None:
    made = _prepared(_rows(), _spec(6))
    told = {"widths": [{"half_width": 1.0}]}

    model = Forecaster.of(_Two(), made.recipe.steps[1][1], told, ["sold_lag_12"])

    assert not model.has_intervals
    assert Forecaster.of(_Two(), made.recipe.steps[1][1], told, made.test.features.columns).has_intervals


def test_missing_periods_are_filled_from_the_past_and_counted() -> None:
    rows = _rows(names=SHOPS).sort_values(["shop", "when"], ignore_index=True)
    kept = rows.drop(index=[30, 31, 200])

    made = _prepared(kept, _spec(6, ("shop",), difference=False))

    assert made.report["gaps_filled"] == 3
    assert made.report["frequency"] == "MS"
    assert not made.train.features.isna().any().any()
    north = made.train.features[made.train.features["shop_code"] == 0].set_index("when_trend")
    assert north.loc[36, "sold_lag_6"] == rows["sold"][18]  # of a season before
    assert made.report["periods"] == {"least": 80, "greatest": 80}
    assert 30 not in north.index


def test_series_may_begin_and_end_at_other_times() -> None:
    rows = _rows(names=SHOPS)
    cut = rows[~((rows["shop"] == "south") & (rows["when"] > "2020-12-01"))]
    cut = cut[~((cut["shop"] == "west") & (cut["when"] < "2016-06-01"))].reset_index(drop=True)

    made = _prepared(cut, _spec(6, ("shop",)))

    ends = made.raw_test.features.groupby("shop")["when"].max()
    assert ends["south"] == pd.Timestamp("2020-12-01")
    assert ends["north"] > ends["south"]
    assert not made.train.features.isna().any().any()


@pytest.mark.parametrize(
    ("frequency", "season"),
    [
        ("MS", 12),
        ("ME", 12),
        ("QS-OCT", 4),
        ("D", 7),
        ("B", 5),
        ("W-WED", 52),
        ("h", 24),
        ("2h", 12),
        ("YS", 1),
        ("5D", 1),
    ],
)
def test_seasons_go_by_the_frequency(frequency: str, season: int) -> None:
    assert season_of(frequency) == season


@pytest.mark.parametrize("frequency", ["MS", "ME", "W-WED", "D", "B", "h", "QS", "15min"])
def test_the_frequency_is_found_though_periods_are_missing(frequency: str) -> None:
    rows = _rows(300, frequency).sort_values("when", ignore_index=True).drop(index=[40, 41, 99, 250])

    table = arrange(rows, _spec(2))

    assert table.gaps == 4
    assert table.position.max() == 299


def _odd_times(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(when=pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(len(rows)) ** 2 * 7, unit="h"))


def _one_off(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(when=rows["when"].where(rows["when"] != pd.Timestamp("2018-05-01"), pd.Timestamp("2018-05-09")))


@pytest.mark.parametrize(
    ("rows", "spec", "message"),
    [
        (_rows(20), _spec(6), "the series has 20 periods; at least 36 are needed"),
        (_rows(80), _spec(40), "the series has 80 periods; at least 140 are needed"),
        (_rows(80, names=("a", "b")), _spec(6), "the series of dataset 'shop' has a time twice, as 80 rows do"),
        (
            _rows(30, names=("a", "b")),
            _spec(6, ("shop",)),
            r"series 'a' has 30 periods; at least 36.*and 1 series more",
        ),
        (_rows(80), _spec(6, frequency="W-SUN"), "times of dataset 'shop' do not fit the frequency 'W-SUN'"),
        (_rows(80), _spec(6, frequency="monthly"), "'monthly' is no frequency"),
        (_odd_times(_rows(80)), _spec(6), "no frequency fits the times of dataset 'shop'"),
        (_rows(80).assign(when=range(80)), _spec(6), "time column 'when' of dataset 'shop' holds numbers, no dates"),
        (_rows(80, names=("a", "b")).assign(shop=None), _spec(6, ("shop",)), "series column 'shop' .* 160 empty cells"),
        (_rows(80).rename(columns={"price": "sold_lag_6"}), _spec(6), "features of the past cannot be made"),
    ],
)
def test_what_cannot_be_forecast_is_said(rows: pd.DataFrame, spec: DatasetSpec, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        _prepared(rows, spec)


@pytest.mark.parametrize(
    ("rows", "spec", "why", "fix"),
    [
        (_rows(80), _spec(6, frequency="monthly"), "one of pandas' names", "set it to MS"),
        (
            _rows(80),
            _spec(6, frequency="W-SUN"),
            "it has no 2015-0",
            "set dataset.forecast.frequency=MS, which fits all",
        ),
        (_one_off(_rows(80)), _spec(6), "of 'MS', which is the nearest, these are off: 2018-05-09", "correct these"),
        (_one_off(_rows(80)), _spec(6, frequency="MS"), "it has no 2018-05-09", "no frequency that was seen in them"),
        (
            _rows(80, "D"),
            _spec(6, holidays="Bavaria"),
            "knows no 'Bavaria'; give a country's ISO code",
            "dataset.forec",
        ),
        (_rows(80, "D"), _spec(6, holidays="DE-XX"), "knows no 'DE-XX'; country DE has: BB, ", "dataset.forecast"),
    ],
)
def test_what_is_said_of_times_leads_on(rows: pd.DataFrame, spec: DatasetSpec, why: str, fix: str) -> None:
    with pytest.raises(DatasetError) as raised:
        _prepared(rows, spec)

    assert why in raised.value.why
    assert fix in raised.value.fix


def test_a_step_may_use_features_of_the_past_but_not_take_the_value_away() -> None:
    ok = PrepSpec(None, [TransformSpec("quantile_bins", ["sold_lag_6"], {"bins": 3})])
    assert set(_prepared(_rows(), _spec(), ok).train.features["sold_lag_6"]) == {0, 1, 2}

    with pytest.raises(ConfigError, match="the recipe takes away 'sold_lag_12'"):
        _prepared(_rows(), _spec(), PrepSpec(None, [TransformSpec("one_hot", ["sold_lag_12"])]))


@pytest.mark.parametrize("horizon", [1, 6])
def test_each_fold_is_a_horizon_later_than_what_it_is_predicted_from(horizon: int) -> None:
    train = _prepared(_rows(names=SHOPS), _spec(horizon, ("shop",))).train
    assert train.roles.time is not None

    folds = make_folds(train.label, train.task, ValidationSpec(folds=4), 0, train.roles, horizon=train.horizon)

    assert folds.kind is ValidationKind.time
    for train_rows, valid_rows in folds.splits:
        times = train.roles.time.iloc[valid_rows]
        assert len(valid_rows) == 3 * horizon
        assert times.max() - times.min() == horizon - 1
        assert times.min() - train.roles.time.iloc[train_rows].max() == 1
    with pytest.raises(SearchError, match="too few for 70 folds of"):
        make_folds(train.label, train.task, ValidationSpec(folds=70), 0, train.roles, horizon=6)
    times = Roles(time=pd.Series(range(9)))
    alone = make_folds(pd.Series(np.arange(9.0)), Task.regression, ValidationSpec(), 0, times, horizon=1)
    assert [len(valid) for _, valid in alone.splits] == [2, 2, 2]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ForecastSpec(0), "horizon must be 1 or more"),
        (lambda: ForecastSpec(6, lags=[1, 12]), "1 is less than the horizon, 6: that value is not known"),
        (lambda: ForecastSpec(6, lags=[]), "lags is empty"),
        (lambda: ForecastSpec(6, windows=[0]), "windows must be of 1 or more"),
        (lambda: ForecastSpec(6, season=0), "season must be 1 or more"),
        (lambda: ForecastSpec(6, ["a", "a"]), "names a column twice"),
        (lambda: _spec(6, ("sold",)), "names 'sold', which is dropped, the label or a role"),
        (lambda: DatasetSpec(["a"], "y", Task.forecasting, "n", "p"), "need each other"),
        (lambda: DatasetSpec(["a"], "y", Task.regression, "n", "p", forecast=ForecastSpec(2)), "need each other"),
        (lambda: DatasetSpec(["a"], "y", Task.forecasting, "n", "p", forecast=ForecastSpec(2)), "needs dataset.time"),
        (
            lambda: DatasetSpec(["a"], "y", Task.forecasting, "n", "p", time="t", group="g", forecast=ForecastSpec(2)),
            "validated by time alone",
        ),
        (lambda: PrepSpec(0.2).require_suits(_spec()), "tested on the last periods of each series"),
        (lambda: PREP.require_suits(DatasetSpec(["a"], "y", Task.regression, "n", "p")), "forecasting alone"),
        (lambda: ValidationSpec(ValidationKind.folds).require_suits(_spec()), "would score forecasts on times before"),
    ],
)
def test_a_declaration_that_looks_ahead_or_contradicts_itself_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_last_periods_are_counted_by_the_grid() -> None:
    rows = _rows().sort_values("when", ignore_index=True).drop(index=[77])

    tested = last_periods(arrange(rows, _spec()), 6)

    assert int(tested.sum()) == 5


def test_auto_prepares_the_columns_beside_the_past_and_leaves_those_of_the_past() -> None:
    draw = np.random.default_rng(1)
    rows = _rows().assign(offer=draw.choice(["none", "half", "gift"], 80), paid="1,5 €", code=range(80))
    rows["paid"] = [f"{number:,.1f} €" for number in draw.uniform(1000, 2000, 80)]
    made = _prepared(rows, _spec(), PrepSpec(None, [TransformSpec("auto")]))

    assert {"when_trend", "sold_lag_12", "offer_gift", "paid", "price"} <= set(made.train.features)
    assert made.train.features["paid"].between(1000, 2000).all()
    assert {entry["column"] for entry in made.fitted.automatic["columns"]} == {"price", "offer", "paid", "code"}
    assert list(made.fitted.left_out) == ["code"]
    with pytest.raises(ConfigError, match=r"step 1 of the recipe \('target'\) encodes by the label, which a forecast"):
        _prepared(rows, _spec(), PrepSpec(None, [TransformSpec("target", ["offer"])]))
