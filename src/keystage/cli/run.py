"""``keystage run`` and ``keystage compose``: write params.yaml from conf/, then let DVC run what has changed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from keystage.cli.project import Overrides, errors_in_words, project_root
from keystage.cli.share import RemoteName, show, show_pushed
from keystage.core import log
from keystage.core.errors import ProjectError


@errors_in_words
def run(
    overrides: Overrides = None,
    pull: Annotated[bool, typer.Option(help="Look in the remote, if one is set, before a stage runs.")] = True,
    push: Annotated[bool, typer.Option("--push", help="Push results to the remote after the run.")] = False,
    remote: RemoteName = None,
) -> None:
    """Compose conf/ with OVERRIDES into params.yaml, then run what has changed (dvc repro)."""
    from keystage.adapters.dvc_locks import no_other_command
    from keystage.adapters.dvc_repro import reproduce
    from keystage.adapters.dvc_sharing import Sharing
    from keystage.config.compose import write_params

    log.configure()
    root = project_root()
    os.chdir(root)
    sharing = Sharing(remote, pull=pull, required=push)
    with one_run_at_a_time(root):
        with no_other_command(root):
            write_params(root, overrides or [])
        show(reproduce(sharing))
    if push:
        show_pushed(sharing)
    elif sharing.remote and sharing.missed:
        typer.echo(f"Share what ran: keystage push{f' --remote {remote}' if remote else ''}")


@errors_in_words
def compose(overrides: Overrides = None) -> None:
    """Compose conf/ with OVERRIDES into params.yaml, and run nothing."""
    from keystage.config.compose import write_params

    changed = write_params(project_root(), overrides or [])
    typer.echo("params.yaml is written anew" if changed else "params.yaml is up to date")


@contextmanager
def one_run_at_a_time(root: Path) -> Iterator[None]:
    """Refuse a second ``keystage run`` in the same folder: it would compose other parameters under the first.

    Raises:
        ProjectError: another one is under way.
    """
    from filelock import FileLock, Timeout

    (root / ".dvc" / "tmp").mkdir(parents=True, exist_ok=True)
    lock = FileLock(root / ".dvc" / "tmp" / "keystage.lock", timeout=0)
    try:
        with lock:
            yield
    except Timeout:
        raise ProjectError(
            "another `keystage run` is under way in this folder",
            why=".dvc/tmp/keystage.lock is held by it",
            fix="wait for it to end, or run beside it in a copy: dvc exp run --temp",
        ) from None
