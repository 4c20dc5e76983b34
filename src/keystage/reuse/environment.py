"""The locked packages, and where the packages that are installed differ from them."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keystage.core.errors import EnvironmentMismatchError, listing

FIX = "make env (or run with them and have them recorded: keystage run environment=as_is)"
_INSTALLED = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)\.dist-info")


@dataclass(frozen=True)
class Environment:
    """Versions by package.

    Attributes:
        locked: by name, with the marker where one applies ("numpy ; python_version < '3.12'"): the whole lock, also
            what is for other systems, so that the same lock is the same everywhere.
        differing: installed versions that are not the locked ones, "none" for a package that is missing.
    """

    locked: dict[str, str]
    differing: dict[str, str]


def read_environment(lock: Path, *, shown: str) -> Environment:
    """Read the lock and compare it with this Python's packages.

    Args:
        lock: requirements file with ``name==version`` lines.
        shown: what to call it in errors.

    Raises:
        EnvironmentMismatchError: the lock is missing, or holds a line without an exact version.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    installed = dict(_installed())
    locked: dict[str, str] = {}
    differing: dict[str, str] = {}
    for line in _lines(lock, shown):
        try:
            requirement = Requirement(line)
            (pin,) = requirement.specifier
        except (InvalidRequirement, ValueError) as error:
            raise EnvironmentMismatchError(
                f"{shown} has a line that locks nothing: {line}",
                why="each line must be name==version, so that every machine has the same",
                fix="compile the lock anew: make lock",
            ) from error
        marker = f" ; {requirement.marker}" if requirement.marker else ""
        locked[requirement.name + marker] = pin.version
        if requirement.marker and not requirement.marker.evaluate():
            continue
        present = installed.get(canonicalize_name(requirement.name), "none")
        if not pin.contains(present, prereleases=True) if present != "none" else True:
            differing[requirement.name] = present
    return Environment(locked, differing)


def require_locked(environment: Environment, *, shown: str, fix: str = FIX) -> None:
    """Refuse packages that differ from the lock.

    Args:
        environment: as ``read_environment`` finds it.
        shown: what to call the lock in the error.
        fix: the command that installs it.

    Raises:
        EnvironmentMismatchError: names the packages, with both versions.
    """
    if not environment.differing:
        return
    wanted = {name.partition(" ;")[0]: version for name, version in environment.locked.items()}
    pairs = [f"{name} {version}, locked {wanted[name]}" for name, version in sorted(environment.differing.items())]
    raise EnvironmentMismatchError(
        f"the installed packages are not those of {shown}",
        why=f"in {sys.prefix}: {listing(pairs)}",
        fix=fix,
    )


def _lines(lock: Path, shown: str) -> Iterator[str]:
    """The requirements, without comments and hashes."""
    try:
        text = lock.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentMismatchError(
            f"{shown} cannot be read",
            why=f"environment.lock names it, and every stage's key holds its versions: {error}",
            fix=f"git restore {shown}, or correct environment.lock in conf/environment",
        ) from error
    for line in text.splitlines():
        wanted = line.partition(" \\")[0].partition(" --hash")[0].partition("#")[0].strip()
        if wanted and not line.startswith((" ", "\t", "-")):
            yield wanted


def _installed() -> Iterator[tuple[str, str]]:
    """Name and version of every installed package, from the names of their folders: reading 160 files takes longer."""
    from packaging.utils import canonicalize_name

    for folder in reversed([Path(entry) for entry in sys.path if entry]):  # what comes first on the path wins
        for item in folder.glob("*.dist-info") if folder.is_dir() else ():
            if found := _INSTALLED.fullmatch(item.name):
                yield canonicalize_name(found["name"]), found["version"]
