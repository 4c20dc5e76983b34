"""Numbers and metrics in words that need no course in statistics."""

from collections.abc import Callable
from typing import Any

NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"

_TITLES = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "f1": "F1",
    "mcc": "Matthews correlation",
    "norm_macro_recall": "normalized macro recall",
    "r2": "R²",
    "rmse": "root mean squared error",
    "mae": "mean absolute error",
    "medae": "median absolute error",
    "mape": "mean absolute percentage error",
    "rmsle": "root mean squared log error",
    "spearman": "Spearman correlation",
}
_SAID: dict[str, Callable[[float, str], str]] = {
    "roc_auc": lambda value, label: (
        f"shown two rows that differ in {label}, it puts them in the right order {of_hundred(value)} times out of 100"
    ),
    "accuracy": lambda value, _: f"it names the right class for {of_hundred(value)} rows out of 100",
    "balanced_accuracy": lambda value, _: (
        f"it names the right class for {of_hundred(value)} rows out of 100, each class counting the same"
    ),
    "r2": lambda value, label: f"it explains {percent(value)} of the variation of {label}",
    "mae": lambda value, _: f"it is off by {figure(value)} on average",
    "medae": lambda value, _: f"half of its predictions are off by less than {figure(value)}",
    "mape": lambda value, _: f"it is off by {percent(value)} on average",
    "rmse": lambda value, _: f"a typical error is {figure(value)}",
}
# What is said beside a metric that has no plain sentence, the first that is there.
PLAIN = ("accuracy", "mae", "r2", "roc_auc", "rmse")


def title(metric: str) -> str:
    """The name of a metric for people; of an own one the part after the colon."""
    if metric.startswith("project."):
        metric = metric.partition(":")[2]
    name, _, argument = metric.partition(":")
    plain = name.removesuffix("_weighted")
    weighted = ", weighted" if plain != name else ""
    return _TITLES.get(plain, plain.replace("_", " ")) + weighted + (f" at {argument}" if argument else "")


def said(metric: str, value: float, label: str) -> str | None:
    """What a value of a metric means, as the rest of a sentence; None where no plain one is true."""
    return _SAID[metric](value, label) if metric in _SAID else None


def figure(value: Any) -> str:
    """A number as people write it: three to four digits that mean something, thousands apart; a dash for none."""
    if value is None or value != value:
        return NOTHING
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return f"{int(value):,}".replace("-", MINUS)
    size = abs(value)
    if size >= 1e9 or size < 1e-4:
        return f"{value:.3g}".replace("-", MINUS)
    digits = 0 if size >= 10_000 else 1 if size >= 100 else 2 if size >= 10 else 3 if size >= 0.01 else 5
    return f"{value:,.{digits}f}".replace("-", MINUS)


def digits_for(largest: float) -> Callable[[float], str]:
    """How numbers below each other are written: all with as many digits behind the point as the largest wants."""
    digits = 0 if largest >= 1000 else 1 if largest >= 100 else 2 if largest >= 10 else 3 if largest >= 1 else 4
    if 0 < largest < 0.01:
        return lambda value: f"{value:.2e}".replace("-", MINUS)
    return lambda value: f"{value:,.{digits}f}".replace("-", MINUS)


def percent(share: float) -> str:
    """A share as a percentage, with a digit behind the point below ten."""
    hundred = share * 100
    return (f"{hundred:.1f}" if 0 < abs(hundred) < 10 else f"{hundred:.0f}").replace("-", MINUS) + "%"


def of_hundred(share: float) -> str:
    """How many out of 100."""
    return f"{share * 100:.0f}"


def interval(low: float | None, high: float | None) -> str:
    """Both ends, or nothing."""
    return "" if low is None or high is None else f"{figure(low)} to {figure(high)}"


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: list[str], most: int = 5, joint: str = "and") -> str:
    """Names in a sentence; of many the first ones, and how many more."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    return f" {joint} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
