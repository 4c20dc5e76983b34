"""``keystage dataset new FILE --label COLUMN``: declare a table by looking at it."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keystage.cli.project import errors_in_words, project_root

if TYPE_CHECKING:
    from keystage.data.spec import Task


class TaskName(StrEnum):
    """What is learnt."""

    classification = "classification"
    regression = "regression"
    forecasting = "forecasting"


@errors_in_words
def new(
    file: Annotated[
        Path,
        typer.Argument(help="CSV, Parquet, JSON Lines or a workbook below the project's folder; a folder; 'a/*.csv'."),
    ],
    label: Annotated[str, typer.Option(help="The column to predict; column1 is the first of a file without header.")],
    name: Annotated[str | None, typer.Option(help="Of the dataset; without it, the file's.")] = None,
    task: Annotated[TaskName | None, typer.Option(help="Without it, what the label looks like.")] = None,
    time: Annotated[str | None, typer.Option(help="Of a forecast: the column of times.")] = None,
    horizon: Annotated[int | None, typer.Option(help="Of a forecast: how many periods ahead.", min=1)] = None,
    series: Annotated[str, typer.Option(help="Of a forecast of several series: the columns that name one.")] = "",
    header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="Whether the first line has names; else it is guessed.")
    ] = None,
) -> None:
    """Declare FILE in conf/dataset: look at it, say what was seen, copy and overwrite nothing."""
    from keystage.data.forecast import ForecastSpec
    from keystage.data.spec import Task
    from keystage.pipeline.progress import steps_shown
    from keystage.results.new_dataset import Wish, declare

    root = project_root()
    names = [part.strip() for part in series.split(",") if part.strip()]
    ahead = ForecastSpec(horizon, names) if horizon is not None else None
    wish = Wish(label, name, Task(task.value) if task else None, time, ahead, header)
    typer.echo(f"Looking at {file}", err=True)
    with steps_shown() as say:
        written, look = declare(root, file, wish, say)
    typer.echo(f"{written} is written, from {look.extent} of {len(look.columns)} columns:")
    for reason in look.why:
        typer.echo(f"  {reason}")
    for column, reason in look.drop.items():
        typer.echo(f"  drops '{column}': {reason}")
    typer.echo(f"Look at it, then: keystage run dataset={written.stem} {_settings(look.task)}{_model(written)}")


def _settings(task: "Task") -> str:
    """What a task asks for beside the dataset."""
    return {
        "regression": "prep=auto automl.metric=r2",
        "forecasting": "prep=forecast automl.metric=rmse",
    }.get(task.value, "prep=auto")


def _model(written: Path) -> str:
    return f" registry.model_name={written.stem.replace('-', '_').title().replace('_', '')}"
