"""The package as an MLflow model: scikit-learn flavour, its code inside, and a pyfunc of labels and probabilities.

``Model.log`` calls the ``save_model`` of whatever flavour it is given. Ours is MLflow's scikit-learn flavour with a
loader of our own for pyfunc, which is MLflow's documented way to say how a model is called (``loader_module``).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystage.adapters import mlflow_served
from keystage.core.errors import RegistryError
from keystage.core.params import first_line
from keystage.registry.lineage import BOOLEANS, KEY
from keystage.registry.package import ModelPackage
from keystage.registry.spec import ModelFormat

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LoggedModel:
    """A model that is in the store, and no version yet.

    Attributes:
        identity: MLflow's.
        uri: by which MLflow loads it.
        size: bytes of all its files.
    """

    identity: str
    uri: str
    size: int


def log_model(package: ModelPackage, run_id: str, form: ModelFormat) -> LoggedModel:
    """Write the package to the store, under a run.

    Raises:
        RegistryError: a step cannot be saved in this form.
    """
    import mlflow
    from mlflow.models import Model

    flavor = _Flavor(package, form)
    with mlflow.start_run(run_id=run_id):  # else the model would stand in MLflow's default experiment
        logged = Model.log(
            artifact_path=None,
            name="model",
            flavor=flavor,
            flavor_name="sklearn",
            run_id=run_id,
            metadata={**package.lineage, BOOLEANS: package.booleans},
            validate_serving_input=False,  # in this process; the caller does it in a clean one
        )
    return LoggedModel(str(logged.model_id), str(logged.model_uri), flavor.size)


class _Flavor:
    """What ``Model.log`` wants of a flavour."""

    def __init__(self, package: ModelPackage, form: ModelFormat) -> None:
        self._package, self._form = package, form
        self.size = 0

    def save_model(self, path: str, mlflow_model: Any, **_: Any) -> None:
        """Save as MLflow's scikit-learn flavour does, then name our loader."""
        from mlflow import sklearn

        package = self._package
        form: dict[str, Any] = {"serialization_format": self._form.value}
        if self._form is ModelFormat.skops:
            form["skops_trusted_types"] = _types_in(package.pipeline)
        sklearn.save_model(
            package.pipeline,
            path,
            mlflow_model=mlflow_model,
            signature=_signature(package),
            input_example=package.example,
            pip_requirements=list(package.requirements),
            code_paths=[str(item) for item in sorted(package.code.iterdir())],
            **form,
        )
        mlflow_model.flavors["python_function"]["loader_module"] = mlflow_served.__name__
        mlflow_model.save(str(Path(path, "MLmodel")))
        self.size = sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file())


def require_loadable(uri: str, form: ModelFormat, shown: str) -> None:
    """Refuse to load what may run code of others' when it is loaded. A kept pickle is data until somebody loads it.

    Args:
        uri: of a registered model.
        form: what conf/registry declares.
        shown: what to call it in errors.

    Raises:
        RegistryError: it was not saved with skops, and pickle is not declared; or keystage did not make it; or its
            files cannot be read.
    """
    model = _description(uri, shown)
    flavor = (model.flavors or {}).get("sklearn")
    if flavor is None or KEY not in (model.metadata or {}):
        raise RegistryError(
            f"{shown} was not registered by keystage",
            why="loading a model of another tool may run any code",
            fix="name a version that keystage registered: keystage registry list",
        )
    found = str(flavor.get("serialization_format", "pickle"))
    if found != ModelFormat.skops.value and form is not ModelFormat.pickle:
        raise RegistryError(
            f"{shown} is kept as {found}, which may run any code when it is loaded",
            why=f"conf/registry declares format: {form.value}",
            fix="if you trust who registered it, declare format: pickle in conf/registry, then: keystage compose",
        )


def size_of(uri: str, shown: str) -> int:
    """Bytes of a registered model, as MLflow noted them."""
    return int(_description(uri, shown).model_size_bytes or 0)


def _description(uri: str, shown: str) -> Any:
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model

    try:
        return Model.load(uri)
    except (OSError, MlflowException) as error:
        raise RegistryError(
            f"the files of {shown} cannot be read",
            why=first_line(error),
            fix="bring them back; those of a local store are in mlartifacts/, and do not move with the project",
        ) from error


def _signature(package: ModelPackage) -> Any:
    """Names and types of a raw row's columns. Each must be there; any of its cells may be missing.

    Numbers are of any type here: MLflow 3.17 refuses an int64 where it has seen a float64, and the other way round
    (``mlflow/models/utils.py``, ``_enforce_mlflow_datatype``), so a batch in which every age is whole, or one with a
    class missing, would be turned away. The model's first step, RawRows, refuses what is no number.
    """
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.types import DataType
    from mlflow.types.schema import AnyType, ColSpec, Schema, TensorSpec

    def type_of(column: pd.Series) -> Any:
        if pd.api.types.is_numeric_dtype(column):  # booleans included: they too become numbers when one is missing
            return AnyType()  # type: ignore[no-untyped-call]  # MLflow annotates it in part
        return DataType.datetime if pd.api.types.is_datetime64_any_dtype(column) else DataType.string

    example = package.example
    columns: list[ColSpec | TensorSpec] = [ColSpec(type_of(example[name]), name) for name in example.columns]
    predicted = mlflow_served.AllPredictions(package.pipeline).predict(example)
    outputs: list[ColSpec | TensorSpec] = [ColSpec(_kind(predicted[name]), name) for name in predicted.columns]
    return ModelSignature(inputs=Schema(columns), outputs=Schema(outputs))


def _kind(column: "pd.Series") -> Any:
    """MLflow's type of what is predicted."""
    from mlflow.types import DataType

    of = {"b": DataType.boolean, "i": DataType.long, "u": DataType.long, "f": DataType.double}
    return of.get(column.dtype.kind, DataType.string)


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
                fix="in src/project/transforms.py, keep NumPy arrays, numbers, strings, lists or dicts only; "
                "or take the form that may run code when it is loaded: registry.format=pickle",
            ) from error
    return sorted(types)
