"""Stage dataprep on a large CSV file, in blocks, against a plain pandas script: seconds, memory, and how both grow.

Run: python benchmarks/scale.py [--rows 300000 1000000] [--sample N] [--folder PLACE]

For each number of rows it writes a table of 20 columns (about 160 MB a million rows: numbers, whole numbers, texts of 3
to 1,000 values, a date, a label of two classes, 1 or 2 % of some columns' cells missing), and runs in turn

- stage dataprep with ``dataset.stream`` and ``train_on: sample``, and with ``train_on: all``, on all cores,
- ``benchmarks/plain_scale.py``: read, check, count, split, write; and the same with the recipe that the stage has too.

Ten million rows take 4 GB of disk and some minutes. It prints seconds, the most memory (the sum of the proportional set
sizes of all processes), ratios and seconds per million rows, and asserts nothing.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from overhead import BIN, ROOT, copy, git, say, tracked_files
from plain_scale import DAY, KEY, LABEL, LABELS, LEAST, MOST, NUMBERS, SEED, TEST_SIZE, TEXTS, WHOLE
from predict import memory_of

CHUNK = 250_000  # rows written at a time
DEFAULT_ROWS, DEFAULT_SAMPLE = [300_000, 1_000_000], 1_000_000
VALUES = dict(zip(TEXTS, (3, 8, 30, 200, 1000), strict=True))  # different ones of each text
PLAIN = ROOT / "benchmarks" / "plain_scale.py"


@dataclass(frozen=True)
class Watched:
    """A command that has run.

    Attributes:
        seconds: wall time.
        work: seconds of all cores together: on a busy machine, wall time tells of the others too.
        memory: the most of all its processes together, in MB.
    """

    seconds: float
    work: float
    memory: float


def write_rows(path: Path, rows: int) -> None:
    """A table of so many rows; the first rows of a longer one are those of a shorter."""
    import pyarrow.csv

    with path.open("wb") as file:
        for number, first in enumerate(range(0, rows, CHUNK)):
            options = pyarrow.csv.WriteOptions(include_header=not number, quoting_style="needed")
            pyarrow.csv.write_csv(chunk(number, min(CHUNK, rows - first)), file, options)


def chunk(number: int, rows: int) -> "pyarrow.Table":  # noqa: F821 - imported where it is used
    """Some rows."""
    import pyarrow as pa

    rng = np.random.default_rng([SEED, number])

    def some(values: np.ndarray, missing: float) -> pa.Array:
        return pa.array(values, mask=rng.random(rows) < missing)

    columns = {KEY: pa.array(np.arange(number * CHUNK, number * CHUNK + rows))}
    for place, name in enumerate(NUMBERS):
        columns[name] = some(np.round(rng.normal(10 * place, 5, rows), 4), 0.02)
    for place, name in enumerate(WHOLE):
        columns[name] = some(rng.integers(0, 10 ** (place + 1), rows), 0.01 * (place % 2))
    for name, count in VALUES.items():
        words = pa.array([f"value {value:04d}" for value in range(count)])
        columns[name] = pa.DictionaryArray.from_arrays(some(rng.integers(0, count, rows), 0.01), words).cast("string")
    columns[DAY] = pa.array(np.datetime64("2020-01-01") + rng.integers(0, 1500, rows))
    signal = np.nan_to_num(columns[NUMBERS[0]].to_numpy(zero_copy_only=False)) / 5
    columns[LABEL] = pa.array((signal + rng.normal(size=rows) > 1).astype("int64"))
    return pa.table(columns)


def make_project(folder: Path, data: Path, sample: int, train_on: str) -> None:
    """A project whose dataset is the table, composed, with the notes of stage conf."""
    copy(tracked_files(), folder)
    git(folder, "init")
    (folder / "data/large").mkdir()
    (folder / "data/large" / ".gitignore").write_text("*.csv\n")  # too large for git; DVC would keep a copy
    (folder / "data/large" / data.name).symlink_to(data)
    columns = [f"  - {{name: {KEY}, type: integer, minimum: 0}}"]
    columns += [f"  - {{name: {name}, type: number, minimum: {LEAST}, maximum: {MOST}}}" for name in NUMBERS]
    columns += [f"  - {{name: {name}, type: integer, minimum: 0}}" for name in WHOLE]
    columns += [f"  - {{name: {name}, type: string}}" for name in TEXTS]
    columns += [f"  - {{name: {DAY}, type: datetime}}"]
    columns += [f"  - {{name: {LABEL}, type: integer, allowed: {LABELS}, nullable: false}}"]
    told = [
        "name: large",
        "path: data/large",
        f"files: [{data.name}]",
        f"label: {LABEL}",
        "task: classification",
        f"drop: [{KEY}, {DAY}]",
        f"stream: {{rows: {sample}, train_on: {train_on}}}",
        "columns:",
        *columns,
    ]
    (folder / "conf/dataset/large.yaml").write_text("\n".join(told) + "\n")
    steps = [
        f"test_size: {TEST_SIZE}",
        "steps:",
        f"  - {{use: fill, columns: [{', '.join([*NUMBERS, *WHOLE])}], options: {{strategy: mean}}}}",
        f"  - {{use: codes, columns: [{', '.join(TEXTS)}]}}",
    ]
    (folder / "conf/prep/large.yaml").write_text("\n".join(steps) + "\n")
    for command in (
        [sys.executable, "-m", "compileall", "-q", "src"],  # as after a first run; the plain script is one file
        [str(BIN / "keystage"), "compose", "dataset=large", "prep=large", "compute@compute.dataprep=all_cores"],
        [sys.executable, "stages/conf.py"],
    ):
        subprocess.run(command, cwd=folder, env=environment(folder), check=True, stdout=subprocess.DEVNULL)


def environment(folder: Path) -> dict[str, str]:
    """What a stage has, of this environment and of the copy of the code."""
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "PYTHON"))}
    return kept | {"PATH": path, "PYTHONPATH": str(folder / "src")}


def watched(command: list[str], folder: Path) -> Watched:
    """Run a command in a folder; when it fails, show what it printed and end."""
    begun, most, over = time.monotonic(), 0.0, threading.Event()
    before = os.times()
    with subprocess.Popen(
        command, cwd=folder, env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:

        def look() -> None:
            nonlocal most
            while not over.wait(0.1):
                most = max(most, memory_of(running.pid))

        thread = threading.Thread(target=look)
        thread.start()
        said, _ = running.communicate()
        seconds = time.monotonic() - begun
        over.set()
        thread.join()
    if running.returncode:
        sys.exit(said)
    after = os.times()
    work = after.children_user + after.children_system - before.children_user - before.children_system
    return Watched(seconds, work, most)


def measure(place: Path, rows: int, sample: int) -> dict[str, Watched]:
    """All ways on a table of so many rows."""
    data = place / f"rows{rows}.csv"
    say(f"Writing {rows:,} rows")
    write_rows(data, rows)
    say(f"  {data.stat().st_size / 1e6:,.0f} MB; {psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f}")
    found = {}
    for train_on in ("sample", "all"):
        folder = place / f"{train_on}{rows}"
        make_project(folder, data, sample, train_on)
        found[f"dataprep, {train_on}"] = watched([sys.executable, "stages/dataprep.py"], folder)
    for name, options in (("plain", []), ("plain, recipe", ["--recipe"])):
        folder = place / f"plain{rows}"
        folder.mkdir(exist_ok=True)
        found[name] = watched([sys.executable, str(PLAIN), str(data), str(folder), *options], folder)
    data.unlink()
    for name, item in found.items():
        say(f"  {item.seconds:6.1f} s, {item.work:6.1f} s of work, {item.memory:8,.0f} MB  {name}")
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=DEFAULT_ROWS)
    parser.add_argument("--sample", type=int, default=DEFAULT_SAMPLE, help="dataset.stream.rows")
    parser.add_argument("--folder", type=Path, default=None, help="where the tables are written")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="keystage_benchmark_", dir=given.folder) as tmp:
        results = {rows: measure(Path(tmp), rows, given.sample) for rows in given.rows}
    heads = ("seconds", "work", "per million", "MB", "speed", "memory")
    print(f"{'rows':>12}  {'way':18}" + "".join(f"{head:>13}" for head in heads))
    for rows, found in results.items():
        for name, item in found.items():
            # What prepares all rows does what the plain script with the recipe does; a sample leaves that out.
            beside = found["plain, recipe" if name in {"dataprep, all", "plain, recipe"} else "plain"]
            told = (item.seconds, item.work, item.seconds / rows * 1e6, item.memory)
            to_plain = (beside.seconds / item.seconds, item.memory / beside.memory)
            print(f"{rows:12,}  {name:18}" + "".join(f"{value:13,.2f}" for value in (*told, *to_plain)))


if __name__ == "__main__":
    main()
