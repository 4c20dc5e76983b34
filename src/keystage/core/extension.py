"""The user's own code: found by reference, in fixed files only, because those are the files that DVC hashes."""

import ast
from collections.abc import Callable
from importlib import import_module
from inspect import isfunction
from pathlib import Path
from typing import Any

from keystage.core.errors import ExtensionError, hint, listing

TRANSFORMS = "project.transforms"
_DEFINED = (ast.FunctionDef, ast.ClassDef)


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


def require_written(reference: str, module: str, kind: str, root: Path) -> bytes:
    """Refuse a reference to what its file does not have, without running the file. Returns what the file holds.

    Args:
        reference: as of ``load_class``.
        module: as of ``load_class``.
        kind: what it should be, in a word.
        root: the project's folder.

    Raises:
        ExtensionError: the reference points elsewhere, or the file cannot be read or never gives that name to anything.
    """
    file, name = _place(reference, module, kind)
    try:
        written = (root / file).read_bytes()
        tree = ast.parse(written)
    except (OSError, SyntaxError, ValueError) as error:
        raise ExtensionError(f"{file} cannot be read", why=str(error), fix=f"mend {file}, then run again") from error
    nodes = list(ast.walk(tree))
    assigned = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    if name not in assigned | {node.name for node in nodes if isinstance(node, _DEFINED)}:
        raise _absent(file, kind, name, [node.name for node in tree.body if isinstance(node, _DEFINED)])
    return written


def _load(reference: str, module: str, kind: str, is_kind: Callable[[Any], bool]) -> Any:
    file, name = _place(reference, module, kind)
    try:
        loaded = import_module(module)
    except (ImportError, SyntaxError) as error:
        raise ExtensionError(
            f"{file} cannot be imported", why=str(error), fix=f"mend {file}, then run again"
        ) from error
    names = [key for key, value in vars(loaded).items() if is_kind(value) and value.__module__ == module]
    if name not in names:
        raise _absent(file, kind, name, names)
    return getattr(loaded, name)


def _place(reference: str, module: str, kind: str) -> tuple[Path, str]:
    """The file in which something stands, below the project's folder, and its name there."""
    place, _, name = reference.partition(":")
    file = Path("src", *module.split(".")).with_suffix(".py")
    if place != module or not name:
        raise ExtensionError(
            f"'{reference}' cannot be used as a {module.rpartition('.')[2].removesuffix('s')}",
            why=f"a reference has the form {module}:Name; DVC would not see changes in another file",
            fix=f"put the {kind} into {file} and write {module}:{name or place.rpartition('.')[2]}",
        )
    return file, name


def _absent(file: Path, kind: str, name: str, names: list[str]) -> ExtensionError:
    return ExtensionError(
        f"{file} has no {kind} '{name}'",
        why=f"it holds: {listing(names) or f'no {kind}'}",
        fix=hint(name, names) if names else f"write the {kind} into {file}",
    )
