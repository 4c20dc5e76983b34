"""One contender on one split, in a process of its own: its score, its time and the memory of all its processes."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
from search_tables import METRICS, Split, score

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "benchmarks"
AUTOGLUON_LOCK, AUTOGLUON_VENV = HERE / "autogluon.txt", HERE / ".venv-autogluon"

CONTENDERS = {
    "keystage": "with_keystage.py",
    "flaml": "with_flaml.py",
    "flaml-ensemble": "with_flaml.py",
    "autogluon-medium": "with_autogluon.py",
    "autogluon-best": "with_autogluon.py",
    "lightgbm": "with_lightgbm.py",
}
SAMPLE_SECONDS = 0.2
PATIENCE = 10, 300  # a training may take so many budgets and so many seconds more; then it has failed
# Settings of whoever runs this would move stores, or have every process compile its modules again.
_NOT_INHERITED = ("DVC_", "GIT_", "MLFLOW_", "PYTHON", "OMP_", "GOMP_", "OPENBLAS_", "MKL_")


@dataclass(frozen=True)
class Contest:
    """What all contenders are given alike.

    Attributes:
        dataset: the table's name.
        seed: of the split, and of each contender.
        budget: seconds for a training.
        cores: that all processes together may use.
    """

    dataset: str
    seed: int
    budget: float
    cores: int


@dataclass(frozen=True)
class Result:
    """What one contender did.

    Attributes:
        dataset, seed, budget, cores: the contest.
        contender: who.
        task: binary, multiclass or regression.
        metric: of ``score``; all but log_loss are better when greater.
        train_rows, test_rows, features: the size of the split.
        score: on the test rows; null if the contender failed.
        rmse: of a regression, in the label's unit.
        fit_seconds: of the training call alone.
        process_seconds: of the whole process, imports, reading and predictions included.
        predict_seconds: for all test rows.
        peak_memory: greatest sum over the process and all below it, in MB (10^6 bytes).
        memory: how a process was measured: pss (each shared page counts for its share) or uss (no shared page counts).
        trials: candidates tried; null if unknown.
        load: the machine's load average over a minute just before the process began: other work than this.
        detail: what the model is, or why there is none.
        versions: of the packages behind it.
    """

    dataset: str
    seed: int
    budget: float
    cores: int
    contender: str
    task: str
    metric: str
    train_rows: int
    test_rows: int
    features: int
    score: float | None = None
    rmse: float | None = None
    fit_seconds: float | None = None
    process_seconds: float | None = None
    predict_seconds: float | None = None
    peak_memory: float | None = None
    memory: str = ""
    trials: int | None = None
    load: float = 0.0
    detail: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, int, float, int, str]:
        """Two results with the same key are of the same run."""
        return self.dataset, self.seed, self.budget, self.cores, self.contender


def say(progress: str) -> None:
    """Tell those who wait; standard output is for the tables."""
    print(progress, file=sys.stderr, flush=True)


def keep_to(cores: int) -> None:
    """Let this process, and those it starts, use so many cores and no others, where the system knows how."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def autogluon_python() -> Path:
    """The Python that has AutoGluon; its environment is made when it is not there or its lock file has changed."""
    python, mark = AUTOGLUON_VENV / "bin/python", AUTOGLUON_VENV / ".installed"
    wanted = hashlib.sha256(AUTOGLUON_LOCK.read_bytes()).hexdigest()
    if not mark.is_file() or mark.read_text(encoding="utf-8") != wanted:
        say(f"Setting up {AUTOGLUON_VENV.relative_to(ROOT)} from {AUTOGLUON_LOCK.relative_to(ROOT)} ...")
        subprocess.run([sys.executable, "-m", "venv", "--clear", AUTOGLUON_VENV], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([*install, "-r", str(AUTOGLUON_LOCK)], check=True)
        mark.write_text(wanted, encoding="utf-8")
    return python


def run(contender: str, contest: Contest, split: Split) -> Result:
    """Have a contender train, and score what it predicts. One that fails has no score, and its error as detail."""
    script = CONTENDERS[contender]
    python = autogluon_python() if script == "with_autogluon.py" else Path(sys.executable)
    result: dict[str, Any] = {
        **asdict(contest),
        "contender": contender,
        "task": split.task,
        "metric": METRICS[split.task],
        "train_rows": len(split.train),
        "test_rows": len(split.test),
        "features": split.train.shape[1] - 1,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0,
    }
    with tempfile.TemporaryDirectory(prefix="keystage_benchmark_") as tmp:
        folder = Path(tmp)
        split.train.to_parquet(folder / "train.parquet", index=False)
        split.test.drop(columns="label").to_parquet(folder / "test.parquet", index=False)
        job = {name: result[name] for name in ("contender", "task", "metric", "budget", "cores", "seed")}
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        result |= _watch([python, HERE / "contenders" / script], folder, contest.budget)
        if result.pop("exit_code") == 0:
            result |= json.loads((folder / "measured.json").read_text(encoding="utf-8"))
            predicted = pd.read_parquet(folder / "predictions.parquet").to_numpy()
            try:
                result |= score(split.task, split.test["label"].to_numpy(), predicted)
            except ValueError as error:  # what it predicts cannot be scored
                result["detail"] = str(error)
    return Result(**result)


def _watch(command: list[Path], folder: Path, budget: float) -> dict[str, Any]:
    """Run a command and sample the memory of its processes.

    Returns:
        exit_code, process_seconds, peak_memory and memory; the last line that was printed as detail.
    """
    begun, peak, latest = time.perf_counter(), 0.0, PATIENCE[0] * budget + PATIENCE[1]
    with (folder / "output.txt").open("wb") as output:
        process = psutil.Popen(
            command, cwd=folder, env=_environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            while process.poll() is None:
                peak = max(peak, _memory(process))
                if time.perf_counter() - begun > latest:
                    break
                time.sleep(SAMPLE_SECONDS)
            seconds = time.perf_counter() - begun
        finally:
            _end(process)
    lines = (folder / "output.txt").read_text(encoding="utf-8", errors="replace").split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return {
        "exit_code": process.returncode,
        "process_seconds": seconds,
        "peak_memory": peak / 1e6,
        "memory": _memory_kind(),
        "detail": said,
    }


def _environment() -> dict[str, str]:
    """For every contender the same: none is given settings that another does not get."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    return inherited | {
        "PYTHONPATH": str(ROOT / "src"),
        "OMP_WAIT_POLICY": "PASSIVE",  # what keystage sets: threads that spin lose much where others use the cores too
    }


def _memory_kind() -> str:
    return "pss" if sys.platform == "linux" else "uss"


def _memory(process: psutil.Process) -> float:
    """Bytes that a process and all below it take at this moment."""
    total = 0.0
    for item in _tree(process):
        try:
            total += getattr(item.memory_full_info(), _memory_kind())
        except psutil.Error:  # it has just ended
            continue
    return total


def _tree(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _end(process: psutil.Popen) -> None:
    """End a process and all below it, should any still run."""
    for item in reversed(_tree(process)):
        try:
            item.kill()
        except psutil.Error:
            continue
    process.wait()
