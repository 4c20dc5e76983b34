"""What a rebuild proves of a registered version: byte-equal, equal in what it predicts, or where the two part."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from keystage.registry.lineage import Lineage

if TYPE_CHECKING:
    import pandas as pd


class Verdict(Enum):
    """What was found; the value is for scripts."""

    byte_equal = "byte-equal"
    equal_predictions = "equal-predictions"
    parts = "parts"


@dataclass(frozen=True)
class Difference:
    """An output that is not what was recorded; ``rebuilt`` is empty when it was not made."""

    stage: str
    output: str
    recorded: str
    rebuilt: str


@dataclass(frozen=True)
class Predictions:
    """Registered and rebuilt model on the rebuilt test rows: how many rows differ, and by how much at most."""

    rows: int
    differing: int
    largest_difference: float


@dataclass(frozen=True)
class TrialDifference:
    """The first trial in which two searches part; a score is None where a search did not come to it."""

    trial: int
    estimator: str
    recorded: float | None
    rebuilt: float | None


@dataclass(frozen=True)
class Proof:
    """A registered version held against its rebuild.

    Attributes:
        version: MODEL@NUMBER.
        commit: the state that was rebuilt.
        outputs: how many were compared.
        differences: in the order of the pipeline.
        predictions: None when the registered model could not predict.
        trial: where the searches part, when they do.
        edited_tags: tags of the version that say something else than the model does.
        notes: what a person should know beside this.
    """

    version: str
    commit: str
    outputs: int
    differences: tuple[Difference, ...]
    predictions: Predictions | None
    trial: TrialDifference | None
    edited_tags: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """In one word; an edited tag is a part of the version that its rebuild does not bear out."""
        if self.predictions is None or self.predictions.differing or self.edited_tags:
            return Verdict.parts
        return Verdict.equal_predictions if self.differences else Verdict.byte_equal


def differences(lineage: Lineage, rebuilt: Mapping[str, str]) -> tuple[Difference, ...]:
    """The recorded outputs that the rebuild does not have, in the order of the stages.

    Args:
        lineage: with the digests that were recorded.
        rebuilt: digests of the rebuild's outputs, by path.
    """
    return tuple(
        Difference(stage.name, path, md5, rebuilt.get(path, ""))
        for stage in lineage.stages
        for path, md5 in stage.outs.items()
        if rebuilt.get(path) != md5
    )


def edited_tags(lineage: Lineage, tags: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the tags that are not what they were registered with."""
    return tuple(name for name, value in lineage.tags.items() if tags.get(name, value) != value)


def compare_predictions(registered: "pd.DataFrame", rebuilt: "pd.DataFrame") -> Predictions:
    """What the registered model predicts against what the rebuild does, row by row.

    Args:
        registered: n x k probabilities, or n x 1 values.
        rebuilt: n rows, with the same k columns among others.
    """
    import numpy as np

    expected = registered.to_numpy()
    found = rebuilt.reindex(columns=registered.columns, fill_value=0.0).to_numpy()
    equal = np.isclose(expected, found, rtol=0, atol=0, equal_nan=True)
    apart = np.nan_to_num(np.abs(expected - found), nan=1.0)[~equal]
    return Predictions(
        rows=len(expected),
        differing=int((~equal).any(axis=1).sum()),
        largest_difference=float(apart.max(initial=0.0)),
    )


def first_difference(recorded: Mapping[int, float], board: "pd.DataFrame") -> TrialDifference | None:
    """The first trial that one search has not done, or has scored differently.

    Args:
        recorded: scores by trial.
        board: leaderboard of the rebuild.
    """
    rebuilt: dict[int, tuple[str, float | None]] = {
        int(row["trial"]): (str(row["estimator"]), None if row["score"] != row["score"] else float(row["score"]))
        for row in board.to_dict("records")
    }
    for trial in sorted(recorded.keys() | rebuilt.keys()):
        estimator, score = rebuilt.get(trial, ("", None))
        if recorded.get(trial) != score:
            return TrialDifference(trial, estimator, recorded.get(trial), score)
    return None
