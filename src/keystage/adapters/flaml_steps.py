"""FLAML proposes the steps: its FLOW2 moves from a point to a better one (Wu, Wang and Huang 2021, arXiv:2005.01571).

FLAML 2.7.0 leads its searches by measured seconds (``flaml/automl/automl.py``, ``_select_estimator``), so that no two
are alike, and begins each learner with the cheapest model there is. Here FLOW2 is asked for one step after the other
from strong starts, with every step at the same cost; ``keystage.search.schedule`` says which learner has its turn.
"""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from keystage.search.learners.learner import Choice, Point, Space, Span

_LOSS, _COST = "loss", "cost"


class FlamlSteps:
    """FLOW2 in one learner's space.

    Args:
        space: what may be moved.
        start: a point whose loss is known; what the space does not name is kept as it is.
        loss: of the start.
        seed: of the directions.
    """

    def __init__(self, space: Space, start: Point, loss: float, seed: int) -> None:
        with _tuner_alone():
            from flaml.tune.searcher.flow2 import FLOW2

        self._kept = {name: value for name, value in start.items() if name not in space}
        inside = {name: start[name] for name in space}
        domains = {name: _domain(values) for name, values in space.items()}
        self._flow: FLOW2 = FLOW2(inside, _LOSS, "min", domains, cost_attr=_COST, seed=seed).create(
            inside, loss, 1.0, domains
        )
        self._asked: dict[str, str] = {}
        self._number = 0

    def ask(self) -> Point | None:
        """A point one step away from the best so far; None when the steps have become too small."""
        self._number += 1
        suggested = self._flow.suggest(str(self._number))
        if suggested is None:
            return None
        point = {**self._kept, **{name: _plain(value) for name, value in suggested.items()}}
        self._asked[_text(point)] = str(self._number)
        return point

    def tell(self, point: Point, loss: float | None) -> None:
        """How it did; None where it has no score. What was not asked for here is passed over."""
        number = self._asked.pop(_text(point), None)
        if number is None:
            return
        if loss is None:
            self._flow.on_trial_complete(number, None, error=True)
        else:
            self._flow.on_trial_complete(number, {_LOSS: loss, _COST: 1.0})


@contextmanager
def _tuner_alone() -> Iterator[None]:
    """Keep an import of FLAML to its tuner.

    FLAML 2.7.0 imports its AutoML and, where it is there, MLflow (``flaml/__init__.py``, ``flaml/fabric/mlflow.py``):
    3 seconds and 100 MB for nothing. It is made to go without either, as where neither is installed.
    """
    barred = [name for name in ("mlflow", "flaml.automl") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(barred))  # type: ignore[arg-type]  # None: Python's way to say not to be imported
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="flaml.automl is not available")
            yield
    finally:
        for name in barred:
            del sys.modules[name]


def _domain(values: Span | Choice) -> Any:
    import flaml.tune

    tune: Any = flaml.tune  # it does not say what it exports

    if isinstance(values, Choice):
        return tune.choice(list(values.values))
    low, high = (int(values.low), int(values.high) + 1) if values.integer else (values.low, values.high)
    if values.integer:
        return tune.lograndint(low, high) if values.log else tune.randint(low, high)
    return tune.loguniform(low, high) if values.log else tune.uniform(low, high)


def _text(point: Point) -> str:
    return repr(sorted(point.items()))


def _plain(value: Any) -> Any:
    """Python's own for a NumPy scalar, for JSON; six digits are more than any learner can tell apart."""
    plain = value.item() if hasattr(value, "item") else value
    return float(f"{plain:.6g}") if isinstance(plain, float) else plain
