"""The model of a run, which takes raw rows: recipe and model joined, or the one that is registered."""

import json
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from keystage.core.errors import ProjectError, ResultError, listing
from keystage.pipeline import workspace
from keystage.registry.package import join
from keystage.results import taking
from keystage.results.origin import Origin


def model_of(origin: Origin) -> Any:
    """A fitted scikit-learn pipeline that takes raw rows.

    Recipe and model are pickles: they are loaded only with the MD5 that the run's dvc.lock has for them.

    Raises:
        ResultError: it is gone.
        ProjectError: its code is not that of this Python.
    """
    if origin.version is not None:
        from keystage.adapters.mlflow_versions import load_model

        return load_model(origin.version)
    _require_own_code(origin)
    with TemporaryDirectory() as folder:
        taking.take(origin, [str(workspace.RECIPE), str(workspace.MODEL)], Path(folder))
        return join(*(workspace.read_pickle(Path(folder) / path.name) for path in (workspace.RECIPE, workspace.MODEL)))


def _require_own_code(origin: Origin) -> None:
    """Classes in src/project are those of one project in a process: of the one that this Python has installed.

    Raises:
        ProjectError: the model needs those of another one.
    """
    notes = (workspace.OWN_TRANSFORMS_NOTE, workspace.OWN_ESTIMATORS_NOTE)
    needed = {name for note in notes for name in _noted(origin, note)}
    spec = find_spec("project")
    here = [Path(place).resolve() for place in (spec.submodule_search_locations if spec else None) or ()]
    if needed and (origin.root / "src" / "project").resolve() not in here:
        raise ProjectError(
            f"the model of {origin.name} needs code of its project: {listing(sorted(needed))}",
            why=f"module 'project' of this Python is in {listing(map(str, here)) or 'no folder'}",
            fix=f"load it in the environment of {origin.root}, or load the registered version, which brings its code",
        )


def _noted(origin: Origin, note: Path) -> list[str]:
    try:
        return list(json.loads(taking.read(origin, note.as_posix())))
    except ResultError:
        return []
