"""The user's own code: found by reference, in fixed files only, because those are the files that DVC hashes."""

from collections.abc import Callable
from importlib import import_module
from inspect import isfunction
from pathlib import Path
from typing import Any

from keystage.core.errors import ExtensionError, hint, listing

TRANSFORMS = "project.transforms"


def load_class(reference: str, module: str) -> type:
    """Load the class that ``reference`` ("project.transforms:Name") names.

    Args:
        reference: module and class, divided by a colon.
        module: the one module in which the class may stand.

    Raises:
        ExtensionError: the reference points elsewhere, or the module or the class cannot be loaded.
    """
    found: type = _load(reference, module, "class", lambda value: isinstance(value, type))
    return found


def load_function(reference: str, module: str) -> Callable[..., Any]:
    """Load the function that ``reference`` names; as ``load_class``."""
    found: Callable[..., Any] = _load(reference, module, "function", isfunction)
    return found


def load_class_or_function(reference: str, module: str) -> Any:
    """Load what ``reference`` names; as ``load_class``."""
    return _load(reference, module, "class or function", lambda value: isinstance(value, type) or isfunction(value))


def _load(reference: str, module: str, kind: str, is_kind: Callable[[Any], bool]) -> Any:
    place, _, name = reference.partition(":")
    file = Path("src", *module.split(".")).with_suffix(".py")
    if place != module or not name:
        raise ExtensionError(
            f"'{reference}' cannot be used as a {module.rpartition('.')[2].removesuffix('s')}",
            why=f"a reference has the form {module}:Name; DVC would not see changes in another file",
            fix=f"put the {kind} into {file} and write {module}:{name or place.rpartition('.')[2]}",
        )
    try:
        loaded = import_module(module)
    except (ImportError, SyntaxError) as error:
        raise ExtensionError(
            f"{file} cannot be imported", why=str(error), fix=f"mend {file}, then run again"
        ) from error
    names = [key for key, value in vars(loaded).items() if is_kind(value) and value.__module__ == module]
    if name not in names:
        raise ExtensionError(
            f"{file} has no {kind} '{name}'",
            why=f"it holds: {listing(names) or f'no {kind}'}",
            fix=hint(name, names) if names else f"write the {kind} into {file}",
        )
    return getattr(loaded, name)
