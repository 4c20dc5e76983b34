"""Numbers that stand in a table as text, in the forms people write them. It travels with the model."""

import re
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

_SPACES = "\u00a0\u2007\u2009\u202f"  # that stand between thousands, beside the plain one
_SIGNS = {**dict.fromkeys(map(ord, _SPACES), " "), ord("\u2212"): "-", ord("\u2019"): "'"}
_CURRENCY = r"(?:[$€£¥₹₽₩₺฿]|(?:USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|SEK|NOK|DKK|PLN|Rs\.?)(?![A-Za-z]))"
_UNIT = r"(?:%|[A-Za-zµ°²³/]{1,12}\.?)"
_OTHER = {".": ",", ",": "."}  # by the sign before the fraction, the one that may stand between thousands
# Digits with thousands apart. A group of three has no other neighbours.
_DIGITS = {
    sign: rf"(?:[1-9]\d{{0,2}}(?:[{other}' ]\d{{3}})+|\d+)(?:\{sign}\d+)?|\{sign}\d+" for sign, other in _OTHER.items()
}
_WHOLE = {
    sign: re.compile(
        rf"^\s*(?P<left>\()?\s*(?P<before>{_CURRENCY})?\s*(?P<minus>[+-]?)\s*(?P<money>{_CURRENCY})?\s*"
        rf"(?P<digits>{digits})(?P<power>[eE][+-]?\d+)?\s*(?P<after>{_CURRENCY}|{_UNIT})?\s*(?P<right>[)-])?\s*$"
    )
    for sign, digits in _DIGITS.items()
}


class Numbers(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # no annotations
    """Numbers out of texts like ``1,234.50``, ``-12 %``, ``€ 3``, ``($3)`` or ``80 kg``; what is none is missing.

    Percent signs, currencies and units are taken off, and nothing is converted: 12 % is 12.

    Args:
        decimal: the sign before the fraction, a point or a comma; the other one, a space or an apostrophe may stand
            between thousands. Where none of the rows that it was fitted on has the other one, 17.583 among decimal
            commas is missing: it is likely of a file that is written otherwise, and no seventeen thousand.
    """

    def __init__(self, decimal: str = ".") -> None:
        self.decimal = decimal

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Remember the columns.

        Raises:
            ValueError: the decimal sign is another.
        """
        if self.decimal not in _OTHER:
            raise ValueError(f"decimal must be one of . and , and not '{self.decimal}'")
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        self.grouped_ = [str(name) for name in X.columns if _is_grouped(X[name], self.decimal)]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return float64 numbers."""
        check_is_fitted(self)
        return pd.DataFrame(
            {name: _numbers_in(X[name], self.decimal, grouped=str(name) in self.grouped_) for name in X.columns},
            index=X.index,
        )


class WrittenNumbers(NamedTuple):
    """How numbers are written: the decimal sign, which texts are numbers, what share has a fraction or sign."""

    decimal: str
    read: np.ndarray
    measured: float


def decimal_of(texts: pd.Series, counts: np.ndarray, enough: float) -> WrittenNumbers | None:
    """How numbers are written in texts that are numbers with signs, units or thousands apart.

    Args:
        texts: n of them, all different, none missing.
        counts: how many cells hold each.
        enough: share of the cells that must be numbers.

    Returns:
        None where they are words or codes: too few are numbers, units differ, some begin with a 0, or all are plain
        digits, which were declared as words.
    """
    parsed = {sign: _matched(texts, sign) for sign in _OTHER}
    read = {sign: found["digits"].notna().to_numpy() for sign, found in parsed.items()}
    sign = max(read, key=lambda sign: int(counts[read[sign]].sum()))  # of equal ones the point
    if np.average(read[sign], weights=counts) < max(enough, np.finfo("float64").tiny):
        return None
    found = parsed[sign][read[sign]]
    units = {unit for unit in found["after"].dropna().str.rstrip(".") if not re.fullmatch(_CURRENCY, unit)}
    measured = ~found["digits"].str.fullmatch(r"\d+") | (found["minus"] != "")
    is_code = found["digits"].str.match(r"^0\d").any() or (read[sign].all() and not measured.any() and _is_bare(found))
    return None if enough and (is_code or len(units) > 1) else WrittenNumbers(sign, read[sign], float(measured.mean()))


def _is_bare(found: pd.DataFrame) -> bool:
    """Whether no text has anything beside its digits, as codes have not."""
    return bool(found[["before", "money", "after", "power"]].isna().all(axis=None))


def _matched(texts: pd.Series, sign: str) -> pd.DataFrame:
    """The parts of numbers, missing where texts are none; books write ``(3)`` or ``3-`` where others write ``-3``."""
    found = texts.str.translate(_SIGNS).str.extract(_WHOLE[sign])
    closed = (found["left"] == "(") == (found["right"] == ")")
    signed = (found["minus"].fillna("") != "").astype("int8") + found["right"].notna()
    found.loc[~(closed & (signed <= 1)).to_numpy(), :] = np.nan
    found["minus"] = found["minus"].mask(found["right"].notna(), "-")
    return found


def _is_grouped(texts: pd.Series, sign: str) -> bool:
    digits = _matched(texts.astype("str"), sign)["digits"]
    return bool(digits.str.contains(_OTHER[sign], regex=False, na=False).any())


def _numbers_in(texts: pd.Series, sign: str, *, grouped: bool) -> pd.Series:
    """The numbers; where ``grouped`` is false, one whose only sign could be the decimal one of others is missing."""
    found = _matched(texts.astype("str"), sign)
    digits = found["digits"]
    if not grouped:
        digits = digits.mask(digits.str.fullmatch(rf"\d{{1,3}}\{_OTHER[sign]}\d{{3}}", na=False))
    whole = digits.str.replace(f"[{_OTHER[sign]}' ]", "", regex=True)
    plain = whole.str.replace(sign, ".", regex=False) + found["power"].fillna("")
    return pd.to_numeric(found["minus"].fillna("") + plain, errors="coerce").astype("float64")
