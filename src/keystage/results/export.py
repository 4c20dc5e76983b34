"""The model of a run as an ONNX file, written only when it predicts what the original does on raw test rows."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystage.core.errors import ExportError, ResultError
from keystage.pipeline import workspace
from keystage.results import taking
from keystage.results.model import model_of
from keystage.results.origin import Origin

if TYPE_CHECKING:
    import numpy as np

# Single precision has 7 digits; sums of some hundred trees and networks lose two or three of them.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Exported:
    """What was written, and how it was checked.

    Attributes:
        path: of the file.
        rows: raw test rows on which original and export were compared.
        largest: largest difference of a probability; of values, as a share of their standard deviation.
    """

    path: Path
    rows: int
    largest: float


def export(origin: Origin, path: Path, *, tolerance: float = TOLERANCE, force: bool = False) -> Exported:
    """Write a run's model, recipe included, as ONNX.

    Args:
        origin: the run, or the registered version.
        path: of the file.
        tolerance: largest difference allowed, as in ``Exported``.
        force: whether a file that is there may be overwritten.

    Raises:
        ExportError: a part has no converter, or what comes out predicts something else.
        ResultError: model or test rows are gone, or a file is in the way.
    """
    import pandas as pd

    from keystage.adapters.onnx_model import convert, predict

    if path.exists() and not force:
        raise ResultError(f"{path} is there already", why="it is not overwritten", fix="name another, or: --force")
    rows = pd.read_parquet(BytesIO(taking.read(origin, workspace.RAW_TEST.as_posix())))
    model = model_of(origin)
    content = convert(model)
    expected, found = _predicted(model, rows), predict(content, rows)
    apart = _differences(expected, found)
    differing = int((apart > tolerance).sum())
    if differing:
        raise ExportError(
            f"the ONNX model of {origin.name} predicts something else for {differing} of {len(rows)} raw test rows",
            why=f"they are {apart.max():.2g} apart at most, {tolerance:g} is allowed; ONNX counts in single precision",
            fix="leave out learners that lose most by it (kneighbor), or allow more: --tolerance",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
    return Exported(path, len(rows), float(apart.max(initial=0.0)))


def _predicted(model: Any, rows: Any) -> "np.ndarray":
    import numpy as np

    return np.asarray(model.predict_proba(rows) if hasattr(model, "classes_") else model.predict(rows))


def _differences(expected: "np.ndarray", found: "np.ndarray") -> "np.ndarray":
    """The largest difference of each row; n x k probabilities as they are, n values as a share of their deviation."""
    import numpy as np

    if expected.shape != found.shape:
        return np.full(len(expected), np.inf)
    apart = np.nan_to_num(np.abs(expected - found), nan=np.inf)
    rows: np.ndarray = apart.max(axis=1) if apart.ndim > 1 else apart / (expected.std() or 1.0)
    return rows
