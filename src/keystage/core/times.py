"""The forms in which people write dates and times, by the names of ``strptime``."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# Forms of dates, in the order in which they are tried. The first is pandas' name for all of ISO 8601.
FORMS = (
    "ISO8601",
    "%d.%m.%Y",
    "%d.%m.%y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d-%m-%y",
    "%m-%d-%y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%B %d %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %Y",
    "%B %Y",
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
TIMED_FORMS = tuple(f"{form}{clock}" for clock in _CLOCKS for form in FORMS[1:])  # each with and without a time of day
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
MAYBE_DATE = re.compile(  # before a hundred forms are tried
    rf"^\s*(?:\d{{1,4}}[-./]\d{{1,2}}[-./]\d{{1,4}}|\d{{4}}-\d{{2}}\s*$|{_MONTH}[\s,-]+\d|\d{{1,2}}[\s-]*{_MONTH}[\s,-]+\d)",
    re.IGNORECASE,
)
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
TRIED = 50  # texts, to find the forms that can be


def common_forms(texts: Sequence[str]) -> list[str]:
    """Forms other than ISO 8601 in which all texts are dates or times, days before months; empty where there is none.

    Args:
        texts: at least one, none empty.
    """
    if not all(MAYBE_DATE.match(text) for text in texts[:TRIED]):
        return []
    every = ("%Y-%m", *TIMED_FORMS)
    return [form for form in every if are_times(texts[:TRIED], form) and are_times(texts, form)]


def are_times(texts: Sequence[str], form: str) -> bool:
    """Whether all texts are times in a form."""
    import pandas as pd

    return bool(within(pd.to_datetime(pd.Series(texts), errors="coerce", format=form, utc=True)).all())


def within(times: "pd.Series") -> "pd.Series":
    """Which times are from 1677 to 2262, as nanoseconds in 64 bits can tell; missing ones are not.

    MLflow takes times for no others (3.17, ``mlflow/models/utils.py``, ``_enforce_mlflow_datatype``).
    """
    import pandas as pd

    zone = getattr(times.dtype, "tz", None)
    return times.between(pd.Timestamp.min.tz_localize(zone), pd.Timestamp.max.tz_localize(zone))


def exchanged(form: str) -> str:
    """The form with day and month in each other's place."""
    return form.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")


def advised(column: str, texts: Sequence[str]) -> str:
    """How to declare a column with times that are not taken: in the form these have, both if it may be two."""
    if texts and all(ISO_DAY.match(text) for text in texts):
        return f"declare '{column}' as string where times before 1677 or after 2262 are meant"
    forms = common_forms(texts) if texts else []
    either = [form for form in forms if exchanged(form) in forms]
    said = " or ".join(either or forms[:1] or ["like %d.%m.%Y"])
    return f"give the form of '{column}' in dataset.read.datetimes: {said}"
