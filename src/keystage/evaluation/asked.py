"""The model asked of raw rows, as whoever uses it will ask it: by the recipe, in batches of bounded size."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keystage.evaluation.scores import as_shares
from keystage.prep import cells as _cells  # noqa: F401 - a recipe is made of these, and runs here
from keystage.prep import columns as _columns  # noqa: F401 - the same
from keystage.prep import dates as _dates  # noqa: F401 - the same
from keystage.prep import draws as _draws  # noqa: F401 - the same
from keystage.prep import numbers as _numbers  # noqa: F401 - the same
from keystage.prep import raw as _raw  # noqa: F401 - the same
from keystage.prep import texts as _texts  # noqa: F401 - the same
from keystage.prep.history import SEPARATOR, SeriesHistory
from keystage.search.metrics import Metric

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

BATCH_CELLS = 4_000_000  # of raw rows that are prepared and asked at the same time: 32 MB of numbers
BATCH_ROWS = 50_000  # of them: a second or so, between which it can be told how far it is


class Asked:
    """Recipe and model, fitted, between which the cells of a raw column can be changed.

    A forecast's recipe turns times and series into what was known of them; those features are changed together, as
    what they are made of.

    Args:
        recipe: pipeline of steps that begins with the door, in a forecast followed by the history.
        model: takes what the recipe gives.
        classes: the k classes; none for numbers.
    """

    def __init__(self, recipe: Any, model: Any, classes: Sequence[Any]) -> None:
        steps = [step for _, step in recipe.steps]
        self.history = next((step for step in steps if isinstance(step, SeriesHistory)), None)
        begin = 2 if self.history is not None else 1
        self._door, self._rest = steps[:begin], steps[begin:]
        self._model, self._classes = model, classes

    @property
    def trees_per_round(self) -> int:
        """By what factor a boosted model is slower than one of two classes or of numbers: it has a tree per class."""
        return len(self._classes) if len(self._classes) > 2 else 1

    def open(self, raw: "pd.DataFrame") -> "pd.DataFrame":
        """Raw rows in their columns and types; of a forecast with the features of their past. n x m."""
        for step in self._door:
            raw = step.transform(raw)
        return raw

    def sources(self, opened: "pd.DataFrame") -> Mapping[str, list[str]]:
        """The columns of opened rows by the raw column that they come from; of a forecast's past, by the label."""
        if self.history is None:
            return {str(name): [name] for name in opened.columns}
        history = self.history
        made = set(history.get_feature_names_out()) & set(opened.columns)
        parts = {
            SEPARATOR.join(history.series): [f"{'_'.join(history.series)}_code"] if history.series else [],
            history.time: [f"{history.time}_{part}" for part in ("trend", *history.calendar_)],
            history.label: [name for name in made if name.startswith(f"{history.label}_")],
        }
        own = [name for names in parts.values() for name in names]
        parts |= {str(name): [name] for name in opened.columns if name not in own}
        return {source: [name for name in opened.columns if name in names] for source, names in parts.items() if names}

    def series_of(self, raw: "pd.DataFrame") -> list[str]:
        """The series of each of n raw rows of a forecast; the empty text where there is one."""
        assert self.history is not None
        names = [raw[name].astype("str") for name in self.history.series]
        return [SEPARATOR.join(parts) for parts in zip(*names, strict=True)] if names else [""] * len(raw)

    def batch_rows(self, opened: "pd.DataFrame") -> int:
        """How many such rows may be asked at the same time."""
        return max(1, min(BATCH_CELLS // max(1, opened.shape[1]), BATCH_ROWS // self.trees_per_round))

    def say(self, opened: "pd.DataFrame", metric: Metric | None = None) -> "np.ndarray":
        """What the model says of opened rows: n x k probabilities, or n values.

        Of probabilities a metric of decisions sees 1 for the class decided for.
        """
        import numpy as np

        size = self.batch_rows(opened)
        parts = [self._batch(opened.iloc[start : start + size], metric) for start in range(0, len(opened), size)]
        return np.concatenate(parts)

    def _batch(self, rows: "pd.DataFrame", metric: Metric | None) -> "np.ndarray":
        import numpy as np

        for step in self._rest:
            rows = step.transform(rows)
        if not self._classes:
            said: np.ndarray = self._model.predict(rows)
            offset = self.history.offset_ if self.history is not None else ""
            return np.asarray(said + rows[offset].to_numpy()) if offset else said
        if metric is not None and metric.of_classes:
            return as_shares(codes_of(self._model.predict(rows), self._classes), len(self._classes))
        return np.asarray(self._model.predict_proba(rows))


def codes_of(labels: Any, classes: Sequence[Any]) -> "np.ndarray":
    """N whole numbers, the places of labels among the classes."""
    import pandas as pd

    codes: np.ndarray = pd.Index(classes).get_indexer(pd.Index(labels))
    return codes
