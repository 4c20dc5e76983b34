"""``keystage``: the commands, in the order in which a person meets them. Each is a file of this folder."""

import sys
from importlib.metadata import version as installed_version
from typing import Annotated

import typer

from keystage.cli.compare import compare_runs
from keystage.cli.dataset import dataset
from keystage.cli.doctor import doctor
from keystage.cli.export import export
from keystage.cli.gc import gc
from keystage.cli.leaderboard import leaderboard
from keystage.cli.lineage import lineage
from keystage.cli.outputs import outputs
from keystage.cli.plan import plan
from keystage.cli.predict import predict
from keystage.cli.registry import registry
from keystage.cli.run import compose, run
from keystage.cli.serve import dockerfile, serve
from keystage.cli.share import pull, push
from keystage.cli.verify import rebuild, verify
from keystage.cli.why import why

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"keystage {installed_version('keystage')}")
        raise typer.Exit


@app.callback()
def _of_all(
    _: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print it and end.")
    ] = False,
) -> None:
    """From a table to a registered model, each stage reused exactly when nothing that could change it has changed."""


for command in (
    run,
    plan,
    why,
    compose,
    leaderboard,
    outputs,
    export,
    predict,
    serve,
    dockerfile,
    push,
    pull,
    lineage,
    rebuild,
    verify,
    doctor,
    gc,
):
    app.command()(command)
app.command("compare")(compare_runs)
app.add_typer(dataset, name="dataset")
app.add_typer(registry, name="registry")

if __name__ == "__main__":
    sys.exit(app())
