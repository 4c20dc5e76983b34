"""The transforms a recipe may name, each a scikit-learn transformer."""

import inspect
from collections.abc import Callable
from typing import Any

from keystage.core import extension
from keystage.core.errors import ConfigError, hint
from keystage.prep.spec import TransformSpec


def _fill(**options: Any) -> Any:
    from sklearn.impute import SimpleImputer

    return SimpleImputer(**options)


def _quantile_bins(bins: int = 5) -> Any:
    from sklearn.preprocessing import KBinsDiscretizer

    # subsample=None: all rows decide the edges; averaged_inverted_cdf is scikit-learn's coming default.
    return KBinsDiscretizer(
        n_bins=bins, encode="ordinal", strategy="quantile", quantile_method="averaged_inverted_cdf", subsample=None
    )


def _codes(unknown: int = -1, missing: int = -2) -> Any:
    from sklearn.preprocessing import OrdinalEncoder

    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=unknown, encoded_missing_value=missing)


def _one_hot(**options: Any) -> Any:
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(handle_unknown="ignore", sparse_output=False, **options)


BUILT_IN: dict[str, Callable[..., Any]] = {
    "fill": _fill,  # SimpleImputer: strategy=mean|median|most_frequent|constant, fill_value
    "quantile_bins": _quantile_bins,  # KBinsDiscretizer: groups of equal size, numbered from 0
    "codes": _codes,  # OrdinalEncoder: integers by category, own codes for unknown and missing
    "one_hot": _one_hot,  # OneHotEncoder: a column of 0 and 1 per category
}
FILL_DRAWS = "fill_draws"  # FillDraws sees whole rows, not its columns alone


def build(step: TransformSpec, seed: int) -> Any:
    """An unfitted transformer for one step; it takes and gives pandas tables.

    Raises:
        ConfigError: no such transform, or it does not take these options.
        ExtensionError: the user's own cannot be loaded.
    """
    from sklearn.compose import ColumnTransformer

    if step.use == FILL_DRAWS:
        from keystage.prep.draws import FillDraws

        return _create(FillDraws, step, {"columns": list(step.columns), "seed": seed})
    if ":" in step.use:
        inner = _create(extension.load_class(step.use, extension.TRANSFORMS), step, {})
    elif step.use in BUILT_IN:
        inner = _create(BUILT_IN[step.use], step, {})
    else:
        known = [*BUILT_IN, FILL_DRAWS]
        raise ConfigError(
            f"no transform is called '{step.use}'",
            why="a step of prep.steps names it; your own is written as project.transforms:Name",
            fix=hint(step.use, known),
        )
    columns = ColumnTransformer(
        [(step.use.rpartition(":")[2], inner, list(step.columns))],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    return columns.set_output(transform="pandas")


def _create(factory: Callable[..., Any], step: TransformSpec, given: dict[str, Any]) -> Any:
    try:
        inspect.signature(factory).bind(**given, **step.options)
        return factory(**given, **step.options)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"transform '{step.use}' does not take these options",
            why=str(error),
            fix="correct the options of that step in conf/prep",
        ) from error
