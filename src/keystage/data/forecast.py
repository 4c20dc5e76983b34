"""What dataset.forecast declares. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass, field

SHORT_WINDOW = 3  # periods of the rolling mean where there is no season
NEAREST = 3  # of the known periods nearest to the origin, those taken by default


@dataclass
class ForecastSpec:
    """How far ahead a number is forecast, and from which of its past.

    One model serves all steps up to the horizon (the direct strategy), so features look back a horizon at least: what
    they are made of is known when a forecast is made, whatever the step.

    Attributes:
        horizon: periods ahead, 1 or more; also the test rows of each series, and the rows of a validation fold.
        series: columns that name a series, where the files hold several.
        frequency: pandas' name of the time between rows, like D, W-SUN, MS or h; null finds it.
        season: periods after which the series repeats itself; null: by the frequency (MS 12, QS 4, D 7, h 24).
        lags: periods back of the values taken as features, with that of a season before; null: the nearest three and
            two seasons.
        windows: periods of the rolling means taken as features; null: a season, or 3.
        holidays: country whose holidays are a feature of days and parts of days, by its ISO code, with a subdivision
            where wanted: US, DE-BY; null for no one's.
        difference: learn the difference to the value of a season before instead of the value itself, because trees
            forecast no value they have not seen; null: where that varies less.
    """

    horizon: int
    series: list[str] = field(default_factory=list)
    frequency: str | None = None
    season: int | None = None
    lags: list[int] | None = None
    windows: list[int] | None = None
    holidays: str | None = None
    difference: bool | None = None

    def __post_init__(self) -> None:
        """Refuse what would look at values that are not known yet."""
        if self.horizon < 1:
            raise ValueError(f"dataset.forecast.horizon must be 1 or more periods, not {self.horizon}")
        if self.season is not None and self.season < 1:
            raise ValueError(f"dataset.forecast.season must be 1 or more periods, not {self.season}")
        early = [lag for lag in self.lags or () if lag < self.horizon]
        if early:
            raise ValueError(
                f"dataset.forecast.lags: {early[0]} is less than the horizon, {self.horizon}: that value is not known "
                "when the last step is forecast"
            )
        if self.lags is not None and not self.lags:
            raise ValueError("dataset.forecast.lags is empty: name at least one, or null for the usual ones")
        if any(window < 1 for window in self.windows or ()):
            raise ValueError("dataset.forecast.windows must be of 1 or more periods each")
        if len(set(self.series)) < len(self.series):
            raise ValueError("dataset.forecast.series names a column twice")

    def seasonal_lag(self, season: int) -> int:
        """The nearest value of the same season that is known at every step."""
        return season * -(-self.horizon // season)

    def settled_lags(self, season: int) -> list[int]:
        """Periods back, ascending; that of a season before is among them."""
        same = self.seasonal_lag(season)
        usual = (*range(self.horizon, self.horizon + NEAREST), same + season)
        return sorted({same, *(self.lags if self.lags is not None else usual)})

    def settled_windows(self, season: int) -> list[int]:
        """Periods of the rolling means, ascending."""
        return sorted(set(self.windows)) if self.windows is not None else [season if season > 1 else SHORT_WINDOW]

    def reach(self, season: int) -> int:
        """How many periods back the farthest feature looks."""
        windows = self.settled_windows(season)
        return max(*self.settled_lags(season), self.horizon - 1 + max(windows, default=0))
