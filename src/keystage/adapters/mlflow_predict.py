"""A program of its own: a registered model in a clean process, apart from this keystage, predicting on request.

``python -I mlflow_predict.py TRACKING_URI`` reads one request a line from standard input, as JSON, and answers each by
a line. A model brings the code of its classes along, so what this Python has of keystage and of the user's is hidden.
"""

import json
import logging
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

_OURS = ("keystage", "project")


def _hide_ours() -> tuple[str, ...]:
    """Take keystage and the user's code off the path, editable installations included. Returns where they were."""
    places = tuple(place for place in sys.path if any((Path(place) / name / "__init__.py").is_file() for name in _OURS))
    # Packages installed beside MLflow stay on the path; what is loaded of them is found out afterwards.
    sys.path[:] = [place for place in sys.path if place not in places or (Path(place) / "mlflow").is_dir()]
    sys.meta_path[:] = [finder for finder in sys.meta_path if not getattr(finder, "__module__", "").startswith("__ed")]
    return places


class _Served:
    """The model that was asked for last."""

    def __init__(self, hidden: tuple[str, ...]) -> None:
        self._hidden = hidden
        self._model: Any = None
        self._rows: Any = None

    def predict(self, model: str, rows: str, label: str, predicted: str) -> dict[str, Any]:
        """Load a model, and write what it predicts for the rows of a Parquet file."""
        import mlflow
        import pandas as pd

        self._rows = pd.read_parquet(rows).drop(columns=[label])
        self._model = mlflow.pyfunc.load_model(model)
        schema = self._model.metadata.get_input_schema()
        absent = [name for name in (schema.input_names() if schema else ()) if name not in self._rows]
        if absent:
            return {"failure": f"it takes {', '.join(map(repr, absent))}, which these rows do not have"}
        self._model.predict(self._rows).to_parquet(predicted)
        loaded = {name: getattr(sys.modules[name], "__file__", None) or "" for name in list(sys.modules)}
        foreign = [
            name
            for name, file in loaded.items()
            if name.partition(".")[0] in _OURS and any(file.startswith(f"{place}{os.sep}") for place in self._hidden)
        ]
        return {"foreign": foreign}

    def time(self) -> dict[str, float]:
        """Seconds for the same rows once more."""
        begun = time.perf_counter()
        self._model.predict(self._rows)
        return {"seconds": time.perf_counter() - begun}


def main(tracking_uri: str) -> None:
    """Answer until the input ends. What a model prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    served = _Served(_hide_ours())
    warnings.simplefilter("ignore")
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(tracking_uri)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer: dict[str, Any] = served.time() if asked == {} else served.predict(**asked)
        except Exception as error:  # noqa: BLE001 - told to the process that asked
            answer = {"failure": _worded(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _worded(error: Exception) -> str:
    """One line. MLflow puts all of the rows and of the schema before what it has against them."""
    text = str(error).rpartition(". Error: ")[2].strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


if __name__ == "__main__":
    main(*sys.argv[1:])
