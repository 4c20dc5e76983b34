"""Every path a stage reads or writes, in one place. dvc.yaml names the same ones."""

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keystage.core.errors import ProjectError

ARTIFACTS = Path("artifacts")
REPORTS = Path("reports")

# What the settings name, as stage conf notes it: parts of the other stages' keys (keystage.reuse.named).
KEY = ARTIFACTS / "key"
DATASET_NOTE = KEY / "dataset.json"
OWN_TRANSFORMS_NOTE = KEY / "own_transforms.json"
OWN_METRIC_NOTE = KEY / "own_metric.json"
OWN_ESTIMATORS_NOTE = KEY / "own_estimators.json"
OPTIONS_NOTE = KEY / "options.json"
ENVIRONMENT_NOTE = KEY / "environment.json"
EXTRAS_NOTE = KEY / "extras.json"
SIZES_NOTE = ARTIFACTS / "sizes.json"  # in no key

# Of this folder alone: which run this is, and dvc.lock as it was when it began.
RUN_NOTE = Path(".dvc", "tmp", "keystage", "run.txt")
LOCK_BEFORE = RUN_NOTE.with_name("dvc.lock")
REGISTERED = RUN_NOTE.with_name("registered.json")
PINNED_NOTE = RUN_NOTE.with_name("pinned.json")  # keystage.data.sources.pinned
SOURCES = RUN_NOTE.with_name("sources")  # contents that were fetched from elsewhere, by their digest

# The logs of this folder's searches, so that one can be gone on with.
SEARCHES = Path(".dvc", "tmp", "keystage", "search")

# Rows between the two looks that dataprep takes at a table larger than memory; gone when it ends.
STAGED = Path(".dvc", "tmp", "keystage", "staged")

TRAIN_TABLE = ARTIFACTS / "prepared" / "train.parquet"
TEST_TABLE = ARTIFACTS / "prepared" / "test.parquet"
RAW_TEST = ARTIFACTS / "raw_test.parquet"
ASIDE_TEST = ARTIFACTS / "aside_test.parquet"
RECIPE = ARTIFACTS / "recipe.pkl"
DATA_REPORT = REPORTS / "data.json"

MODEL = ARTIFACTS / "model.pkl"
LEADERBOARD = ARTIFACTS / "leaderboard.parquet"
OUT_OF_FOLD = ARTIFACTS / "out_of_fold.parquet"
SEARCH_REPORT = REPORTS / "search.json"
MODEL_REPORT = REPORTS / "model.json"
SEARCH_COURSE = REPORTS / "search.csv"
TRAIN_AGAIN = REPORTS / "train_again.py"

PREDICTIONS = ARTIFACTS / "predictions.parquet"
METRICS = REPORTS / "metrics.json"
EVALUATION = REPORTS / "evaluation.json"
PLOTS = REPORTS / "plots"

REPORT_PAGE = REPORTS / "report.html"
CARD = REPORTS / "model_card.json"
CARD_PAGE = REPORTS / "model_card.md"

GATE = REPORTS / "gate.json"


def reuse_note(stage: str) -> Path:
    """The file that changes with every run while ``stage`` may not be reused."""
    return KEY / f"reuse_{stage}.txt"


def record(stage: str) -> Path:
    """Where and when ``stage`` ran, and how long it took: what is in no key, kept beside the result."""
    return ARTIFACTS / "records" / f"{stage}.json"


def run_identity() -> str:
    """What stage conf called the run under way; records name it, to tell results of this run from reused ones."""
    return RUN_NOTE.read_text(encoding="utf-8") if RUN_NOTE.is_file() else ""


def main_root() -> Path:
    """The folder of the project that people work in, from a stage's working directory.

    ``dvc exp run --temp`` and queue workers run stages in a copy below ``.dvc/tmp/exps``, which is removed afterwards:
    what outlives an experiment belongs to the project itself.
    """
    here = Path.cwd()
    for folder in here.parents:
        if folder.name == "exps" and folder.parent.name == "tmp" and folder.parent.parent.name == ".dvc":
            return folder.parents[2]
    return here


def write_json(values: Mapping[str, Any], path: Path) -> None:
    """Write indented JSON, keys as given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read what ``write_json`` wrote."""
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def write_pickle(value: Any, path: Path) -> None:
    """Pickle with a fixed protocol; equal objects built the same way give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        pickle.dump(value, file, protocol=5)


def read_pickle(path: Path) -> Any:
    """Read what a stage of this project pickled.

    Raises:
        ProjectError: the file was written by other versions of the libraries or by other code.
    """
    try:
        with path.open("rb") as file:
            return pickle.load(file)
    except (pickle.UnpicklingError, AttributeError, ImportError, EOFError) as error:
        raise ProjectError(
            f"{path} cannot be loaded",
            why=f"{type(error).__name__}: {error}",
            fix="write it anew: dvc repro --force",
        ) from error
