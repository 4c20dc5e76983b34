"""``keystage leaderboard``: the trials of the last search."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from keystage.cli.project import errors_in_words, project_root
from keystage.cli.tables import plain_table, wide_console
from keystage.core.errors import ProjectError, cut

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_TOP = 10
LONGEST_ESTIMATOR = len("xgb_limitdepth")


@errors_in_words
def leaderboard(
    top: Annotated[int, typer.Option(help="Trials to show, 0 for all.", min=0)] = DEFAULT_TOP,
    as_json: Annotated[bool, typer.Option("--json", help="All of them as JSON records, for scripts.")] = False,
    by_estimator: Annotated[bool, typer.Option("--by-estimator", help="One line per estimator, all of them.")] = False,
) -> None:
    """List the trials of the last search, best first. The file behind it is artifacts/leaderboard.parquet."""
    from keystage.pipeline.workspace import LEADERBOARD, MODEL_REPORT, read_json, record
    from keystage.search.metrics import metric_of
    from keystage.search.trials import rows_of

    root = project_root()
    path = root / LEADERBOARD
    if not path.is_file():
        raise ProjectError(
            f"{LEADERBOARD} is not there yet", why="stage train writes it", fix="run the pipeline: keystage run"
        )
    import pandas as pd

    board = pd.read_parquet(path)
    if by_estimator:
        seconds = read_json(root / record("train"))["trial_seconds"]
        _by_estimator(read_json(root / MODEL_REPORT)["estimators"], board, seconds, as_json=as_json)
        return
    if as_json:
        typer.echo(board.to_json(orient="records", double_precision=15))
        return
    metric = str(board["metric"].iloc[0])
    seconds_by_trial = read_json(root / record("train"))["trial_seconds"]
    # One line a trial at any width: fold by fold, and in full, it is in the file and in --json.
    console, last = wide_console(), "hyperparameters, or why there is no score"
    titles = ("rank", "trial", "estimator", metric.rpartition(":")[2], "fold scores", "seconds")
    table = plain_table(*titles, last)
    room = max(console.width - sum(len(title) + 1 for title in titles) - LONGEST_ESTIMATOR, len("hyperparameters"))
    for rank, trial in enumerate(rows_of(board.head(top or len(board)), seconds_by_trial), start=1):
        ordered = sorted(trial.fold_scores, key=metric_of(metric).loss)
        folds = f"{ordered[-1]:.3f} - {ordered[0]:.3f}" if ordered else ""
        point = trial.error or " ".join(f"{name}={_short(value)}" for name, value in trial.hyperparameters.items())
        score, seconds = trial.end.value if trial.score is None else f"{trial.score:.4f}", f"{trial.seconds:.1f}"
        name = trial.estimator.rpartition(":")[2]
        table.add_row(str(rank), str(trial.trial), name, score, folds, seconds, cut(point, room))
    console.print(table)
    if top and len(board) > top:
        console.print(f"{len(board) - top} more: keystage leaderboard --top 0")


def _by_estimator(
    entries: list[dict[str, Any]], board: "pd.DataFrame", seconds: dict[str, float], *, as_json: bool
) -> None:
    taken = board["trial"].astype("str").map(seconds).groupby(board["estimator"]).sum()
    total = float(taken.sum()) or 1.0
    rows = [
        {**entry, "seconds": float(taken[entry["estimator"]]), "share": float(taken[entry["estimator"]]) / total}
        for entry in entries
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    titles = ("estimator", str(board["metric"].iloc[0]).rpartition(":")[2], "trial", "trials", "with a score")
    table = plain_table(*titles, "seconds", "share", "in the model")
    for row in rows:
        table.add_row(
            row["estimator"].rpartition(":")[2],
            "" if row["best"] is None else f"{row['best']:.4f}",
            "" if row["best"] is None else str(row["best_trial"]),
            str(row["trials"]),
            str(row["complete"]),
            f"{row['seconds']:.1f}",
            f"{row['share']:.0%}",
            f"{row['weight']:.0%}" if row["weight"] else "",
        )
    Console().print(table)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
