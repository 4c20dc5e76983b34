"""``keystage compare A B ...``: settings that differ, metrics, and shared stages, as a table and as a page."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from keystage.cli.project import AsJson, errors_in_words, project_root
from keystage.cli.tables import plain_table
from keystage.results.origin import WORKSPACE, commit_named
from keystage.reuse.comparison import Comparison, Row, RunState, compare, run_state

_REPORTS = ("reports/search.json", "reports/metrics.json")


@errors_in_words
def compare_runs(
    runs: Annotated[
        list[str] | None,
        typer.Argument(help="Git revisions, experiments, MODEL@VERSION, or 'workspace'. One alone: against it."),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page that needs no network, too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Put runs side by side: settings that differ, metrics, and the stages whose results they share."""
    root = project_root()
    names = runs or ["HEAD"]
    names = names if len(names) > 1 else [*names, WORKSPACE]
    comparison = compare([_state(root, name) for name in names])
    if as_json:
        typer.echo(json.dumps(asdict(comparison), indent=1))
    else:
        _show(comparison)
    if html is not None:
        html.write_text(_page(comparison), encoding="utf-8")
        typer.echo(f"{html} is written", err=as_json)


def _state(root: Path, name: str) -> RunState:
    from keystage.adapters import git

    def here(path: str) -> str:
        return (root / path).read_text(encoding="utf-8") if (root / path).is_file() else ""

    commit = None if name == WORKSPACE else commit_named(root, name)
    text = here if commit is None else lambda path: git.file_at(root, commit, path)
    return run_state(name, text("params.yaml"), text("dvc.lock"), {Path(path).stem: text(path) for path in _REPORTS})


def _sections(comparison: Comparison) -> list[tuple[str, str, Sequence[Row]]]:
    return [
        ("Settings that differ", "the settings are the same", comparison.settings),
        ("Metrics", "no run has metrics", comparison.metrics),
        ("Results of stages", "no run has results", comparison.stages),
    ]


def _show(comparison: Comparison) -> None:
    console = Console()
    for title, nothing, rows in _sections(comparison):
        if not rows:
            console.print(f"{title}: {nothing}")
            continue
        table = plain_table(title, *comparison.runs)
        for row in rows:
            table.add_row(row.name, *(Text(cell, style="yellow" if row.differs else "") for cell in row.cells))
        console.print(table)


def _page(comparison: Comparison) -> str:
    from jinja2 import Environment, PackageLoader

    templates = Environment(loader=PackageLoader("keystage.cli"), autoescape=True)
    return templates.get_template("compare.html").render(
        title=" / ".join(comparison.runs), runs=comparison.runs, sections=_sections(comparison)
    )
