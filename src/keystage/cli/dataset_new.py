"""``keystage dataset new FILE --label COLUMN``: declare a table by looking at it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from keystage.cli.project import errors_in_words, project_root


class TaskName(StrEnum):
    """What is learnt; a forecast wants more than a look can tell (docs/forecasting.md)."""

    classification = "classification"
    regression = "regression"


@errors_in_words
def new(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file below the project's folder.")],
    label: Annotated[str, typer.Option(help="The column to predict; column1 is the first of a file without header.")],
    name: Annotated[str | None, typer.Option(help="Of the dataset; without it, the file's.")] = None,
    task: Annotated[TaskName | None, typer.Option(help="Without it, what the label looks like.")] = None,
) -> None:
    """Declare FILE in conf/dataset: look at all of it, say what was seen, copy and overwrite nothing."""
    from keystage.data.spec import Task
    from keystage.results.new_dataset import declare

    root = project_root()
    written, look = declare(root, file, label, name, Task(task.value) if task else None)
    typer.echo(f"{written} is written, from {look.rows:,} rows of {len(look.columns)} columns:")
    for reason in look.why:
        typer.echo(f"  {reason}")
    for column, reason in look.drop.items():
        typer.echo(f"  drops '{column}': {reason}")
    metric = " automl.metric=r2" if look.task is Task.regression else ""
    name = f" registry.model_name={written.stem.replace('-', '_').title().replace('_', '')}"
    typer.echo(f"Look at it, then: keystage run dataset={written.stem} prep=auto{metric}{name}")
