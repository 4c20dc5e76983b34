"""Your own metrics. conf/automl names one as ``metric: project.metrics:name``.

A metric takes the true classes as codes, of shape (n,), and the predicted probabilities, of shape (n, k); code i
belongs to column i, and the classes are in sorted order. It gives one number, and says which way is better.
"""

import numpy as np

MISS, FALSE_ALARM = 5.0, 1.0


def cost(codes: np.ndarray, probabilities: np.ndarray) -> float:
    """An example, for two classes: mean cost of a row, where a miss costs five times a false alarm."""
    predicted = probabilities.argmax(axis=1)
    return float(np.mean(MISS * ((codes == 1) & (predicted == 0)) + FALSE_ALARM * ((codes == 0) & (predicted == 1))))


cost.greater_is_better = False  # type: ignore[attr-defined]  # a function has attributes, says Python
