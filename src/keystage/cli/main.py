"""``keystage``: compose conf/, run the pipeline, look at the trials."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from keystage.core.errors import KeystageError, ProjectError

P = ParamSpec("P")

app = typer.Typer(
    help="From a table to a registered model, each stage reused exactly when nothing that could change it has changed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Overrides = Annotated[
    list[str] | None,
    typer.Argument(help="Hydra overrides: automl=thorough automl.time_budget=60 compute@compute.train=one_core"),
]
DEFAULT_TOP = 10
LONGEST_ESTIMATOR = len("xgb_limitdepth")


def errors_in_words(command: Callable[P, None]) -> Callable[P, None]:
    """Show a ``KeystageError`` as three lines and end with its exit code."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except KeystageError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(error.exit_code) from None

    return wrapped


@app.command()
@errors_in_words
def run(overrides: Overrides = None) -> None:
    """Compose conf/ with OVERRIDES into params.yaml, then run what has changed (dvc repro)."""
    from keystage.cli.reproduce import Outcome, one_run_at_a_time, reproduce
    from keystage.config.compose import write_params

    root = project_root()
    os.chdir(root)
    with one_run_at_a_time(root):
        write_params(root, overrides or [])
        outcomes = reproduce()
    for outcome in Outcome:
        if stages := [stage for stage, found in outcomes.items() if found is outcome]:
            typer.echo(f"{outcome.value}: {', '.join(stages)}")


@app.command()
@errors_in_words
def compose(overrides: Overrides = None) -> None:
    """Compose conf/ with OVERRIDES into params.yaml, and run nothing."""
    from keystage.config.compose import write_params

    changed = write_params(project_root(), overrides or [])
    typer.echo("params.yaml is written anew" if changed else "params.yaml is up to date")


@app.command()
@errors_in_words
def leaderboard(
    top: Annotated[int, typer.Option(help="Trials to show, 0 for all.", min=0)] = DEFAULT_TOP,
    as_json: Annotated[bool, typer.Option("--json", help="All trials as JSON records, for scripts.")] = False,
) -> None:
    """List the trials of the last search, best first. The file behind it is artifacts/leaderboard.parquet."""
    from keystage.pipeline.workspace import LEADERBOARD
    from keystage.search.metrics import METRICS
    from keystage.search.trials import trials_of

    path = project_root() / LEADERBOARD
    if not path.is_file():
        raise ProjectError(
            f"{LEADERBOARD} is not there yet", why="stage train writes it", fix="run the pipeline: keystage run"
        )
    import pandas as pd

    board = pd.read_parquet(path)
    if as_json:
        typer.echo(board.to_json(orient="records", double_precision=15))
        return
    metric = str(board["metric"].iloc[0])
    # One line a trial at any width: fold by fold, and in full, it is in the file and in --json.
    console = Console()
    titles = ("rank", "trial", "estimator", metric, "worst-best fold", "seconds")
    table = Table(*titles, "hyperparameters", box=box.SIMPLE, padding=(0, 1, 0, 0))
    room = max(console.width - sum(len(title) + 1 for title in titles) - LONGEST_ESTIMATOR, len("hyperparameters"))
    for rank, trial in enumerate(trials_of(board.head(top or len(board))), start=1):
        ordered = sorted(trial.fold_scores, key=METRICS[metric].loss)
        folds = f"{ordered[-1]:.3f} - {ordered[0]:.3f}"
        point = " ".join(f"{name}={_short(value)}" for name, value in trial.hyperparameters.items())
        score, seconds = f"{trial.score:.4f}", f"{trial.seconds:.1f}"
        point = point if len(point) <= room else point[: room - 1] + "…"
        table.add_row(str(rank), str(trial.number), trial.estimator, score, folds, seconds, point)
    console.print(table)
    if top and len(board) > top:
        console.print(f"{len(board) - top} more: keystage leaderboard --top 0")


def project_root() -> Path:
    """The nearest folder above with dvc.yaml and conf/, in a git repository.

    Raises:
        ProjectError: there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file() and (folder / "conf").is_dir():
            break
    else:
        raise ProjectError(
            f"{here} is not in a keystage project",
            why="neither it nor a folder above holds dvc.yaml and conf/",
            fix="change into the project's folder",
        )
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        raise ProjectError(
            f"{folder} is not in a git repository",
            why="DVC keeps experiments in git, and a model's lineage names its commit",
            fix="git init && git add --all && git commit --message 'Start'",
        )
    if not (folder / ".dvc").is_dir():
        raise ProjectError(f"{folder} has no .dvc", why="DVC's settings stand there", fix="git restore .dvc")
    return folder


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(app())
