"""What threads do to small LightGBM fits, alone and when other processes want the same cores.

Run: python benchmarks/threads_under_load.py

Prints seconds for the same three fits with the OpenMP library's defaults (threads spin while they wait), with sleeping
threads (OMP_WAIT_POLICY=PASSIVE, what keystage sets) and with one thread (what keystage takes for small tables).
"""

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CORES = os.cpu_count() or 1
LIMIT = 60  # seconds; a case that takes longer is shown as that much
FITS = """
import time, numpy, lightgbm
X = numpy.random.default_rng(0).normal(size=(800, 7))
y = (X[:, 0] > 0).astype(int)
begun = time.monotonic()
for _ in range(3):
    lightgbm.LGBMClassifier(n_estimators=100, num_leaves=15, n_jobs={cores}, verbose=-1).fit(X, y)
print(time.monotonic() - begun)
"""


@contextmanager
def load(processes: int) -> "Iterator[None]":
    """Keep cores busy with processes that only count."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def seconds(threads: int, settings: dict[str, str]) -> float:
    """Wall time of three fits in a new process, imports apart."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    command = [sys.executable, "-c", FITS.format(cores=threads)]
    try:
        done = subprocess.run(
            command, env=environment | settings, capture_output=True, text=True, check=True, timeout=LIMIT
        )
    except subprocess.TimeoutExpired:
        return float(LIMIT)
    return float(done.stdout)


def main() -> None:
    """Measure all cases and print them side by side, with ratios to one thread."""
    cases = {"spinning": (CORES, {}), "sleeping": (CORES, {"OMP_WAIT_POLICY": "PASSIVE"}), "one thread": (1, {})}
    print(f"{'':24}" + "".join(f"{name:>18}" for name in cases))
    for name, processes in (("quiet machine", 0), ("one busy process", 1), ("a busy process per core", CORES)):
        print(f"measuring: {name} ...", file=sys.stderr)
        with load(processes):
            taken = {case: seconds(*settings) for case, settings in cases.items()}
        cells = [f"{value:.2f} s ({value / taken['one thread']:.1f}x)" for value in taken.values()]
        print(f"{name:24}" + "".join(f"{cell:>18}" for cell in cells))


if __name__ == "__main__":
    main()
