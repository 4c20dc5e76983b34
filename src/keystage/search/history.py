"""The trial log: what every fit of a search gave, on disk as the search goes.

A search proposes its trials by what the earlier ones gave, so it needs no other memory: one that was killed, or is
given a longer budget, asks the same questions again and finds the answers here, up to where it had come.

A log is a folder: ``log.jsonl`` has one line per fit, appended when the fit has ended and its files are whole;
``fits`` holds each fit's model and what it predicted for its fold's validation rows.
"""

import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from filelock import FileLock, Timeout

from keystage.search.kept_model import KeptModel
from keystage.search.trials import End, FoldResult, Proposal

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)

LOG, FITS = "log.jsonl", "fits"
_PASSING = "passing-"
_PATIENCE = 3.0  # seconds
KEPT_SEARCHES = 3  # in one project; older ones are cleared away
_FIELDS = {"trial", "fold", "score", "seconds", "found", "end", "error", "cut", "limit", "at", "bytes"}


@contextmanager
def open_log(searches: Path, key: str) -> Iterator["TrialLog"]:
    """The log of the search that ``key`` names, below the folder of all logs; older logs are cleared away.

    While another run has it open, one that is thrown away in the end. A run that was killed has it for a moment yet.
    """
    searches.mkdir(parents=True, exist_ok=True)
    lock = FileLock(searches / f"{key}.lock", timeout=_PATIENCE)
    try:
        lock.acquire()
    except Timeout:
        logger.warning("Another run is at this very search; here its trials are fitted once more, beside it")
        lock = FileLock(searches / f"{_PASSING}{uuid4().hex}.lock")
        lock.acquire()
    folder = Path(lock.lock_file).with_suffix("")
    try:
        log = TrialLog(folder)
        folder.touch()
        _clear_old(searches)
        yield log
        log.close()
    finally:
        if folder.name.startswith(_PASSING):
            shutil.rmtree(folder, ignore_errors=True)
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


