"""``keystage export``: a model as an ONNX file, which needs neither Python nor this project."""

from pathlib import Path
from typing import Annotated

import typer

from keystage.cli.project import errors_in_words, project_root
from keystage.core import log
from keystage.results.export import TOLERANCE


@errors_in_words
def export(
    run: Annotated[str, typer.Argument(metavar="MODEL@VERSION", help="Or a git revision, an experiment, workspace.")],
    path: Annotated[Path, typer.Argument(metavar="PATH.onnx", help="The file to write.")],
    tolerance: Annotated[
        float,
        typer.Option(help="Largest difference of a probability, or of a value in standard deviations.", min=0),
    ] = TOLERANCE,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a model with its recipe as ONNX, when all of it converts and it predicts the same for the raw test rows."""
    from keystage.results.export import export as write
    from keystage.results.origin import origin_of

    log.configure()
    origin = origin_of(project_root(), run)
    typer.echo(f"Converting the model of {origin.name}", err=True)
    made = write(origin, path, tolerance=tolerance, force=force)
    typer.echo(f"{made.path}: equal to the original on {made.rows} raw test rows, but for {made.largest:.1g} at most")
