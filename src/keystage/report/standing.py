"""The trials of the search on the page: the board, what the model is made of, the learners side by side."""

import json
from collections.abc import Mapping
from typing import Any

from keystage.report.material import Material
from keystage.report.points import telling
from keystage.report.small import strip
from keystage.report.words import NOTHING, figure, interval, percent

_MATTERED = 3  # hyperparameters of a learner that are shown; all stand in reports/model.json


def board(material: Material) -> list[dict[str, Any]]:
    """Every trial, best first, with its weight in the model."""
    weights = {int(member["trial"]): float(member["weight"]) for member in material.model.get("members") or ()}
    return [_trial(row, weights) for row in material.board]


def members(material: Material) -> list[dict[str, Any]]:
    """What the model is made of, the heaviest first."""
    ranks = {int(row["trial"]): int(row["rank"]) for row in material.board}
    return [
        {
            "rank": ranks.get(int(member["trial"]), NOTHING),
            "trial": member["trial"],
            "estimator": _short(member["estimator"]),
            "weight": float(member["weight"]),
            "weight_text": percent(float(member["weight"])),
            "fitted_on": str(member.get("fitted_on", "")).replace("_", " "),
            "hyperparameters": _point(member.get("hyperparameters") or {}),
        }
        for member in material.model.get("members") or ()
    ]


def learners(material: Material) -> list[dict[str, Any]]:
    """Per learner how often it was tried, its best score, and all its scores on one line."""
    scored = [row for row in material.board if _scored(row)]
    if not scored:
        return []
    domain = telling([float(row["score"]) for row in scored])
    found = []
    for name in dict.fromkeys(str(row["estimator"]) for row in scored):
        scores = [float(row["score"]) for row in scored if row["estimator"] == name]
        tried = sum(row["estimator"] == name for row in material.board)
        says = f"Scores of {_short(name)}: {interval(min(scores), max(scores))}"
        found.append(
            {"name": _short(name), "trials": tried, "best": figure(scores[0]), "drawing": strip(says, domain, scores)}
        )
    return found


def mattered(material: Material) -> list[dict[str, str]]:
    """Per learner with enough trials, the hyperparameters that made most of the difference between them."""
    told = (material.model.get("hyperparameters") or {}).get("estimators") or {}
    shares = {
        name: list(entry["importance"].items())[:_MATTERED] for name, entry in told.items() if "importance" in entry
    }
    return [
        {"name": _short(name), "text": ", ".join(f"{part} {percent(share)}" for part, share in most)}
        for name, most in shares.items()
    ]


def _trial(row: Mapping[str, Any], weights: Mapping[int, float]) -> dict[str, Any]:
    scores = [float(score) for score in row.get("fold_scores") or () if score == score]
    weight = weights.get(int(row["trial"]))
    return {
        "rank": int(row["rank"]),
        "trial": int(row["trial"]),
        "estimator": _short(row["estimator"]),
        "score": float(row["score"]) if _scored(row) else None,
        "score_text": figure(float(row["score"])) if _scored(row) else str(row.get("end") or NOTHING).replace("_", " "),
        "folds": interval(min(scores), max(scores)) if scores else NOTHING,
        "weight": weight or 0.0,
        "weight_text": percent(weight) if weight else "",
        "hyperparameters": _point(json.loads(row.get("hyperparameters") or "{}")),
        "error": str(row.get("error") or ""),
    }


def _point(values: Mapping[str, Any]) -> str:
    shown = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in values.items()}
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def _short(name: object) -> str:
    return str(name).rpartition(":")[2]


def _scored(row: Mapping[str, Any]) -> bool:
    score = row.get("score")
    return score is not None and score == score
