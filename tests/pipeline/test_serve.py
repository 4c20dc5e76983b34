"""``keystage serve``: requests, good and malformed, many at a time; the word to stop; an alias that moves; an image."""

import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.conftest import Project
from tests.servers import free_ports

pytestmark = pytest.mark.slow

MODEL = "TitanicSurvivalInitial"
ROW = {"Pclass": 1, "Sex": "female", "Age": 36, "SibSp": 0, "Parch": 0, "Fare": 80.0, "Embarked": "S"}
MOVE = """
import sys, mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
client = mlflow.MlflowClient()
name = "TitanicSurvivalInitial"
if sys.argv[1] == "copy":  # the same model once more, under a number of its own, and one whose files are lost
    one = client.get_model_version(name, "1")
    client.create_model_version(name, sys.argv[2], one.run_id)
    client.create_model_version(name, sys.argv[3], one.run_id)
    client.set_registered_model_alias(name, "live", "1")
else:
    client.set_registered_model_alias(name, "live", sys.argv[1])
"""


class Running:
    """A server that runs, and what it says."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self.process, self.url, self.said = process, url, [""]
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        self.said += list(self.process.stdout)

    def ask(self, body: Any, session: Any = requests) -> "requests.Response":
        """Ask for a prediction; ``body`` is an object, or bytes."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return session.post(f"{self.url}/predict", data=sent, timeout=60)  # type: ignore[no-any-return]

    def version(self) -> dict[str, Any]:
        """What it says of its model."""
        told: dict[str, Any] = requests.get(f"{self.url}/version", timeout=60).json()
        return told

    def stop(self) -> int:
        """Give the word to stop, and wait."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self._reader.join()
        assert self.process.stdout
        self.process.stdout.close()
        return code


@pytest.fixture(scope="module")
def versions(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project that has run, whose alias ``live`` can move to another version, and to one that is lost."""
    root = tmp_path_factory.mktemp("versions") / "project"
    shutil.copytree(finished.root, root)
    (described,) = finished.root.glob("mlartifacts/**/MLmodel")
    copy, lost = root / "mlartifacts" / "copy", root / "mlartifacts" / "lost"
    for folder in (copy, lost):
        shutil.copytree(described.parent, folder)
    (lost / "model.skops").write_bytes(b"not what it was")
    project = Project(root)
    project.call("python", "-W", "ignore", "-c", MOVE, "copy", str(copy), str(lost))
    return project


@pytest.fixture(scope="module")
def server(versions: Project) -> Iterator[Running]:
    """Serves the version that ``live`` names."""
    (port,) = free_ports(1)
    command = ("keystage", "serve", f"{MODEL}@live", "--port", str(port), "--poll", "0.5", "--max-body", "1")
    running = Running(versions.start(*command, until="Serving"), f"http://127.0.0.1:{port}")
    yield running
    running.process.kill()


def test_rows_are_answered_in_each_shape(server: Running) -> None:
    split = {"columns": ["extra", *ROW], "data": [[None, *ROW.values()]]}
    answers = [
        server.ask(body).json()["predictions"]
        for body in ({"rows": [ROW]}, {"dataframe_records": [ROW | {"extra": 1}]}, {"dataframe_split": split})
    ]

    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0]["predicted"] == 1
    assert sum(answers[0][0][f"probability_{value}"] for value in (0, 1)) == pytest.approx(1)
    assert server.ask({"rows": []}).json()["predictions"] == []
    for path in ("health", "ready"):
        assert requests.get(f"{server.url}/{path}", timeout=60).status_code == 200
    assert server.version()["model"] == f"{MODEL}@1"
    assert list(server.version()["columns"]) == list(ROW)


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"{", 400, "no JSON"),
        (b"\xff", 400, "no JSON"),
        (b"[" * 100_000, 400, "no JSON"),
        ([1], 400, "rows, dataframe_records, dataframe_split"),
        ({"rows": ROW}, 400, "list of rows"),
        ({"rows": [ROW, 1]}, 422, "row 1 is no object"),
        ({"rows": [ROW, {"Sexx": "male"}]}, 422, "row 1 lacks column 'Pclass'"),
        ({"rows": [ROW, ROW | {"Age": "old"}]}, 422, "row 1: column 'Age' holds 'old', which is no number"),
        ({"rows": [ROW | {"Sex": ["male"]}]}, 422, "row 0: column 'Sex' holds ['male'], which is no text"),
        ({"rows": [ROW | {"Age": 1e308 * 10}]}, 422, "row 0: column 'Age' holds inf, which is no number"),
        ({"rows": [ROW | {"Sex": "\ud800"}]}, 422, "cannot score these rows"),
        ({"dataframe_split": {"columns": list(ROW), "data": [[1]]}}, 422, "row 0 is no list of 7 cells"),
        ({"rows": [{}] * 10_001}, 413, "10001 rows are more than"),
        (b" " * 2**21, 413, "larger than 1,048,576 bytes"),
    ],
)
def test_what_is_malformed_is_the_clients_to_mend(server: Running, body: Any, status: int, told: str) -> None:
    answer = server.ask(body)

    assert answer.status_code == status
    assert told in answer.json()["error"]


