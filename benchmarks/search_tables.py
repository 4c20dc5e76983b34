"""The tables that `benchmarks/search.py` compares searches on: numbers only, and split the same for everybody."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
TEST_SIZE = 0.2
ONE_HOT_VALUES = 20  # a column of words with more of them becomes codes
METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "r2"}
_MISSING = ["", "?", "NA", "NaN"]
_FILM_VOTES = tuple(f"r{tenth}" for tenth in range(1, 11))  # shares of each rating: the label itself


@dataclass(frozen=True)
class Table:
    """A table to learn from.

    Attributes:
        task: binary, multiclass or regression.
        read: gives all rows, words and missing cells included, with the label as a column named ``label``. It is given
            the folder of CSV files, if there is one.
        file: the CSV file that has to be in the folder; empty where the rows come with the project or a library.
    """

    task: str
    read: Callable[[Path | None], pd.DataFrame]
    file: str = ""


@dataclass(frozen=True)
class Split:
    """A table ready for a contest.

    Attributes:
        task: binary, multiclass or regression.
        train: n x (m + 1) numbers, features x0 to x(m-1) and ``label``: class codes from 0, or values.
        test: the same columns, other rows.
    """

    task: str
    train: pd.DataFrame
    test: pd.DataFrame


def _bundled(name: str, task: str) -> Table:
    """A table that comes with scikit-learn."""

    def read(_: Path | None) -> pd.DataFrame:
        from sklearn import datasets

        loaded = getattr(datasets, f"load_{name}")(as_frame=True)
        rows: pd.DataFrame = loaded.data.assign(label=loaded.target)
        return rows

    return Table(task, read)


def _titanic() -> Table:
    """The project's own table, without the columns that its declaration drops."""

    def read(_: Path | None) -> pd.DataFrame:
        declared = yaml.safe_load((ROOT / "conf/dataset/titanic.yaml").read_text(encoding="utf-8"))
        parts = [pd.read_csv(ROOT / declared["path"] / name) for name in declared["files"]]
        rows: pd.DataFrame = pd.concat(parts, ignore_index=True).drop(columns=declared["drop"])
        return rows.rename(columns={str(declared["label"]): "label"})

    return Table("binary", read)


def _csv(file: str, task: str, label: str | int = -1, drop: tuple[str | int, ...] = ()) -> Table:
    """A CSV file. A label given as a number is a column's place, and says that the file has no header."""

    def read(folder: Path | None) -> pd.DataFrame:
        assert folder is not None
        header = None if isinstance(label, int) else 0
        rows = pd.read_csv(
            folder / file, header=header, skipinitialspace=True, keep_default_na=False, na_values=_MISSING
        )
        name = rows.columns[label] if isinstance(label, int) else label
        rows = rows.rename(columns={name: "label"}).drop(columns=list(drop))
        return rows.dropna(subset="label", ignore_index=True)

    return Table(task, read, file)


