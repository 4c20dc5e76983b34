"""How good the models are that a search finds: keystage, FLAML, AutoGluon and plain LightGBM, side by side.

Run: python benchmarks/search.py [--budget SECONDS] [--seeds N ...] [--datasets NAME ...] [--contenders NAME ...]
                                 [--data FOLDER] [--out FILE.json] [--csv FILE.csv] [--again] [--report]

Every contender gets the same numbers, split, seconds and cores, one after the other, each in a new process. With --out
results are kept as they come, and a run that was stopped goes on where it was. What is measured, and how:
docs/search-benchmark.md.
"""

import argparse
import signal
import sys
from pathlib import Path

from search_runs import CONTENDERS, Contest, Result, keep_to, run, say
from search_standings import compared, load, print_contests, print_standings, save
from search_tables import TABLES, available, split

DEFAULT_BUDGET, DEFAULT_SEEDS, DEFAULT_CORES = 60.0, [1, 2], 2


def main() -> None:
    """Measure what is missing, then print all that was asked for."""
    parser = _parser()
    given = parser.parse_args()
    results = {item.key: item for item in load(given.out)}
    held = list(dict.fromkeys(item.dataset for item in results.values()))
    datasets = given.datasets or (held if given.report else _all_datasets(given.data))
    if not given.report and (unknown := [name for name in datasets if name not in available(given.data)]):
        parser.error(f"no file of {', '.join(unknown)} is in the folder given with --data")
    contests = [Contest(name, seed, given.budget, given.cores) for name in datasets for seed in given.seeds]
    keep_to(given.cores)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))  # what runs is ended, not left behind
    if not given.report:
        for contest in contests:
            _hold(contest, given, results)
    wanted = [item for item in results.values() if _contest_of(item) in contests and item.contender in given.contenders]
    if not wanted:
        say("No results: nothing was run, or --out names another file.")
        return
    rows = compared(wanted)
    print_contests(rows)
    print_standings(rows)
    if given.csv:
        rows.to_csv(given.csv, index=False)


def _hold(contest: Contest, given: argparse.Namespace, results: dict[tuple[str, int, float, int, str], Result]) -> None:
    """Have those contenders train that have no result yet."""
    done = set() if given.again else {item.contender for item in results.values() if _contest_of(item) == contest}
    missing = [name for name in given.contenders if name not in done]
    if not missing:
        return
    rows = split(contest.dataset, given.data, contest.seed)
    say(f"{contest.dataset}, seed {contest.seed}:")
    for name in missing:
        result = run(name, contest, rows)
        results[result.key] = result
        if given.out:
            save(results.values(), given.out)
        shown = f"failed: {result.detail}" if result.score is None else f"{result.metric} {result.score:.4f}"
        say(f"  {result.process_seconds:6.1f} s  {name}  {shown}")


def _contest_of(result: Result) -> Contest:
    return Contest(result.dataset, result.seed, result.budget, result.cores)


def _all_datasets(folder: Path | None) -> list[str]:
    """All that can be read; those who wait are told which files of the folder cannot."""
    declared = {table.file for table in TABLES.values()}
    for path in sorted(folder.glob("*.csv")) if folder else ():
        if path.name not in declared:
            say(f"{path.name} is left out: benchmarks/search_tables.py does not say what its label is")
    return available(folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=DEFAULT_BUDGET, help="seconds for a training")
    parser.add_argument("--seeds", type=int, nargs="+", default=DEFAULT_SEEDS, help="one split for each")
    parser.add_argument("--datasets", nargs="+", choices=list(TABLES), metavar="NAME", help=", ".join(TABLES))
    parser.add_argument(
        "--contenders", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS), metavar="NAME",
        help=", ".join(CONTENDERS),
    )  # fmt: skip
    parser.add_argument("--cores", type=int, default=DEFAULT_CORES, help="that a contender may use")
    parser.add_argument("--data", type=Path, help="a folder of CSV files; those declared in search_tables.py are used")
    parser.add_argument("--out", type=Path, help="keep results in this JSON file, and run only what it lacks")
    parser.add_argument("--csv", type=Path, help="write the rows behind the tables")
    parser.add_argument("--again", action="store_true", help="run what --out holds too, and replace it")
    parser.add_argument("--report", action="store_true", help="run nothing, print what --out holds")
    return parser


if __name__ == "__main__":
    main()
