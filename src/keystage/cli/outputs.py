"""``keystage outputs``: the results of a run by name, listed or copied; nothing is run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from keystage.cli.project import AsJson, errors_in_words, project_root
from keystage.cli.share import RemoteName
from keystage.cli.tables import plain_table
from keystage.core import log
from keystage.core.errors import ResultError
from keystage.results.origin import WORKSPACE

if TYPE_CHECKING:
    from keystage.adapters.dvc_outputs import Place
    from keystage.results.origin import Origin
    from keystage.results.output import Output


@errors_in_words
def outputs(
    run: Annotated[
        str, typer.Argument(help="A git revision, an experiment, MODEL@VERSION, or the workspace.")
    ] = WORKSPACE,
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Where to, with --get.")] = None,
    get: Annotated[
        list[str] | None,
        typer.Option(help="Copy it into DIR: metrics, model, leaderboard, report, predictions, ..., or all."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are in DIR.")] = False,
    remote: RemoteName = None,
    as_json: AsJson = False,
) -> None:
    """List what RUN has given and where it is, or copy it with --get. Each file is held to its MD5.

    What is not on this machine comes from the remote. What is gone is named, with the command that makes it again.
    """
    from keystage.results.origin import origin_of
    from keystage.results.taking import take, where

    log.configure()
    root = project_root()
    if get and folder is None:  # keystage outputs --get model DIR
        run, folder = WORKSPACE, _folder_named(root, run)
    origin = origin_of(root, run)
    if not get:
        places = where(origin, remote)
        _list(origin, origin.outputs, places, as_json=as_json)
        return
    assert folder is not None
    if folder.exists() and not folder.is_dir():
        raise ResultError(f"{folder} is no folder", why="results are copied into one", fix="name another place")
    made = take(origin, get, folder, force=force, remote=remote)
    typer.echo(json.dumps([str(path) for path in made]) if as_json else "\n".join(map(str, made)))


def _folder_named(root: Path, name: str) -> Path:
    """The one argument of --get, which is DIR, unless it is the name of a run."""
    from keystage.adapters.git import commit_of

    if name == WORKSPACE or "@" in name or commit_of(root, name):
        raise ResultError(
            f"where to copy the outputs of {name}?",
            why="--get wants a folder, DIR",
            fix=f"keystage outputs {name} DIR --get ...",
        )
    return Path(name)


def _list(origin: "Origin", listed: Sequence["Output"], places: Mapping[str, "Place"], *, as_json: bool) -> None:
    from keystage.adapters.dvc_outputs import Place

    if as_json:
        records = [{"name": item.name, **asdict(item), "where": places[item.path].value} for item in listed]
        typer.echo(json.dumps(records, indent=1))
        return
    from rich.filesize import decimal

    table = plain_table("name", "path", "size", "MD5", "where")
    for item in listed:
        size = "" if item.size is None else decimal(item.size)
        place = places[item.path]
        table.add_row(
            item.name, item.path, size, item.md5[:8], place.value, style="yellow" if place is Place.gone else ""
        )
    Console().print(table)
    if any(place is Place.gone for place in places.values()):
        typer.echo(f"What is gone is made again by: {origin.again}")
