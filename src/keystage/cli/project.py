"""Where a command works: the project it was called in, and how its errors are shown."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from keystage.core.disk import disk_error
from keystage.core.errors import KeystageError, ProjectError

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
    """The nearest folder above with dvc.yaml and conf/, in a git repository.

    Raises:
        ProjectError: there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file() and (folder / "conf").is_dir():
            break
    else:
        raise ProjectError(
            f"{here} is not in a keystage project",
            why="neither it nor a folder above holds dvc.yaml and conf/",
            fix="change into the project's folder",
        )
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        raise ProjectError(
            f"{folder} is not in a git repository",
            why="DVC keeps experiments in git, and a model's lineage names its commit",
            fix="git init && git add --all && git commit --message 'Start'",
        )
    if not (folder / ".dvc").is_dir():
        raise ProjectError(f"{folder} has no .dvc", why="DVC's settings stand there", fix="git restore .dvc")
    return folder
