"""Registered models in processes of their own: each with the code it brings, none with that of this one."""

import json
import os
import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

from keystage.adapters import mlflow_predict
from keystage.core.errors import RegistryError, listing

if TYPE_CHECKING:
    import pandas as pd

_LAST_LINES = 5  # of what the process said


class ModelProcess:
    """One process that loads a model and predicts. It starts at once, and imports while the caller goes on.

    Args:
        tracking_uri: of the store that models are in, absolute.
        python: the interpreter; this one's by default.
    """

    def __init__(self, tracking_uri: str, python: str = sys.executable) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._said: deque[str] = deque(maxlen=_LAST_LINES)
        self._process = subprocess.Popen(  # noqa: S603 - arguments of ours
            [python, "-I", str(Path(mlflow_predict.__file__)), tracking_uri],
            cwd=self._folder.name,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        self._listener = Thread(target=self._listen, daemon=True)  # a full pipe would stop the process
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._folder.cleanup()

    def predict(self, model_uri: str, rows: Path, label: str) -> "pd.DataFrame":
        """What the model predicts for the rows of a Parquet file.

        Args:
            model_uri: as MLflow takes it.
            rows: n raw rows; further columns are left out.
            label: the column that is no feature.

        Returns:
            n rows: ``predicted``, and of a classifier ``probability_CLASS`` for each class.

        Raises:
            RegistryError: it cannot be loaded, or not predict these rows, or needs code it did not bring along.
        """
        import pandas as pd

        predicted = Path(self._folder.name) / "predicted.parquet"
        answer = self._ask(
            {"model": model_uri, "rows": str(rows.resolve()), "label": label, "predicted": str(predicted)}
        )
        if answer["foreign"]:
            raise _cannot(f"it takes code from outside of it: {listing(answer['foreign'])}")
        return pd.read_parquet(predicted)

    def seconds(self) -> float:
        """How long predicting the same rows takes once more."""
        return float(self._ask({})["seconds"])

    def _ask(self, question: dict[str, str]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            self._listener.join(timeout=1)
            raise _cannot(self._said[-1] if self._said else f"its process ended with code {self._process.poll()}")
        answer: dict[str, Any] = json.loads(line)
        if "failure" in answer:
            raise _cannot(str(answer["failure"]))
        return answer

    def _listen(self) -> None:
        assert self._process.stderr is not None
        self._said.extend(line.strip() for line in self._process.stderr if line.strip())


def _cannot(why: str) -> RegistryError:
    return RegistryError(
        "a model as it is registered does not predict raw rows, in a process that has nothing but it",
        why=why,
        fix="keep what a transform or estimator of your own needs in src/project, in attributes that fit sets",
    )
