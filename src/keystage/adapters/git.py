"""Git: the state that results belong to, how it is kept, and how it is checked out again beside the one in work."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from keystage.core.errors import ProjectError

STATES = "refs/keystage/states"  # a ref per state, so that git keeps it and can share it
VERSIONS = "refs/keystage/versions"  # a ref per registered version, for people who write MODEL@NUMBER
_MESSAGE = "keystage: the state a model version was made from"
_AUTHOR = ("keystage", "keystage@example.invalid")
_NO_COMMIT_YET = "@0 +0000"  # the date of a state in a repository without a commit
STASHES = ("/stash", "/failed")  # git's own, and DVC's of queued and of failed experiments


def head(root: Path) -> str:
    """The commit checked out, with ``-dirty`` when tracked files differ from it; "none" where there is no commit."""
    return _ask(root, "describe", "--always", "--abbrev=40", "--dirty=-dirty", "--exclude=*") or "none"


def commit_of(root: Path, name: str) -> str | None:
    """The commit that a revision, an experiment of DVC or a registered version (``MODEL@VERSION``) names."""
    if found := _ask(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"):
        return found
    if found := _ask(root, "rev-parse", "--verify", "--quiet", _version_ref(*name.rpartition("@")[::2])):
        return found
    refs = _ask(root, "for-each-ref", "--format=%(objectname)", f"refs/exps/*/*/{name}").splitlines()
    return refs[-1] if refs else None


def file_at(root: Path, commit: str, path: str) -> str:
    """The text of a file of the project at a commit; empty where it is not there."""
    return _ask(root, "show", f"{commit}:./{path}")


def blob(root: Path, commit: str, path: str) -> bytes | None:
    """The bytes of a file of the project at a commit; None where it is not there."""
    command = ["git", "show", f"{commit}:./{path}"]
    done = subprocess.run(command, cwd=root, capture_output=True, check=False)  # noqa: S603 - arguments of ours
    return None if done.returncode else done.stdout


def history_of(root: Path, path: str, most: int) -> dict[str, str]:
    """The latest commits of the branch checked out that changed a file: their subjects by commit, the newest first."""
    listed = _ask(root, "log", f"--max-count={most}", "--format=%H%x00%s", "--", path).splitlines()
    return dict(line.split("\0", maxsplit=1) for line in listed)


def untracked(root: Path, patterns: Iterable[str]) -> list[Path]:
    """Files matching the pathspecs that git neither tracks nor ignores, relative to ``root``."""
    return _untracked(root, patterns, {})


def snapshot(root: Path, patterns: Iterable[str]) -> str:
    """The commit that holds the files below ``root`` as they are now.

    Tracked files are in it, and untracked ones that match ``patterns`` and are not ignored. It is ``HEAD`` when that is
    how they are, else a commit on top of it. Equal states on equal commits give the same commit: it holds no clock and
    no user. Neither index nor branch is touched; see ``keep``.
    """
    parent = _ask(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    with tempfile.TemporaryDirectory() as folder:
        own = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        index = root / _git(root, "rev-parse", "--git-path", "index").rstrip("\n")
        if index.is_file():  # what it remembers of sizes and times saves reading every file again
            shutil.copy2(index, own["GIT_INDEX_FILE"])
        _git(root, "read-tree", *(["--reset", parent] if parent else ["--empty"]), variables=own)
        _git(root, "add", "--update", "--", ".", variables=own)
        added = _untracked(root, patterns, own)  # what is new in the user's index too: DVC adds dvc.lock there
        _git(root, "update-index", "--add", "-z", "--stdin", text="\0".join(map(str, added)), variables=own)
        tree = _git(root, "write-tree", variables=own).strip()
    if parent and tree == _ask(root, "rev-parse", f"{parent}^{{tree}}"):
        return parent
    date = _ask(root, "show", "--no-patch", "--format=@%ct +0000", parent) if parent else _NO_COMMIT_YET
    return _git(
        root,
        *("commit-tree", tree, *(["-p", parent] if parent else []), "-m", _MESSAGE),
        variables={
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (*zip(("NAME", "EMAIL"), _AUTHOR, strict=True), ("DATE", date))
        },
    ).strip()


def keep(root: Path, commit: str, home: Path) -> None:
    """Give the commit a ref in the repository of ``home``, and the commit itself when ``root`` is in another one."""
    ref = f"{STATES}/{commit}"
    _git(root, "update-ref", ref, commit)
    if home != root.resolve():
        source = _git(root, "rev-parse", "--show-toplevel").rstrip("\n")
        quiet = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules")
        _git(home, "fetch", *quiet, source, f"{ref}:{ref}")


def name_version(home: Path, model: str, number: str, commit: str) -> None:
    """Make ``MODEL@NUMBER`` a name of the commit in the repository of ``home``; that of an earlier store gives way."""
    _git(home, "update-ref", _version_ref(model, number), commit)


def has(root: Path, commit: str) -> bool:
    """Whether the repository holds the commit."""
    return bool(_ask(root, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"))


def parent_of(root: Path, commit: str) -> str:
    """The commit that a state made by ``snapshot`` stands on; empty when it is a commit of the user's."""
    found = _ask(root, "show", "--no-patch", "--format=%P%x00%s", commit).partition("\0")
    return found[0] if found[2] == _MESSAGE else ""


