"""``keystage dataset diff A B``: how the target differs from the baseline, as a table, as JSON and as a page."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from keystage.cli.project import AsJson, errors_in_words, project_root
from keystage.cli.tables import plain_table, wide_console
from keystage.compute import limits
from keystage.compute.spec import ComputeProfile
from keystage.core import log
from keystage.core.errors import DatasetError

if TYPE_CHECKING:
    from keystage.data.drift.compare import Drift

_STYLE = {"none": "", "some": "yellow", "large": "red"}
_SIDE = "NAME for the workspace, NAME@VERSION, or a CSV or Parquet file with the same columns."


@errors_in_words
def diff(
    baseline: Annotated[str, typer.Argument(metavar="A", help=f"The baseline: {_SIDE}")],
    target: Annotated[str, typer.Argument(metavar="B", help="What may have drifted, likewise.")],
    output: Annotated[Path | None, typer.Option(help="Write a page that needs no network, too.")] = None,
    as_json: AsJson = False,
    fail_above: Annotated[
        float | None,
        typer.Option(min=0, max=1, metavar="THRESHOLD", help="Exit with 1 when the magnitude is above it; for CI."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of samples and folds.")] = 0,
) -> None:
    """Say how B differs from A: schema, each column, and whether a classifier can tell their rows apart."""
    from keystage.results.drift import drift_between

    # Before NumPy: threads that wait for each other make small fits slow on a busy machine.
    log.configure()
    limits.apply(ComputeProfile(cores=1))
    root = project_root()
    given = [str(Path(side).resolve()) if Path(side).is_file() else side for side in (baseline, target)]
    shown = output.resolve() if output else None
    os.chdir(root)
    found = drift_between(root, *given, seed=seed)
    if as_json:
        typer.echo(json.dumps(found.as_json, indent=1))
    else:
        _show(found)
    if shown:
        from keystage.report.drift.page import page

        shown.parent.mkdir(parents=True, exist_ok=True)
        shown.write_text(page(found), encoding="utf-8")
        typer.echo(f"{output} is written", err=as_json)
    if fail_above is not None:
        _judge(found, fail_above)


def _judge(found: "Drift", threshold: float) -> None:
    """End with exit code 1 when the tables have drifted, or when nobody can tell.

    Raises:
        DatasetError: there is no magnitude.
    """
    if found.magnitude is None:
        raise DatasetError(
            "there is no magnitude to hold against --fail-above",
            why=found.notes[-1],
            fix="compare tables with more rows, or read the columns: keystage dataset diff A B --json",
        )
    if found.magnitude > threshold:
        typer.echo(f"Drifted: the magnitude, {found.magnitude:.3f}, is above {threshold:g}", err=True)
        raise typer.Exit(1)


def _show(found: "Drift") -> None:
    from keystage.data.drift.compare import THRESHOLD
    from keystage.report.drift.page import missing_text, schema_words

    console = wide_console()
    typer.echo(f"{found.baseline} ({found.rows[0]:,} rows) -> {found.target} ({found.rows[1]:,} rows)")
    table = plain_table()
    for name in ("column", "kind", "drift", "PSI", "J-S", "Wass.", "KS", "missing", "tells"):
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    for column in found.columns:
        numbers = (column.psi, column.jensen_shannon, column.wasserstein, column.ks)
        level = Text(column.level.value, style=_STYLE[column.level.value])
        kind = column.role or column.kind
        part = "" if column.contribution is None else f"{column.contribution:.0%}"
        shown = [Text("" if value is None else f"{value:.3f}") for value in numbers]
        table.add_row(Text(column.column), kind, level, *shown, missing_text(column), part)
    console.print(table)
    schema = found.schema
    if schema.added or schema.removed or schema.retyped:
        typer.echo(f"The columns are not the same: {schema_words(found).removeprefix('No; ')}")
    for note in found.notes:
        typer.echo(note)
    if found.told and found.magnitude is not None:
        word = "above" if found.magnitude > THRESHOLD else "not above"
        typer.echo(
            f"Magnitude {found.magnitude:.3f}, {word} {THRESHOLD}: a classifier tells the rows apart with a ROC AUC of "
            f"{found.told.roc_auc:.3f}"
        )
