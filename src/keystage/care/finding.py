"""What a check has found. A check never ends the others, whatever state the project is in."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from keystage.core.disk import disk_error
from keystage.core.errors import KeystageError
from keystage.core.params import first_line


class Status(Enum):
    """How a check ended; the value is what a person reads."""

    ok = "ok"
    warning = "warning"
    fails = "fails"


@dataclass(frozen=True)
class Finding:
    """What was seen, and what to do where it is not well.

    Attributes:
        status: ``fails`` where a run would not work, ``warning`` where it might not, or not well.
        seen: one line.
        mend: a command; empty when all is well.
    """

    status: Status
    seen: str
    mend: str = ""


Check = Callable[[], Finding]


def ok(seen: str) -> Finding:
    """All is well."""
    return Finding(Status.ok, seen)


def warning(seen: str, mend: str) -> Finding:
    """It may not work, or not well."""
    return Finding(Status.warning, seen, mend)


def fails(seen: str, mend: str) -> Finding:
    """A run would not work."""
    return Finding(Status.fails, seen, mend)


def look(check: Check) -> Finding:
    """What a check finds; whatever it raises is a finding too."""
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - a doctor who faints helps nobody
        return problem(error)


def problem(error: Exception) -> Finding:
    """What kept a check from looking."""
    worded = error if isinstance(error, KeystageError) else disk_error(error)
    if worded:
        return fails(f"{worded.what}: {' '.join(worded.why.split())}", worded.fix)
    return fails(
        f"it cannot be looked at: {type(error).__name__}: {first_line(error)}",
        "git stash, then keystage doctor, tells whether an edit is the cause; git stash pop brings it back",
    )
