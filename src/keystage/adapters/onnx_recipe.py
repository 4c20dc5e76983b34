"""A recipe as nodes of ONNX: a column of the raw rows is an input, and in double precision all is exact.

A missing number is NaN. ONNX has no missing string: it is the empty one.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from keystage.core.errors import ExportError

WORD, NUMBER = int(TensorProto.STRING), int(TensorProto.DOUBLE)
_ML = "ai.onnx.ml"


class Graph:
    """Nodes under way, and the columns that they give.

    Attributes:
        inputs: type of each raw column, by name.
        columns: the value that holds each column now, n x 1, and its type, by name.
    """

    def __init__(self, inputs: dict[str, int]) -> None:
        self.inputs = inputs
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []
        self.columns = {name: (name, kind) for name, kind in inputs.items()}

    def add(self, kind: str, *values: str, domain: str = "", **attributes: Any) -> str:
        """Add a node of one output. Returns the output's name."""
        made = f"_{len(self.nodes)}_{kind}"
        self.nodes.append(helper.make_node(kind, list(values), [made], domain=domain, **attributes))
        return made

    def constant(self, values: Any) -> str:
        """Add an array. Returns its name."""
        made = f"_constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(values), made))
        return made

    def as_number(self, name: str) -> str:
        """The value of a column that must be a number by now."""
        value, kind = self.columns[name]
        if kind != NUMBER:
            raise ExportError.of(f"column '{name}'", "it is no number after the recipe")
        return value


def graph_of(steps: list[tuple[str, Any]]) -> Graph:
    """The steps of a recipe, which begins with ``RawRows``.

    Raises:
        ExportError: a step has no counterpart; it is named.
    """
    from keystage.prep.raw import RawRows

    (_, door), *rest = steps
    if not isinstance(door, RawRows) or door.dates_:
        raise ExportError.of(f"step '{steps[0][0]}'", "its columns are not numbers and words alone")
    graph = Graph({str(name): NUMBER if name in door.numbers_ else WORD for name in door.feature_names_in_})
    for name, step in rest:
        whole = _OF_WHOLE_ROWS.get(type(step).__name__)
        if whole is None:
            _add_step(graph, name, step)
        else:
            whole(graph, step)
    return graph


def _add_step(graph: Graph, name: str, step: Any) -> None:
    inner = [made for made in getattr(step, "transformers_", []) if made[0] != "remainder"]
    add = _COUNTERPARTS.get(type(inner[0][1]).__name__) if len(inner) == 1 else None
    if add is None:
        kind = type(inner[0][1] if inner else step).__name__
        raise ExportError.of(f"step '{name}' ({kind})", "it has no converter")
    _, transformer, columns = inner[0]
    given = {column: graph.columns[column] for column in columns}
    made = add(graph, transformer, given)
    if made is None:
        raise ExportError.of(f"step '{name}' ({type(transformer).__name__})", "its options have no converter")
    rest = {column: value for column, value in graph.columns.items() if column not in given}
    graph.columns = made | rest
    if list(graph.columns) != list(map(str, step.get_feature_names_out())):
        raise ExportError.of(f"step '{name}' ({type(transformer).__name__})", "it gives other columns in ONNX")


_Columns = dict[str, tuple[str, int]]


def _fill(graph: Graph, fitted: Any, columns: _Columns) -> _Columns | None:
    if fitted.add_indicator:
        return None
    made = {}
    for (name, (value, kind)), instead in zip(columns.items(), fitted.statistics_, strict=True):
        if kind == NUMBER:
            missing, filler = graph.add("IsNaN", value), graph.constant(np.array([[instead]], dtype="float64"))
        else:
            found = graph.add(
                "LabelEncoder", value, domain=_ML, keys_strings=[""], values_floats=[1.0], default_float=0.0
            )
            missing = graph.add("Cast", found, to=TensorProto.BOOL)  # Equal takes words from opset 19 on
            filler = graph.constant(np.array([[str(instead)]], dtype=object))
        made[name] = (graph.add("Where", missing, filler, value), kind)
    return made


def _bins(graph: Graph, fitted: Any, columns: _Columns) -> _Columns:
    return _binned(graph, fitted.edges_, columns)


