"""A script of its own that fits the model of a search again: what was found, as code that needs no keystage."""

from collections.abc import Iterator, Mapping, Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any

from keystage.data.spec import Task
from keystage.search.ensemble import Member
from keystage.search.finishing import Finish
from keystage.search.fitting import Material
from keystage.search.trials import found_on_folds

if TYPE_CHECKING:
    from pathlib import Path

_SCRIPT = '''"""Fit the model of this search again, without the search and without keystage.

Each member is fitted on all training rows, boosted trees with the mean number of trees of the folds; where the search
took the mean of fold models (automl.final_fit=folds), predictions are therefore near, not equal.{remark}
Run in the project's folder, with PYTHONPATH=src where a learner of your own is among them.
"""

import numpy as np
import pandas as pd
{imports}

table = pd.read_parquet("{table}")
if "role:held_out" in table:
    table = table[~table["role:held_out"]]
label = table.pop("{label}")
features = table.drop(columns=[name for name in table if name.startswith("role:")])

members = [
{members}
]
model = {model}
model.fit(features.to_numpy(dtype="float64", na_value=np.nan), label)

print(model)
'''


def training_script(
    members: Sequence[Member],
    models: Sequence[Any],
    linear: Any,
    task: Task,
    table: "Path",
    label: str,
    *,
    left_out: Sequence[str],
) -> str:
    """The script's text.

    Args:
        members: of the model, with their weights.
        models: the fitted model of each: one estimator, or a vote of fold models.
        linear: the model that weighs them in a stack; None where their weights do.
        task: what is learnt.
        table: the prepared training table.
        label: its label's column.
        left_out: what the search did beside, and the script does not.
    """
    unfitted = [_unfitted(member, model) for member, model in zip(members, models, strict=True)]
    joint, settings = _joint(members, linear, task)
    parts = [part for model in unfitted for part in _parts(model)] + ([] if linear is None else list(_parts(linear)))
    places = {_place(part) for part in parts} | {("sklearn.ensemble", joint)}
    lines = [
        f'    ("{member.trial.name}", {_expression(model)}),' for member, model in zip(members, unfitted, strict=True)
    ]
    return _SCRIPT.format(
        remark=f"\nLeft out: {'; '.join(left_out)}." if left_out else "",
        imports="\n".join(f"from {module} import {name}" for module, name in sorted(places)),
        table=table.as_posix(),
        label=label.replace("\\", "\\\\").replace('"', '\\"'),
        members="\n".join(lines),
        model=f"{joint}(members, {settings})",
    )


def not_in_script(material: Material, finish: Finish) -> list[str]:
    """What a search did beside, and its script does not."""
    said = {
        "weights of rows": material.fit_weights is not None,
        "the calibration of probabilities": finish.calibrator is not None,
        f"the threshold {finish.threshold}": finish.threshold is not None,
        "what the differences, which are learnt, are added to": material.offset is not None,
    }
    return [name for name, is_so in said.items() if is_so]


def _joint(members: Sequence[Member], linear: Any, task: Task) -> tuple[str, str]:
    """The class that joins the members, and how it is set up."""
    of_classes = task is Task.classification
    kind = "Classifier" if of_classes else "Regressor"
    if linear is None:
        settings = f"weights={[member.weight for member in members]}"
        return f"Voting{kind}", f'voting="soft", {settings}' if of_classes else settings
    settings = f"final_estimator={_expression(linear)}"
    return f"Stacking{kind}", f'stack_method="predict_proba", {settings}' if of_classes else settings


def _unfitted(member: Member, model: Any) -> Any:
    """A member as it would be fitted on all rows."""
    from sklearn.base import clone

    made = clone(model.estimators[0][1]) if type(model).__name__.startswith("Voting") else clone(model)
    rounds = found_on_folds(member.trial.folds).get("n_estimators")
    if rounds is None:
        return made
    if hasattr(made, "max_iter"):  # scikit-learn's boosted trees call their number so
        return made.set_params(max_iter=rounds, early_stopping=False)
    return made.set_params(n_estimators=rounds)


def _expression(value: Any) -> str:
    """Python that gives an estimator, or a value of its settings; settings that are the default are left out."""
    if isinstance(value, list):
        return f"[{', '.join(map(_expression, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(_expression, value))},)"
    if callable(value) and not isinstance(value, type) and hasattr(value, "__name__"):
        return str(value.__name__)
    if isinstance(value, Mapping):
        return repr(dict(value))
    if not hasattr(value, "get_params"):
        return repr(value.item() if hasattr(value, "item") else value)
    known = signature(type(value).__init__).parameters
    said = ", ".join(
        f"{name}={_expression(setting)}"
        for name, setting in value.get_params(deep=False).items()
        if not _is_default(setting, known[name].default if name in known else None)
    )
    return f"{type(value).__name__}({said})"


def _is_default(setting: Any, default: Any) -> bool:
    """Not given, or not a number, is what XGBoost's defaults are."""
    return setting is None or setting != setting or (type(default) is type(setting) and bool(default == setting))


def _parts(model: Any) -> Iterator[Any]:
    """The estimators inside one, itself first."""
    yield model
    for value in model.get_params(deep=True).values():
        if (hasattr(value, "get_params") or hasattr(value, "__name__")) and not isinstance(value, type):
            yield value


def _place(model: Any) -> tuple[str, str]:
    """From where an estimator's class, or a function, is imported: private modules have a public one above."""
    if not hasattr(model, "get_params"):
        # Functions of SciPy's do not say where they are.
        return getattr(model, "__module__", None) or "scipy.special", str(model.__name__)
    parts = [part for part in type(model).__module__.split(".") if not part.startswith("_")]
    return ".".join(parts), type(model).__name__
