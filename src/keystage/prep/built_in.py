"""The transforms that come with keystage, each made from its options."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from keystage.core.errors import hint

STRATEGIES = ("mean", "median", "most_frequent", "constant")
FOLDS = 5  # of the training rows, for encodings by the label


def _fill(
    strategy: str = "mean", fill_value: Any = None, add_indicator: bool = False, keep_empty_features: bool = False
) -> Any:
    from sklearn.impute import SimpleImputer

    _require_one_of("strategy", strategy, STRATEGIES)
    return SimpleImputer(
        strategy=strategy,
        fill_value=fill_value,
        add_indicator=add_indicator,
        keep_empty_features=keep_empty_features or strategy == "constant",  # whose value is known all the same
    )


def _quantile_bins(bins: int = 5) -> Any:
    from keystage.prep.cells import QuantileBins

    if bins < 2:
        raise ValueError(f"bins must be 2 or more, not {bins}")
    return QuantileBins(bins)


def _bins(edges: list[float]) -> Any:
    from keystage.prep.cells import Bins

    numbers = [float(edge) for edge in edges]
    if not numbers or any(low >= high for low, high in pairwise(numbers)):
        raise ValueError(f"edges must be one number or more, each above the one before, not {edges}")
    return Bins(numbers)


def _clip(
    minimum: float | None = None, maximum: float | None = None, low: float | None = None, high: float | None = None
) -> Any:
    from keystage.prep.cells import Clip

    if (minimum is not None and low is not None) or (maximum is not None and high is not None):
        raise ValueError("minimum and low, and maximum and high, say the same: give one of them")
    if any(share is not None and not 0 <= share <= 1 for share in (low, high)):
        raise ValueError("low and high are shares of the training rows, from 0 to 1")
    ends = [end for end in ((minimum, maximum), (low, high)) if None not in end]
    if all(end is None for end in (minimum, maximum, low, high)) or any(end[0] > end[1] for end in ends):  # type: ignore[operator]  # None is out
        raise ValueError("give minimum or low, maximum or high, or both, the lower end first")
    return Clip(minimum, maximum, low, high)


def _log() -> Any:
    from keystage.prep.cells import Log

    return Log()


def _map(values: dict[Any, Any], others: Any = None, ignore_case: bool = False) -> Any:
    from keystage.prep.cells import MapValues

    if not values:
        raise ValueError("values is empty: name at least one old value and its new one")
    return MapValues(dict(values), others, ignore_case)


def _rare(min_count: int = 10, min_share: float = 0.0, other: str = "other") -> Any:
    from keystage.prep.cells import Rare

    if min_count < 1 or not 0 <= min_share < 1:
        raise ValueError("min_count must be 1 or more, and min_share from 0 to below 1")
    return Rare(min_count, min_share, str(other))


def _numbers(decimal: str = ".") -> Any:
    from keystage.prep.numbers import Numbers

    _require_one_of("decimal", decimal, (".", ","))
    return Numbers(decimal)


def _dates(parts: list[str] | None = None, forms: list[str] | None = None, since: str | None = None) -> Any:
    import pandas as pd

    from keystage.prep.dates import PARTS, DateParts

    for part in parts or ():
        _require_one_of("parts", part, tuple(PARTS))
    if since is not None and pd.Timestamp(since).tzinfo is not None:
        raise ValueError("since is a time without a zone; those with one are taken in UTC")
    return DateParts(None if parts is None else list(parts), None if forms is None else list(forms), since)


def _codes(unknown: int = -1, missing: int = -2) -> Any:
    from sklearn.preprocessing import OrdinalEncoder

    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=unknown, encoded_missing_value=missing)


def _one_hot(**options: Any) -> Any:
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(**{"handle_unknown": "ignore", "sparse_output": False} | options)


def _target(*, seed: int, regression: bool, smooth: float | str = "auto", folds: int = FOLDS) -> Any:
    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.preprocessing import TargetEncoder

    if folds < 2:
        raise ValueError(f"folds must be 2 or more, not {folds}")
    splitter = (KFold if regression else StratifiedKFold)(folds, shuffle=True, random_state=seed)
    return TargetEncoder(smooth=smooth, cv=splitter, **({"target_type": "continuous"} if regression else {}))


def _text(
    *,
    seed: int,
    components: int = 20,
    analyzer: str = "char_wb",
    ngrams: list[int] | None = None,
    hashed: bool = False,
) -> Any:
    from keystage.prep.texts import TextParts

    _require_one_of("analyzer", analyzer, ("char_wb", "word"))
    if components < 1:
        raise ValueError(f"components must be 1 or more, not {components}")
    if ngrams is not None and (len(ngrams) != 2 or not 1 <= ngrams[0] <= ngrams[1]):
        raise ValueError(f"ngrams is the least and the greatest length of a term, like [1, 2], not {list(ngrams)}")
    return TextParts(components, analyzer, None if ngrams is None else list(ngrams), hashed, seed)


BUILT_IN: dict[str, Callable[..., Any]] = {
    "fill": _fill,  # SimpleImputer
    "map": _map,  # values in the place of others
    "numbers": _numbers,  # out of texts
    "dates": _dates,  # parts of them
    "quantile_bins": _quantile_bins,  # groups of equal size, numbered from 0
    "bins": _bins,  # of given edges
    "clip": _clip,  # to a range
    "log": _log,
    "codes": _codes,  # OrdinalEncoder: integers by category, own codes for unknown and missing
    "one_hot": _one_hot,  # OneHotEncoder: a column of 0 and 1 per category
    "rare": _rare,  # words into one
    "target": _target,  # TargetEncoder, cross-fitted
    "text": _text,  # tf-idf and SVD
}


def _require_one_of(option: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"option {option} has no '{value}': {hint(str(value), known)}")
