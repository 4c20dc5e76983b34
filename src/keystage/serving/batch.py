"""A whole file of raw rows scored: block by block, in order, over processes, going on where a killed run stopped."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from keystage.core.errors import DatasetError, counted
from keystage.data.formats.encoding import readable_as
from keystage.data.marks import Marks
from keystage.serving.asked import Checked, Request, check, require_free
from keystage.serving.formats import Block, all_blocks
from keystage.serving.parts import Parts, open_parts
from keystage.serving.workers import Pool

FORMAT = 3  # of parts; those of another are not taken up
SHOWN_BAD = 5  # rows in an error


@dataclass
class Progress:
    """How far it has come.

    Attributes:
        rows: scored or refused so far, those of an earlier run included.
        read: share of all files.
        taken_up: rows that an earlier run had scored.
        bad: rows that cannot be scored: number, column and reason, in the order in which they were found; and the file,
            where there are several.
    """

    rows: int = 0
    read: float = 0.0
    taken_up: int = 0
    bad: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What came of it: rows written, rows that could not be scored, and the file that tells why."""

    rows: int
    bad: int
    bad_file: Path | None
    taken_up: int


def predict_file(request: Request, say: Callable[[Progress], None]) -> Outcome:
    """Score every row of a file, or of several, below each other; the output appears at the end, whole.

    Args:
        request: what and how.
        say: told of the progress.

    Raises:
        DatasetError: a file cannot be read, lacks a column, or has more bad rows than may be; nothing is left behind.
        ServingError: the model cannot be loaded, or another run writes the same file.
    """
    checked = check(request)
    with open_parts(request.output, _work(request, checked)) as parts:
        try:
            with Pool(request.model, request.processes, request.cores) as pool:
                run = _Run(request, checked, parts, pool, say)
                outputs = pool.hello()["outputs"]
                require_free(checked.keep, outputs)
                count = run.all_blocks()
            done = run.progress
            done.bad.sort(key=_place)
            if len(done.bad) > request.max_bad * done.rows:
                raise too_many(done.bad, done.rows, request, is_whole=True)
        except DatasetError as error:
            if not isinstance(error.__cause__, OSError):  # a disk may come back, rows must be mended: other work
                parts.remove()
            raise
        found = parts.finish(count, [*checked.keep, *outputs], done.bad)
    return Outcome(done.rows - len(done.bad), len(done.bad), found, done.taken_up)


class _Run:
    """The blocks of all files on their way."""

    def __init__(
        self, request: Request, checked: Checked, parts: Parts, pool: Pool, say: Callable[[Progress], None]
    ) -> None:
        self._request, self._checked, self._parts, self._pool, self._say = request, checked, parts, pool, say
        self.progress = Progress()
        self._sizes = [file.path.stat().st_size for file, _ in checked.files]

    def all_blocks(self) -> int:
        """Score those that are not done yet. Returns how many there are."""
        checked, count = self._checked, 0
        pending: dict[Future[dict[str, Any]], Block] = {}
        columns = list(dict.fromkeys([*checked.keep, *self._request.model.columns]))
        with closing(all_blocks(checked.files, columns)) as found:
            for block in found:
                count += 1
                told = self._parts.told(block.number)
                if told is not None:
                    self.progress.taken_up += block.rows
                    self._count(block, told)
                else:
                    pending[self._submit(block)] = block
                self._collect(pending, all_of_them=False)
        while pending:
            self._collect(pending, all_of_them=True)
        return count

    def _submit(self, block: Block) -> "Future[dict[str, Any]]":
        model, (file, names) = self._request.model, self._checked.files[block.file]
        read = file.read
        marks = Marks(read.decimal, read.thousands)
        header = {
            "part": str(self._parts.part(block.number)),
            "form": block.form,
            "kinds": dict(model.columns),
            "keep": list(self._checked.keep),
            "booleans": list(model.booleans),
            "given": {name: cell for name, cell in file.given.items() if name not in names},
            "written": {
                "marks": [marks.decimal, marks.thousands or ""],
                "pattern": marks.pattern.pattern,
                "datetimes": read.datetimes,
            },
        }
        return self._pool.submit(header, block.body, lambda told: self._parts.note(block.number, told))

    def _collect(self, pending: "dict[Future[dict[str, Any]], Block]", *, all_of_them: bool) -> None:
        done, _ = wait(pending, timeout=None if all_of_them else 0, return_when=FIRST_COMPLETED)
        for future in done:
            block = pending.pop(future)
            self._count(block, future.result())

    def _count(self, block: Block, told: Mapping[str, Any]) -> None:
        files, sizes = self._checked.files, self._sizes
        file = {"file": str(files[block.file][0].path)} if len(files) > 1 else {}
        found = [{**file, "row": number, "column": "", "reason": why} for number, why in block.unreadable.items()]
        found += [{**file, "row": block.number_of(place), **why} for place, why in told["bad"]]
        progress = self.progress
        progress.bad += found
        # Not block.rows: blank lines of JSON Lines are no rows.
        progress.rows += int(told["rows"]) + len(found)
        read = sum(sizes[: block.file]) + block.read * sizes[block.file]
        progress.read = max(progress.read, read / max(sum(sizes), 1))
        if found and not self._request.max_bad:
            raise too_many(sorted(progress.bad, key=_place), progress.rows, self._request, is_whole=False)
        self._say(progress)