TABLES = {
    "titanic": _titanic(),
    "breast_cancer": _bundled("breast_cancer", "binary"),
    "digits": _bundled("digits", "multiclass"),
    "diabetes": _bundled("diabetes", "regression"),
    "wine": _bundled("wine", "multiclass"),
    "german": _csv("german.csv", "binary"),
    "phoneme": _csv("phoneme.csv", "binary"),
    "abalone": _csv("abalone.csv", "regression"),
    "winequality-white": _csv("winequality-white.csv", "regression"),
    "mpg": _csv("mpg.csv", "regression", "mpg"),
    "mammography": _csv("mammography.csv", "binary"),
    "adult": _csv("adult-train.csv", "binary"),
    "diamonds": _csv("diamonds.csv", "regression", "price"),
    # Column 23 tells whether the lesion was surgical, and 24 to 26 what kind it was; column 2 is the hospital's number.
    "horse-colic": _csv("horse-colic.csv", "binary", 23, (2, 24, 25, 26, 27)),
    "penguins": _csv("penguins.csv", "multiclass", "species"),
    "pollution": _csv("pollution.csv", "regression", "pm2.5", ("No",)),
    "taxis": _csv("taxis.csv", "regression", "fare", ("total",)),  # the total is the fare with tip and tolls
    # Of R's tables, which the package pydataset has; an unnamed column numbers the rows.
    "mroz": _csv("Mroz.csv", "binary", "work", ("Unnamed: 0", "hoursw", "hearnw", "wagew")),
    "mortgages": _csv("Hdma.csv", "binary", "deny", ("Unnamed: 0",)),
    "flchain": _csv("flchain.csv", "binary", "death", ("Unnamed: 0", "futime", "chapter")),
    "heating": _csv("Heating.csv", "multiclass", "depvar", ("Unnamed: 0", "idcase")),
    "yogurt": _csv("Yogurt.csv", "multiclass", "choice", ("Unnamed: 0", "id")),
    "chile": _csv("Chile.csv", "multiclass", "vote", ("Unnamed: 0",)),
    "hedonic": _csv("Hedonic.csv", "regression", "mv", ("Unnamed: 0", "townid")),
    "computers": _csv("Computers.csv", "regression", "price", ("Unnamed: 0",)),
    "slid": _csv("SLID.csv", "regression", "wages", ("Unnamed: 0",)),
    "food": _csv("BudgetFood.csv", "regression", "wfood", ("Unnamed: 0",)),
    "films": _csv("movies.csv", "regression", "rating", ("Unnamed: 0", "title", *_FILM_VOTES)),
}


def available(folder: Path | None) -> list[str]:
    """Names of the tables that can be read, with this folder of CSV files or without one."""
    return [name for name, table in TABLES.items() if not table.file or (folder and (folder / table.file).is_file())]


def split(name: str, folder: Path | None, seed: int) -> Split:
    """Read a table, make numbers of it, and split off the test rows, of classes in equal shares."""
    from sklearn.model_selection import train_test_split

    table = TABLES[name]
    rows = table.read(folder)
    label = rows.pop("label")
    if table.task != "regression":
        label = pd.Series(pd.factorize(label, sort=True)[0], index=label.index)
    numbers = numeric(rows).assign(label=label)
    classes = None if table.task == "regression" else numbers["label"]
    train, test = train_test_split(numbers, test_size=TEST_SIZE, stratify=classes, random_state=seed)
    return Split(table.task, train.reset_index(drop=True), test.reset_index(drop=True))


def numeric(rows: pd.DataFrame) -> pd.DataFrame:
    """Words as numbers: a column per value where there are few, else codes in the order of the alphabet.

    A missing number or code stays missing; a missing word of a few is 0 in each of its columns.

    Returns:
        n x m float64, named x0 to x(m-1): some learners refuse names with signs in them.
    """
    columns: list[np.ndarray] = []
    for name in rows:
        column = rows[name]
        if pd.api.types.is_numeric_dtype(column):
            columns.append(column.to_numpy(dtype=float))
            continue
        codes, values = pd.factorize(column, sort=True)
        if len(values) <= ONE_HOT_VALUES:
            columns += [(codes == code).astype(float) for code in range(len(values))]
        else:
            columns.append(np.where(codes < 0, np.nan, codes).astype(float))
    return pd.DataFrame({f"x{place}": column for place, column in enumerate(columns)})


def score(task: str, truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """The task's metric and, for regression, the root mean squared error too.

    Args:
        task: binary, multiclass or regression.
        truth: n class codes or values.
        predicted: n x k probabilities, or n x 1 values.
    """
    from sklearn.metrics import log_loss, r2_score, roc_auc_score, root_mean_squared_error

    if not np.isfinite(predicted).all():
        raise ValueError("a prediction is no finite number")
    if task == "binary":
        return {"score": float(roc_auc_score(truth, predicted[:, 1]))}
    if task == "multiclass":
        shares = predicted / predicted.sum(axis=1, keepdims=True)  # single precision sums to nearly 1
        return {"score": float(log_loss(truth, shares, labels=range(predicted.shape[1])))}
    values = predicted[:, 0]
    return {"score": float(r2_score(truth, values)), "rmse": float(root_mean_squared_error(truth, values))}
