"""``keystage dataset``: tables by name and version; register them, get one back, compare two, declare a new one."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keystage.cli.dataset_diff import diff
from keystage.cli.dataset_new import new
from keystage.cli.project import AsJson, errors_in_words, project_root
from keystage.cli.share import RemoteName
from keystage.cli.tables import plain_table, wide_console
from keystage.core import log
from keystage.core.errors import DatasetError, counted
from keystage.data.sources.spec import Side

if TYPE_CHECKING:
    from pathlib import Path

    from keystage.data.version import DatasetVersion

dataset = typer.Typer(
    help="Tables by name and version: list, register, get one back, compare two, declare a new one.",
    no_args_is_help=True,
    add_completion=False,
)
VersionName = Annotated[
    str, typer.Argument(metavar="NAME@VERSION", help="As keystage dataset list shows it, or NAME@latest.")
]
dataset.command()(diff)
dataset.command()(new)


@dataset.command("list")
@errors_in_words
def list_datasets(as_json: AsJson = False) -> None:
    """List the datasets that conf/dataset declares and every version that is registered, the newest first."""
    from keystage.data.version import versions
    from keystage.results.datasets import declared

    root = project_root()
    options, known = declared(root), versions(root)
    if as_json:
        listed = [{**asdict(version), "files": len(version.files)} for version in reversed(known)]
        typer.echo(json.dumps({"declared": options, "versions": listed}, indent=2, default=str))
        return
    table = plain_table("dataset", "version", "task", "rows", "size", "tags", "registered")
    by_name = {str(told.get("name", option)): str(told.get("task", "")) for option, told in options.items()}
    for name in dict.fromkeys([*by_name, *(version.name for version in known)]):
        its = [version for version in reversed(known) if version.name == name]
        if not its:
            table.add_row(name, "none", by_name.get(name, ""), "", "", "", "")
        for version in its:
            table.add_row(*_row(version))
    wide_console().print(table)


@dataset.command()
@errors_in_words
def show(
    name: Annotated[str, typer.Argument(metavar="NAME[@VERSION]", help="The declaration, or one version of it.")],
    as_json: AsJson = False,
) -> None:
    """Show a dataset: what is declared, its files with digests and sizes, its columns, and what used it."""
    import yaml

    from keystage.data.version import find, versions
    from keystage.results.dataset_files import places, used_in
    from keystage.results.datasets import declaration, declared_as, names

    root = project_root()
    os.chdir(root)
    plain, at, number = name.partition("@")
    if at:
        _require_known(plain, names(root))
        version = find(root, plain, number)
        told = {**asdict(version), "used_in": used_in(root, version), "here": dict(places(root, version))}
        if as_json:
            typer.echo(json.dumps(told, indent=2, default=str))
        else:
            _show_version(version, told)
        return
    its = versions(root, plain)
    if its and declared_as(root, plain) is None:
        shown: dict[str, Any] = {"name": plain, "declared": None}
    else:
        spec = declaration(root, plain)
        shown = {"name": spec.name, "declared": declared_as(root, plain)}
        its = versions(root, spec.name)
    shown["versions"] = [version.version for version in reversed(its)]
    if as_json:
        typer.echo(json.dumps(shown, indent=2, default=str))
        return
    if shown["declared"]:
        typer.echo(
            yaml.safe_dump(shown["declared"], sort_keys=False, allow_unicode=True, default_flow_style=None).strip()
        )
    table = plain_table("dataset", "version", "task", "rows", "size", "tags", "registered")
    for version in reversed(its):
        table.add_row(*_row(version))
    wide_console().print(table if its else f"No version is registered: keystage dataset register {plain}")


@dataset.command()
@errors_in_words
def register(
    name: Annotated[str, typer.Argument(help="An option of conf/dataset; with --prepared a name of its own.")],
    description: Annotated[str | None, typer.Option(help="What this version is.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="May be given several times.")] = None,
    prepared: Annotated[
        bool, typer.Option("--prepared", help="The prepared rows that stage dataprep gave, not the dataset's files.")
    ] = False,
) -> None:
    """Register what the workspace holds of a dataset now. Its version is a digest: equal content, equal version."""
    from keystage.results import datasets

    log.configure()
    root = project_root()
    os.chdir(root)
    begin = datasets.register_prepared if prepared else datasets.register
    done = begin(root, name, description, _tags(tag or []))
    version = done.version
    if not done.is_new:
        typer.echo(f"{version.shown} is this very content, registered {version.registered}")
        typer.echo(f"Changed: its description and tags, in {version.record}" if done.changed else "Nothing is changed")
        return
    rows = f"{counted(version.rows, 'row', 'rows')} in " if version.rows is not None else ""
    held = f"{rows}{counted(len(version.files), 'file', 'files')}"
    typer.echo(f"Registered {version.shown}: {held}")
    typer.echo(f"Keep it: git add {version.record} && git commit; share its files: keystage push")


@dataset.command()
@errors_in_words
def checkout(
    name: VersionName,
    into: Annotated[str | None, typer.Option(metavar="FOLDER", help="Of the project, if not the dataset's.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Also over files that nobody else has.")] = False,
) -> None:
    """Put the files of a version into the dataset's folder. A run can read it without: dataset.version=..."""
    from keystage.results.dataset_files import checkout as put

    log.configure()
    root, version = _found(name)
    written = put(root, version, into, force=force)
    for path in written:
        typer.echo(f"{path} is written")
    if not written:
        typer.echo(f"{into or version.path} holds {version.shown} already")