def test_requests_that_come_together_get_their_own_answers(server: Running) -> None:
    expected = {age: server.ask({"rows": [ROW | {"Age": age}]}).json()["predictions"] for age in (1, 30, 70)}
    found: list[tuple[Any, int, Any]] = []

    def client() -> None:
        with requests.Session() as session:
            for age in (1, "old", 30, 70) * 5:
                answer = server.ask({"rows": [ROW | {"Age": age}]}, session)
                found.append((age, answer.status_code, answer.json().get("predictions")))

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8 * 20
    for age, status, predicted in found:
        assert status == (422 if age == "old" else 200)
        # Not the last digit: sums over a matrix have another order than those over one row.
        assert predicted == (None if age == "old" else [pytest.approx(expected[age][0])])


def test_when_the_alias_moves_the_new_version_answers_and_a_lost_one_does_not(
    versions: Project, server: Running
) -> None:
    def until(arrived: Any) -> dict[str, Any]:
        while not arrived(server.version()):
            assert server.ask({"rows": [ROW]}).status_code == 200
        return server.version()

    versions.call("python", "-W", "ignore", "-c", MOVE, "2")
    until(lambda told: told["model"] == f"{MODEL}@2")
    assert server.ask({"rows": [ROW]}).json()["model"] == f"{MODEL}@2"

    versions.call("python", "-W", "ignore", "-c", MOVE, "3")
    told = until(lambda told: "reload_failed" in told)

    assert told["model"] == f"{MODEL}@2"
    assert f"{MODEL}@3 cannot be loaded" in told["reload_failed"]


def test_what_is_accepted_is_answered_after_the_word_to_stop(server: Running) -> None:
    sent, answered = [0], [0]
    under_way = threading.Event()

    def client() -> None:
        with requests.Session() as session:
            while True:
                sent[0] += 1
                try:
                    answer = server.ask({"rows": [ROW] * 200}, session)
                except requests.ConnectionError as error:
                    # Refused before a connection was made: this request was not accepted.
                    sent[0] -= "Connection refused" in str(error)
                    return
                assert answer.status_code == 200
                answered[0] += 1
                under_way.set()

    thread = threading.Thread(target=client)
    thread.start()
    under_way.wait()

    code = server.stop()
    thread.join()

    assert code == 0, "".join(server.said)
    assert sent == answered
    assert "Traceback" not in "".join(server.said)


def test_a_taken_port_is_said_at_once(versions: Project) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = versions.call("keystage", "serve", f"{MODEL}@1", "--port", port, ok=False)

    assert done.returncode == 1
    assert f"127.0.0.1:{port} cannot be had" in done.stdout
    assert done.stdout.count("[Errno") == 1


def test_the_folder_of_an_image_serves_without_the_project(versions: Project, tmp_path: Path) -> None:
    image = tmp_path / "image"
    versions.call("keystage", "dockerfile", f"{MODEL}@1", str(image))
    again = versions.call("keystage", "dockerfile", f"{MODEL}@1", str(image), ok=False)
    command = json.loads((image / "Dockerfile").read_text(encoding="utf-8").rpartition("CMD ")[2])
    (port,) = free_ports(1)
    place = 'import sys; sys.path[:] = [item for item in sys.path if not item.endswith("/src")]; import runpy; '
    place += 'runpy.run_module("keystage.adapters.http_server", run_name="__main__")'
    running = subprocess.Popen(
        [sys.executable, "-P", "-c", place, *command[3:], "--port", str(port)],
        cwd=image,
        env={"PYTHONPATH": str(image / "app"), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert running.stdout
    assert any("Serving" in line for line in running.stdout)
    server = Running(running, f"http://127.0.0.1:{port}")

    answer = server.ask({"rows": [ROW]})

    assert (answer.status_code, answer.json()["model"]) == (200, f"{MODEL}@1")
    assert server.stop() == 0
    assert "is not empty" in again.stdout
    required = (image / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert {"fastapi", "lightgbm", "mlflow", "uvicorn"} <= {line.partition("==")[0] for line in required}
    assert not list(image.rglob("__pycache__"))
