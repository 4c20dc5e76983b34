"""The package as an MLflow model: scikit-learn flavour, saved with skops, its code inside."""

from typing import Any

from keystage.core.errors import RegistryError
from keystage.registry.package import ModelPackage


def log_model(package: ModelPackage, run_id: str) -> tuple[str, str]:
    """Log the package under a run, load it as a user would, and compare. Returns the logged model's id and URI.

    Raises:
        RegistryError: the loaded model does not predict what the package does.
    """
    import mlflow

    with mlflow.start_run(run_id=run_id):
        logged = mlflow.sklearn.log_model(
            package.pipeline,
            name="model",
            signature=_signature(package),
            input_example=package.example,
            pip_requirements=list(package.requirements),
            code_paths=[str(path) for path in sorted(package.code.iterdir())],
            serialization_format="skops",
            skops_trusted_types=_types_in(package.pipeline),
            metadata=dict(package.lineage),
        )
    _check_served(logged.model_uri, package)
    return str(logged.model_id), str(logged.model_uri)


def _signature(package: ModelPackage) -> Any:
    """Names and types of a raw row's columns. Each must be there; any of its cells may be missing.

    Numbers are of any type here: MLflow 3.17 refuses an int64 where it has seen a float64, and the other way round
    (``mlflow/models/utils.py``, ``_enforce_mlflow_datatype``), so a batch in which every age is whole, or one with a
    class missing, would be turned away.
    """
    import pandas as pd
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.types import DataType
    from mlflow.types.schema import AnyType, ColSpec, Schema, TensorSpec

    def type_of(column: pd.Series) -> Any:
        if pd.api.types.is_numeric_dtype(column):  # booleans included: they too become numbers when one is missing
            return AnyType()  # type: ignore[no-untyped-call]  # MLflow annotates it in part
        return DataType.datetime if pd.api.types.is_datetime64_any_dtype(column) else DataType.string

    example = package.example
    columns: list[ColSpec | TensorSpec] = [ColSpec(type_of(example[name]), name) for name in example.columns]
    outputs = infer_signature(model_output=package.pipeline.predict(example)).outputs
    return ModelSignature(inputs=Schema(columns), outputs=outputs)


def _types_in(pipeline: Any) -> list[str]:
    """The types skops does not know. This project fitted the pipeline, so it trusts them.

    Raises:
        RegistryError: a step keeps what skops cannot save.
    """
    import skops.io

    types: set[str] = set()
    for name, step in pipeline.steps:
        try:
            types.update(skops.io.get_untrusted_types(data=skops.io.dumps(step)))
        except (TypeError, ValueError, AttributeError) as error:
            raise RegistryError(
                f"step '{name}' of the model cannot be saved",
                why=f"skops: {error}",
                fix="in src/project/transforms.py, keep NumPy arrays, numbers, strings, lists or dicts only",
            ) from error
    return sorted(types)


def _check_served(uri: str, package: ModelPackage) -> None:
    """What MLflow loads must predict what was evaluated."""
    import mlflow
    import numpy as np

    expected: np.ndarray = np.asarray(package.pipeline.predict(package.example))
    served: np.ndarray = np.asarray(mlflow.pyfunc.load_model(uri).predict(package.example))
    if not np.array_equal(served, expected):
        raise RegistryError(
            "the model loaded from MLflow predicts something else than the one that was evaluated",
            why=f"{int((served != expected).sum())} of {len(expected)} raw test rows differ",
            fix="look at transforms of your own in src/project: what they keep must be in attributes set by fit",
        )
