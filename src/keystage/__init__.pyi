# What `keystage` gives to type checkers; __init__.py brings it when it is first asked for.
from keystage.core.errors import KeystageError as KeystageError
from keystage.core.errors import RunFailed as RunFailed
from keystage.results.project import Project as Project
from keystage.results.run import Run as Run
from keystage.results.stages import StageResult as StageResult

__all__ = ["KeystageError", "Project", "Run", "RunFailed", "StageResult"]