def _bins_of_sklearn(graph: Graph, fitted: Any, columns: _Columns) -> _Columns | None:
    return _binned(graph, [edges[1:-1] for edges in fitted.bin_edges_], columns) if fitted.encode == "ordinal" else None


def _binned(graph: Graph, inner: Any, columns: _Columns) -> _Columns:
    """How many of the edges that lie within are not above each cell; a missing one stays so."""
    made, missing = {}, graph.constant(np.array([[np.nan]], dtype="float64"))
    for (name, (value, _)), edges in zip(columns.items(), inner, strict=True):
        above = graph.add("GreaterOrEqual", value, graph.constant(np.asarray(edges, dtype="float64")[None, :]))
        counted = graph.add("Cast", above, to=NUMBER)
        place = graph.add("ReduceSum", counted, graph.constant(np.array([1])), keepdims=1)
        made[name] = (graph.add("Where", graph.add("IsNaN", value), missing, place), NUMBER)
    return made


def _codes(graph: Graph, fitted: Any, columns: _Columns) -> _Columns | None:
    if fitted.min_frequency is not None or fitted.max_categories is not None:
        return None
    made = {}
    for (name, column), known in zip(columns.items(), fitted.categories_, strict=True):
        codes = [fitted.encoded_missing_value if _is_missing(value) else place for place, value in enumerate(known)]
        code = _looked_up(graph, column, known, codes, default=fitted.unknown_value)
        made[name] = (graph.add("Cast", code, to=NUMBER), NUMBER)
    return made


def _one_hot(graph: Graph, fitted: Any, columns: _Columns) -> _Columns | None:
    if fitted.min_frequency is not None or fitted.max_categories is not None or fitted.drop is not None:
        return None
    made: _Columns = {}
    names = iter(map(str, fitted.get_feature_names_out()))
    for column, known in zip(columns.values(), fitted.categories_, strict=True):
        place = _looked_up(graph, column, known, range(len(known)), default=-1)
        for number in range(len(known)):
            same = graph.add("Equal", place, graph.constant(np.array([[number]], dtype="float32")))
            made[next(names)] = (graph.add("Cast", same, to=NUMBER), NUMBER)
    return made


def _select(graph: Graph, fitted: Any) -> None:
    graph.columns = {name: graph.columns[name] for name in fitted.kept_}


def _finite(graph: Graph, fitted: Any) -> None:
    for name in fitted.numbers_:
        value, kind = graph.columns[name]
        missing = graph.constant(np.array([[np.nan]], dtype="float64"))
        graph.columns[name] = (graph.add("Where", graph.add("IsInf", value), missing, value), kind)


def _looked_up(graph: Graph, column: tuple[str, int], known: Any, numbers: Any, *, default: float) -> str:
    """The number of each cell's category; ``default`` where it is none."""
    value, kind = column
    given = list(zip(known, map(float, numbers), strict=True))
    if kind == WORD:
        words = ["" if _is_missing(word) else str(word) for word, _ in given]
        if len(set(words)) < len(words):
            raise ExportError.of(f"column '{value}'", "empty words and missing ones are the same in ONNX")
        codes = [number for _, number in given]
        known_words = {"keys_strings": words, "values_floats": codes, "default_float": float(default)}
        return graph.add("LabelEncoder", value, domain=_ML, **known_words)
    found = graph.constant(np.array([[default]], dtype="float32"))
    for category, number in given:
        cell = graph.constant(np.array([[category]], dtype="float64"))
        same = graph.add("IsNaN", value) if _is_missing(category) else graph.add("Equal", value, cell)
        found = graph.add("Where", same, graph.constant(np.array([[number]], dtype="float32")), found)
    return found


def _is_missing(value: Any) -> bool:
    return value is None or bool(value != value)


_OF_WHOLE_ROWS: dict[str, Callable[[Graph, Any], None]] = {"Select": _select, "Finite": _finite}
_COUNTERPARTS: dict[str, Callable[[Graph, Any, _Columns], _Columns | None]] = {
    "SimpleImputer": _fill,
    "Bins": _bins,
    "QuantileBins": _bins,
    "KBinsDiscretizer": _bins_of_sklearn,
    "OrdinalEncoder": _codes,
    "OneHotEncoder": _one_hot,
}
