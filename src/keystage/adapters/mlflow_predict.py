"""A program of its own: what a registered model predicts for the rows of a prepared table.

It runs in the environment that the model was made with, apart from this keystage: a model brings the code of its
classes along. ``python -P mlflow_predict.py TRACKING_URI MODEL_URI ROWS.parquet LABEL PREDICTED.parquet``
"""

import logging
import os
import sys
import warnings


def main(tracking_uri: str, model_uri: str, rows: str, label: str, predicted: str) -> None:
    """Write one column of probabilities per class, or the values predicted, named like those of stage ``evaluate``."""
    import pandas as pd

    warnings.simplefilter("ignore")
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(tracking_uri)
    model = mlflow.sklearn.load_model(model_uri)
    features = pd.read_parquet(rows).drop(columns=[label])
    if hasattr(model, "classes_"):
        names = [f"probability_{value}" for value in model.classes_]
        pd.DataFrame(model.predict_proba(features), columns=names).to_parquet(predicted)
    else:
        pd.DataFrame({"predicted": model.predict(features)}).to_parquet(predicted)


if __name__ == "__main__":
    main(*sys.argv[1:])
