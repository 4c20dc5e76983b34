"""The live line of what takes long: of a search its trials, best score and time left; of other work its last step."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.box import SIMPLE
from rich.console import Console
from rich.live import Live
from rich.table import Table

from keystage.search.metrics import Metric
from keystage.search.spec import SearchSpec
from keystage.search.trials import Trial, ranked

SHOWN_BEST, SHOWN_LATEST = 5, 3  # trials in the live table
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
    """On a terminal a table of the best and the latest trials, elsewhere a line now and then; on standard error."""

    def __init__(self, spec: SearchSpec, metric: Metric) -> None:
        self._spec, self._metric = spec, metric
        self._trials: list[Trial] = []
        self._begun = self._last_line = time.monotonic()
        console = Console(file=sys.stderr)
        self._live = Live(get_renderable=self._table, console=console, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def trial_done(self, trial: Trial) -> None:
        """Show the state after a trial."""
        self._trials.append(trial)
        now = time.monotonic()
        if self._live is None and now - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = now
            sys.stderr.write(f"  {self._story()}\n")
            sys.stderr.flush()

    def _table(self) -> Table:
        """The best trials, then the latest ones."""
        table = Table(box=SIMPLE, title=self._story(), title_justify="left", title_style="")
        for title in ("trial", "estimator", self._metric.name.rpartition(":")[2], "seconds"):
            table.add_column(title, justify="left" if title == "estimator" else "right")
        scored = [trial for trial in ranked(self._trials, self._metric) if trial.score is not None]
        for trial in scored[:SHOWN_BEST]:
            table.add_row(*self._row(trial))
        table.add_section()
        for trial in self._trials[-SHOWN_LATEST:]:
            table.add_row(*self._row(trial), style="dim")
        return table

    def _row(self, trial: Trial) -> tuple[str, str, str, str]:
        score = trial.end.value if trial.score is None else f"{trial.score:.4f}"
        return str(trial.number), trial.estimator.rpartition(":")[2], score, f"{trial.seconds:.1f}"

    def _story(self) -> str:
        of = f" of {self._spec.max_trials}" if self._spec.max_trials else ""
        said = [f"trial {len(self._trials)}{of}"]
        best = ranked(self._trials, self._metric)[:1]
        if best and best[0].score is not None:
            said.append(f"best {self._metric.name} {best[0].score:.4f} ({best[0].estimator})")
        if self._spec.time_budget is not None:
            left = max(0.0, self._spec.time_budget - (time.monotonic() - self._begun))
            said.append(f"at most {left:.0f} s left")
        return ", ".join(said)
