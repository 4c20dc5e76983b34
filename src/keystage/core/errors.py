"""The errors a user can meet.

::

    KeystageError                 what is wrong, why, and the next command; exit code 1
    ├── ConfigError               conf/ or an override is wrong; exit code 2
    │   └── StaleParamsError      params.yaml is not what conf/ gives; exit code 2
    ├── ProjectError              this folder is not a keystage project that can run
    │   ├── ChangedInputError     what a stage reads changed under it
    │   └── DamagedOutputError    a stage's output is not what the stage gave; exit code 75
    ├── DiskError                 the disk is full or read-only, or denies access
    ├── EnvironmentMismatchError  the installed packages are not those of the lock
    ├── DatasetError              the data is not as declared
    ├── ExtensionError            the user's own code cannot be loaded
    ├── SearchError               no model could be found
    ├── TrackingError             the tracking store cannot be reached
    ├── RegistryError             the model cannot be registered
    ├── RemoteError               the DVC remote is not there, or did not take or give what it should
    ├── ResultError               a result that is asked for is not there, or is in the way
    ├── ExportError               a model cannot be written in another form
    └── RunFailed                 a run that was started from Python ended with an error

Anything else that is raised is a bug of ours and keeps its traceback.
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Self

INTERRUPTED = 130  # the exit code that shells report for Ctrl-C
MAX_LISTED = 8  # names shown in one message before "and N more"


class KeystageError(Exception):
    """Base of all errors that are the user's to mend.

    Args:
        what: what is wrong, one line.
        why: where it comes from: the file and key, or the rows.
        fix: what to do next, a command where there is one.
    """

    code = "error"
    exit_code = 1

    def __init__(self, what: str, *, why: str, fix: str) -> None:
        super().__init__(what)
        self.what, self.why, self.fix = what, why, fix

    def __str__(self) -> str:
        return f"error[{self.code}]: {self.what}\n  why: {self.why}\n  fix: {self.fix}"


class ConfigError(KeystageError):
    """A file in conf/ or an override is wrong."""

    code = "config"
    exit_code = 2


class StaleParamsError(ConfigError):
    """params.yaml is not what conf/ gives."""

    code = "stale-params"


class ProjectError(KeystageError):
    """The folder is not a project in which the pipeline can run."""

    code = "project"


class ChangedInputError(ProjectError):
    """What a stage reads changed under it."""

    code = "changed-input"


class DamagedOutputError(ProjectError):
    """An output is not what the stage that made it gave; the damage is removed, so running again mends it."""

    code = "damaged"
    exit_code = 75  # EX_TEMPFAIL of sysexits.h: try again


class DiskError(KeystageError):
    """The disk is full or read-only, or denies access."""

    code = "disk"


class EnvironmentMismatchError(KeystageError):
    """The installed packages are not those of the lock."""

    code = "environment"


class DatasetError(KeystageError):
    """The data is not as conf/dataset declares it."""

    code = "dataset"


class ExtensionError(KeystageError):
    """Code in src/project cannot be loaded or breaks its contract."""

    code = "extension"


class SearchError(KeystageError):
    """The search ended without a model."""

    code = "search"


class TrackingError(KeystageError):
    """The tracking store cannot be reached or read."""

    code = "tracking"


class RegistryError(KeystageError):
    """The model cannot be registered."""

    code = "registry"


class RemoteError(KeystageError):
    """The DVC remote is not there, or did not take or give what it should."""

    code = "remote"


class ResultError(KeystageError):
    """A result that is asked for by name is not there, or something is in its way."""

    code = "result"


class ExportError(KeystageError):
    """A model cannot be written in another form, or is not the same there."""

    code = "export"

    @classmethod
    def of(cls, part: str, why: str) -> Self:
        """A part that has no counterpart."""
        fix = "leave it out: prep.steps, automl.exclude, automl.estimators (docs/results.md says what converts)"
        return cls(f"the pipeline cannot become ONNX, because of {part}", why=why, fix=fix)


class RunFailed(KeystageError):  # noqa: N818 - what it is to those who catch it
    """A run that was started from Python ended with an error, whose words these are.

    Args:
        what: what is wrong, with the stage it befell.
        why: where it comes from.
        fix: what to do next.
        stage: that failed; empty when the run ended before a stage or between two.
        lines: all that the run has said.
    """

    code = "run-failed"

    def __init__(self, what: str, *, why: str, fix: str, stage: str = "", lines: tuple[str, ...] = ()) -> None:
        super().__init__(what, why=why, fix=fix)
        self.stage, self.lines = stage, lines


def causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it came from, outermost first."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def listing(names: Iterable[str]) -> str:
    """Names for a message, at most ``MAX_LISTED`` of them."""
    every = list(names)
    shown = ", ".join(every[:MAX_LISTED])
    return shown if len(every) <= MAX_LISTED else f"{shown} and {len(every) - MAX_LISTED} more"


def counted(number: int, one: str, many: str) -> str:
    """So many of something: 1 file, 2,000 files."""
    return f"{number:,} {one if number == 1 else many}"


def cut(text: str, most: int) -> str:
    """A text of so many characters at most, with a sign where it was longer."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def in_one_line(text: str) -> str:
    """A text with line ends and other characters that nobody sees as Python writes them."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def hint(name: str, known: Iterable[str]) -> str:
    """The nearest known name as a question, or all of them when none is near."""
    every = list(known)
    near = _nearest(name, every)
    return f"did you mean '{near}'?" if near else f"choose from: {listing(every)}"


def hints(names: Iterable[str], known: Iterable[str]) -> str:
    """The nearest known name for each; where none is near, all of them, once."""
    every, near, far = list(known), [], []
    for name in names:
        found = _nearest(name, every)
        if found:
            near.append(f"for '{name}': did you mean '{found}'?")
        else:
            far.append(f"'{name}'")
    return " ".join([*near, f"none is like {listing(far)} among {listing(every)}"] if far else near)


def _nearest(name: str, known: list[str]) -> str | None:
    """By letters and digits alone, whatever their case: people write F1, root-mean-squared-error, LightGBM."""
    plain = {_plain(one): one for one in reversed(known)}
    found = get_close_matches(_plain(name), plain, n=1)
    return plain[found[0]] if found else None


def _plain(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum()) or name
