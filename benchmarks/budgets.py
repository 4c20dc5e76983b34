"""Whether a search ends when its budget does, on tables of many shapes: few rows and many, columns, classes.

Run: python benchmarks/budgets.py [--budgets SECONDS ...] [--shapes ROWSxCOLUMNSxCLASSES ...] [--cores N]

Each search is stage ``train`` with the settings of conf/automl/quick.yaml but for its budget, on numbers drawn for the
purpose. What is measured begins when the table is read, and ends when the model, the leaderboard and all else is
written: seconds as a multiple of the budget, kept where that is 1.05 at most, or 5 seconds over a small budget.
"""

import argparse

import numpy as np
import pandas as pd
from search_runs import Contest, Result, keep_to, run, say
from search_tables import Split

BUDGETS = [5.0, 20.0, 60.0]
SHAPES = ["100x10x3", "10000x10x3", "500000x10x3", "10000x10x300", "2000x2000x3", "10000x10x0", "500000x10x0"]
TEST_ROWS = 1000
SEED = 1
ALLOWED, OF_SMALL = 1.05, 5.0  # times the budget, and seconds more where that is less


def main() -> None:
    """Search each table within each budget, and print how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budgets", type=float, nargs="+", default=BUDGETS)
    parser.add_argument("--shapes", nargs="+", default=SHAPES, help="0 classes: numbers")
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    keep_to(given.cores)
    rows = []
    for shape in given.shapes:
        table = drawn(*map(int, shape.split("x")))
        for budget in given.budgets:
            result = run("keystage", Contest(shape, SEED, budget, given.cores), table)
            rows.append(_row(shape, budget, result))
            say("  ".join(f"{name} {value}" for name, value in rows[-1].items()))
    print(pd.DataFrame(rows).to_markdown(index=False))


def drawn(rows: int, columns: int, classes: int) -> Split:
    """A table whose label depends on its first columns and on chance; of every class some rows."""
    random = np.random.default_rng(SEED)
    count = rows + TEST_ROWS
    features = random.normal(size=(count, columns)).round(4)
    signal = features[:, 0] + np.sin(2 * features[:, 1]) + 0.3 * random.normal(size=count)
    label = signal if not classes else (pd.Series(signal).rank(pct=True).to_numpy() * classes).astype(int) % classes
    table = pd.DataFrame(features, columns=[f"x{place}" for place in range(columns)]).assign(label=label)
    task = "regression" if not classes else "multiclass" if classes > 2 else "binary"
    return Split(task, table.iloc[:rows].reset_index(drop=True), table.iloc[rows:].reset_index(drop=True))


def _row(shape: str, budget: float, result: Result) -> dict[str, object]:
    seconds = result.fit_seconds
    most = max(ALLOWED * budget, budget + OF_SMALL if budget < 100 else 0)
    return {
        "table": shape,
        "budget": budget,
        "seconds": None if seconds is None else round(seconds, 1),
        "ratio": None if seconds is None else round(seconds / budget, 3),
        "kept": seconds is not None and seconds <= most,
        "trials": result.detail if seconds is None else result.trials,
    }


if __name__ == "__main__":
    main()
