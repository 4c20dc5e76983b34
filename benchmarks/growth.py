"""How long people wait for `keystage plan` and `why` as a project grows, against `dvc status` in the same project.

Run: python benchmarks/growth.py [--files N] [--experiments N] [--repeats N]

The Titanic table is written as N files, and the repository is given N experiments. It prints seconds and ratios, of
commands that run in turn, and asserts nothing about them.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

from overhead import commit, copy, git, say, timed, tracked_files

COMMANDS = ("dvc status", "keystage plan", "keystage plan seed=1", "keystage why train", "dvc repro", "keystage run")
DEFAULT_FILES, DEFAULT_EXPERIMENTS, DEFAULT_REPEATS = 1000, 500, 3


def make_project(folder: Path, files: int) -> None:
    """A project whose dataset lies in so many files, run and committed."""
    copy(tracked_files(), folder)
    if files:
        data = folder / "data/titanic"
        header, *rows = (data / "Titanic.csv").read_text().splitlines(keepends=True)
        rows += (data / "Titanic2.csv").read_text().splitlines(keepends=True)[1:]
        names = [f"part{number:05d}.csv" for number in range(files)]
        for number, name in enumerate(names):
            (data / name).write_text(header + "".join(rows[number::files]))
        conf = folder / "conf/dataset/titanic.yaml"
        conf.write_text(conf.read_text().replace("[Titanic.csv, Titanic2.csv]", f"[{', '.join(names)}]"))
    conf = folder / "conf/config.yaml"
    conf.write_text(conf.read_text().replace("automl: quick", "automl: smoke"))
    git(folder, "init")
    commit(folder, "start")
    timed("keystage run", folder)
    commit(folder, "results")


def add_experiments(folder: Path, count: int) -> None:
    """So many experiments, as DVC keeps them: a commit on the baseline, and a ref that names it."""
    baseline, tree = git(folder, "rev-parse", "HEAD"), git(folder, "rev-parse", "HEAD^{tree}")
    made = (git(folder, "commit-tree", tree, "-p", baseline, "-m", f"experiment {number}") for number in range(count))
    refs = [
        f"create refs/exps/{baseline[:2]}/{baseline[2:]}/exp-{number:05d} {found}\n"
        for number, found in enumerate(made)
    ]
    git(folder, "update-ref", "--stdin", text="".join(refs))


def measure(folder: Path, repeats: int) -> dict[str, float]:
    """Median seconds of each command; the first round warms what each of them remembers, and is not counted."""
    rounds = [{command: timed(command, folder).seconds for command in COMMANDS} for _ in range(repeats + 1)][1:]
    return {command: median(seconds[command] for seconds in rounds) for command in COMMANDS}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=DEFAULT_FILES)
    parser.add_argument("--experiments", type=int, default=DEFAULT_EXPERIMENTS)
    parser.add_argument("--repeats", type=int, default=DEFAULT_REPEATS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="keystage_benchmark_") as tmp:
        say("As it comes:")
        make_project(Path(tmp, "small"), 0)
        small = measure(Path(tmp, "small"), given.repeats)
        say(f"{given.files} files in the dataset, {given.experiments} experiments in the repository:")
        make_project(Path(tmp, "large"), given.files)
        add_experiments(Path(tmp, "large"), given.experiments)
        large = measure(Path(tmp, "large"), given.repeats)
    print(f"{'seconds':24}{'small':>8}{'to status':>11}{'large':>8}{'to status':>11}{'growth':>8}")
    for command in COMMANDS:
        few, many = small[command], large[command]
        to_status = few / small["dvc status"], many / large["dvc status"]
        print(f"{command:24}{few:8.2f}{to_status[0]:11.2f}{many:8.2f}{to_status[1]:11.2f}{many / few:8.2f}")
    for name, found in (("small", small), ("large", large)):
        print(f"keystage run to dvc repro, {name}: {found['keystage run'] / found['dvc repro']:.2f}")


if __name__ == "__main__":
    main()
