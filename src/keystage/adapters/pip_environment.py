"""A virtual environment with the packages of a lock, for a state that was made with others than those installed."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from keystage.core.errors import EnvironmentMismatchError

_STEP = re.compile(r"(?:Collecting|Processing) \S+|Installing collected packages")
_LAST_LINES = 20  # of pip's words; its reason stands in one of them


def built(folder: Path, lock: Path, instead: Mapping[str, str], on_step: Callable[[str], None]) -> Path:
    """The Python of an environment with the lock's packages, made below ``folder`` unless it is there already.

    Args:
        folder: holds environments, each under a name that its content gives.
        lock: requirements with hashes.
        instead: versions that differed from the lock when the lock was used, "none" for an absent package.
        on_step: is given pip's words for what it is doing.

    Raises:
        EnvironmentMismatchError: pip cannot install the lock.
    """
    content = lock.read_bytes() + json.dumps([sys.version, dict(instead)], sort_keys=True).encode()
    place = folder / hashlib.sha256(content).hexdigest()[:12]
    python, whole = place / "bin" / "python", place / "whole"
    if whole.is_file():
        return python
    shutil.rmtree(place, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(place)], on_step)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    _run([*pip, "install", "--progress-bar", "off", "--require-hashes", "--requirement", str(lock)], on_step)
    pins = [f"{name}=={version}" for name, version in instead.items() if version != "none"]
    absent = [name for name, version in instead.items() if version == "none"]
    if pins:
        _run([*pip, "install", "--progress-bar", "off", "--no-deps", *pins], on_step)
    if absent:
        _run([*pip, "uninstall", "--yes", *absent], on_step)
    whole.touch()
    return python


def _run(command: list[str], on_step: Callable[[str], None]) -> None:
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:  # noqa: S603
        assert process.stdout
        for line in process.stdout:
            last.append(line.strip())
            if step := _STEP.match(line.strip()):
                on_step(step[0])
    if process.returncode:
        errors = [line for line in last if line.startswith("ERROR")] or [*last]
        raise EnvironmentMismatchError(
            "the packages of that state cannot be installed",
            why=errors[-1] if errors else f"{' '.join(command)} ended with code {process.returncode}",
            fix="mend what pip names (an index that has these versions, this Python's version), then run again",
        )