class TrialLog:
    """One search's log.

    Args:
        folder: made when absent; lines that are none of its own, as one cut off by a kill, are taken back.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.fits = folder, folder / FITS
        self.fits.mkdir(parents=True, exist_ok=True)
        self._path = folder / LOG
        self._entries = self._read()
        self._file = self._path.open("a", encoding="utf-8")

    def _read(self) -> dict[tuple[str, int], dict[str, Any]]:
        text = self._path.read_bytes() if self._path.is_file() else b""
        lines = text[: text.rfind(b"\n") + 1].splitlines(keepends=True)
        read = [(line, entry) for line in lines if (entry := _entry(line)) is not None]
        if (whole := b"".join(line for line, _ in read)) != text:
            self._path.write_bytes(whole)
        return {(entry["trial"], entry["fold"]): entry for _, entry in read}

    def close(self) -> None:
        """No more is written."""
        self._file.close()

    @property
    def length(self) -> int:
        """Number of fits that are known."""
        return len(self._entries)

    @property
    def seconds(self) -> float:
        """How long the search had been going when the last fit ended."""
        return max((float(entry["at"]) for entry in self._entries.values()), default=0.0)

    def recall(
        self, proposal: Proposal, fold: int, seconds: float | None, memory: int | None, boosting: float | None
    ) -> FoldResult | None:
        """What this fit gave before, or None.

        Args:
            proposal: what was fitted.
            fold: on which fold.
            seconds: the limit of a trial now; a fit that was stopped at a lower limit is tried again.
            memory: the limit in megabytes now; likewise.
            boosting: the seconds for which a fold may boost now; likewise where boosting was cut short by the clock.
        """
        entry = self._entries.get((proposal.key, fold))
        if entry is None:
            return None
        end, before = End(entry["end"]), entry["limit"]
        limits = {End.timeout: seconds, End.memory: memory} | ({End.complete: boosting} if entry["cut"] else {})
        if end in limits and before is not None and (limits[end] is None or limits[end] > before):
            return None
        return FoldResult(entry["score"], entry["seconds"], entry["found"], end, entry["error"], entry["cut"])

    def ended_at(self, proposal: Proposal, fold: int) -> float:
        """How long the search had been going, in seconds, when a known fit ended."""
        return float(self._entries[proposal.key, fold]["at"])

    def add(self, proposal: Proposal, fold: int, result: FoldResult, *, at: float, limit: float | None) -> None:
        """Keep a fit that has ended; its files are there already.

        Raises:
            OSError: they are not, for the disk keeps no more. The search ends, and can go on when there is room.
        """
        require_kept(result, self.fits)
        entry = {
            "trial": proposal.key,
            "fold": fold,
            "learner": proposal.learner,
            "point": dict(proposal.point),
            "rows": proposal.rows,
            "score": result.score,
            "seconds": result.seconds,
            "found": dict(result.found),
            "end": result.end.value,
            "error": result.error,
            "cut": result.cut,
            "limit": limit,
            "at": at,
            "bytes": self._bytes(proposal, fold),
        }
        self._entries[proposal.key, fold] = entry
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()

    def is_lost(self, proposal: Proposal, fold: int) -> bool:
        """Whether a scored fit's model or predictions are not, or not whole, where they were left."""
        entry = self._entries.get((proposal.key, fold))
        return entry is not None and entry["score"] is not None and entry["bytes"] != self._bytes(proposal, fold)

    def _bytes(self, proposal: Proposal, fold: int) -> list[int | None]:
        """Sizes of predictions and model; None for one that is not there."""
        files = predictions_file(self.fits, proposal, fold), model_file(self.fits, proposal, fold)
        return [path.stat().st_size if path.is_file() else None for path in files]

    def predicted(self, proposal: Proposal, fold: int) -> "np.ndarray | None":
        """What the fit predicted for its fold's validation rows; None where that was let go."""
        import numpy as np

        path = predictions_file(self.fits, proposal, fold)
        return np.load(path) if path.is_file() else None

    def has_models(self, proposal: Proposal, folds: Iterable[int]) -> bool:
        """Whether all fold models of a trial are kept; one whose rows lacked a class is not."""
        return all(model_file(self.fits, proposal, fold).is_file() for fold in folds)

    def model(self, proposal: Proposal, fold: int) -> KeptModel:
        """The fitted model, which must have been kept."""
        return KeptModel.read(model_file(self.fits, proposal, fold))

    def size(self, proposal: Proposal) -> int:
        """Bytes of a trial's models."""
        return sum(path.stat().st_size for path in self.fits.glob(f"{proposal.key}-*.pkl"))

    def let_go(self, proposals: Iterable[Proposal]) -> None:
        """Remove models and predictions of trials that can no longer be part of the model; their scores stay."""
        for proposal in proposals:
            for path in self.fits.glob(f"{proposal.key}-*"):
                path.unlink(missing_ok=True)


def require_kept(result: FoldResult, fits: Path) -> None:
    """Raise what the system said in a fit's process when the disk could not keep it."""
    if result.errno is not None:
        raise OSError(result.errno, os.strerror(result.errno), os.fspath(fits / LOG))


def model_file(fits: Path, proposal: Proposal, fold: int) -> Path:
    """Where the model of a fit is kept."""
    return fits / f"{proposal.key}-{fold}.pkl"


def predictions_file(fits: Path, proposal: Proposal, fold: int) -> Path:
    """Where the predictions of a fit are kept."""
    return fits / f"{proposal.key}-{fold}.npy"


def _entry(line: bytes) -> dict[str, Any] | None:
    """What a line of the log says; None where it says nothing that can be used."""
    try:
        entry = json.loads(line)
        End(entry["end"])
        return entry if entry.keys() >= _FIELDS else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _clear_old(searches: Path) -> None:
    """Remove all logs but the newest, and passing ones that a kill left; one in use is locked, or new."""
    logs = [item for item in searches.iterdir() if item.is_dir()]
    logs.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    kept = [folder for folder in logs if not folder.name.startswith(_PASSING)][:KEPT_SEARCHES]
    for folder in set(logs) - set(kept):
        lock = FileLock(searches / f"{folder.name}.lock", blocking=False)
        with suppress(Timeout), lock:
            shutil.rmtree(folder, ignore_errors=True)
            Path(lock.lock_file).unlink(missing_ok=True)
