"""Compare `prep=auto` with a recipe that only numbers categories, by LightGBM's defaults in cross-validation.

Run: python benchmarks/recipes.py [--data FOLDER] [--tables NAME ...] [--seeds N]

Tables are those of search_tables.py that have words. Recipes are fitted within each fold. It prints the mean score over
5 folds a seed, the columns that come out, and the seconds that the recipe takes; it asserts nothing.
"""

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from search_tables import ROOT, TABLES, Table
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold

from keystage.prep.recipe import fit_and_prepare
from keystage.prep.spec import PrepSpec, TransformSpec


def _whole_titanic(_: Path | None) -> pd.DataFrame:
    parts = [pd.read_csv(ROOT / "data" / "titanic" / name) for name in ("Titanic.csv", "Titanic2.csv")]
    return pd.concat(parts, ignore_index=True).rename(columns={"Survived": "label"})


EVERY = {"titanic-whole": Table("binary", _whole_titanic), **TABLES}  # the first one with names, tickets and cabins
MOST_ROWS = 10_000  # of a table, drawn by the first seed
FOLDS = 5


def compare(table: Table, data: Path | None, seeds: int) -> dict[str, tuple[float, int, float]]:
    """Score, columns and seconds by recipe; empty for a table without words."""
    rows = table.read(data)
    rows = rows.sample(min(len(rows), MOST_ROWS), random_state=0).reset_index(drop=True)
    features, label = rows.drop(columns="label").rename(columns=str), rows["label"]
    words = [name for name in features if not pd.api.types.is_numeric_dtype(features[name])]
    recipes = {"numbered": [TransformSpec("codes", words)], "auto": [TransformSpec("auto")]}
    if not words:
        return {}
    return {name: _mean(steps, features, label, table.task == "regression", seeds) for name, steps in recipes.items()}


def _mean(
    steps: list[TransformSpec], features: pd.DataFrame, label: pd.Series, regression: bool, seeds: int
) -> tuple[float, int, float]:
    scores, seconds, width = [], 0.0, 0
    for seed in range(seeds):
        splitter = (KFold if regression else StratifiedKFold)(FOLDS, shuffle=True, random_state=seed)
        for learn, score in splitter.split(features, label):
            begun = time.perf_counter()
            known = label.iloc[learn].reset_index(drop=True)
            raw = features.iloc[learn].reset_index(drop=True)
            fitted = fit_and_prepare(PrepSpec(0.2, steps), raw, seed, label=known, regression=regression)
            seconds, width = seconds + time.perf_counter() - begun, fitted.table.shape[1]
            kind = LGBMRegressor if regression else LGBMClassifier
            model = kind(verbosity=-1, n_jobs=1, random_state=seed).fit(fitted.table.to_numpy(), known)
            new = fitted.recipe.transform(features.iloc[score]).to_numpy()
            scores.append(_score(model, new, label.iloc[score], regression))
    return float(np.mean(scores)), width, seconds / len(scores)


def _score(model: Any, new: np.ndarray, label: pd.Series, regression: bool) -> float:
    if regression:
        return float(r2_score(label, model.predict(new)))
    shares = model.predict_proba(new)
    two = shares.shape[1] == len(["no", "yes"])
    return float(roc_auc_score(label, shares[:, 1] if two else shares, multi_class="ovr"))


def main() -> None:
    """Print a line for each table and recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tables", nargs="+", choices=sorted(EVERY), default=sorted(EVERY))
    parser.add_argument("--seeds", type=int, default=2)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in asked.tables:
        file = EVERY[name].file
        if file and not (asked.data and (asked.data / file).is_file()):
            continue
        for recipe, (score, width, seconds) in compare(EVERY[name], asked.data, asked.seeds).items():
            print(f"{name:12} {recipe:9} {score:.4f}  {width:3} columns  {seconds:.2f} s", flush=True)


if __name__ == "__main__":
    main()
