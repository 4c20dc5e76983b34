"""What a run would do with each stage, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from keystage.reuse.key import Difference, Part


class Decision(Enum):
    """What becomes of a stage; the value is what a person reads."""

    run = "RUN"
    reuse = "REUSE"
    depends = "DEPENDS"  # on whether a stage before it gives what it gave before


@dataclass(frozen=True)
class PlannedStage:
    """One stage of a plan.

    Attributes:
        name: the stage.
        decision: what becomes of it.
        because: the reason, one line.
        differences: the parts of its key that differ from its last run.
        waits_for: stages before it whose outputs nobody can know before they have run.
    """

    name: str
    decision: Decision
    because: str
    differences: tuple[Difference, ...] = ()
    waits_for: tuple[str, ...] = ()


def cause(
    stage: str,
    by_stage: Mapping[str, Sequence[Difference]],
    makers: Mapping[str, str],
    waits: Mapping[str, Sequence[str]],
) -> list[Difference]:
    """Why a stage's key differs, from the root: before an input that differs come the differences of its maker.

    Args:
        stage: the one that is asked about.
        by_stage: the differences of each stage's own key.
        makers: the stage that gives an output, by the output's path.
        waits: by stage, those before it whose outputs nobody can know before they have run.
    """
    own = by_stage.get(stage, ())
    before = [makers[item.name] for item in own if item.part is Part.output]
    found: list[Difference] = []
    for maker in dict.fromkeys([*waits.get(stage, ()), *before]):
        found += [item for item in cause(maker, by_stage, makers, waits) if item not in found]
    return [*found, *own]
