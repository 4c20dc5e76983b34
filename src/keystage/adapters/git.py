"""Git: the state that results belong to."""

import subprocess
from pathlib import Path


def head(root: Path) -> str:
    """The commit checked out, with ``-dirty`` when tracked files differ from it; "none" where there is no commit."""
    return _git(root, "describe", "--always", "--abbrev=40", "--dirty=-dirty", "--exclude=*") or "none"


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - arguments of ours
        ["git", *arguments],  # noqa: S607 - git is on PATH
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()
