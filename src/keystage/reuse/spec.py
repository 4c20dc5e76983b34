"""What conf/reuse and conf/environment declare. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass
from enum import Enum


@dataclass
class ReuseSpec:
    """Whether a stage may be reused when nothing in its key has changed; a stage that may not runs every time.

    A result made with reuse off is that run's alone: no later run takes it for its own, and the results kept before are
    found again as soon as reuse is on. Stages ``conf`` and ``register`` always run.
    """

    dataprep: bool
    train: bool
    evaluate: bool
    report: bool


class OnMismatch(Enum):
    """What to do when the installed packages are not those of the lock."""

    refuse = "refuse"
    record = "record"


@dataclass
class EnvironmentSpec:
    """The packages that stages run with.

    Attributes:
        lock: requirements file with one exact version per package; all of it is in the key of every keyed stage.
        on_mismatch: ``refuse`` to run with other versions, or ``record`` them: the differing versions are then in the
            keys too, so that such results are never taken for results of the lock.
    """

    lock: str
    on_mismatch: OnMismatch
