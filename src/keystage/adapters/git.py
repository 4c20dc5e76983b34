"""Git: the state that results belong to."""

import subprocess
from pathlib import Path


def head(root: Path) -> str:
    """The commit checked out, with ``-dirty`` when tracked files differ from it; "none" where there is no commit."""
    return _git(root, "describe", "--always", "--abbrev=40", "--dirty=-dirty", "--exclude=*") or "none"


def commit_of(root: Path, name: str) -> str | None:
    """The commit that a revision, an experiment of DVC or a registered version (``MODEL@VERSION``) names."""
    if found := _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"):
        return found
    if found := _git(root, "rev-parse", "--verify", "--quiet", f"refs/keystage/versions/{name.replace('@', '/')}"):
        return found
    refs = _git(root, "for-each-ref", "--format=%(objectname)", f"refs/exps/*/*/{name}").splitlines()
    return refs[-1] if refs else None


def file_at(root: Path, commit: str, path: str) -> str:
    """The text of a file of the project at a commit; empty where it is not there."""
    return _git(root, "show", f"{commit}:./{path}")


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - arguments of ours
        ["git", *arguments],  # noqa: S607 - git is on PATH
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()
