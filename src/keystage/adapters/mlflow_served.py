"""What ``mlflow.pyfunc`` and ``mlflow models serve`` load of a registered model: all that it predicts, together.

This file travels inside the model; ``mlflow.sklearn.load_model`` gives the plain scikit-learn pipeline without it.
MLflow's own wrapper calls one method of an estimator and gives what it gives: labels, or probabilities.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class AllPredictions:
    """A fitted pipeline as MLflow calls it.

    Args:
        pipeline: takes raw rows.
    """

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def get_raw_model(self) -> Any:
        """The scikit-learn pipeline."""
        return self._pipeline

    def predict(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Predict n raw rows.

        Returns:
            ``predicted``; of a classifier ``probability_CLASS`` for each class too, of a forecast the ends of its
            interval, ``low`` and ``high``, where the model has any.
        """
        import pandas as pd

        features, last = self._pipeline[:-1].transform(rows), self._pipeline.steps[-1][1]
        columns = {"predicted": last.predict(features)}
        if hasattr(last, "classes_"):
            shares = last.predict_proba(features)
            columns |= {f"probability_{value}": shares[:, code] for code, value in enumerate(last.classes_)}
        if getattr(last, "has_intervals", False):
            ends = last.around(features, columns["predicted"])
            columns |= dict(zip(("low", "high"), ends, strict=True))
        return pd.DataFrame(columns, index=rows.index)


def _load_pyfunc(path: str) -> AllPredictions:
    """Called by MLflow with the model's folder; the name is MLflow's."""
    from mlflow import sklearn

    return AllPredictions(sklearn._load_pyfunc(path).get_raw_model())
