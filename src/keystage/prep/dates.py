"""Parts of dates and times, also of those that are text in the forms people write them. It travels with the model."""

from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from keystage.core.times import FORMS, MAYBE_DATE, TIMED_FORMS, TRIED, exchanged
from keystage.prep.raw import without_zone


class DateParts(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no annotations
    """Parts of dates and times as numbers: ``COLUMN_year`` and others. A date that cannot be read is missing.

    Args:
        parts: of ``PARTS``; null for those that differ among the training rows.
        forms: of dates that are text: forms of strptime, tried one after the other, or ISO8601.
        since: from when ``elapsed`` counts days; null for the first time of the training rows.
    """

    def __init__(
        self, parts: list[str] | None = None, forms: list[str] | None = None, since: str | None = None
    ) -> None:
        self.parts = parts
        self.forms = forms
        self.since = since

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn the first time of each column, and which parts tell something.

        Raises:
            ValueError: a column holds no date, or ``since`` is none.
        """
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        self.parts_, self.since_ = [], []
        for name in X.columns:
            times = self._times(X[name])
            if times.isna().all():
                raise ValueError(f"column '{name}' holds no date in the forms {', '.join(self.forms or FORMS[:1])}")
            since = times.min() if self.since is None else pd.Timestamp(self.since)
            self.since_.append(since.isoformat())
            self.parts_.append(list(self.parts) if self.parts is not None else _differing(times, since))
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the parts of each column, float64."""
        check_is_fitted(self)
        made: dict[str, pd.Series] = {}
        for name, parts, since in zip(X.columns, self.parts_, self.since_, strict=True):
            times = self._times(X[name])
            made |= {f"{name}_{part}": _part(part, times, pd.Timestamp(since)) for part in parts}
        return pd.DataFrame(made, index=X.index)

    def get_feature_names_out(self, input_features: Any = None) -> Any:  # noqa: ARG002 - scikit-learn's signature
        """The columns that come out, in their order."""
        pairs = zip(self.feature_names_in_, self.parts_, strict=True)
        return np.asarray([f"{name}_{part}" for name, parts in pairs for part in parts], dtype=object)

    def _times(self, column: pd.Series) -> pd.Series:
        if pd.api.types.is_datetime64_any_dtype(column):
            return without_zone(column)
        return times_in(column.astype("str"), self.forms or list(FORMS[:1]))


# What each part is, of times without a zone.
PARTS: dict[str, Any] = {
    "year": lambda times: times.dt.year,
    "quarter": lambda times: times.dt.quarter,
    "month": lambda times: times.dt.month,
    "week": lambda times: times.dt.isocalendar().week,
    "day": lambda times: times.dt.day,
    "weekday": lambda times: times.dt.day_of_week,
    "yearday": lambda times: times.dt.day_of_year,
    "hour": lambda times: times.dt.hour,
    "minute": lambda times: times.dt.minute,
    "second": lambda times: times.dt.second,
    "elapsed": lambda times: times,  # since when is not known here
}
_USUAL = ("year", "month", "day", "weekday", "hour", "minute", "elapsed")


def _part(part: str, times: pd.Series, since: pd.Timestamp) -> pd.Series:
    if part == "elapsed":
        return (times - since) / pd.Timedelta(days=1)
    return PARTS[part](times).astype("float64")  # type: ignore[no-any-return]  # pandas' accessors are untyped here


def _differing(times: pd.Series, since: pd.Timestamp) -> list[str]:
    found = [part for part in _USUAL if _part(part, times, since).nunique() > 1]
    return found or ["elapsed"]


def times_in(texts: pd.Series, forms: list[str]) -> pd.Series:
    """Dates and times of n texts, without zone (those with one in UTC); missing where no form fits."""
    found = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us]")
    text = texts.str.strip()
    for form in forms:
        left = found.isna() & text.notna()
        if not left.any():
            break
        read = pd.to_datetime(text[left], format=form, errors="coerce", utc=True)
        found[left] = read.dt.tz_localize(None).dt.as_unit("us")
    return found


class WrittenDates(NamedTuple):
    """How dates are written: the forms, which of n texts they read, and whether day and month could change places."""

    forms: list[str]
    read: np.ndarray
    ambiguous: bool


def forms_of(texts: pd.Series, counts: np.ndarray, enough: float) -> WrittenDates | None:
    """The forms in which dates are written, the one of most texts first.

    Args:
        texts: n of them, all different, none missing.
        counts: how many cells hold each.
        enough: share of the cells that must be dates.

    Returns:
        None where fewer are, or none.
    """
    if np.average(texts.str.match(MAYBE_DATE), weights=counts) < enough:
        return None
    forms, read = list[str](), np.zeros(len(texts), dtype="bool")
    while not read.all():
        left = texts[~read]
        found = {form: times_in(left, [form]).notna().to_numpy() for form in _candidates(left)}
        best = max(found, key=lambda form: int(found[form].sum()), default="")
        if not found or not found[best].any():
            break
        # Of the texts, or of the cells: a form of few days may be that of a third of the rows.
        share = max(found[best].sum() / len(texts), counts[~read][found[best]].sum() / counts.sum())
        if share < (1 - enough) / 2:
            break
        forms.append(best)
        read[~read] = found[best]
    if not forms or np.average(read, weights=counts) < enough:
        return None
    return WrittenDates(forms, read, _is_ambiguous(texts, forms))


def _candidates(texts: pd.Series) -> list[str]:
    head = texts.head(TRIED)
    return [form for form in (FORMS[0], *TIMED_FORMS) if times_in(head, [form]).notna().any()]


def _is_ambiguous(texts: pd.Series, forms: list[str]) -> bool:
    numeric = [form for form in forms if "%d" in form and "%m" in form and not form.startswith("%Y")]
    other = list(map(exchanged, numeric))
    return bool(numeric) and bool(times_in(texts, other).notna().sum() == times_in(texts, numeric).notna().sum())
