"""The live line of what takes long: of a search its trials, best score and time left; of other work its last step."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from keystage.search.metrics import Metric
from keystage.search.spec import SearchSpec
from keystage.search.trials import Trial

SECONDS_BETWEEN_LINES = 5.0  # where no one sees a line being redrawn: in a log file, in CI


@contextmanager
def steps_shown() -> Iterator[Callable[[str], None]]:
    """Give a function that shows what is being done: in one line that changes, or in a line now and then."""
    console = Console(file=sys.stderr)
    last = time.monotonic()

    def say(step: str) -> None:
        nonlocal last
        now = time.monotonic()
        if console.is_terminal:
            status.update(step)
        elif now - last >= SECONDS_BETWEEN_LINES:
            last = now
            sys.stderr.write(f"  {step}\n")
            sys.stderr.flush()

    with console.status("starting") as status:
        yield say


class SearchProgress:
    """A bar on a terminal, a plain line now and then elsewhere; both on standard error."""

    def __init__(self, spec: SearchSpec, metric: Metric) -> None:
        self._spec, self._metric = spec, metric
        self._best: Trial | None = None
        self._begun = self._last_line = time.monotonic()
        console = Console(file=sys.stderr)
        self._bar = (
            Progress(
                TextColumn("  {task.fields[story]}"), BarColumn(bar_width=24), TimeElapsedColumn(), console=console
            )
            if console.is_terminal
            else None
        )
        self._task = self._bar.add_task("search", total=1.0, story="starting") if self._bar else None

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def trial_done(self, trial: Trial) -> None:
        """Show the state after a trial."""
        if self._best is None or self._metric.loss(trial.score) < self._metric.loss(self._best.score):
            self._best = trial
        now = time.monotonic()
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=self._share(trial, now), story=self._story(trial, now))
        elif now - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = now
            sys.stderr.write(f"  {self._story(trial, now)}\n")
            sys.stderr.flush()

    def _share(self, trial: Trial, now: float) -> float:
        """How much of the limit that is nearer has been used, from 0 to 1."""
        trials = trial.number / self._spec.max_trials if self._spec.max_trials else 0.0
        seconds = (now - self._begun) / self._spec.time_budget if self._spec.time_budget else 0.0
        return min(1.0, max(trials, seconds))

    def _story(self, trial: Trial, now: float) -> str:
        assert self._best is not None
        of = f" of {self._spec.max_trials}" if self._spec.max_trials else ""
        best = f"{self._metric.name} {self._best.score:.4f} ({self._best.estimator})"
        if self._spec.time_budget is None:
            return f"trial {trial.number}{of}, best {best}"
        return (
            f"trial {trial.number}{of}, best {best}, at most {self._spec.time_budget - (now - self._begun):.0f} s left"
        )
