"""A registered pipeline as ONNX, and how far the two are apart on real rows. Needs ``make onnx``.

The recipe is exact (``onnx_recipe``). The model is converted by skl2onnx and onnxmltools in single precision: in double
precision, onnxruntime 1.32 has neither imputers nor trees as skl2onnx 1.20 writes them.
"""

import copy
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from keystage.core.errors import ExportError, listing
from keystage.core.params import first_line
from keystage.registry.package import members_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

OPSETS = {"": 18, "ai.onnx.ml": 3}  # what skl2onnx 1.20 and onnxmltools 1.16 both write
PROBABILITIES, VALUES, LABEL = "probabilities", "predicted", "label"


def convert(pipeline: Any) -> bytes:
    """A pipeline that takes raw rows, as the bytes of an ONNX file.

    Args:
        pipeline: as ``registry.package.join`` makes it.

    Raises:
        ExportError: a step has no converter, or the packages are not installed.
    """
    try:
        from onnx import helper

        from keystage.adapters.onnx_recipe import graph_of
    except ImportError as error:
        raise ExportError(
            "ONNX needs packages that are not installed", why=f"no module '{error.name}'", fix="make onnx"
        ) from error
    *recipe, (_, model) = pipeline.steps
    graph = graph_of(recipe)
    table = graph.add("Concat", *map(graph.as_number, graph.columns), axis=1)
    graph.nodes.append(helper.make_node("Cast", [table], ["_table"], to=1))
    inner = _converted(_final(model), len(graph.columns))
    made = helper.make_graph(
        [*graph.nodes, *inner.graph.node],
        "keystage",
        [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in graph.inputs.items()],
        list(inner.graph.output),
        [*graph.initializers, *inner.graph.initializer],
    )
    opsets = [helper.make_opsetid(domain, number) for domain, number in OPSETS.items()]
    return bytes(helper.make_model(made, opset_imports=opsets, ir_version=9).SerializeToString())


def predict(content: bytes, rows: "pd.DataFrame") -> "np.ndarray":
    """What the ONNX model predicts for raw rows: n x k probabilities, or n values."""
    import numpy as np
    import onnxruntime

    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3  # errors; skl2onnx leaves constants that no node reads
    session = onnxruntime.InferenceSession(content, quiet, providers=["CPUExecutionProvider"])
    given = {}
    for wanted in session.get_inputs():
        column = rows[wanted.name]
        given[wanted.name] = (
            column.astype("str").fillna("").to_numpy(dtype=object)[:, None]
            if wanted.type == "tensor(string)"
            else column.to_numpy(dtype="float64")[:, None]
        )
    names = [item.name for item in session.get_outputs()]
    predicted = session.run([PROBABILITIES if PROBABILITIES in names else names[0]], given)[0]
    return np.asarray(predicted) if PROBABILITIES in names else np.asarray(predicted).reshape(-1)


def _final(model: Any) -> Any:
    """The model behind the steps that check columns and lay the table out: they change no number (search/assembly)."""
    if list(getattr(model, "named_steps", ())) == ["columns", "layout", "model"]:
        return model.named_steps["model"]
    raise ExportError.of(f"step 'model' ({type(model).__name__})", "it has no converter")


def _converted(model: Any, columns: int) -> Any:
    """A fitted model of ``columns`` numbers in skl2onnx's form."""
    try:
        return _written(_as_skl2onnx_wants(model), columns)
    except Exception as error:  # the converters raise errors of every kind
        why = f"skl2onnx: {type(error).__name__}: {first_line(error)}"
        raise ExportError.of(f"the model ({listing(_unwritten(model, columns))})", why) from error


def _unwritten(model: Any, columns: int) -> list[str]:
    """Which parts of a model have no converter; all kinds of parts, when each one has."""
    parts, wrong = {type(part).__name__: part for part in members_of(model)}, []
    for name, part in parts.items():
        try:
            _written(part, columns)
        except Exception:  # noqa: BLE001 - as above
            wrong.append(name)
    return wrong or list(parts)


def _written(model: Any, columns: int) -> Any:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    _register()
    options = {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None
    given = [("_table", FloatTensorType([None, columns]))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return convert_sklearn(model, initial_types=given, target_opset=OPSETS, options=options)


def _as_skl2onnx_wants(model: Any) -> Any:
    """Votes with weights as an array, without the flattening of ``transform``, which no prediction uses."""
    if not type(model).__name__.startswith("Voting"):
        return model
    import numpy as np

    made = copy.copy(model)
    made.weights = None if made.weights is None else np.asarray(made.weights)
    made.flatten_transform = False
    made.estimators_ = [_as_skl2onnx_wants(member) for member in made.estimators_]
    return made


def _with_whole_numbers(convert: Any) -> Any:
    """A converter whose flags are 0 and 1: skl2onnx 1.20 gives booleans, which protobuf 7 refuses for integers."""

    def converted(scope: Any, operator: Any, container: Any) -> None:
        add = container.add_node

        def add_node(*arguments: Any, **attributes: Any) -> Any:
            return add(*arguments, **{name: _whole(value) for name, value in attributes.items()})

        container.add_node = add_node
        try:
            convert(scope, operator, container)
        finally:
            container.add_node = add

    return converted


def _whole(value: Any) -> Any:
    """A list of flags as integers; anything else as it is."""
    import numpy as np

    is_flags = isinstance(value, list) and any(isinstance(item, bool | np.bool_) for item in value)
    return [int(item) for item in value] if is_flags else value


@cache
def _register() -> None:
    """Tell skl2onnx how boosted trees are written."""
    from lightgbm import LGBMClassifier, LGBMRegressor
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
    from skl2onnx import update_registered_converter
    from skl2onnx.common._registration import get_converter, get_shape_calculator
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from xgboost import XGBClassifier, XGBRegressor

    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    histograms = {
        HistGradientBoostingClassifier: options | {"raw_scores": [True, False]},
        HistGradientBoostingRegressor: {},
    }
    for kind, known in histograms.items():
        name = f"Sklearn{kind.__name__}"
        shape, how = get_shape_calculator(name), _with_whole_numbers(get_converter(name))
        update_registered_converter(kind, name, shape, how, overwrite=True, options=known or None)
    for kind, how in ((LGBMClassifier, convert_lightgbm), (XGBClassifier, convert_xgboost)):
        update_registered_converter(
            kind, kind.__name__, calculate_linear_classifier_output_shapes, how, options=options
        )
    for kind, how in ((LGBMRegressor, convert_lightgbm), (XGBRegressor, convert_xgboost)):
        update_registered_converter(
            kind, kind.__name__, calculate_linear_regressor_output_shapes, how, options={"split": None}
        )
