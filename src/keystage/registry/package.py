"""The registered model: recipe and model as one, with all that decides what it is."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# What every registered model needs to load and predict; learners add their own.
_ALWAYS_REQUIRED = ("mlflow", "numpy", "pandas", "scikit-learn", "scipy", "skops")
_REQUIRED_BY_LEARNER = {"lightgbm": "lightgbm", "xgboost": "xgboost-cpu", "catboost": "catboost"}
# The rooms whose classes are inside a recipe, and what MLflow calls the model by.
_CODE = (
    *("keystage/__init__.py", "keystage/core", "keystage/prep"),
    *("keystage/adapters/__init__.py", "keystage/adapters/mlflow_served.py"),
)


@dataclass(frozen=True)
class ModelPackage:
    """A model that takes raw rows, and where it comes from.

    Attributes:
        pipeline: fitted scikit-learn pipeline, recipe first.
        example: a few raw rows, features only.
        requirements: exact versions to load it with.
        code: folder with the sources its classes are defined in.
        lineage: what the model itself tells of where it comes from.
    """

    pipeline: Any
    example: "pd.DataFrame"
    requirements: tuple[str, ...]
    code: Path
    lineage: Mapping[str, Any]

    @property
    def booleans(self) -> list[str]:
        """The raw columns whose cells are true or false, as words in a text are."""
        return [str(name) for name in self.example.columns[self.example.dtypes == "bool"]]


def join(recipe: Any, model: Any, intervals: Mapping[str, Any] | None = None, features: Iterable[str] = ()) -> Any:
    """Recipe and model as one scikit-learn pipeline that takes raw rows.

    Args:
        recipe: fitted.
        model: fitted on what it gives.
        intervals: of a forecast, as the evaluation tells them; None for none.
        features: names of the columns that the recipe gives, where there are intervals.
    """
    from sklearn.pipeline import Pipeline

    from keystage.prep.forecaster import Forecaster
    from keystage.prep.history import SeriesHistory

    history = next((step for _, step in recipe.steps if isinstance(step, SeriesHistory)), None)
    if history is not None:
        model = Forecaster.of(model, history, intervals, features)
    return Pipeline([*recipe.steps, ("model", model)])


def requirements_of(model: Any, recipe: Any = None) -> tuple[str, ...]:
    """Pinned requirements of a fitted model, by the packages its members come from, and of a recipe's holidays."""
    learners = {type(member).__module__.partition(".")[0] for member in members_of(model)}
    names = [*_ALWAYS_REQUIRED, *(_REQUIRED_BY_LEARNER[name] for name in learners if name in _REQUIRED_BY_LEARNER)]
    names += ["holidays"] if any(getattr(step, "holidays", None) for _, step in getattr(recipe, "steps", ())) else []
    return tuple(f"{name}=={version(name)}" for name in sorted(names))


def members_of(model: Any) -> Iterator[Any]:
    """The learners inside pipelines and votes, however deep."""
    if type(model).__name__ == "FixedThresholdClassifier":
        model = model.estimator_
    parts = [step for _, step in model.steps] if hasattr(model, "steps") else getattr(model, "estimators_", [])
    if not parts or not type(model).__module__.startswith("sklearn"):
        yield model
        return
    for part in parts:
        yield from members_of(part)


def copy_code(source: Path, target: Path, own: Iterable[str]) -> Path:
    """Copy the sources a model's classes stand in from ``src`` to an empty folder.

    Args:
        source: the folder ``src``.
        target: an empty folder.
        own: files of the user's below ``source`` that the recipe can reach.
    """
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in (*_CODE, *own):
        origin = source / name
        if origin.is_dir():
            shutil.copytree(origin, target / name, ignore=ignored)
        elif origin.is_file() and not (target / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin, target / name)
    return target


def digest_of(files: Iterable[Path], code: Path, told: Mapping[str, Any] | None = None) -> str:
    """SHA-256 over recipe, model, runtime lock, packed code and what else it tells: the same one, the same model."""
    parts = [path.read_bytes() for path in files]
    parts += [digest_of_mapping(told).encode()] if told else []
    parts += [path.relative_to(code).as_posix().encode() + path.read_bytes() for path in sorted(code.rglob("*.py"))]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def digest_of_mapping(values: Mapping[str, Any]) -> str:
    """SHA-256 over a mapping as canonical JSON."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
