"""Results of `benchmarks/search.py` in a file and on a page: a table for each split, and who stands where over all."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from search_runs import Result

LESS_IS_BETTER = {"log_loss"}
REFERENCE = "flaml"  # whose memory the others' is compared to
CONTEST = ["dataset", "seed", "budget", "cores"]


def load(path: Path | None) -> list[Result]:
    """What earlier runs left in a file."""
    if path is None or not path.is_file():
        return []
    return [Result(**item) for item in json.loads(path.read_text(encoding="utf-8"))]


def save(results: Iterable[Result], path: Path) -> None:
    """Write all results, so that whoever reads the file meanwhile finds it whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(json.dumps([asdict(item) for item in results], indent=1) + "\n", encoding="utf-8")
    unfinished.replace(path)


def compared(results: Iterable[Result]) -> pd.DataFrame:
    """One row per result, with what it is next to the others of its contest.

    Columns beside those of ``Result``: rank (from 1; equals share the mean of theirs, those that failed are last),
    behind (distance to the best score, as a share of that), over (seconds of the training per second of the budget),
    memory_ratio (peak memory per FLAML's).
    """
    rows = pd.DataFrame([asdict(item) for item in results]).drop(columns="versions")
    rows["score"] = rows["score"].astype(float)
    sign = rows["metric"].isin(LESS_IS_BETTER).map({True: 1.0, False: -1.0})
    rows["loss"] = rows["score"] * sign
    contests = rows.groupby(CONTEST)
    rows["rank"] = contests["loss"].rank(na_option="bottom")
    best = contests["loss"].transform("min")
    rows["behind"] = (rows["loss"] - best) / best.abs()
    rows["over"] = rows["fit_seconds"] / rows["budget"]
    reference = rows[rows["contender"] == REFERENCE].set_index(CONTEST)["peak_memory"]
    rows["memory_ratio"] = rows["peak_memory"] / reference.reindex(pd.MultiIndex.from_frame(rows[CONTEST])).to_numpy()
    return rows.drop(columns="loss")


def print_contests(rows: pd.DataFrame) -> None:
    """A table for each split, best first."""
    for (dataset, seed, budget, cores), contest in rows.groupby(CONTEST, sort=False):
        one = contest.iloc[0]
        print(
            f"{dataset}, seed {seed}: {one['task']}, {one['train_rows']} + {one['test_rows']} rows, "
            f"{one['features']} features, {budget:g} s, {cores} cores"
        )
        print(
            f"  {'':18}{one['metric']:>9}{'rmse':>10}{'rank':>6}{'fit/budget':>12}{'process s':>11}{'peak MB':>9}"
            f"{'predict s':>11}{'trials':>8}"
        )
        for row in contest.sort_values("rank").to_dict(orient="records"):
            score, rmse = _or_blank(row["score"], "9.4f"), _or_blank(row["rmse"], "10.4g")
            over = _or_blank(row["over"], "12.2f")
            predict, trials = _or_blank(row["predict_seconds"], "11.3f"), _or_blank(row["trials"], "8.0f")
            print(
                f"  {row['contender']:18}{score}{rmse}{row['rank']:6.1f}{over}{row['process_seconds']:11.1f}"
                f"{row['peak_memory']:9.0f}{predict}{trials}"
            )
        for row in contest[contest["score"].isna()].to_dict(orient="records"):
            print(f"  {row['contender']} failed: {row['detail']}")
        print()


def print_standings(rows: pd.DataFrame) -> None:
    """Who stands where, over the contests that all of them have entered."""
    entered = rows.groupby(CONTEST)["contender"].transform("nunique")
    rows = rows[entered == rows["contender"].nunique()]
    count = rows.groupby(CONTEST).ngroups
    print(f"contests of all {rows['contender'].nunique()} contenders: {count}")
    print(
        f"  {'':18}{'mean rank':>10}{'first':>6}{'behind the best, at most':>40}{'fit/budget, at most':>21}"
        f"{'MB per FLAML':>15}{'at most':>15}{'failed':>8}"
    )
    for name, own in sorted(rows.groupby("contender"), key=lambda item: float(item[1]["rank"].mean())):
        worst = next(iter(own.nlargest(1, "behind").to_dict(orient="records")), None)  # none, if all have failed
        behind = "" if worst is None else f"{worst['behind']:.2%} ({worst['dataset']}, seed {worst['seed']})"
        first, failed = (own["rank"] == 1).sum(), own["score"].isna().sum()
        memory = [_or_blank(value, "15.2f") for value in (own["memory_ratio"].median(), own["memory_ratio"].max())]
        print(
            f"  {name:18}{own['rank'].mean():10.2f}{first:6}{behind:>40}{_or_blank(own['over'].max(), '21.2f')}"
            f"{memory[0]}{memory[1]}{failed:8}"
        )


def _or_blank(value: float | None, shape: str) -> str:
    """A number, or as much room as it would take."""
    return " " * int(shape.partition(".")[0]) if value is None or pd.isna(value) else f"{value:{shape}}"
