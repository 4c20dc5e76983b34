"""What a step of a recipe names, as an unfitted transformer that takes and gives pandas tables."""

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from keystage.core import extension
from keystage.core.errors import ConfigError, hint, listing
from keystage.prep.built_in import BUILT_IN
from keystage.prep.spec import AUTO, TransformSpec

# They see whole rows, not their columns alone.
DROP, KEEP, FINITE, FILL_DRAWS = "drop", "keep", "finite", "fill_draws"
FILL = "fill"
_WITHOUT_COLUMNS = (AUTO, FINITE)  # all of them, when none is named
_BY_LABEL = ("target", "sklearn.preprocessing:TargetEncoder")


def build(step: TransformSpec, number: int, given: Mapping[str, Any], reserved: list[str]) -> Any:
    """An unfitted transformer for one step.

    Args:
        step: as declared, or as ``auto`` has made it.
        number: its place in the recipe, from 1.
        given: what transforms may ask for beside their options: ``seed``, and ``regression``, whether the label is a
            number.
        reserved: names that no column may have.

    Raises:
        ConfigError: no such transform, or it does not take these options.
        ExtensionError: the user's own cannot be loaded.
    """
    from keystage.prep.columns import OnColumns

    whole = _of_whole_rows(step, number, given)
    if whole is not None:
        return whole
    inner = _created(_factory(step, number), step, number, given)
    return OnColumns(inner, list(step.columns), reserved)


def require_columns(step: TransformSpec, number: int, there: list[str]) -> None:
    """Refuse a step that names no column, one twice, or one that is not there.

    Raises:
        ConfigError: names the nearest one.
    """
    where = f"step {number} of the recipe ('{step.use}')"
    if not step.columns and step.use not in _WITHOUT_COLUMNS and not step.use.startswith(extension.TRANSFORMS):
        raise ConfigError(
            f"{where} names no columns",
            why="a step changes the columns that it names, and no other",
            fix=f"add columns: [...] to that step in conf/prep; there are: {listing(there)}",
        )
    for name in step.columns:
        if name not in there:
            raise ConfigError(
                f"{where} names column '{name}', which is not there",
                why=f"at this step the table has: {listing(there)}",
                fix=f"correct prep.steps in conf/prep: {hint(name, there)}",
            )
    if len(set(step.columns)) < len(step.columns):
        twice = next(name for name in step.columns if step.columns.count(name) > 1)
        raise ConfigError(
            f"{where} names column '{twice}' twice",
            why="a step takes each column once",
            fix="name it once in prep.steps in conf/prep",
        )


def looks_at_label(step: TransformSpec) -> bool:
    """Whether what a step makes of rows depends on their label."""
    return step.use in _BY_LABEL


def _of_whole_rows(step: TransformSpec, number: int, given: Mapping[str, Any]) -> Any:
    from keystage.prep.columns import Finite, Select
    from keystage.prep.draws import FillDraws

    columns = list(step.columns)
    makers: dict[str, Callable[[], Any]] = {
        DROP: lambda: Select(columns, keep=False),
        KEEP: lambda: Select(columns),
        FINITE: Finite,
        FILL_DRAWS: lambda: FillDraws(columns, given["seed"]),
    }
    return _created(makers[step.use], step, number, {}) if step.use in makers else None


def _factory(step: TransformSpec, number: int) -> Callable[..., Any]:
    """What makes the transformer from its options."""
    if step.use.startswith("sklearn."):
        return _of_sklearn(step, number)
    if ":" in step.use:
        own = extension.load_class_or_function(step.use, extension.TRANSFORMS)
        return own if isinstance(own, type) else _by_function(own)
    if step.use in BUILT_IN:
        return BUILT_IN[step.use]
    known = [AUTO, DROP, KEEP, *BUILT_IN, FILL_DRAWS, FINITE]
    raise ConfigError(
        f"no transform is called '{step.use}'",
        why=f"step {number} of the recipe (prep.steps) names it; your own is written as project.transforms:Name, one "
        "of scikit-learn as sklearn.preprocessing:Name",
        fix=hint(step.use, known),
    )


def _by_function(function: Callable[..., Any]) -> Callable[..., Any]:
    from keystage.prep.columns import ByFunction

    def make(**options: Any) -> Any:
        inspect.signature(function).bind(None, **options)
        return ByFunction(function, options)

    return make


def _of_sklearn(step: TransformSpec, number: int) -> Callable[..., Any]:
    """Any public transformer of scikit-learn: the version is locked, so it is in the key, and none runs other code."""
    from sklearn.base import BaseEstimator

    place, _, name = step.use.partition(":")
    what = f"step {number} of the recipe names '{step.use}', which is no transformer of scikit-learn"
    mend = "write it like sklearn.preprocessing:PowerTransformer"
    if any(part.startswith("_") for part in place.split(".")):
        raise ConfigError(what, why=f"{place} is private to scikit-learn", fix=mend)
    try:
        module = import_module(place)
    except ImportError as error:
        raise ConfigError(what, why=str(error), fix=mend) from error
    known = [key for key, value in vars(module).items() if isinstance(value, type) and hasattr(value, "transform")]
    found: Callable[..., Any] = getattr(module, name, object)
    if name not in known or not (isinstance(found, type) and issubclass(found, BaseEstimator)):
        raise ConfigError(what, why=f"{place} has: {listing(known) or 'none'}", fix=hint(name, known))
    return found


def _created(factory: Callable[..., Any], step: TransformSpec, number: int, given: Mapping[str, Any]) -> Any:
    parameters = inspect.signature(factory).parameters
    passed = {name: value for name, value in given.items() if name in parameters}
    if "random_state" in parameters and "random_state" not in step.options:
        passed["random_state"] = given["seed"]
    named = [name for name, item in parameters.items() if item.kind is not item.VAR_KEYWORD and name not in passed]
    unknown = [name for name in step.options if name not in parameters]
    refused = f"step {number} of the recipe: transform '{step.use}' does not take these options"
    if unknown and not any(item.kind is item.VAR_KEYWORD for item in parameters.values()):
        raise ConfigError(
            refused,
            why=f"it has no option '{unknown[0]}'",
            fix=f"correct the options of that step in conf/prep: {hint(unknown[0], named) if named else 'it has none'}",
        )
    try:
        inspect.signature(factory).bind(**passed, **step.options)
        return factory(**passed, **step.options)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            refused,
            why=str(error),
            fix="correct the options of that step in conf/prep; docs/recipes.md has all of them",
        ) from error
