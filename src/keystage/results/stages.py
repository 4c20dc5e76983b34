"""The stages of a run: whether they ran, when, for how long."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keystage.core.errors import ResultError
from keystage.pipeline import workspace
from keystage.results import taking
from keystage.results.origin import Origin
from keystage.results.output import Output


@dataclass(frozen=True)
class StageResult:
    """A stage of a run.

    Attributes:
        name: as in dvc.yaml.
        reused: whether an earlier run had made its result; None where nothing tells, as of a commit.
        seconds: that it took when it was made; None of a stage that keeps no record, or whose record is gone.
        record: when, where and with what the result was made.
        outputs: what it gave.
    """

    name: str
    reused: bool | None
    seconds: float | None
    record: Mapping[str, Any]
    outputs: tuple[Output, ...]

    @property
    def ran(self) -> bool | None:
        """Whether the run made the result; None where nothing tells."""
        return None if self.reused is None else not self.reused


def stages_of(origin: Origin) -> dict[str, StageResult]:
    """The stages of a run by name, in the order of the pipeline."""
    outputs = origin.outputs
    found = {}
    for name in origin.stages:
        record = _record(origin, name)
        found[name] = StageResult(
            name=name,
            reused=_was_reused(origin, record),
            seconds=record.get("seconds"),
            record=record,
            outputs=tuple(item for item in outputs if item.stage == name),
        )
    return found


def _was_reused(origin: Origin, record: Mapping[str, Any]) -> bool | None:
    if not record:  # a stage that keeps none runs every time
        return False
    if origin.identity is not None:
        return bool(record["run"] != origin.identity)
    return bool(record["experiment"] != origin.experiment) if origin.experiment else None


def _record(origin: Origin, stage: str) -> dict[str, Any]:
    if origin.version is not None:
        told = next((item.record for item in origin.version.lineage.stages if item.name == stage), {})
        return dict(told)
    try:
        loaded: dict[str, Any] = json.loads(taking.read(origin, workspace.record(stage).as_posix()))
    except ResultError:
        return {}
    return loaded
