"""What the pipeline costs beyond the search: against a plain script, and against `dvc repro` when nothing changed.

Run: python benchmarks/overhead.py [--repeats N]

Everything runs in temporary folders, on the tracked files as they stand in the working tree. It prints seconds and
ratios and asserts nothing about them: both sides run one after the other, so other work on the machine shifts them.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PLAIN_SCRIPT = "benchmarks/plain_titanic.py"
DATA = "data/titanic/"
DEFAULT_REPEATS = 5

# DVC says so before a stage runs, or once it knows that a stage need not run (src/keystage.adapters.dvc_repro.py).
_STAGE = re.compile(r"Running (?:callback )?stage '(?P<ran>[^']+)'|Stage '[^']+' (?:didn't change|is cached)")
STARTING, CHECKING = "before the first stage", "checking reused stages"
# Settings of whoever runs this would move the stores, or have every process compile its modules again.
_NOT_INHERITED = ("DVC_", "GIT_", "MLFLOW_", "PYTHON")


@dataclass(frozen=True)
class Timed:
    """A command that has run.

    Attributes:
        seconds: wall time.
        parts: the same seconds by stage, each from where it begins to run to DVC's next word about a stage.
        output: the lines it printed.
    """

    seconds: float
    parts: dict[str, float]
    output: list[str]


@dataclass(frozen=True)
class Training:
    """A whole way from the files to a registered model.

    Attributes:
        run: the command.
        search: seconds of the search in it.
        roc_auc: on the test rows, the same for both sides.
    """

    run: Timed
    search: float
    roc_auc: float

    @property
    def rest(self) -> float:
        """Seconds of everything but the search."""
        return self.run.seconds - self.search


def say(progress: str) -> None:
    """Tell those who wait; standard output is for the table."""
    print(progress, file=sys.stderr, flush=True)


def timed(command: str, folder: Path) -> Timed:
    """Run a command of this environment in a folder. When it fails, show what it printed and end."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    environment = inherited | {
        "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": str(folder / "src"),  # `keystage` is installed from the checkout and must run the copy
        "DVC_SITE_CACHE_DIR": str(folder.parent / "dvc_site_cache"),  # else DVC knows the machine's earlier runs
    }
    begun, marks, output = time.perf_counter(), [(0.0, STARTING)], []
    with subprocess.Popen(
        command.split(),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            output.append(line.rstrip())
            if found := _STAGE.search(line):
                marks.append((time.perf_counter() - begun, found["ran"] or CHECKING))
    seconds = time.perf_counter() - begun
    if running.returncode != 0:
        sys.exit("\n".join([*output, f"`{command}` ended with exit code {running.returncode}; its output is above"]))
    parts: defaultdict[str, float] = defaultdict(float)
    for (start, name), (end, _) in zip(marks, [*marks[1:], (seconds, "")], strict=True):
        parts[name] += end - start
    say(f"  {seconds:6.1f} s  {command}")
    return Timed(seconds, dict(parts), output)


def tracked_files() -> list[str]:
    """What git has of the project, without the results of earlier runs."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [name for name in names if name != "dvc.lock" and not name.startswith("reports/")]


def copy(names: Iterable[str], target: Path) -> None:
    """Copy files of the project to the same places below a folder."""
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)


def git(folder: Path, *arguments: str, text: str = "") -> str:
    """Run git in a folder and return what it prints."""
    author = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *author, *arguments]
    return subprocess.run(command, cwd=folder, input=text, capture_output=True, text=True, check=True).stdout.strip()


def commit(folder: Path, message: str) -> None:
    """Commit everything in a folder."""
    git(folder, "add", "--all")
    git(folder, "commit", "--message", message)


def train_with_pipeline(folder: Path, names: Iterable[str]) -> Training:
    """Make a project in which nothing has run, and run it."""
    copy(names, folder)
    git(folder, "init")
    commit(folder, "start")
    run = timed("keystage run", folder)
    search = sum(json.loads((folder / "artifacts/records/train.json").read_text())["trial_seconds"].values())
    if json.loads((folder / "reports/search.json").read_text())["stopped_by"] != "max_trials":
        say("  automl.time_budget cut the search short: the machine is busy, and the test ROC AUCs do not compare")
    return Training(run, search, json.loads((folder / "reports/metrics.json").read_text())["test"]["roc_auc"])


def train_with_plain_script(folder: Path, names: Iterable[str]) -> Training:
    """Run the plain script on copies of the data and of itself: Python would cache its bytecode beside it."""
    copy([PLAIN_SCRIPT, *(name for name in names if name.startswith(DATA))], folder)
    run = timed(f"python {PLAIN_SCRIPT}", folder)
    said = json.loads(run.output[-1])
    return Training(run, said["search_seconds"], said["test_roc_auc"])


def print_cold(pipeline: Training, plain: Training) -> None:
    """Both trainings side by side."""
    print(f"{'from files to registered model':32}{'seconds':>9}{'search':>9}{'the rest':>10}{'test ROC AUC':>14}")
    for name, side in (("keystage run, nothing cached", pipeline), ("plain script", plain)):
        print(f"{name:32}{side.run.seconds:9.1f}{side.search:9.1f}{side.rest:10.1f}{side.roc_auc:14.4f}")
    print(f"{'ratio':32}{pipeline.run.seconds / plain.run.seconds:9.2f}{'':9}{pipeline.rest / plain.rest:10.2f}\n")


def print_warm(keystage: list[Timed], dvc: list[Timed]) -> None:
    """The runs in which nothing had changed, by their medians."""
    medians = [median(run.seconds for run in runs) for runs in (keystage, dvc)]
    print(f"{f'nothing changed, medians of {len(dvc)}':32}{'seconds':>9}{'fastest':>9}{'slowest':>10}")
    for name, middle, runs in zip(("keystage run", "dvc repro"), medians, (keystage, dvc), strict=True):
        seconds = [run.seconds for run in runs]
        print(f"{name:32}{middle:9.2f}{min(seconds):9.2f}{max(seconds):10.2f}")
    print(f"{'ratio':32}{medians[0] / medians[1]:9.2f}\n")


def print_parts(pipeline: Training, keystage: list[Timed], dvc: list[Timed]) -> None:
    """Where the seconds are; stages conf and register run every time."""
    print(f"{'seconds by stage':32}{'cold':>9}{'no-op':>9}{'dvc repro':>10}")
    cold = pipeline.run.parts | {"train": pipeline.run.parts["train"] - pipeline.search}
    for name in dict.fromkeys([*cold, *keystage[0].parts]):
        row = [cold.get(name, 0.0), *(median(run.parts.get(name, 0.0) for run in runs) for runs in (keystage, dvc))]
        shown = {"train": "train, without its search", "register": "register, and DVC's end"}.get(name, name)
        print(f"{shown:32}{row[0]:9.2f}{row[1]:9.2f}{row[2]:10.2f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=DEFAULT_REPEATS, help="runs of each kind when nothing changed")
    repeats = max(1, parser.parse_args().repeats)
    names = tracked_files()
    with tempfile.TemporaryDirectory(prefix="keystage_benchmark_") as tmp:
        project = Path(tmp, "project")
        say("From the files to a registered model:")
        pipeline = train_with_pipeline(project, names)
        plain = train_with_plain_script(Path(tmp, "plain"), names)
        say("Nothing changed:")
        # In turn, so that a machine that grows busy slows both.
        pairs = [(timed("keystage run", project), timed("dvc repro", project)) for _ in range(repeats)]
    keystage, dvc = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    print_cold(pipeline, plain)
    print_warm(keystage, dvc)
    print_parts(pipeline, keystage, dvc)


if __name__ == "__main__":
    main()
