"""Stage ``report``: a page and a model card from what the stages before it have written. It computes nothing anew."""

import csv
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from keystage.compute.spec import ComputeSpec
from keystage.core.params import outside_key
from keystage.pipeline import workspace
from keystage.report.card import card, markdown
from keystage.report.material import Material
from keystage.report.page import page

logger = logging.getLogger(__name__)


@dataclass
class ReportParams:
    """The sections of params.yaml that are shown, untyped: all that stands in them is."""

    seed: int
    dataset: dict[str, Any]
    prep: dict[str, Any]
    automl: dict[str, Any]
    registry: dict[str, Any]
    compute: ComputeSpec = outside_key("threads draw no other picture")


def report(params: ReportParams) -> None:
    """Write reports/report.html, reports/model_card.md and reports/model_card.json."""
    shown = {item.name: getattr(params, item.name) for item in fields(params) if item.name != "compute"}
    material = gather(shown)
    told = card(material)
    workspace.write_json(told, workspace.CARD)
    workspace.CARD_PAGE.write_text(markdown(told), encoding="utf-8")
    workspace.REPORT_PAGE.write_text(page(material), encoding="utf-8")
    logger.info("The page about this training: %s", workspace.REPORT_PAGE)


def gather(settings: Mapping[str, Any]) -> Material:
    """Read what the page tells, from the working directory. A file that is not there is an empty part.

    Args:
        settings: the sections of params.yaml that are shown.
    """
    return Material(
        settings=settings,
        data=_json(workspace.DATA_REPORT),
        search=_json(workspace.SEARCH_REPORT),
        model=_json(workspace.MODEL_REPORT),
        evaluation=_json(workspace.EVALUATION),
        metrics=_json(workspace.METRICS),
        course=_rows(workspace.SEARCH_COURSE),
        board=_board(),
        plots={path.stem: _rows(path) for path in sorted(workspace.PLOTS.glob("*.csv"))},
        files=_json(workspace.DATASET_NOTE),
        environment=_json(workspace.ENVIRONMENT_NOTE),
        environment_digest=hashlib.sha256(workspace.ENVIRONMENT_NOTE.read_bytes()).hexdigest(),
    )


def _json(path: Path) -> dict[str, Any]:
    return workspace.read_json(path) if path.is_file() else {}


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _board() -> list[dict[str, Any]]:
    """The trials as plain values. ``read_table`` would load pandas, which takes longer than the whole stage."""
    from pyarrow.parquet import ParquetFile

    if not workspace.LEADERBOARD.is_file():
        return []
    found: list[dict[str, Any]] = ParquetFile(workspace.LEADERBOARD).read().to_pylist()
    return found
