"""Runs side by side: settings that differ, metrics, and the stages whose results they share."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keystage.core.params import flatten, parse_yaml
from keystage.reuse.key import NOTES_FOLDER, SIZES_NOTE, Entry, leaves, recorded_in

ABSENT = "-"
RECORDS = "artifacts/records/"  # hold clocks, so they differ between equal runs


@dataclass(frozen=True)
class RunState:
    """What the files of one run say.

    Attributes:
        name: what the person called it: a revision, an experiment, a version, or the workspace.
        settings: leaves by dotted name.
        metrics: numbers by file and name.
        stages: as dvc.lock has them.
    """

    name: str
    settings: Mapping[str, Any]
    metrics: Mapping[str, float]
    stages: Mapping[str, Entry]


@dataclass(frozen=True)
class Row:
    """A name, and a cell for each run."""

    name: str
    cells: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the runs do not agree."""
        return len(set(self.cells)) > 1


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
        runs: their names.
        settings: those that differ.
        metrics: all, in the order of the reports.
        stages: per stage, whose result each run has: its own, or that of a run to its left.
    """

    runs: tuple[str, ...]
    settings: tuple[Row, ...]
    metrics: tuple[Row, ...]
    stages: tuple[Row, ...]


def run_state(name: str, params: str, lock: str, reports: Mapping[str, str]) -> RunState:
    """A run from the texts of its params.yaml, dvc.lock and metrics files; empty texts for what it lacks.

    Results of other settings than those in force, as after ``keystage compose``, are marked in the name.
    """
    numbers = {
        f"{file}: {metric}": value
        for file, text in reports.items()
        for metric, value in flatten(json.loads(text) if text else {}).items()
        if isinstance(value, int | float)
    }
    settings = dict(leaves(parse_yaml(params, f"params.yaml of {name}") or {}))
    stages = recorded_in(lock, f"dvc.lock of {name}")
    ran_with = [leaves(values) for stage in stages.values() for values in stage.get("params", {}).values()]
    if any(settings.get(key) != value for pairs in ran_with for key, value in pairs):
        name += " (results of other settings)"
    return RunState(name, settings, numbers, stages)


def compare(runs: Sequence[RunState]) -> Comparison:
    """Put runs side by side."""
    settings = _rows([run.settings for run in runs])
    return Comparison(
        runs=tuple(run.name for run in runs),
        # The overrides are how a difference was asked for; the settings are the difference.
        settings=tuple(row for row in settings if row.differs and row.name != "overrides"),
        metrics=_rows([run.metrics for run in runs]),
        stages=_stage_rows(runs),
    )


def _rows(columns: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    names = list(dict.fromkeys(name for column in columns for name in column))
    return tuple(Row(name, tuple(_cell(column.get(name, ABSENT)) for column in columns)) for name in names)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is None:
        return "none"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _stage_rows(runs: Sequence[RunState]) -> tuple[Row, ...]:
    names = list(dict.fromkeys(name for run in runs for name in run.stages))
    rows = []
    for name in names:
        outputs = [_outputs(run.stages.get(name)) for run in runs]
        if any(outputs):
            rows.append(Row(name, tuple(_whose(place, outputs, runs) for place in range(len(runs)))))
    return tuple(rows)


def _whose(place: int, outputs: Sequence[Mapping[str, str] | None], runs: Sequence[RunState]) -> str:
    if not outputs[place]:
        return ABSENT
    first = outputs.index(outputs[place])
    return "own" if first == place else f"as {runs[first].name}"


def _outputs(entry: Entry | None) -> dict[str, str] | None:
    """Digests of a stage's outputs; the notes of stage conf are inputs in truth, and its row would say nothing."""
    outs = {out["path"]: out.get("md5", "") for out in (entry or {}).get("outs", [])}
    return {path: md5 for path, md5 in outs.items() if not path.startswith((RECORDS, f"{NOTES_FOLDER}/", SIZES_NOTE))}
