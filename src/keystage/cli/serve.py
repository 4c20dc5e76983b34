"""``keystage serve``, ``keystage dockerfile``: a registered version answers over HTTP, here or in an image."""

from pathlib import Path
from typing import Annotated

import typer

from keystage.cli.predict import AllowPickle, ModelName, served_model
from keystage.cli.project import errors_in_words, project_root


@errors_in_words
def serve(
    model: ModelName,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all of this machine's.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 for a free one.", min=0, max=65535)] = 8000,
    processes: Annotated[int, typer.Option(help="Processes that hold the model.", min=1)] = 1,
    poll: Annotated[float, typer.Option(help="Seconds between looks at the alias; 0 for never.", min=0)] = 10.0,
    drain: Annotated[float, typer.Option(help="Seconds in which a server that stops still takes requests.")] = 1.0,
    max_body: Annotated[int, typer.Option(help="Megabytes of a request's body.", min=1)] = 16,
    max_rows: Annotated[int, typer.Option(help="Rows of a request.", min=1)] = 10_000,
    max_waiting: Annotated[int, typer.Option(help="Rows that may wait; 0 for any number.", min=0)] = 100_000,
    allow_pickle: AllowPickle = False,
    batching: Annotated[bool, typer.Option(help="Predict requests that wait at the same time together.")] = True,
) -> None:
    """Answer requests with MODEL; when its alias moves, the new version takes over without a pause."""
    from keystage.adapters.http_server import serve as serve_http
    from keystage.adapters.mlflow_fetch import fetch
    from keystage.compute.limits import cores
    from keystage.compute.spec import ComputeProfile
    from keystage.core import log
    from keystage.serving.holder import Settings
    from keystage.tracking.spec import tracking_of

    log.configure()
    served = served_model(model, allow_pickle=allow_pickle)
    root = project_root()
    uri = tracking_of(root).uri
    settings = Settings(
        processes=processes,
        cores=cores(ComputeProfile(cores=0)),
        max_bytes=max_body * 2**20,
        max_rows=max_rows,
        poll=poll,
        drain=drain,
        together=batching,
        max_waiting=max_waiting,
    )
    fixed = model.rpartition("@")[2].isdigit()
    look = None if fixed else lambda: fetch(model, uri, root, allow_pickle=allow_pickle)
    serve_http(served, settings, host, port, look)


@errors_in_words
def dockerfile(
    model: ModelName,
    folder: Annotated[Path, typer.Argument(help="Folder to write; it must be empty, or not there yet.")],
    allow_pickle: AllowPickle = False,
) -> None:
    """Write a folder from which an image is built that serves MODEL without the registry: docker build FOLDER."""
    from keystage.serving.image import write_image

    served = served_model(model, allow_pickle=allow_pickle)
    write_image(served, folder)
    typer.echo(f"Written: {folder}. Build it: docker build --tag {served.name.lower().replace('@', ':')} {folder}")
