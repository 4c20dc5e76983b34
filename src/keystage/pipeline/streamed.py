"""Dataprep of a table that does not fit into memory: of a sample of it, or of all of it part by part."""

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from keystage.data.roles import HELD_OUT, MARKS, aside_of, roles_of
from keystage.data.sources.resolve import Source
from keystage.data.spec import DatasetSpec, Task
from keystage.data.split import infinite_label, split_kind, usable_rows
from keystage.data.stream import TrainOn
from keystage.data.streamed.chosen import test_rows
from keystage.data.streamed.profile import profiled_with
from keystage.data.streamed.reading import Streamed, read_streamed
from keystage.data.streamed.staged import Staging
from keystage.data.streamed.writing import Parts
from keystage.data.table import PreparedTable, arrow_of
from keystage.pipeline import workspace
from keystage.pipeline.prepared import Account, Outcome, features_of, prepare_rows, tell_left_out, with_missing, written
from keystage.prep.by_value import transform_all
from keystage.prep.recipe import fit_and_prepare
from keystage.prep.spec import AUTO, PrepSpec
from keystage.prep.transforms import looks_at_label

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

logger = logging.getLogger(__name__)
SECONDS_BETWEEN_LINES = 2.0


def prepare_streamed(spec: DatasetSpec, sources: Sequence[Source], prep: PrepSpec, seed: int, cores: int) -> Outcome:
    """Read, check and count all rows, prepare a sample of them or all, as declared, and write the tables.

    Raises:
        DatasetError: the data is not as declared.
        DiskError: there is no room for the rows between the two looks that ``train_on: all`` takes.
    """
    assert spec.stream is not None
    # What prepares rows takes seconds to import, which go by while others parse. It is waited for: who imports a part
    # of it meanwhile may be given half a module, as Python ends a deadlock of two threads in a circle of imports.
    imports = Thread(target=import_module, args=("sklearn.model_selection",))
    imports.start()
    if spec.stream.train_on is TrainOn.sample:
        read = read_streamed(spec, sources, seed, cores)
        imports.join()
        account = _account(read, spec, cores)
        _tell(account, spec)
        return written(account, prepare_rows(account.rows, spec, prep, seed))
    with Staging(workspace.STAGED, [source.path for source in sources]) as staging:
        read = read_streamed(spec, sources, seed, cores, staging)
        imports.join()
        account = _account(read, spec, cores)
        _tell(account, spec)
        return _All(staging, read, account, spec, prep, seed).prepared(cores)


def _tell(account: Account, spec: DatasetSpec) -> None:
    assert spec.stream is not None
    held = len(account.rows)
    if held == account.labelled:
        on = f"all {held:,} with a label are held"
    elif spec.stream.train_on is TrainOn.sample:
        on = f"a sample of {held:,} of them goes on"
    else:
        on = f"all go on, and the recipe is fitted on the training rows of a sample of {held:,}"
    logger.info("Read %s rows; %s", f"{account.read:,}", on)
    tell_left_out(account.left_out, account.read, spec)


def _account(read: Streamed, spec: DatasetSpec, cores: int) -> Account:
    """What is told of the table; its rows are a sample with labels as an estimator takes them."""
    import pandas as pd

    assert spec.stream is not None
    label = read.tallies[spec.label]
    if spec.task is Task.regression and label.infinite:
        raise infinite_label(spec, label.infinite)
    rows = usable_rows(read.sample, spec)
    with ThreadPoolExecutor(cores) as pool:
        profiles = profiled_with(read.sample.drop(columns=list(MARKS), errors="ignore"), read.tallies, read.kept, pool)
    counts = pd.Series(read.classes)
    if spec.task is Task.regression:
        mean = float(rows[spec.label].mean() if read.is_whole else label.mean)
        about: dict[str, Any] = {"least": float(label.least), "mean": mean, "greatest": float(label.most)}
    else:
        shown = pd.Series(counts.to_numpy(), index=pd.Index(counts.index).astype(rows[spec.label].dtype))
        about = {"rows_per_class": {str(value): int(count) for value, count in shown.sort_index().items()}}
    told = {
        "sample": {
            "rows": len(rows),
            "of": read.labelled,
            "train_on": spec.stream.train_on.value,
            "is_all": read.is_whole,
        }
    }
    if spec.task is Task.classification:
        counts.index = counts.index.astype(rows[spec.label].dtype)
    not_kept = [name for name in read.columns if name not in read.tallies] if spec.kept is not None else []
    ordered = counts.sort_values(ascending=False, kind="stable")
    return Account(
        read.rows,
        read.kept,
        read.labelled,
        read.checks,
        profiles,
        about,
        rows,
        read.left_out,
        not_kept,
        ordered,
        told,
    )


class _Part(NamedTuple):
    """What becomes of some rows: tables as they are written, and columns in which cells are missing."""

    train: "pa.Table"
    test: "pa.Table"
    raw_test: "pa.Table"
    aside: "pa.Table"
    missing: list[str]


