"""A run as an object: its stages, numbers, tables, files and model. Azure ML SDK v1: PipelineRun and StepRun."""

from collections.abc import Callable, Mapping
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystage.core.errors import ResultError
from keystage.pipeline import workspace
from keystage.results import taking
from keystage.results.model import model_of
from keystage.results.numbers import metrics_of
from keystage.results.origin import Origin
from keystage.results.output import Output, chosen
from keystage.results.stages import StageResult, stages_of

if TYPE_CHECKING:
    import pandas as pd

    from keystage.adapters.mlflow_versions import Version
    from keystage.results.process import Process

REPORT = workspace.REPORTS / "report.html"
_TAKEN = Path(".dvc", "tmp", "keystage", "results")  # files of earlier runs that were asked for by path


class Run:
    """What one run of the pipeline has given. Made by ``Project``; nothing is run to answer.

    Args:
        name: how it is called: ``workspace``, a revision, an experiment, MODEL@NUMBER.
        find: gives what is recorded of it, once it has ended.
        process: of a run that was started from here.

    Example:
        >>> run = keystage.Project(".").run(["automl=smoke"])  # doctest: +SKIP
        >>> run.stages["train"].reused, run.stages["train"].seconds  # doctest: +SKIP
        (False, 6.3)
        >>> run.metrics.loc["roc_auc", "test"]  # doctest: +SKIP
        0.856
    """

    def __init__(self, name: str, find: Callable[[], Origin], process: "Process | None" = None) -> None:
        self.name = name
        self._find, self._process = find, process

    def __repr__(self) -> str:
        return f"<Run {self.name}, {self.status}>"

    @property
    def status(self) -> str:
        """``running``, ``failed`` or ``finished``."""
        if self._process is None:
            return "finished"
        code = self._process.code
        return "running" if code is None else "failed" if code else "finished"

    def wait(self, timeout: float | None = None) -> "Run":
        """Wait for its end. Returns the run itself.

        Args:
            timeout: seconds; None waits as long as it takes.

        Raises:
            TimeoutError: it has not ended by then; it goes on.
            RunFailed: it ended with an error.
        """
        if self._process is not None:
            self._process.wait(timeout)
            if self._process.code:
                raise self._process.failure()
            _ = self._origin  # as it is now: a later run changes the folder
        return self

    def stop(self) -> None:
        """End a run under way, as Ctrl-C does: what its stages gave is kept, and a search can be gone on with."""
        if self._process is not None:
            self._process.stop()

    @property
    def commit(self) -> str | None:
        """The git commit that holds it; None for the workspace."""
        return self._origin.commit

    @property
    def version(self) -> "Version | None":
        """The registered version that it is, with its lineage; None where it was not found by one."""
        return self._origin.version

    @property
    def settings(self) -> Mapping[str, Any]:
        """The sections of its params.yaml; of a version, those that can change a model."""
        return self._origin.settings

    @property
    def outputs(self) -> list[Output]:
        """What its stages gave: names, paths, sizes in bytes, MD5."""
        return self._origin.outputs

    @cached_property
    def stages(self) -> Mapping[str, StageResult]:
        """Its stages by name, in the order of the pipeline."""
        return stages_of(self._origin)

    @cached_property
    def metrics(self) -> "pd.DataFrame":
        """A row per metric; columns test, model and best_trial (cross-validated); low, high, baseline where known."""
        return metrics_of(self._origin)

    @cached_property
    def leaderboard(self) -> "pd.DataFrame":
        """Every trial of the search, best first: trial, estimator, score, fold_scores, hyperparameters, ..."""
        import pandas as pd

        return pd.read_parquet(BytesIO(taking.read(self._origin, str(workspace.LEADERBOARD))))

    @cached_property
    def predictions(self) -> "pd.DataFrame":
        """A row per test row: actual, and the probability of each class or the value predicted."""
        import pandas as pd

        return pd.read_parquet(BytesIO(taking.read(self._origin, str(workspace.PREDICTIONS))))

    @property
    def report(self) -> Path:
        """The page on it, report.html.

        Raises:
            ResultError: the run wrote none, or it is gone.
        """
        (output,) = chosen(self.outputs, [str(REPORT)], self.name)
        return self.get(output.path, folder=self._origin.root / _TAKEN / output.md5, force=True)[0]

    def model(self) -> Any:
        """A fitted scikit-learn pipeline that takes raw rows; of a version, the one that is registered.

        Raises:
            ResultError: it is gone.
            ProjectError: its code is not that of this Python, so it cannot be loaded here.
        """
        return model_of(self._origin)

    def get(self, *names: str, folder: str | Path, force: bool = False, remote: str | None = None) -> list[Path]:
        """Copy outputs into a folder, each file held to its MD5. The counterpart of Azure's ``get_pipeline_output``.

        Args:
            names: of outputs: metrics, model, leaderboard, report, predictions, ...; ``all`` for all of them.
            folder: made when it is absent.
            force: whether files that are there may be overwritten.
            remote: of `dvc remote list`; None for the default one.

        Returns:
            What was made in the folder.

        Raises:
            ResultError: there is no such output, it is gone, or a file is in the way.
            RemoteError: only the remote can have it, and cannot be used.
        """
        return taking.take(self._origin, names, Path(folder), force=force, remote=remote)

    @cached_property
    def _origin(self) -> Origin:
        if self.status == "running":
            raise ResultError("the run is under way", why="it has no results yet", fix="run.wait() first")
        if self.status == "failed":
            assert self._process is not None
            raise self._process.failure()
        return self._find()
