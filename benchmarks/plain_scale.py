"""What stage dataprep does of a large table, as a plain pandas script: read, check, count, split, write.

Run: python benchmarks/plain_scale.py FILE FOLDER [--recipe]

With --recipe, it also fits a recipe on the training rows, and writes what that makes of both sides.
"""

import sys
from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split

SEED, TEST_SIZE = 11, 0.2
LABEL, DAY, KEY = "label", "day", "row_id"
NUMBERS = [f"x{place}" for place in range(8)]
WHOLE = [f"n{place}" for place in range(4)]
TEXTS = [f"c{place}" for place in range(5)]
LEAST, MOST = -1000, 1000  # of a number
LABELS = [0, 1]


def check(table: pd.DataFrame) -> None:
    """Stop at the first cell that is not as it should be."""
    for name in NUMBERS:
        numbers = pd.to_numeric(table[name])
        if (numbers < LEAST).any() or (numbers > MOST).any():
            raise SystemExit(f"{name} is out of range")
    for name in [KEY, *WHOLE]:
        numbers = pd.to_numeric(table[name])
        if (numbers.dropna() % 1 != 0).any() or (numbers < 0).any():
            raise SystemExit(f"{name} is no count")
    if table[LABEL].isna().any() or not table[LABEL].isin(LABELS).all():
        raise SystemExit(f"{LABEL} is none of {LABELS}")


def main() -> None:
    """Prepare the table."""
    path, folder, with_recipe = Path(sys.argv[1]), Path(sys.argv[2]), "--recipe" in sys.argv
    table = pd.read_csv(path, dtype=dict.fromkeys(TEXTS, "str"), keep_default_na=False, na_values=[""])
    table[DAY] = pd.to_datetime(table[DAY], format="ISO8601")
    check(table)
    print(table.describe(include="all"))
    train, test = train_test_split(table, test_size=TEST_SIZE, stratify=table[LABEL], random_state=SEED)
    del table
    if with_recipe:
        train, test = prepared(train, test)
    train.to_parquet(folder / "train.parquet", index=False)
    test.to_parquet(folder / "test.parquet", index=False)


def prepared(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both sides after the recipe, which is fitted on the first."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OrdinalEncoder

    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    recipe = ColumnTransformer(
        [("fill", SimpleImputer(strategy="mean"), [*NUMBERS, *WHOLE]), ("codes", codes, TEXTS)],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    sides = [recipe.fit_transform(train), recipe.transform(test)]
    return sides[0].assign(label=train[LABEL]), sides[1].assign(label=test[LABEL])


if __name__ == "__main__":
    main()
