"""The user's own code: found by reference, in fixed files only, because those are the files that DVC hashes."""

from importlib import import_module
from pathlib import Path

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
    place, _, name = reference.partition(":")
    file = Path("src", *module.split(".")).with_suffix(".py")
    if place != module or not name:
        raise ExtensionError(
            f"'{reference}' cannot be used as a transform",
            why=f"a reference has the form {module}:Name; DVC would not see changes in another file",
            fix=f"put the class into {file} and write {module}:{name or place.rpartition('.')[2]}",
        )
    try:
        loaded = import_module(module)
    except (ImportError, SyntaxError) as error:
        raise ExtensionError(
            f"{file} cannot be imported", why=str(error), fix=f"mend {file}, then run again"
        ) from error
    classes = [key for key, value in vars(loaded).items() if isinstance(value, type) and value.__module__ == module]
    if name not in classes:
        raise ExtensionError(
            f"{file} has no class '{name}'",
            why=f"it holds: {listing(classes) or 'no class'}",
            fix=hint(name, classes) if classes else f"write the class into {file}",
        )
    found: type = getattr(loaded, name)
    return found