def _place(row: Mapping[str, Any]) -> tuple[str, int]:
    """Where a row stands: files are read by their names."""
    return row.get("file", ""), int(row["row"])


def too_many(bad: Sequence[Mapping[str, Any]], rows: int, request: Request, *, is_whole: bool) -> DatasetError:
    """The words for more bad rows than may be.

    Args:
        bad: those found, in order.
        rows: that were looked at.
        request: what was asked for.
        is_whole: whether these are all there are.
    """
    shown = "; ".join(
        f"row {row['row']}{' of ' + row['file'] if 'file' in row else ''}: {row['reason']}" for row in bad[:SHOWN_BAD]
    )
    seen = "" if is_whole else " that were looked at"
    share = f" --max-bad allows {request.max_bad:.4g} of them" if request.max_bad else " --max-bad allows none"
    return DatasetError(
        f"{len(bad):,} of the {counted(rows, 'row', 'rows')} of {request.source.name}{seen} cannot be scored:{share}",
        why=shown + (f"; and {len(bad) - SHOWN_BAD:,} more" if len(bad) > SHOWN_BAD else ""),
        fix=f"correct them{_written_otherwise(bad, request)}, or allow a share of them, as in --max-bad "
        f"{max(1, ceil(100 * len(bad) / rows)) / 100:g}: a file of their own then tells them",
    )


def _written_otherwise(bad: Sequence[Mapping[str, Any]], request: Request) -> str:
    """How to read letters, times or numbers that are written otherwise than in the model's files, if that may be it."""
    odd = next((row for row in bad if row["reason"].endswith(", which is no UTF-8")), None)
    if odd is not None:
        path = Path(odd["file"]) if "file" in odd else request.files[0].path
        return f", say what it is in (--read encoding={readable_as(path, path.name, 'utf-8')[0]})"
    of = next((row["column"] for row in bad if ", which is no date" in row["reason"]), None)
    if of is not None:
        return f", say how its times are written (--read 'datetimes={of}:%d.%m.%Y %H:%M', by strptime's signs)"
    if any(", which is no number" in row["reason"] for row in bad):
        return ", say how its numbers are written (--read decimal=, or --read thousands=,)"
    return ""


def _work(request: Request, checked: Checked) -> dict[str, Any]:
    """What the parts depend on."""
    states = [(file.path.resolve(), file.path.stat(), repr(file.read)) for file, _ in checked.files]
    return {
        "format": FORMAT,
        "input": [[str(path), state.st_size, state.st_mtime_ns, read] for path, state, read in states],
        "model": [request.model.name, request.model.digest],
        "keep": list(checked.keep),
        "output": request.output.suffix.lower(),
    }
