"""A model's folder, read without MLflow: which columns it takes, and what it tells of where it comes from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from keystage.core.params import parse_yaml
from keystage.registry.lineage import BOOLEANS, KEY
from keystage.serving.errors import ServingError

MODEL_FILE = "MLmodel"  # MLflow's name for the file that describes a model
RUNS_CODE = {"pickle", "cloudpickle"}  # formats in which a file may run anything when it is read
_NAMED_KINDS = {"string": "text", "datetime": "date"}


@dataclass(frozen=True)
class ServedModel:
    """A version on disk, ready to be loaded.

    Attributes:
        name: what people call it: MODEL@NUMBER.
        folder: with the model's files.
        columns: kind of each raw column that the model takes, by name and in order: number, text or date.
        booleans: columns declared as such, or found to be; in text, their cells are words.
        missing: texts that stand for a missing cell, as when the model was trained.
        reading: ``dataset.read`` of that time, how the files were read that it learnt from; empty where they were as
            their endings say.
        form: how the model is saved: skops, or a format that runs code.
        digest: SHA-256 of the file that describes the model; another model has another one.
        commit: the git commit with the state it was made from; empty where the model does not tell.
    """

    name: str
    folder: Path
    columns: Mapping[str, str]
    booleans: tuple[str, ...] = ()
    missing: tuple[str, ...] = ("",)
    reading: Mapping[str, Any] = field(default_factory=dict)
    form: str = "skops"
    digest: str = field(default="", repr=False)
    commit: str = ""

    @classmethod
    def read(cls, folder: Path, name: str) -> Self:
        """Read what the folder tells.

        Raises:
            ServingError: it holds no model that takes named columns.
        """
        described = folder / MODEL_FILE
        if not described.is_file():
            raise ServingError(
                f"{folder} holds no model", why=f"it has no file {MODEL_FILE}", fix="name another folder"
            )
        text = described.read_bytes()
        told = parse_yaml(text, str(described))
        inputs = json.loads((told.get("signature") or {}).get("inputs") or "[]")
        flavor = (told.get("flavors") or {}).get("sklearn")
        if flavor is None or not inputs or any("name" not in column for column in inputs):
            raise ServingError(
                f"{name} cannot be served",
                why="it is no scikit-learn model with a signature of named columns",
                fix="register it with keystage: keystage run",
            )
        metadata = told.get("metadata") or {}
        dataset = ((metadata.get(KEY) or {}).get("parameters") or {}).get("dataset") or {}
        declared = [item["name"] for item in dataset.get("columns", []) if item["type"] == "boolean"]
        return cls(
            name=name,
            folder=folder,
            columns={column["name"]: _NAMED_KINDS.get(column["type"], "number") for column in inputs},
            booleans=tuple(dict.fromkeys([*declared, *metadata.get(BOOLEANS, ())])),
            missing=tuple(dataset.get("missing", ("",))),
            reading=dataset.get("read") or {},
            form=str(flavor.get("serialization_format", "pickle")),
            digest=hashlib.sha256(text).hexdigest(),
            commit=str((metadata.get(KEY) or {}).get("commit", "")),
        )

    def refuse_code(self, *, allowed: bool) -> None:
        """Stop before a file is read that may run code.

        Args:
            allowed: whoever calls has said so.

        Raises:
            ServingError: the model is saved as a pickle.
        """
        if self.form in RUNS_CODE and not allowed:
            raise ServingError(
                f"{self.name} is saved as {self.form}, a format that runs code when it is read",
                why="who can write to the registry's files could run anything here",
                fix="register it in a safe format, or if you trust where it comes from, add --allow-pickle",
            )

    def about(self) -> dict[str, Any]:
        """For whoever asks which model this is."""
        return {"model": self.name, "digest": self.digest, "commit": self.commit, "columns": dict(self.columns)}
