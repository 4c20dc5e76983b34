"""A training with everything that a page can tell, names that try to be markup included."""

from typing import Any

from keystage.report.material import Material

EVIL = "<script>alert(1)</script>|`a`"
CLASSES = ["lived & <b>well</b>", "died"]


def _score(value: float, baseline: float, *, greater: bool = True) -> dict[str, Any]:
    return {
        "value": value,
        "low": value - 0.04,
        "high": value + 0.05,
        "baseline": baseline,
        "greater_is_better": greater,
    }


EVALUATION: dict[str, Any] = {
    "task": "classification",
    "rows": 262,
    "label": "Survived",
    "classes": CLASSES,
    "primary": "roc_auc",
    "metrics": {
        "accuracy": _score(0.8, 0.62),
        "roc_auc": _score(0.85, 0.5),
        "log_loss": _score(0.4, 0.6, greater=False),
    },
    "interval": {"level": 0.95, "resamples": 1000, "method": "bootstrap over the rows"},
    "baseline": {"name": "most frequent class"},
    "per_class": [
        {"class": CLASSES[0], "rows": 162, "precision": 0.8, "recall": 0.9, "f1": 0.85, "roc_auc": 0.85},
        {"class": CLASSES[1], "rows": 100, "precision": 0.5, "recall": 0.4, "f1": 0.44, "roc_auc": None},
    ],
    "segments": [
        {
            "column": EVIL,
            "metric": "roc_auc",
            "groups": [
                {"group": "male", "rows": 170, "value": 0.74, "low": 0.65, "high": 0.82},
                {"group": "female", "rows": 12, "value": 0.9, "low": 0.7, "high": 0.98},
                {"group": EVIL, "rows": 1, "value": None, "low": None, "high": None},
            ],
            "gap": {"value": 0.16, "between": ["female", "male"]},
        }
    ],
    "importance": [
        {"column": "Sex", "mean": 0.17, "std": 0.02},
        {"column": "Age", "mean": 0.03, "std": 0.01},
        {"column": EVIL, "mean": -0.001, "std": 0.001},
    ],
    "dependence": [
        {
            "column": "Sex",
            "kind": "category",
            "points": [
                {"value": EVIL, "rows": 170, "predicted": {CLASSES[0]: 0.8, CLASSES[1]: 0.2}},
                {"value": "female", "rows": 92, "predicted": {CLASSES[0]: 0.3, CLASSES[1]: 0.7}},
            ],
        },
        {
            "column": "Age",
            "kind": "number",
            "points": [
                {"value": age, "rows": 9, "predicted": {CLASSES[0]: age / 90, CLASSES[1]: 1 - age / 90}}
                for age in (2.5, 20.0, 41.5, 70.0)
            ],
        },
    ],
    "worst": [
        {"row": 7, "actual": CLASSES[0], "predicted": CLASSES[1], "probability": 0.04, "error": 0.96, "columns": row}
        for row in ({"Sex": "male", EVIL: EVIL, "Age": None}, {"Sex": "female", EVIL: "b", "Age": 32.5})
    ],
    "notes": ["Partial dependence on 2 of 3 columns."],
}

