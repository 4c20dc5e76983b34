"""``keystage doctor``: is all that a run needs there, and what mends what is not."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from keystage.care.finding import Finding, Status, look, problem
from keystage.cli.project import AsJson

_COLOURS = {Status.ok: "green", Status.warning: "yellow", Status.fails: "red"}


def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="Also read every object of the cache, and remove those that are damaged.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the machine, the project and its stores. Ends with 1 when a run would fail."""
    found = dict(_findings(deep=deep, show=not as_json))
    if as_json:
        records = [
            {"check": name, **asdict(finding), "status": finding.status.value} for name, finding in found.items()
        ]
        typer.echo(json.dumps(records, indent=1))
    if any(finding.status is Status.fails for finding in found.values()):
        raise typer.Exit(1)


def _findings(*, deep: bool, show: bool) -> Iterator[tuple[str, Finding]]:
    from rich.console import Console

    from keystage.care.checks import checks
    from keystage.care.objects import objects
    from keystage.care.project import find_root

    waiting = Console(stderr=True)
    root = find_root()
    for name, check in checks(root).items():
        with waiting.status(f"looking at {name}"):
            finding = look(check)
        if show:
            _show(name, finding)
        yield name, finding
    if deep and root:
        try:
            read = objects(root)
        except Exception as error:  # noqa: BLE001 - as in every other check
            read = {"objects": problem(error)}
        for name, finding in read.items():
            if show:
                _show(name, finding)
            yield name, finding


def _show(name: str, finding: Finding) -> None:
    status = typer.style(f"{finding.status.value:8}", fg=_COLOURS[finding.status])
    typer.echo(f"{status} {name:9} {finding.seen}")
    if finding.mend:
        typer.echo(f"{'':18} fix: {finding.mend}")
