"""``keystage gc``: remove from the cache what nothing refers to any more."""

from collections import defaultdict
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import typer

from keystage.cli.project import errors_in_words, project_root
from keystage.cli.run import one_run_at_a_time

if TYPE_CHECKING:
    from keystage.adapters.dvc_gc import Unused

MEGABYTE = 2**20


@errors_in_words
def gc(
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove it. Without this, only say what would be removed.")
    ] = False,
) -> None:
    """Free the cache of what no branch, tag, experiment, registered version or open file refers to."""
    from rich.console import Console
    from rich.progress import Progress

    from keystage.adapters import git
    from keystage.adapters.dvc_gc import collect, unused
    from keystage.adapters.dvc_locks import no_other_command

    root = project_root()
    with one_run_at_a_time(root), no_other_command(root):
        commits = git.refs(root)
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("reading commits", total=len(set(commits.values())) + 1)
            found = unused(root, commits, lambda _: bar.advance(task))
        _show(found)
        if not yes:
            typer.echo("Nothing is removed yet: keystage gc --yes" if found.objects or found.runs else "")
            return
        collect(root, found)
    typer.echo(f"Removed {_amount(found.objects.values())} and {len(found.runs)} recorded runs")


def _amount(sizes: Collection[int]) -> str:
    return f"{len(sizes)} objects, {sum(sizes) / MEGABYTE:.1f} MB"


def _show(found: "Unused") -> None:
    from rich.console import Console

    from keystage.cli.tables import plain_table

    by_output: dict[str, list[int]] = defaultdict(list)
    for name, size in found.objects.items():
        by_output[found.outputs.get(name, "of no recorded run")].append(size)
    table = plain_table("output", "objects", "MB")
    for output, sizes in sorted(by_output.items(), key=lambda item: -sum(item[1])):
        table.add_row(output, str(len(sizes)), f"{sum(sizes) / MEGABYTE:.1f}")
    if by_output:
        Console().print(table)
    typer.echo(f"{_amount(found.objects.values())} are referred to by nothing, and {len(found.runs)} recorded runs")
