"""One look at all rows of a dataset: checked, counted and sampled block by block, and staged where that is asked."""

import logging
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keystage.core.errors import DatasetError, listing
from keystage.data.checks import Check, require_none
from keystage.data.rows import require_some
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import ReadSpec, Side
from keystage.data.spec import DatasetSpec, Task
from keystage.data.streamed.blocks import Block, blocks_of
from keystage.data.streamed.checked import Checked, Work
from keystage.data.streamed.counted import Tally, checks_together
from keystage.data.streamed.files import files_of
from keystage.data.streamed.parsed import Kind, OtherKind, Parser, first_kinds
from keystage.data.streamed.sampled import Sample
from keystage.data.streamed.seen import Seen
from keystage.data.streamed.staged import Staging
from keystage.data.streamed.types import conform, settled_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

logger = logging.getLogger(__name__)
SECONDS_BETWEEN_LINES = 2.0


@dataclass
class Streamed:
    """What is known of a table of which no more than a sample was held in memory.

    Attributes:
        sample: rows with a label, in the order of the files, with the types that the whole table has.
        places: of each of them among all rows with a label.
        checks: what each declared column was held to, and what was found in all rows.
        rows: how many there were in the files.
        kept: how many of them the checks have left.
        labelled: how many of these have a label.
        tallies: by column, what was counted in the rows that were kept.
        types: by column, pandas' name of its type.
        classes: rows with a label by class, as they came; of a number that is to be predicted, of one class.
        parts: rows with a label by the number of the staged part.
        columns: all that the files have.
        left_out: how many rows each part of ``dataset.rows`` left out, by its name.
    """

    sample: "pd.DataFrame"
    places: "np.ndarray"
    checks: list[Check]
    rows: int
    kept: int
    labelled: int
    tallies: dict[str, Tally]
    types: dict[str, str]
    classes: dict[Any, int]
    parts: dict[int, int]
    columns: list[str]
    left_out: dict[str, int]

    @property
    def is_whole(self) -> bool:
        """Whether all rows with a label are in the sample."""
        return len(self.sample) == self.labelled


def read_streamed(
    spec: DatasetSpec,
    sources: Sequence[Source],
    seed: int,
    cores: int,
    staging: Staging | None = None,
    *,
    labelled: bool = True,
) -> Streamed:
    """Read all files of a dataset, below each other, with the declared types, held to the declared rules.

    Equal files and seeds give equal results, whatever the cores. In memory are some blocks for each core, the sample,
    and of columns that are declared to be unique 8 to 16 bytes for each row.

    Args:
        spec: the declaration, with ``stream``.
        sources: its files, all of which are there.
        seed: of the sample.
        cores: how many blocks are worked on at a time.
        staging: where the rows with a label are kept too, None to keep the sample alone.
        labelled: whether rows without a label are left out of the sample.

    Raises:
        DatasetError: a file is of a format that is not read in blocks, empty, not UTF-8 or has another header; a column
            is missing; a cell is not of its declared type or breaks a rule, and the declaration says no other than
            error.
    """
    assert spec.stream is not None
    files = files_of(sources, spec)
    work = Work(spec, files, staging, labelled)
    kinds = first_kinds(files, spec)
    while True:
        shared_out = [spec.label if spec.task is Task.classification else None, spec.test_column]
        sample = Sample(spec.stream.rows, seed, [name for name in shared_out if name is not None])
        try:
            return _Look(work, sample).over(kinds, cores)
        except OtherKind as error:
            kinds |= error.kinds
            words = listing(f"'{name}' as {kind.value}" for name, kind in error.kinds.items())
            logger.info("Reading anew, with %s: name the type in dataset.columns to read once", words)
            if staging:
                staging.clear()