def add_worktree(root: Path, folder: Path, commit: str) -> Path:
    """Check the commit out in a folder of its own. Returns what ``root`` is there."""
    # Hooks are off: `dvc install` has one that would fill the folder from the cache.
    _git(root, "-c", "core.hooksPath=/dev/null", "worktree", "add", "--force", "--detach", str(folder), commit)
    return folder / prefix(root)


def prefix(root: Path) -> Path:
    """Where ``root`` is in its repository; a project may be a folder of one."""
    return Path(_git(root, "rev-parse", "--show-prefix").rstrip("\n"))


def remove_worktree(root: Path, folder: Path) -> None:
    """Remove what ``add_worktree`` made, also what is left of one that was cut off."""
    _run(root, "worktree", "remove", "--force", str(folder))
    if folder.exists():
        shutil.rmtree(folder)


def refs(root: Path) -> dict[str, str]:
    """Every commit that a name of git leads to, by that name: branches, tags, experiments, whatever else there is.

    A stash keeps its older entries, and queued experiments are such, in its log alone.
    """
    checked_out = _ask(root, "rev-parse", "--verify", "--quiet", "HEAD")
    found = {"HEAD": checked_out} if checked_out else {}
    peeled = (
        "%(if)%(*objectname)%(then)%(*objectname) %(*objecttype)%(else)%(objectname) %(objecttype)%(end) %(refname)"
    )
    for line in _ask(root, "for-each-ref", f"--format={peeled}").splitlines():
        commit, kind, name = line.split(" ", maxsplit=2)
        if kind != "commit":
            continue
        found[name] = commit
        if name.endswith(STASHES):
            entries = _ask(root, "log", "--walk-reflogs", "--format=%H", name).splitlines()
            found |= {f"{name}@{{{number}}}": entry for number, entry in enumerate(entries)}
    return found


def folder(root: Path) -> Path:
    """Where git keeps the repository that ``root`` is in.

    Raises:
        ProjectError: it is in none, or git may not read it.
    """
    done = _run(root, "rev-parse", "--absolute-git-dir")
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise ProjectError(
            f"{root} is in no git repository that can be used",
            why=said[0] if said else "git does not say",
            fix=said[-1].strip() if "safe.directory" in done.stderr else "git init && git add --all && git commit",
        )
    return Path(done.stdout.strip())


def setting(root: Path, name: str) -> str:
    """A setting of git, empty where it is not set."""
    return _ask(root, "config", "--get", name)


def _untracked(root: Path, patterns: Iterable[str], variables: Mapping[str, str]) -> list[Path]:
    arguments = ("ls-files", "--others", "--exclude-standard", "-z", "--", *patterns)
    listed = _git(root, *arguments, variables=variables).split("\0")
    return [Path(name) for name in listed if name and not name.endswith("/")]  # a slash ends another repository


def _version_ref(model: str, number: str) -> str:
    return f"{VERSIONS}/{quote(model, safe='')}/{number}"  # a model's name may hold what git refuses in a ref


def _git(root: Path, *arguments: str, text: str = "", variables: Mapping[str, str] | None = None) -> str:
    """Run a command that must succeed, and return its output.

    Raises:
        ProjectError: it did not.
    """
    done = _run(root, *arguments, text=text, variables=variables)
    if done.returncode:
        command = next(item for item in arguments if not item.startswith("-") and "=" not in item)
        raise ProjectError(
            f"git {command} failed in {root.resolve()}",
            why=" ".join(done.stderr.split()) or f"it ended with code {done.returncode}",
            fix="mend what it names, then run the same command again",
        )
    return done.stdout


def _ask(root: Path, *arguments: str) -> str:
    """The answer of a command in one line; empty when it has none."""
    return _run(root, *arguments).stdout.strip()


def _run(
    root: Path, *arguments: str, text: str = "", variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - arguments of ours
        ["git", *arguments],  # noqa: S607 - git is on PATH
        cwd=root,
        env={**os.environ, **(variables or {})},
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