@dataset.command()
@errors_in_words
def pull(name: VersionName, remote: RemoteName = None) -> None:
    """Bring the files of a version from the remote into the cache, so that a run can read it."""
    from keystage.adapters.dvc_datasets import bring

    log.configure()
    root, version = _found(name)
    came = bring(root, version, remote)
    came_in = f"{counted(came, 'file', 'files')} of {version.shown} came"
    typer.echo(came_in if came else f"{version.shown} is here")


def _found(name: str) -> "tuple[Path, DatasetVersion]":
    """The project, made the working directory, and the version of that name."""
    from keystage.data.version import find
    from keystage.results.datasets import names

    root = project_root()
    os.chdir(root)
    plain, _, number = name.partition("@")
    _require_known(plain, names(root))
    return root, find(root, plain, number)


def _require_known(name: str, known: Sequence[str]) -> None:
    from keystage.core.errors import hint

    if name not in known:
        raise DatasetError(
            f"there is no dataset '{name}'", why="none is declared or registered under that name", fix=hint(name, known)
        )


def _tags(given: Sequence[str]) -> dict[str, str]:
    for item in given:
        if not item.partition("=")[2] or not item.partition("=")[0]:
            raise DatasetError(f"--tag {item} is no tag", why="it has no KEY=VALUE", fix="--tag source=crm")
    return dict(item.split("=", maxsplit=1) for item in given)


def _row(version: "DatasetVersion") -> list[str]:
    from rich.filesize import decimal

    rows = "" if version.rows is None else f"{version.rows:,}"
    tags = ", ".join(f"{key}={value}" for key, value in version.tags.items())
    task = version.kind if version.kind == "prepared" else version.task
    return [version.name, version.version, task, rows, decimal(version.size), tags, version.registered[:16]]


def _show_version(version: "DatasetVersion", told: dict[str, Any]) -> None:
    console = wide_console()
    lines = {
        "registered": version.registered,
        "description": version.description or "",
        "task": f"{version.task} of {version.label}",
        "made from": version.made_from or "",
        "rows": f"{version.rows:,}" if version.rows is not None else "",
        "tags": ", ".join(f"{key}={value}" for key, value in version.tags.items()),
        "used in": ", ".join(told["used_in"]) or "nothing that git has a name for",
        "run on it": "" if version.kind == "prepared" else f"keystage run dataset.version={version.version}",
    }
    console.print(version.shown, style="bold")
    for name, value in lines.items():
        if value:
            console.print(f"{name}: {value}", soft_wrap=True, highlight=False, markup=False)
    files = plain_table("file", "MD5", "bytes", "here")
    for file in version.files:
        name = file.name if file.side == Side.train.value else f"{file.name} ({file.side})"
        files.add_row(name, file.md5, f"{file.size:,}", "yes" if told["here"][file.name] else "no")
    console.print(files)
    if version.columns:
        columns = plain_table("column", *next(iter(version.columns.values())))
        for column, facts in version.columns.items():
            columns.add_row(column, *(str(value) for value in list(facts.values())[: len(columns.columns) - 1]))
        console.print(columns)
