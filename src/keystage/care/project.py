"""Checks of the project: its files and settings, git, and what an earlier run may have left behind."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keystage.adapters import dvc_locks, dvc_project, git
from keystage.adapters.dvc_settings import settings
from keystage.care.finding import Finding, fails, ok, warning
from keystage.config.compose import compose, require_in_sync
from keystage.config.schema import Conf
from keystage.core.errors import ConfigError
from keystage.core.params import PARAMS_FILE, load_params, parse_yaml, typed_params

# As the project ships them: without these, `dvc exp run` composes nothing, or results are not staged with the code.
DVC_SETTINGS: Mapping[str, Any] = {
    "core.autostage": True,
    "hydra.enabled": True,
    "hydra.config_dir": "conf",
    "hydra.config_name": "config",
    "hydra.plugins_path": "src",
}
FILES = ("dvc.yaml", "conf/config.yaml", ".dvc/config")


def find_root() -> Path | None:
    """The nearest folder above that is a project, or what is left of one."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if any((folder / name).is_file() for name in FILES)), None)


def settings_in_force(root: Path) -> Conf:
    """params.yaml, or where it is of no use what conf/ gives.

    Raises:
        ConfigError: neither can be read.
    """
    try:
        return load_params(Conf, root / PARAMS_FILE)
    except ConfigError:
        return typed_params(Conf, parse_yaml(compose(root), "conf/"))


def files(root: Path | None) -> Finding:
    """Is it a project, and can DVC read its stages?"""
    if root is None:
        return fails(f"{Path.cwd()} is in no project, nor is a folder above it", "cd <the project's folder>")
    missing = [name for name in FILES if not (root / name).is_file()]
    if missing:
        return fails(f"{root} lacks {', '.join(missing)}", f"git restore {' '.join(missing)}")
    return ok(f"{root}, {dvc_project.count_stages(root)} stages")


def dvc_settings(root: Path) -> Finding:
    """Are DVC's settings those that the project relies on?"""
    if not (root / ".dvc" / "config").is_file():
        return fails(".dvc/config is missing", "git restore .dvc")
    found = settings(root)
    for name, wanted in DVC_SETTINGS.items():
        section, _, key = name.partition(".")
        present = found.get(section, {}).get(key)
        same = Path(present).name == Path(wanted).name if isinstance(present, str) else present == wanted
        if not same:
            return fails(f"{name} is {present}, not {wanted}", f"dvc config {name} {str(wanted).lower()}")
    return ok("as the project needs them")


def params(root: Path) -> Finding:
    """Is params.yaml what conf/ gives?"""
    require_in_sync(root)
    return ok("params.yaml is what conf/ gives")


def repository(root: Path) -> Finding:
    """Is there a git repository with a commit, that can be written and knows who commits?"""
    if not shutil.which("git"):
        return fails("git is not installed", "sudo apt-get install git")
    folder = git.folder(root)
    for name in ("user.name", "user.email"):
        if not git.setting(root, name):
            return warning(f"{name} is not set, and experiments are commits", f"git config --global {name} <yours>")
    if (commit := git.head(root)) == "none":
        return fails("there is no commit, and experiments start from one", "git add --all && git commit -m Start")
    for place in (folder, folder / "refs", folder / "objects"):
        if place.is_dir() and not os.access(place, os.W_OK):
            return fails(f"{place} cannot be written", f"sudo chown --recursive $(id --user) {folder}")
    if (folder / "index.lock").exists():
        return warning(
            f"{folder}/index.lock: a git command is at work, or was killed",
            f"when none is at work: rm {folder}/index.lock",
        )
    return ok(f"commit {commit[:7]}{' with uncommitted changes' if commit.endswith('-dirty') else ''}")


def locks(root: Path) -> Finding:
    """Is a command at work, or did one that was killed leave its locks?"""
    clear = f"rm {dvc_locks.rwlock(root).relative_to(root)}"
    try:
        holders = dvc_locks.holders(root)
    except (ValueError, KeyError, TypeError, AttributeError):
        return warning("DVC's note of running stages was cut off; keystage run clears it", clear)
    alive = [f"process {item.process}: {item.command}" for item in holders if item.alive]
    alive += dvc_locks.experiments_at_work(root)
    if alive:
        return ok(f"at work: {'; '.join(alive)}")
    if holders:
        dead = ", ".join(str(item.process) for item in holders)
        return warning(f"process {dead} was killed while a stage ran; keystage run clears that", clear)
    return ok("no command is at work")
