"""Every check, in the order in which a person would go about it."""

from functools import cache as remembered
from pathlib import Path

from keystage.adapters.dvc_settings import cache_folder
from keystage.care import machine, project, stores
from keystage.care.finding import Check
from keystage.config.schema import Conf


def checks(root: Path | None) -> dict[str, Check]:
    """The checks by name; without a project, those of the machine."""
    if root is None:
        return {
            "project": lambda: project.files(None),
            "python": machine.python,
            "memory": lambda: machine.memory(None, Path()),
            "disk": lambda: machine.disk(None, None),
        }
    here = root

    @remembered
    def settings() -> Conf:
        return project.settings_in_force(here)

    return {
        "project": lambda: project.files(here),
        "python": machine.python,
        "packages": lambda: machine.packages(settings().environment, here),
        "dvc": lambda: project.dvc_settings(here),
        "params": lambda: project.params(here),
        "git": lambda: project.repository(here),
        "locks": lambda: project.locks(here),
        "cache": lambda: stores.cache(here),
        "remote": lambda: stores.remote(here),
        "tracking": lambda: stores.tracking(settings().tracking.uri, here),
        "cores": lambda: machine.cores_asked_for(settings().compute),
        "memory": lambda: machine.memory(settings().dataset, here),
        "disk": lambda: machine.disk(here, cache_folder(here)),
    }
