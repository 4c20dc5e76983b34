"""`keystage serve` under load, with malformed requests among the good, beside the bare model's predict per request.

Run in a project in which `keystage run` has registered a model:
    python benchmarks/serve.py [--requests 2000] [--clients 16] [--model NAME@latest]

It prints requests per second and the 99th percentile of latency, with and without batching, and their ratios to the
bare model, which predicts one row after the other in one process; then how many requests SIGTERM lost.
"""

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

KEYSTAGE = Path(sys.executable).parent / "keystage"
ROW = {"Pclass": 1, "Sex": "female", "Age": 36, "SibSp": 0, "Parch": 0, "Fare": 80.0, "Embarked": "S"}
GOOD = json.dumps({"rows": [ROW]})
MALFORMED = json.dumps({"rows": [ROW | {"Age": "old"}]})
MALFORMED_EVERY = 100
PORT = 8765
BARE = """
import json, sys, time
import pandas as pd, mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
model = mlflow.sklearn.load_model(sys.argv[1])
rows = pd.DataFrame([json.loads(sys.argv[2])])
for _ in range(20):
    model.predict_proba(rows)
taken = []
for _ in range(int(sys.argv[3])):
    begun = time.monotonic()
    model.predict_proba(rows)
    taken.append(time.monotonic() - begun)
print(json.dumps(taken))
"""


@dataclass
class Load:
    """What the clients saw: seconds of the answers, how many of each status, and requests that got none."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    refused: int = 0


def main() -> None:
    """Run the bare model, then the server with and without batching."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--model", default="TitanicSurvivalInitial@latest")
    options = parser.parse_args()
    uri = "models:/" + options.model.replace("@", "/")
    command = [sys.executable, "-W", "ignore", "-c", BARE, uri, json.dumps(ROW), str(max(100, options.requests // 10))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    bare = json.loads(done.stdout.splitlines()[-1])
    speed, slow = len(bare) / sum(bare), percentile(bare)
    print(f"{psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f}; {options.clients} clients, 1% malformed")
    print(f"bare model, one row after the other: {speed:.0f} a second, p99 {slow * 1000:.0f} ms")
    for batching in ("--batching", "--no-batching"):
        load, seconds = run(options.model, batching, options.requests, options.clients)
        rate, late = len(load.seconds) / seconds, percentile(load.seconds)
        print(
            f"keystage serve {batching}: {rate:.0f} a second ({rate / speed:.2f} times), p99 {late * 1000:.0f} ms "
            f"({late / slow:.2f} times), statuses {dict(sorted(load.statuses.items()))}; "
            f"at SIGTERM under load: {load.refused} refused, {len(load.lost)} lost {load.lost[:3]}"
        )


def run(model: str, batching: str, requests: int, clients: int) -> tuple[Load, float]:
    """Load a server, then stop it under load."""
    command = [str(KEYSTAGE), "serve", model, "--port", str(PORT), batching]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ}) as server:
        assert server.stderr
        while "Serving" not in (line := server.stderr.readline()):
            if not line:
                raise SystemExit("the server has ended")
        load = Load()
        begun = time.monotonic()
        drive(load, clients, requests // clients)
        seconds = time.monotonic() - begun
        last = Load()
        thread = threading.Thread(target=drive, args=(last, clients, requests))
        thread.start()
        time.sleep(1)
        server.send_signal(signal.SIGTERM)
        thread.join()
        load.statuses += last.statuses
        load.lost, load.refused = last.lost, last.refused
    return load, seconds


def drive(load: Load, clients: int, each: int) -> None:
    """Clients that send one request after the other, over a connection that is kept while the server keeps it."""
    threads = [threading.Thread(target=client, args=(load, each, place)) for place in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def client(load: Load, count: int, place: int) -> None:
    """Ask until the count is reached, or a connection is refused."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
    for number in range(place, place + count):
        begun = time.monotonic()
        try:
            if connection.sock is None:
                connection.connect()
        except ConnectionRefusedError:
            load.refused += 1
            return
        try:
            connection.request("POST", "/predict", MALFORMED if number % MALFORMED_EVERY == 20 else GOOD)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            load.lost.append(repr(error))
            return
        load.statuses[answer.status] += 1
        load.seconds.append(time.monotonic() - begun)


def percentile(seconds: list[float]) -> float:
    """The 99th."""
    return sorted(seconds)[int(len(seconds) * 0.99)]


if __name__ == "__main__":
    main()
