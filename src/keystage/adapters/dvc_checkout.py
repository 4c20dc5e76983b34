"""DVC in a checkout of its own: nothing that was computed before can be found there."""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

PROJECT_CACHE = "keystage-project-cache"  # the project's cache, as a remote to take data from
# Set by git in its hooks and by DVC in stages, for the repository and the stage in work.
_NOT_OURS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "DVC_ROOT", "DVC_STAGE", "DVC_EXP_NAME", "PYTHONPATH")


def isolate(checkout: Path, project: Path) -> None:
    """Give a checkout an empty cache of its own, and the project's remotes as they are today.

    A cache directory that the settings share among projects would hold the very results that are to be made anew.
    """
    from dvc.config import Config, merge
    from dvc.repo import Repo

    with Repo(str(project)) as repo:
        cache = repo.cache.local_cache_dir
        today = repo.config.read()
    with Config(str(checkout / ".dvc"), validate=False).edit("local", validate=False) as own:
        merge(own, {"remote": today["remote"], "core": today["core"]})
        merge(own, {"remote": {PROJECT_CACHE: {"url": cache}}, "cache": {"dir": str(checkout / ".dvc" / "cache")}})


def bring(checkout: Path, names: Sequence[str]) -> None:
    """Fetch files that DVC tracks, from the project's cache, else from the remote; what neither has stays missing."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    logging.getLogger("dvc").setLevel(logging.ERROR)  # it warns of what one place lacks, and the other may have
    wanted = [str(checkout / name) for name in names]
    with Repo(str(checkout)) as repo:
        for remote in (PROJECT_CACHE, None):
            with suppress(DvcException):
                repo.pull(targets=[name for name in wanted if not Path(name).is_file()], remote=remote)


def reproduce_in(checkout: Path, python: Path, stage: str) -> int:
    """Run the pipeline up to a stage with another Python; what it says is shown. Returns DVC's exit code."""
    return run_in(checkout, python, "-m", "dvc", "repro", stage)


def environment_of_others() -> dict[str, str]:
    """This process's variables without those that git and DVC set for the repository and the stage in work."""
    return {name: value for name, value in os.environ.items() if name not in _NOT_OURS}


def run_in(checkout: Path, python: Path, *arguments: str, **variables: str) -> int:
    """Run Python in the checkout, where stages find it as ``python``. Returns its exit code."""
    environment = environment_of_others()
    environment["PATH"] = os.pathsep.join([str(python.parent), environment.get("PATH", "")])
    command = [str(python), *arguments]
    # Standard output is for the verdict, which scripts read.
    done = subprocess.run(command, cwd=checkout, env=environment | variables, stdout=sys.stderr, check=False)  # noqa: S603
    return done.returncode
