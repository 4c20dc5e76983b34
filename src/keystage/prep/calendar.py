"""Parts of the calendar that a forecast may learn from. It travels with the model."""

from typing import Any

import numpy as np
import pandas as pd

DAY = 86_400e9  # nanoseconds

# What each part is, of times without a zone.
PARTS: dict[str, Any] = {
    "quarter": lambda times: times.quarter,
    "month": lambda times: times.month,
    "week": lambda times: times.isocalendar().week,
    "day": lambda times: times.day,
    "weekday": lambda times: times.day_of_week,
    "hour": lambda times: times.hour,
    "minute": lambda times: times.minute,
}
# Parts of the calendar that tell something, by the longest time between rows, in days, and the shortest.
_TELLING = {
    "quarter": (100, 80),
    "month": (32, 0),
    "week": (8, 5),
    "day": (1.5, 0),
    "weekday": (4, 0),
    "hour": (0.9, 0),
    "minute": (0.9 / 24, 0),
}


HOLIDAY = "holiday"


def parts_that_tell(times: pd.DatetimeIndex, country: str | None) -> list[str]:
    """The parts of the calendar that differ between rows and repeat themselves at this frequency.

    Args:
        times: of all rows.
        country: whose holidays are a part too; None for no one's.

    Raises:
        ValueError: the country is unknown, or the times are farther apart than days.
    """
    unique = times.unique().sort_values()
    apart = float(np.median(np.diff(unique.asi8))) / DAY if len(unique) > 1 else 0.0
    fitting = [part for part, (longest, shortest) in _TELLING.items() if shortest <= apart <= longest]
    parts = [part for part in fitting if len(np.unique(part_of(part, unique, country))) > 1]
    if country is None:
        return parts
    if apart > _TELLING["day"][0]:
        raise ValueError(f"dataset.forecast.holidays are days, and the times are {apart:.0f} days apart")
    part_of(HOLIDAY, unique, country)
    return [*parts, HOLIDAY]


def part_of(part: str, times: pd.DatetimeIndex, country: str | None) -> np.ndarray:
    """A part of the calendar for n times without a zone; of a holiday 1, of other days 0."""
    if part != HOLIDAY:
        return np.asarray(PARTS[part](times), dtype="float64")
    import holidays

    code, _, subdivision = str(country).partition("-")
    try:
        found = holidays.country_holidays(code, subdiv=subdivision or None, years=sorted({int(y) for y in times.year}))
    except NotImplementedError as error:
        known = holidays.list_supported_countries().get(code)
        told = f"country {code} has: {', '.join(known)}" if known else "give a country's ISO code, like DE, or DE-BY"
        raise ValueError(f"dataset.forecast.holidays: package holidays knows no '{country}'; {told}") from error
    return times.normalize().isin(pd.DatetimeIndex(sorted(found))).astype("float64")