@dataclass
class _All:
    """All rows, which are staged; the recipe is fitted on those of the sample that are for training."""

    staging: Staging
    read: Streamed
    account: Account
    spec: DatasetSpec
    prep: PrepSpec
    seed: int
    crossed: "tuple[np.ndarray, pd.DataFrame] | None" = (
        None  # places of rows whose encodings are cross-fitted, and these
    )

    def prepared(self, cores: int) -> Outcome:
        """Split, fit, transform and write them."""
        spec, prep, rows = self.spec, self.prep, self.account.rows
        assert prep.test_size is not None
        self.read.types[spec.label] = str(rows[spec.label].dtype)
        if spec.weight is not None and not self.read.tallies[spec.weight].most:
            roles_of(rows, spec)  # says that no row counts
        chosen = test_rows(self.staging, self.read.types, spec, prep.test_size, self.seed, prep.split)
        test = chosen[self.read.places]
        held_out = rows[HELD_OUT].to_numpy() if HELD_OUT in rows else test & False
        fitted_on = rows[~test & ~held_out]
        logger.info(
            "Fitting the recipe on %d training rows, %d of %d are kept for the test",
            len(fitted_on),
            chosen.sum(),
            len(chosen),
        )
        regression = spec.task.learnt is Task.regression
        fitted = fit_and_prepare(
            prep, features_of(fitted_on, spec), self.seed, label=fitted_on[spec.label], regression=regression
        )
        if any(step.use == AUTO or looks_at_label(step) for step in prep.steps):
            self.crossed = self.read.places[~test & ~held_out], fitted.table
        still_missing, counts = self._write(fitted.recipe, chosen, cores)
        sides = rows[~test].reset_index(drop=True), rows[test].reset_index(drop=True)
        told = {"split": split_kind(spec, prep.split).value}
        return Outcome(
            self.account, fitted.recipe, counts, told, sides, still_missing, fitted.left_out, fitted.automatic
        )

    def _write(self, recipe: Any, chosen: "np.ndarray", cores: int) -> tuple[list[str], dict[str, int]]:
        missing: set[str] = set()
        counts = {"train": 0, "validation": 0, "test": 0}
        places = (workspace.TRAIN_TABLE, workspace.TEST_TABLE, workspace.RAW_TEST, workspace.ASIDE_TEST)
        done, last = 0, time.monotonic()
        with ExitStack() as stack:
            files = [stack.enter_context(Parts(path)) for path in places]
            for part in self._parts(recipe, chosen, cores):
                for file, table in zip(files, part[: len(files)], strict=True):
                    file.write(table)
                missing.update(part.missing)
                held_out = part.train.column("role:held_out").to_pylist() if self.spec.validation_files else []
                counts["validation"] += sum(held_out)
                counts["train"] += len(part.train) - sum(held_out)
                counts["test"] += len(part.test)
                done += len(part.train) + len(part.test)
                if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
                    last = time.monotonic()
                    logger.info("  prepared %s rows, %.0f %%", f"{done:,}", 100 * done / len(chosen))
        return sorted(missing), counts

    def _parts(self, recipe: Any, chosen: "np.ndarray", cores: int) -> Iterator[_Part]:
        """Each part, in the order of the rows; a few are under way at a time."""
        waiting: deque[Future[_Part]] = deque()
        with ThreadPoolExecutor(cores) as pool:
            try:
                first = 0
                for number, rows in self.read.parts.items():
                    waiting.append(pool.submit(self._part, recipe, number, first, chosen[first : first + rows]))
                    first += rows
                    if len(waiting) > cores + 1:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _part(self, recipe: Any, number: int, first: int, test: "np.ndarray") -> _Part:
        import pyarrow as pa

        spec = self.spec
        table = self.staging.read(number, self.read.types)
        features = self._with_crossed(transform_all(recipe, features_of(table, spec)), first)
        roles = roles_of(table, spec, whole=False)
        prepared = arrow_of(PreparedTable(features, table[spec.label], spec.task, roles))
        sides = [prepared.filter(pa.array(side)) for side in (~test, test)]
        kept = table[test].reset_index(drop=True)
        raw_test = arrow_of(PreparedTable(features_of(kept, spec), kept[spec.label], spec.task))
        aside = pa.Table.from_pandas(aside_of(kept, spec), preserve_index=False)
        return _Part(sides[0], sides[1], raw_test, aside, with_missing(features))

    def _with_crossed(self, features: "pd.DataFrame", first: int) -> "pd.DataFrame":
        """Rows of a part, of which those that the recipe was fitted on are not told their own label."""
        import numpy as np

        if self.crossed is None:
            return features
        places, prepared = self.crossed
        low, high = np.searchsorted(places, [first, first + len(features)])
        own = prepared.iloc[low:high].set_axis(features.index[places[low:high] - first])
        features.loc[own.index] = own
        return features
