"""``keystage push`` and ``keystage pull``: results to and from a DVC remote."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from keystage.cli.project import errors_in_words, project_root
from keystage.core import log

if TYPE_CHECKING:
    from keystage.adapters.dvc_repro import Outcome
    from keystage.adapters.dvc_sharing import Sharing

RemoteName = Annotated[
    str | None, typer.Option("--remote", metavar="NAME", help="A remote of `dvc remote list`, if not the default one.")
]


@errors_in_words
def push(remote: RemoteName = None) -> None:
    """Add the results of all runs on this machine to the remote, so that others need not make them."""
    from keystage.adapters.dvc_sharing import Sharing

    log.configure()
    os.chdir(project_root())
    show_pushed(Sharing(remote, required=True))


@errors_in_words
def pull(remote: RemoteName = None) -> None:
    """Bring the results of the settings in force from the remote, and run nothing."""
    from keystage.adapters.dvc_repro import reproduce
    from keystage.adapters.dvc_sharing import Sharing

    log.configure()
    os.chdir(project_root())
    show(reproduce(Sharing(remote, required=True), may_run=False))


def show(outcomes: "dict[str, Outcome]") -> None:
    """A line per outcome, with the stages it befell."""
    from keystage.adapters.dvc_repro import Outcome

    for outcome in Outcome:
        if stages := [stage for stage, found in outcomes.items() if found is outcome]:
            typer.echo(f"{outcome.value}: {', '.join(stages)}")


def show_pushed(sharing: "Sharing") -> None:
    """Push, and say how much was new."""
    results, files = sharing.push()
    typer.echo(f"Results new in remote '{sharing.remote}': {results} (files: {files})")
