"""What DVC makes of a project: its stages, the links from its cache, its remote."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from keystage.adapters.dvc_settings import cache_folder, settings
from keystage.core.errors import ProjectError, causes

if TYPE_CHECKING:
    from dvc.repo import Repo

REACH_TIMEOUT = 5.0  # seconds in which a remote must answer
# By a word of what DVC says, the command that mends it.
_FIXES = {
    "git repository": "git init && git add --all && git commit --message Start",
    "DVC repository": "git restore .dvc",
    "'params.yaml'": "keystage compose",
    "'dvc.lock'": "rm dvc.lock && keystage run",  # the run cache knows what was done
}


def count_stages(root: Path) -> int:
    """The number of stages, when DVC can read them and their order.

    Raises:
        ProjectError: it cannot.
    """
    with _opened(root) as repo:
        return len(repo.index.graph)


def links(root: Path) -> list[str]:
    """The ways in which results can come from the cache into the project, best first.

    Raises:
        ProjectError: DVC cannot open the project.
    """
    from dvc_objects.fs.generic import test_links

    with _opened(root) as repo:
        cache = repo.cache.local
        return list(test_links(cache.cache_types, cache.fs, str(cache_folder(root)), cache.fs, str(root / ".dvc")))


def reach_remote(root: Path, name: str) -> tuple[str, bool]:
    """Ask a remote for its folder. Returns where it is, and whether it is there: an object store knows no empty folder.

    Raises:
        ProjectError: it is not set up well, or does not answer in time.
    """
    from keystage.adapters.dvc_remote import missing_plugin, within

    def ask() -> bool:
        with _opened(root) as repo:
            remote = repo.cloud.get_remote(name)
            try:
                remote.fs.info(remote.path)
            except FileNotFoundError as error:
                if all(isinstance(cause, FileNotFoundError) for cause in causes(error)):
                    return False
                raise  # something else is behind it, such as a bucket that is not there
        return True

    where = str(settings(root)["remote"].get(name, {}).get("url", "?"))
    try:
        return where, within(REACH_TIMEOUT, ask)
    except ImportError as error:
        fix = missing_plugin(where)
        raise ProjectError(f"remote '{name}' wants a plugin of DVC", why=str(error), fix=fix) from error
    except Exception as error:  # each kind of remote has errors of its own
        raise _unreachable(name, " ".join(f"{where}: {[*causes(error)][-1]}".split())) from error


def _unreachable(name: str, why: str) -> ProjectError:
    return ProjectError(f"remote '{name}' does not answer", why=why, fix=f"dvc remote modify {name} url <where it is>")


@contextmanager
def _opened(root: Path) -> Iterator["Repo"]:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    settings(root)
    try:
        with Repo(str(root)) as repo:
            yield repo
    except DvcException as error:
        said = " ".join(" ".join(str(item) for item in (error, error.__cause__) if item).split())
        fix = next((fix for word, fix in _FIXES.items() if word in said), "git diff dvc.yaml")
        raise ProjectError("DVC cannot open the project", why=said, fix=fix) from error
