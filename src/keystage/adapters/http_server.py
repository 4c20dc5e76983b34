"""A model answered for over HTTP: FastAPI's routes on Uvicorn.

As a program, it serves a model's folder without a registry: ``python -m keystage.adapters.http_server FOLDER``
"""

import argparse
import asyncio
import logging
import os
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from socket import AF_INET, AF_INET6, SO_REUSEADDR, SOL_SOCKET, socket
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from keystage.core import log
from keystage.core.errors import KeystageError
from keystage.serving.errors import ServingError
from keystage.serving.holder import Holder, Settings
from keystage.serving.requests import RequestError, records_of
from keystage.serving.served import ServedModel

logger = logging.getLogger("keystage.adapters.http_server")  # also where this is the program


def application(holder: Holder) -> FastAPI:
    """The routes."""
    app = FastAPI(title=holder.model.name)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready")
    async def ready() -> JSONResponse:
        return JSONResponse({"ready": not holder.draining}, 503 if holder.draining else 200)

    @app.get("/version")
    async def version() -> dict[str, Any]:
        return holder.about()

    async def predict(request: Request) -> JSONResponse:
        try:
            body = await _body(request, holder.settings.max_bytes)
            records = records_of(body, list(holder.model.columns), holder.settings.max_rows)
            name, answers = await holder.score(records)
        except RequestError as error:
            later = {"retry-after": "1"} if error.status == HTTPStatus.TOO_MANY_REQUESTS else None
            return JSONResponse(error.body(), error.status, later)
        except ServingError as error:
            logger.error("%s", error)  # noqa: TRY400 - three lines tell it
            return JSONResponse({"error": error.what, "rows": []}, 503)
        return JSONResponse({"model": name, "predictions": answers})

    app.post("/predict")(predict)
    app.post("/invocations")(predict)  # as MLflow's own server calls it
    return app


async def _body(request: Request, most: int) -> bytes:
    too_much = RequestError(413, f"the body is larger than {most:,} bytes")
    told = request.headers.get("content-length", "0")
    if told.isdigit() and int(told) > most:
        raise too_much
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise too_much
        pieces.append(piece)
    return b"".join(pieces)


class Server(uvicorn.Server):
    """Uvicorn's server, which at the word to stop lets go of connections one by one.

    Uvicorn closes idle connections at once, and a request that is on its way on one of them is lost. Here each answer
    after the word asks its client to close, and only what is idle after ``drain`` seconds is closed.
    """

    def __init__(self, config: uvicorn.Config, holder: Holder) -> None:
        super().__init__(config)
        self._holder = holder

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - Uvicorn's signature
        """The word to stop; a second one ends it at once. Uvicorn would die by the signal in the end, not with 0."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Load the model, then listen, and say where."""
        await self._holder.start()
        await super().startup(sockets)
        for item in sockets or ():
            host, port = item.getsockname()[:2]
            logger.info("Serving %s at http://%s:%s", self._holder.model.name, host, port)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Drain, then end."""
        self._holder.draining = True
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        logger.info("Stopping: what is under way is answered")
        end = asyncio.get_running_loop().time() + self._holder.settings.drain
        while asyncio.get_running_loop().time() < end and not self.force_exit:
            await asyncio.sleep(0.05)
        await super().shutdown(sockets)
        await self._holder.close()


def serve(model: ServedModel, settings: Settings, host: str, port: int, look: Callable[[], ServedModel] | None) -> None:
    """Serve until the word to stop comes.

    Raises:
        ServingError: the address cannot be had, or the model cannot be loaded.
    """
    holder = Holder(model, settings, look)
    config = uvicorn.Config(application(holder), host=host, port=port, log_config=None, access_log=False)
    taken = _bound(host, port)  # before the model is loaded, which takes seconds
    Server(config, holder).run(sockets=[taken])


def _bound(host: str, port: int) -> socket:
    # Not Uvicorn's bind_socket(): it writes a line of its own about a port that is taken.
    taken = socket(AF_INET6 if ":" in host else AF_INET)
    taken.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        raise ServingError(f"{host}:{port} cannot be had", why=str(error), fix="name another: --port 8001") from error
    return taken


def main() -> None:
    """Serve a folder, as the image does that ``keystage dockerfile`` writes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", default="model")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    log.configure()
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        settings = Settings(processes=options.processes, cores=available, poll=0)
        serve(ServedModel.read(options.folder, options.name), settings, options.host, options.port, None)
    except KeystageError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
