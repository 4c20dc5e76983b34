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


def parts_that_tell(times: pd.DatetimeIndex) -> list[str]:
    """The parts of the calendar that differ between rows and repeat themselves at this frequency."""
    unique = times.unique().sort_values().asi8
    apart = float(np.median(np.diff(unique))) / DAY if len(unique) > 1 else 0.0
    fitting = [part for part, (longest, shortest) in _TELLING.items() if shortest <= apart <= longest]
    return [part for part in fitting if len(np.unique(np.asarray(PARTS[part](times)))) > 1]
