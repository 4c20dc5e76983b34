"""The model card: what a model is for, what it was made from, how good it is and where it is not to be trusted."""

import re
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader

from keystage.report.limits import limits
from keystage.report.material import Material
from keystage.report.words import figure, interval, percent, title

VERSION = 1  # of the form of model_card.json
# The packages that make a model what it is; all are in the lock.
MAIN_PACKAGES = ("flaml", "lightgbm", "mlflow", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "xgboost-cpu")


def card(material: Material) -> dict[str, Any]:
    """The card as data: equal inputs give equal values, and nothing in it is of a machine or a moment."""
    dataset, evaluation = material.dataset, material.evaluation
    name = str((material.settings.get("registry") or {}).get("model_name", ""))
    return {
        "card_version": VERSION,
        "model": name,
        "purpose": {
            "description": dataset.get("description"),
            "intended_use": dataset.get("intended_use"),
            "task": material.task,
            "label": material.label,
            "classes": material.classes,
        },
        "data": {
            "name": dataset.get("name"),
            "licence": dataset.get("licence"),
            "files": {str(file): {"md5": md5} for file, md5 in material.files.items()},
            "rows": dict(material.data.get("rows") or {}),
            "split": material.data.get("split"),
            "left_out_columns": dict(material.data.get("left_out_columns") or {}),
            **_sample(material.data.get("sample") or {}),
        },
        "metrics": {
            metric: {
                "value": score.value,
                "low": score.low,
                "high": score.high,
                "baseline": score.baseline,
                "greater_is_better": score.greater_is_better,
            }
            for metric, score in material.scores.items()
        },
        "primary_metric": material.primary[0] if material.primary else None,
        "interval": evaluation.get("interval"),
        "baseline": material.baseline,
        "test_rows": material.test_rows,
        "cross_validation": material.search.get("model"),
        "per_class": list(evaluation.get("per_class") or ()),
        "segments": list(evaluation.get("segments") or ()),
        "importance": list(evaluation.get("importance") or ()),
        "limits": limits(material),
        "notes": [str(note) for note in evaluation.get("notes") or ()],
        "guardrails": [
            {part: item.get(part) for part in ("check", "outcome", "columns", "note")}
            for item in material.data.get("guardrails") or ()
        ],
        "settings": dict(material.settings),
        "members": [
            {part: member.get(part) for part in ("trial", "estimator", "weight")}
            for member in material.model.get("members") or ()
        ],
        "environment": {
            "digest": material.environment_digest,
            "packages": len(material.environment.get("locked") or {}),
            "main": main_packages(material.environment),
            "not_locked": dict(material.environment.get("differing") or {}),
        },
        "lineage": f"keystage lineage {name or 'MODEL'}@VERSION",
    }


def _sample(told: Mapping[str, Any]) -> dict[str, Any]:
    """Of a table larger than memory, which rows were held; empty where all were."""
    return {} if told.get("is_all", True) else {"sample": {name: told[name] for name in ("rows", "of", "train_on")}}


def markdown(told: Mapping[str, Any]) -> str:
    """A card as Markdown. Names and texts of the data are shown as they are: no sign in them makes form."""
    templates = Environment(
        loader=PackageLoader("keystage.report"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown; the filter `md` escapes
    )
    templates.filters |= {"md": plain, "figure": figure, "percent": percent, "title": title}
    templates.globals["interval"] = interval
    return templates.get_template("model_card.md").render(card=told)


def main_packages(environment: Mapping[str, Any]) -> dict[str, str]:
    """Versions of the packages that make a model what it is; for other Pythons than one, both."""
    found: dict[str, str] = {}
    for name, version in sorted((environment.get("locked") or {}).items()):
        short = name.partition(" ;")[0]
        if short in MAIN_PACKAGES:
            found[short] = f"{found[short]} or {version}" if short in found else str(version)
    return found


def plain(text: object) -> str:
    """A text in which no sign makes form in Markdown, also in a table's cell."""
    one_line = " ".join(str(text).split())
    return re.sub(r"([\\`*_\[\]<>|#~$&!])", r"\\\1", one_line)
