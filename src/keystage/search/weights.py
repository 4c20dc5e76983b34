"""How much each row counts in a fit."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keystage.core.errors import listing
from keystage.search.learners.learner import Learner

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def sample_weights(label: "pd.Series", weight: "pd.Series | None", *, balanced: bool) -> "np.ndarray | None":
    """Weights of n rows for a fit: those given, times those of the classes.

    Args:
        label: n classes, or n numbers when not ``balanced``.
        weight: n given weights, 0 or more; None where each row counts once.
        balanced: each class weighs the same in all: n rows / (classes x rows of the class), scikit-learn's
            ``compute_sample_weight``, from the rows as they are counted.

    Returns:
        n float64 weights, or None where all rows count once.
    """
    from sklearn.utils.class_weight import compute_sample_weight

    given = None if weight is None else weight.to_numpy(dtype="float64")
    if not balanced:
        return given
    by_class: np.ndarray = compute_sample_weight("balanced", label)
    return by_class if given is None else by_class * given


def unweighed(learners: Sequence[Learner], weights: "np.ndarray | None") -> list[str]:
    """A note, where rows have weights and learners that cannot weigh them."""
    names = [learner.name for learner in learners if not learner.weighs]
    if weights is None or not names:
        return []
    return [
        "each row counts once where a fit takes no weights, whatever dataset.weight or automl.class_weight says: "
        + listing(names)
    ]