_QUANTILES = {"0": 0.2, "0.05": 4.0, "0.25": 21.0, "0.5": 28.0, "0.75": 39.0, "0.95": 57.0, "1": 80.0}
DATA: dict[str, Any] = {
    "rows": {"read": 1310, "left_out_without_label": 1, "train": 1047, "validation": 0, "test": 262},
    "split": "random",
    "left_out_columns": {EVIL: "dataset.drop names it"},
    "label": {"rows_per_class": {CLASSES[0]: 1250, CLASSES[1]: 60}},
    "profile": [
        {
            "column": "Age",
            "type": "number",
            "purpose": "number",
            "count": 1046,
            "missing": 263,
            "distinct": 98,
            "mean": 29.88,
            "std": 14.41,
            "skew": 0.4,
            "quantiles": _QUANTILES,
            "histogram": {"edges": [0.2, 20.0, 40.0, 60.0, 80.0], "counts": [250, 500, 230, 66]},
            "top": [],
        },
        {
            "column": EVIL,
            "type": "string",
            "purpose": "category",
            "count": 1309,
            "missing": 0,
            "distinct": 2,
            "mean": None,
            "std": None,
            "skew": None,
            "quantiles": None,
            "histogram": None,
            "top": [{"value": EVIL, "count": 843}, {"value": "female", "count": 466}],
        },
    ],
    "guardrails": [
        {"check": "missing_cells", "outcome": "fixed", "columns": ["Age"], "numbers": {"cells": 263}, "note": "filled"},
        {"check": "leakage", "outcome": "failed", "columns": [EVIL], "numbers": {}, "note": "It says the label."},
    ],
}
SETTINGS: dict[str, Any] = {
    "seed": 11,
    "dataset": {
        "files": ["a.csv"],
        "label": "Survived",
        "task": "classification",
        "name": "titanic",
        "path": "data/titanic",
        "columns": [{"name": EVIL, "type": "string"}],
        "description": "Who survived.",
        "licence": "Public",
        "intended_use": "To learn.",
        "limits": ["One ship."],
    },
    "prep": {"test_size": 0.2, "steps": []},
    "automl": {"metric": "roc_auc", "time_budget": None},
    "registry": {"model_name": "Titanic"},
}


def _trial(rank: int, trial: int, estimator: str, score: float | None) -> dict[str, Any]:
    return {
        "rank": rank,
        "trial": trial,
        "estimator": estimator,
        "metric": "roc_auc",
        "score": score,
        "fold_scores": [] if score is None else [score - 0.01, score + 0.01],
        "end": "failed" if score is None else "complete",
        "error": EVIL if score is None else "",
        "hyperparameters": '{"depth": 3, "rate": 0.0123456}',
    }


def _plots() -> dict[str, list[dict[str, str]]]:
    curve = [(place / 10, (place / 10) ** 0.5) for place in range(11)]

    def table(x: str, y: str) -> list[dict[str, str]]:
        return [{x: str(a), y: str(b), "class": "died"} for a, b in curve]

    return {
        "roc": table("false_positive_rate", "true_positive_rate"),
        "precision_recall": table("recall", "precision"),
        "calibration": table("predicted", "observed"),
        "gains": table("share", "found"),
        "lift": table("share", "lift"),
        "scores": [
            {"probability": str(x), "rows": "9", "actual": actual, "class": "died"}
            for actual in ("of the class", "others")
            for x in (0.25, 0.75)
        ],
        "confusion": [{"actual": CLASSES[0], "predicted": name} for name in (CLASSES[0], CLASSES[0], CLASSES[1])],
        "predicted": [],
        "residuals": [],
        "forecast": [],
    }


def everything(**changes: Any) -> Material:
    """All parts of a page; ``changes`` are fields of the material."""
    parts: dict[str, Any] = {
        "settings": SETTINGS,
        "data": DATA,
        "search": {"model": {"roc_auc": 0.93}, "trials": 3, "validation": {"note": "5 folds"}},
        "model": {
            "members": [{"trial": 9, "estimator": "lgbm", "weight": 1.0, "fitted_on": "folds", "hyperparameters": {}}],
            "chosen": "1 trial",
            "notes": [],
        },
        "evaluation": EVALUATION,
        "metrics": {"test": {"roc_auc": 0.85, "rows": 262}},
        "course": [{"trial": "1", "score": "0.8", "best": "0.8"}, {"trial": "9", "score": "0.85", "best": "0.85"}],
        "board": [_trial(1, 9, "lgbm", 0.85), _trial(2, 1, "rf", 0.8), _trial(3, 2, EVIL, None)],
        "plots": _plots(),
        "files": {"a.csv": "bc2c6ec5b97fbcea0edb021514bbf5b6"},
        "environment": {"locked": {"numpy": "2.0", "zipp": "1"}, "differing": {"zipp": "2"}},
        "environment_digest": "ab" * 32,
    }
    return Material(**{**parts, **changes})
