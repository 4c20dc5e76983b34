"""keystage: from a table to a registered model, each stage reused exactly when nothing that matters has changed.

Data moves one way: ``conf/`` is composed into ``params.yaml``, DVC runs the stages in ``dvc.yaml``, and MLflow
mirrors what they wrote. Importing this package imports nothing heavy: ``keystage.Project`` and what it gives are
brought when they are first asked for (docs/results.md, docs/adr/0017). ``__init__.pyi`` tells their types.
"""

_ROOMS = {
    "KeystageError": "core.errors",
    "Project": "results.project",
    "Run": "results.run",
    "RunFailed": "core.errors",
    "StageResult": "results.stages",
}
__all__ = list(_ROOMS)


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module 'keystage' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"keystage.{_ROOMS[name]}"), name)