class _Look:
    """One look at all rows."""

    def __init__(self, work: Work, sample: Sample) -> None:
        self._work, self._sample = work, sample
        self._seen = Seen()
        self._checks: list[Check] = []
        self._rows = self._kept = 0
        self._left_out: dict[str, int] = {}
        self._tallies: dict[str, Tally] = {}
        self._types: dict[str, set[str]] = {}
        self._parts: dict[int, int] = {}

    def over(self, kinds: dict[str, Kind], cores: int) -> Streamed:
        """Take it.

        Raises:
            OtherKind: it has to be taken anew, with other kinds.
        """
        spec = self._work.spec
        in_order = any(column.unique for column in spec.declared)
        parser, last = Parser(spec, kinds), time.monotonic()
        for number, (block, found) in enumerate(self._blocks(parser, cores, in_order=in_order)):
            held = self._work.held(found, block.place, number, self._seen) if in_order else found
            self._parts[number] = len(held.frame)
            self._take(held, self._work.files[block.place].source.side)
            if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
                last = time.monotonic()
                logger.info("  read %s rows, %.0f %%", f"{self._rows:,}", 100 * block.share)
        require_none(self._checks, spec)
        return self._told()

    def _blocks(self, parser: Parser, cores: int, *, in_order: bool) -> "Iterator[tuple[Block, Any]]":
        """Each block with what the threads make of it, in their order; a few are under way at a time."""
        work = self._work

        def done_with(block: Block, number: int) -> Any:
            frame = work.parsed(parser, block)
            return frame if in_order else work.held(frame, block.place, number, self._seen)

        sources = [file.source for file in work.files]
        waiting: deque[tuple[Block, Future[Any]]] = deque()
        with ThreadPoolExecutor(cores) as pool:
            try:
                for number, block in enumerate(blocks_of(sources, work.spec.read or ReadSpec())):
                    waiting.append((block, pool.submit(done_with, block, number)))
                    if len(waiting) > cores + 1:
                        done, future = waiting.popleft()
                        yield done, future.result()
                while waiting:
                    done, future = waiting.popleft()
                    yield done, future.result()
            finally:
                for _, future in waiting:
                    future.cancel()

    def _take(self, held: Checked, side: Side) -> None:
        for name in held.frame.columns:
            known, kind = self._types.setdefault(str(name), set()), str(held.frame[name].dtype)
            if kind not in known:
                known.add(kind)
                settled_types({str(name): known}, self._work.spec.name)  # refuses what cannot be one column
        for part, number in held.left_out.items():
            self._left_out[part] = self._left_out.get(part, 0) + number
        for name, tally in held.tallies.items():
            self._tallies.setdefault(name, Tally()).add(tally)
            if self._tallies[name].values is None:
                self._work.uncounted.add(name)
        self._checks = checks_together(self._checks, held.checks, self._rows)
        self._kept += next(iter(held.tallies.values())).rows
        if len(held.frame):
            numbered = held.frame.set_axis(held.frame.index + self._rows)
            self._sample.add(numbered, self._sample.seen, side)
        self._rows += held.rows

    def _told(self) -> Streamed:
        import pandas as pd

        spec = self._work.spec
        require_some(self._rows - sum(self._left_out.values()), self._rows, self._left_out, spec)
        if not self._sample.seen:
            raise DatasetError(
                f"no row of dataset '{spec.name}' has a label",
                why=f"dataset.label is '{spec.label}'; {self._rows} rows were read, {self._kept} of them kept",
                fix="name another label in conf/dataset, or look at the rules that leave rows out",
            )
        types = settled_types(self._types, spec.name)
        frames, places = self._sample.drawn()
        sample = pd.concat([conform(frame, types) for frame in frames], ignore_index=True)
        return Streamed(
            sample,
            places,
            self._checks,
            self._rows,
            self._kept,
            self._sample.seen,
            self._tallies,
            types,
            self._sample.classes(spec.label),
            self._parts,
            [*self._work.files[0].names, *self._work.files[0].given],
            self._left_out,
        )
