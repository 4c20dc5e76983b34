"""What stage ``dataprep`` does for a dataset that is forecast."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keystage.core.errors import ConfigError
from keystage.data.forecast import ForecastSpec
from keystage.data.roles import aside_of, roles_of
from keystage.data.series import SeriesTable, arrange, last_periods
from keystage.data.spec import DatasetSpec, Task
from keystage.data.table import PreparedTable
from keystage.prep.recipe import Fitted, fit_and_prepare
from keystage.prep.spec import PrepSpec

if TYPE_CHECKING:
    import pandas as pd

    from keystage.prep.history import SeriesHistory


@dataclass(frozen=True)
class PreparedForecast:
    """Both sides of a forecast, and the recipe that takes rows of the future.

    Attributes:
        train: rows whose features are all known.
        test: the last periods of each series.
        raw_test: the test rows as whoever asks the model gives them.
        aside: their columns that are no features.
        fitted: the recipe; it remembers the end of each series, so that it takes test rows and those of the future.
        report: what the series are, and what became of their rows.
    """

    train: PreparedTable
    test: PreparedTable
    raw_test: PreparedTable
    aside: "pd.DataFrame"
    fitted: Fitted
    report: dict[str, Any]

    @property
    def recipe(self) -> Any:
        """What was fitted."""
        return self.fitted.recipe


def prepare_forecast(rows: "pd.DataFrame", spec: DatasetSpec, prep: PrepSpec, seed: int) -> PreparedForecast:
    """Order the series, split off their ends, and make features of what was known a horizon before.

    Args:
        rows: with a label, n x m.
        spec: of a dataset that is forecast.
        prep: further steps, on the features that come out.
        seed: of draws in the recipe.

    Raises:
        DatasetError: the series cannot be ordered, or are too short.
        ConfigError: a step of the recipe takes away what the forecast is added to.
    """
    from keystage.prep.history import SeriesHistory

    forecast = spec.forecast
    assert forecast is not None
    series = arrange(rows, spec)
    tested = last_periods(series, forecast.horizon)
    features = series.rows.drop(columns=spec.no_features)
    history = SeriesHistory(
        spec.label,
        str(spec.time),
        list(forecast.series),
        series.frequency,
        forecast.horizon,
        series.season,
        forecast.settled_lags(series.season),
        forecast.settled_windows(series.season),
        forecast.holidays,
    )
    label = series.rows[spec.label]
    fitted = fit_and_prepare(prep, features[~tested], seed, history, label[~tested], regression=True)
    recipe = fitted.recipe
    known = ~tested & history.has_past(recipe.steps[0][1].transform(features))
    prepared = recipe.transform(features[known | tested])
    offset = _offset(prepared, label, series, known, history, forecast)
    future = recipe.steps[0][1].transform(features[tested])
    naive = history.naive(future)

    def side(chosen: "pd.Series", baseline: Any = None) -> PreparedTable:
        import pandas as pd

        def own(values: "pd.Series") -> "pd.Series":
            return values[chosen].reset_index(drop=True)

        roles = replace(roles_of(series.rows[chosen], spec), time=own(series.position).astype("float64"))
        if offset is not None:
            roles = replace(roles, offset=own(offset))
        if baseline is not None:
            roles = replace(roles, baseline=pd.Series(baseline))
        learnt = label if offset is None else (label - offset).rename(spec.label)
        return PreparedTable(
            prepared.loc[chosen[chosen].index].reset_index(drop=True),
            own(learnt),
            Task.regression,
            roles,
            forecast.horizon,
        )

    train, test = side(known), side(tested, naive)
    # The model is asked of what follows the test rows: they are its past, though nothing was fitted on them.
    history.remember(future, label[tested])
    history.forget()
    raw = PreparedTable(features[tested].reset_index(drop=True), label[tested].reset_index(drop=True), Task.regression)
    report = _report(series, history, train, test)
    return PreparedForecast(train, test, raw, aside_of(series.rows[tested], spec), fitted, report)


def _offset(
    prepared: "pd.DataFrame",
    label: "pd.Series",
    series: SeriesTable,
    known: "pd.Series",
    history: "SeriesHistory",
    forecast: ForecastSpec,
) -> "pd.Series | None":
    """What the forecast is learnt as a difference to: the value of a season before, when that varies less than itself.

    Of training rows alone, within each series: levels of series differ, and learners see which series a row is of.
    """
    column = history.seasonal_column
    if column not in prepared:
        raise ConfigError(
            f"the recipe takes away '{column}', to which forecasts are added",
            why="a step of prep.steps replaces it",
            fix="leave that column out of the step, in conf/prep",
        )
    offset: pd.Series = prepared[column].astype("float64")
    key = series.key[known]
    itself = label[known].groupby(key).var().mean()
    difference = (label - offset)[known].groupby(key).var().mean()
    wanted = bool(difference < itself) if forecast.difference is None else forecast.difference
    if not wanted:
        return None
    history.add_to(column)
    return offset


def _report(series: SeriesTable, history: "SeriesHistory", train: PreparedTable, test: PreparedTable) -> dict[str, Any]:
    lengths = series.lengths
    return {
        "frequency": series.frequency,
        "season": series.season,
        "horizon": history.horizon,
        "series": len(lengths),
        "periods": {"least": int(lengths.min()), "greatest": int(lengths.max())},
        "gaps_filled": series.gaps,
        "left_out_without_past": len(series.rows) - len(train.label) - len(test.label),
        "lags": list(history.lags),
        "windows": list(history.windows),
        "holidays": history.holidays,
        "learnt": f"difference to {history.offset_}" if history.offset_ else "value",
    }
