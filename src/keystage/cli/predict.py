"""``keystage predict``: a file of raw rows scored by a registered version."""

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keystage.cli.project import errors_in_words, project_root

if TYPE_CHECKING:
    from keystage.serving.batch import Progress
    from keystage.serving.served import ServedModel

BAR = 24  # characters of the progress bar
ModelName = Annotated[
    str,
    typer.Argument(metavar="MODEL[@VERSION]", help="A number, latest, or an alias; MODEL alone is MODEL@champion."),
]
AllowPickle = Annotated[
    bool, typer.Option("--allow-pickle", help="Take a model whose file may run code when it is read.")
]


def served_model(reference: str, *, allow_pickle: bool) -> "ServedModel":
    """Find a version in the store that params.yaml names, and say which it is."""
    from keystage.adapters.mlflow_fetch import fetch
    from keystage.tracking.spec import tracking_of

    root = project_root()
    typer.echo("Reading the registry", err=True)
    return fetch(reference, tracking_of(root).uri, root, allow_pickle=allow_pickle)


@errors_in_words
def predict(
    model: ModelName,
    source: Annotated[
        Path,
        typer.Argument(metavar="INPUT", help="Raw rows: CSV, Parquet, JSON Lines, a workbook; a folder; 'a/*.csv'."),
    ],
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="What is predicted: .csv, .parquet or .jsonl")],
    keep: Annotated[str, typer.Option(help="Columns of INPUT to keep, as in id,name; '*' for all.")] = "",
    max_bad: Annotated[float, typer.Option(help="Share of rows that may be impossible to score.")] = 0.0,
    processes: Annotated[
        int, typer.Option(help="Processes that predict; 0 for one per core, as far as there is work for them.", min=0)
    ] = 0,
    read: Annotated[
        list[str] | None,
        typer.Option(metavar="SETTING=VALUE", help="How INPUT is read, where not as dataset.read said: separator=;"),
    ] = None,
    allow_pickle: AllowPickle = False,
) -> None:
    """Score every row of INPUT, in order, and write OUTPUT; the same command goes on with a run that was killed."""
    from keystage.compute.limits import cores
    from keystage.compute.spec import ComputeProfile
    from keystage.pipeline.progress import steps_shown
    from keystage.serving.asked import Request, check
    from keystage.serving.batch import predict_file

    served = served_model(model, allow_pickle=allow_pickle)
    available = cores(ComputeProfile(cores=0))
    kept = [name.strip() for name in keep.split(",") if name.strip()]
    request = Request(served, source, output, kept, max_bad, cores=available, read=tuple(read or ()))
    checked = check(request)  # what is refused is said before it says that it predicts
    count = processes or min(available, checked.most_blocks)
    typer.echo(f"Predicting with {served.name}, {count} {'process' if count == 1 else 'processes'}", err=True)
    begun = time.monotonic()
    with steps_shown() as say:
        say("loading the model")
        outcome = predict_file(
            replace(request, processes=count), lambda progress: say(_line(progress, time.monotonic() - begun))
        )
    if outcome.taken_up:
        typer.echo(f"{outcome.taken_up:,} rows were scored by an earlier run", err=True)
    if outcome.bad_file:
        typer.echo(f"{outcome.bad:,} rows could not be scored: {outcome.bad_file}", err=True)
    typer.echo(f"{output}: {outcome.rows:,} rows predicted by {served.name}")


def _line(progress: "Progress", seconds: float) -> str:
    """A bar, rows so far, speed, and about how long it will take yet."""
    done = round(progress.read * BAR)
    speed = (progress.rows - progress.taken_up) / max(seconds, 1e-9)
    left = f", about {seconds * (1 - progress.read) / progress.read:.0f} s left" if progress.read else ""
    bad = f", {len(progress.bad):,} bad" if progress.bad else ""
    bar = f"{'━' * done}{'╌' * (BAR - done)} {progress.read:.0%}"
    return f"{bar}, {progress.rows:,} rows{bad}, {speed:,.0f} a second{left}"
