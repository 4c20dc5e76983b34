"""`keystage predict` beside the bare pipeline's predict on the same rows, in one call, with the rows in memory already.

Run in a project in which `keystage run` has registered a model:
    python benchmarks/predict.py [--rows 5000000] [--forms csv parquet jsonl] [--model NAME@latest]

It repeats the Titanic's raw rows, prints seconds and memory of both sides and their ratios, and asserts nothing. The
bare side's seconds are those of the call alone; keystage's are those of the whole command: starting, reading, writing.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

KEYSTAGE = Path(sys.executable).parent / "keystage"
BARE = """
import json, sys, time, resource, threading
import pandas as pd, mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
model = mlflow.sklearn.load_model(sys.argv[1])
rows = pd.read_parquet(sys.argv[2])
begun = time.monotonic()
model.predict(rows)
seconds = time.monotonic() - begun
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
part = rows.head(min(len(rows), 200_000))
def timed(*pieces):
    threads = [threading.Thread(target=model.predict, args=(piece,)) for piece in pieces]
    begun = time.monotonic()
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return time.monotonic() - begun
half = len(part) // 2
threads = timed(part) / timed(part.iloc[:half], part.iloc[half:])
print(json.dumps({"seconds": seconds, "memory": memory, "threads": threads}))
"""


def main() -> None:
    """Make the files, run both sides, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--forms", nargs="+", default=["csv", "parquet", "jsonl"])
    parser.add_argument("--model", default="TitanicSurvivalInitial@latest")
    parser.add_argument("--processes", type=int, default=0)
    options = parser.parse_args()
    name, _, version = options.model.partition("@")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        make_files(place, options.rows, options.forms)
        uri = f"models:/{name}/{version}"
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", BARE, uri, str(place / "rows.parquet")],
            capture_output=True,
            text=True,
            check=True,
        )
        bare = json.loads(done.stdout.splitlines()[-1])
        print(f"{options.rows:,} rows; {psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f}")
        print(f"bare predict, one call: {bare['seconds']:.1f} s, {bare['memory']:,.0f} MB at most")
        print(f"two threads in one process: {bare['threads']:.2f} times the speed of one")
        for form in options.forms:
            command = [
                str(KEYSTAGE), "predict", options.model, str(place / f"rows.{form}"), str(place / f"out.{form}"),
                "--processes", str(options.processes), "--keep", "PassengerId",
            ]  # fmt: skip
            seconds, memory = watched(command)
            print(
                f"keystage predict, {form}: {seconds:.1f} s, {memory:,.0f} MB at most in all processes together; "
                f"{bare['seconds'] / seconds:.2f} times the speed, {memory / bare['memory']:.2f} times the memory"
            )


def make_files(place: Path, rows: int, forms: list[str]) -> None:
    """The Titanic's rows, over and over, in each form; always as Parquet, which the bare side reads."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    once = pd.concat([pd.read_csv(path) for path in sorted(Path("data/titanic").glob("*.csv"))], ignore_index=True)
    piece = pd.concat([once] * max(1, min(100_000, rows) // len(once)), ignore_index=True)
    schema = pa.Table.from_pandas(piece, preserve_index=False).schema
    with (
        pa.parquet.ParquetWriter(place / "rows.parquet", schema) as parquet,
        pa.csv.CSVWriter(place / "rows.csv", schema) as csv,
        (place / "rows.jsonl").open("w", encoding="utf-8") as lines,
    ):
        left = rows
        while left > 0:
            part = piece.head(left)
            table = pa.Table.from_pandas(part, schema, preserve_index=False)
            parquet.write_table(table)
            if "csv" in forms:
                csv.write_table(table)
            if "jsonl" in forms:
                part.to_json(lines, orient="records", lines=True)
            left -= len(part)


def watched(command: list[str]) -> tuple[float, float]:
    """Seconds of a command, and the most memory that it and its children had together, in MB."""
    begun, most, over = time.monotonic(), 0.0, threading.Event()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:

        def look() -> None:
            nonlocal most
            while not over.wait(0.2):
                most = max(most, memory_of(running.pid))

        thread = threading.Thread(target=look)
        thread.start()
        _, said = running.communicate()
        over.set()
        thread.join()
    if running.returncode:
        raise SystemExit(said)
    return time.monotonic() - begun, most


def memory_of(pid: int) -> float:
    """Memory of a process and those below it, in MB; what they share is counted once."""
    try:
        parent = psutil.Process(pid)
        return sum(item.memory_full_info().pss for item in (parent, *parent.children(recursive=True))) / 2**20
    except psutil.Error:
        return 0.0


if __name__ == "__main__":
    main()
