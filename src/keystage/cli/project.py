"""Where a command works: the project it was called in, and how its errors are shown."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from keystage.core.disk import disk_error
from keystage.core.errors import KeystageError
from keystage.core.folder import project_folder

P = ParamSpec("P")

Overrides = Annotated[
    list[str] | None,
    typer.Argument(help="Hydra overrides: automl=thorough automl.time_budget=60 compute@compute.train=one_core"),
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]


def errors_in_words(command: Callable[P, None]) -> Callable[P, None]:
    """Show a ``KeystageError``, or a failure of the disk, as three lines and end with its exit code."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except Exception as error:
            worded = error if isinstance(error, KeystageError) else disk_error(error)
            if worded is None:
                raise
            typer.echo(str(worded), err=True)
            raise typer.Exit(worded.exit_code) from None

    return wrapped


def project_root() -> Path:
    """The project that the working directory is in.

    Raises:
        ProjectError: it is in none.
    """
    return project_folder(Path.cwd())
