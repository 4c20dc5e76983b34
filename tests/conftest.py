"""Real projects for the tests: a git repository with DVC, made from this checkout as a newcomer would clone it."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

# Several workers share the cores: as in the stages, threads that wait sleep instead of spinning
# (keystage.compute.limits), or a fit of a second takes most of a minute. Set before what has such threads is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

ROOT = Path(__file__).parents[1]
_BIN = Path(sys.executable).parent
_RAN = re.compile(r"Running stage '(\w+)'")


def _environment() -> dict[str, str]:
    return {"HOME": os.environ.get("HOME", "/"), "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}"}


@dataclass(frozen=True)
class Project:
    """A project in a temporary folder."""

    root: Path

    def call(self, *command: str, ok: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project, as in an activated environment; both streams are in ``stdout``."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env=_environment() | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        assert not ok or done.returncode == 0, done.stdout
        return done

    def start(self, *command: str, until: str) -> subprocess.Popen[str]:
        """Start a command with a process group of its own, and return once a line of its output holds ``until``."""
        running = subprocess.Popen(
            command,
            cwd=self.root,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert running.stdout is not None
        seen = []
        for line in running.stdout:
            seen.append(line)
            if until in line:
                return running
        raise AssertionError(f"{until!r} is not in: {''.join(seen)}")

    def stages_run(self, *command: str) -> set[str]:
        """Run a command and return the stages that DVC ran, apart from those it reused."""
        return set(_RAN.findall(self.call(*command).stdout))

    def settings(self) -> dict[str, Any]:
        """What params.yaml holds."""
        loaded: dict[str, Any] = yaml.safe_load((self.root / "params.yaml").read_text(encoding="utf-8"))
        return loaded

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace one piece of a file."""
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def append(self, name: str, text: str) -> None:
        """Add to the end of a file."""
        with (self.root / name).open("a", encoding="utf-8") as file:
            file.write(text)

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.call("git", "add", "--all")
        self.call("git", "commit", "--quiet", "--message", message)


def _copy_of_checkout(target: Path) -> Project:
    """What git would give a newcomer, the working tree's changes included."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and name != "dvc.lock" and not name.startswith("reports/"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    project = Project(target)
    project.call("git", "init", "--quiet")
    project.call("git", "config", "user.email", "tests@example.org")
    project.call("git", "config", "user.name", "tests")
    # A search of seconds is the project's own default, so that plain `dvc exp run` is quick too.
    project.edit("conf/config.yaml", "automl: quick", "automl: smoke")
    project.call("keystage", "compose")
    project.commit("start")
    return project


@contextmanager
def made_once(factory: pytest.TempPathFactory, name: str) -> Iterator[tuple[Path, bool]]:
    """A folder that all workers share, and whether it is still to be made; the others wait."""
    base = factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    made = root.with_name(f"{name}.made")
    with FileLock(f"{made}.lock"):
        yield root, not made.exists()
        made.touch()


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which nothing has run. Read only: tests change copies of it."""
    with made_once(tmp_path_factory, "fresh") as (root, is_new):
        return _copy_of_checkout(root) if is_new else Project(root)


@pytest.fixture(scope="session")
def finished(fresh: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose pipeline has run once, and whose results are committed. Read only: tests change copies of it."""
    with made_once(tmp_path_factory, "a path with spaces") as (root, is_new):
        project = Project(root)
        if is_new:
            shutil.copytree(fresh.root, root)
            project.call("keystage", "run")
            project.commit("first run")
    return project


@pytest.fixture
def new_project(fresh: Project, tmp_path: Path) -> Project:
    """A copy of the project in which nothing has run."""
    shutil.copytree(fresh.root, tmp_path / "new")
    return Project(tmp_path / "new")


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A copy of the project that has run, with a tracking store of its own."""
    shutil.copytree(finished.root, tmp_path / "project")
    for name in ("mlflow.db", "mlflow.db.lock"):
        (tmp_path / "project" / name).unlink(missing_ok=True)
    return Project(tmp_path / "project")


@pytest.fixture
def registered(finished: Project, tmp_path: Path) -> Project:
    """A copy of the project that has run, whose version 1 is registered: for tests that do not look at its files."""
    return copy_with_versions(finished, tmp_path / "project")


def copy_with_versions(finished: Project, root: Path) -> Project:
    """Copy a project with what is registered.

    The store holds absolute paths: versions stay where they were made, what is made anew stands in the copy.
    """
    shutil.copytree(finished.root, root)
    store, before = root / "mlflow.db", (root / "mlflow.db").stat()
    with closing(sqlite3.connect(store)) as opened, opened:
        moved = (str(finished.root), str(root))
        opened.execute("UPDATE experiments SET artifact_location = replace(artifact_location, ?, ?)", moved)
    os.utime(store, ns=(before.st_atime_ns, before.st_mtime_ns))  # as if nobody had written to it
    return Project(root)
