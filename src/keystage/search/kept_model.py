"""Fitted models that stay the bytes that a fit has kept, until somebody loads the model that they are part of."""

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class KeptModel:
    """A fitted model that nobody needs yet. Pickled it is the model itself.

    A search joins dozens of fold models and writes them, and asks none of them anything. Loaded and pickled again, each
    of XGBoost's would be in memory three times: as itself, as the bytes that it is pickled to and keeps (3.2.0,
    ``XGBoosterSerializeToBuffer``), and as those that the pickler keeps to the end.

    Attributes:
        pickled: the model.
    """

    pickled: bytes = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "KeptModel":
        """What a fit wrote."""
        return cls(path.read_bytes())

    def load(self) -> Any:
        """The fitted model."""
        return pickle.loads(self.pickled)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as a call that gives the model."""
        return pickle.loads, (self.pickled,)

    def __sklearn_clone__(self) -> Any:
        """What scikit-learn's ``clone`` gives: the model as it was before it was fitted."""
        from sklearn.base import clone

        return clone(self.load())
