"""A project as an object: start runs, and find those that were."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from keystage.adapters import git
from keystage.core.folder import project_folder
from keystage.pipeline.inputs import LOCK_FILE
from keystage.results.origin import WORKSPACE, Origin, experiments, origin_of, origin_of_version, workspace_of
from keystage.results.process import Process
from keystage.results.run import Run

MOST_COMMITS = 20  # with results, told by ``runs``


class Project:
    """A keystage project.

    Runs are processes of their own: the caller's working directory, modules and settings stay as they are, and several
    projects can be worked with at a time.

    Args:
        folder: the project's, or one in it.

    Raises:
        ProjectError: it is in no project.

    Example:
        >>> project = keystage.Project(".")  # doctest: +SKIP
        >>> run = project.run(["automl=smoke", "automl.max_trials=6"])  # doctest: +SKIP
        >>> [(name, stage.reused) for name, stage in run.stages.items()]  # doctest: +SKIP
        [('conf', False), ('dataprep', True), ('train', False), ('evaluate', False), ('register', False)]
    """

    def __init__(self, folder: str | Path = ".") -> None:
        self.root = project_folder(Path(folder).resolve())

    def __repr__(self) -> str:
        return f"keystage.Project({str(self.root)!r})"

    def run(
        self, overrides: str | Iterable[str] = (), *, wait: bool = True, on_line: Callable[[str], None] | None = print
    ) -> Run:
        """Do what ``keystage run`` does: compose conf/ with the overrides, and run what has changed.

        Args:
            overrides: in Hydra's grammar: ``["automl=thorough", "seed=3"]``.
            wait: for its end. Otherwise it goes on beside the caller, who must be there until it has ended; see
                ``Run.wait``, ``Run.status``, ``Run.stop``.
            on_line: given each line that the run says, in a thread of its own; None says nothing.

        Raises:
            RunFailed: it ended with an error, in the words of the stage that failed. Only with ``wait``.
        """
        given = [overrides] if isinstance(overrides, str) else list(overrides)
        process = Process(self.root, given, on_line or (lambda _: None))
        run = Run(WORKSPACE, partial(workspace_of, self.root), process)
        if not wait:
            return run
        try:
            return run.wait()
        except KeyboardInterrupt:
            run.stop()
            raise

    def runs(self) -> list[Run]:
        """The runs that are known: the workspace, DVC's experiments, and the latest commits with results.

        As `keystage compare` and `dvc exp show` know them; each can be given to `keystage compare` by its name.
        """
        names = [WORKSPACE] if (self.root / LOCK_FILE).is_file() else []
        names += [*experiments(self.root), *git.history_of(self.root, str(LOCK_FILE), MOST_COMMITS)]
        return [Run(name, self._finding(name)) for name in names]

    def find(self, name: str = WORKSPACE) -> Run:
        """A run by name: ``workspace``, a git revision, an experiment, or a registered version.

        Raises:
            KeystageError: there is none of that name, or it has no results.
        """
        origin = origin_of(self.root, name)
        return Run(origin.name, lambda: origin)

    def version(self, reference: str) -> Run:
        """The run that gave a registered version, by its lineage.

        Args:
            reference: MODEL@NUMBER, MODEL@latest, or MODEL@ALIAS.

        Raises:
            LineageError: there is no such version, or it does not tell where it comes from.
            TrackingError: the registry cannot be reached or read.
        """
        origin = origin_of_version(self.root, reference)
        return Run(origin.name, lambda: origin)

    def _finding(self, name: str) -> Callable[[], Origin]:
        return lambda: origin_of(self.root, name)
