"""What a registered model predicts, as a table, and how it is scored."""

from typing import TYPE_CHECKING

from keystage.search.metrics import metric_of

if TYPE_CHECKING:
    import pandas as pd

_PROBABILITY = "probability_"


def score(metric: str, actual: "pd.Series", predicted: "pd.DataFrame") -> float:
    """A metric of what a registered model predicts.

    Args:
        metric: any that conf/ can name.
        actual: n true labels.
        predicted: n rows: classes or values in ``predicted``, and of classes a column of probabilities for each.
    """
    import numpy as np

    judged, columns = metric_of(metric), classes_of(predicted)
    if not columns:
        return judged.score(actual.to_numpy(), predicted["predicted"].to_numpy())
    codes = {name.removeprefix(_PROBABILITY): code for code, name in enumerate(columns)}
    said = predicted[columns].to_numpy()
    if judged.of_classes:  # what the model decides, by its own threshold
        said = np.eye(len(columns))[predicted["predicted"].astype(str).map(codes).to_numpy()]
    return judged.score(actual.astype(str).map(codes).to_numpy(), said)


def answers_of(predicted: "pd.DataFrame") -> "pd.DataFrame":
    """What is predicted, without the ends of a forecast's interval."""
    return predicted[["predicted", *classes_of(predicted)]]


def classes_of(predicted: "pd.DataFrame") -> list[str]:
    """The columns of probabilities; none of a regressor's."""
    return [str(name) for name in predicted.columns if str(name).startswith(_PROBABILITY)]
