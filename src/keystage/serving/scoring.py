"""Raw rows in; labels with probabilities, values or forecasts with intervals out; of rows that cannot be scored, why.

This runs in the process that holds the model, whose recipe is of the keystage it was made with.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

PREDICTED = "predicted"
PROBABILITY = "probability_"
ENDS = ("low", "high")  # of a forecast's interval
MAX_CELL = 60  # characters of a cell shown in a reason
# The label of these is the class of the greatest probability (scikit-learn 1.9, LightGBM 4.7, XGBoost 3), so that one
# pass over the model gives both. Of all others, with thresholds of their own say, both are asked for.
_LABEL_IS_LIKELIEST = {
    "VotingClassifier", "LGBMClassifier", "XGBClassifier", "RandomForestClassifier", "ExtraTreesClassifier",
    "HistGradientBoostingClassifier", "LogisticRegression", "CalibratedClassifierCV",
}  # fmt: skip
_HOMES = ("sklearn.", "lightgbm.", "xgboost.")


class Scorer:
    """A loaded model, and the door that its raw rows come in by.

    Args:
        model: fitted scikit-learn pipeline whose first step is ``keystage.prep.raw.RawRows``.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._door = model.steps[0][1]
        self.columns: list[str] = [str(name) for name in self._door.feature_names_in_]
        classes = getattr(model, "classes_", None)
        self.classes: list[Any] = [] if classes is None else classes.tolist()
        self._has_intervals = bool(getattr(model.steps[-1][1], "has_intervals", False))

    def score(
        self, rows: "pd.DataFrame", booleans: Sequence[str] = ()
    ) -> tuple["pd.DataFrame", dict[int, dict[str, str]]]:
        """Score what can be scored.

        Args:
            rows: n rows whose index is 0 to n-1, or a part of it; columns of the model, in any order.
            booleans: columns that are true or false in files, and numbers to the model.

        Returns:
            Of the scored rows, with their index, ``predicted`` and a ``probability_CLASS`` per class; and why the
            others were not: by index, the column (empty where it is not known) and the reason.
        """
        try:
            return self._predict(rows), {}
        except ValueError:
            bad = self._unfit(rows, booleans)
        import pandas as pd

        scored, odd = self._apart(rows.drop(index=list(bad)))
        return pd.concat([self._predict(rows.iloc[:0]), *scored]) if not scored else pd.concat(scored), bad | odd

    def _unfit(self, rows: "pd.DataFrame", booleans: Sequence[str]) -> dict[int, dict[str, str]]:
        bad: dict[int, dict[str, str]] = {}
        # The door is of the keystage that made the model; an older one cannot tell, and rows are tried one by one.
        found = self._door.unfit(rows) if hasattr(self._door, "unfit") else {}
        for name, mask in found.items():
            kind = "date" if name in self._door.dates_ else "boolean" if name in booleans else "number"
            for place, cell in rows[name][mask].items():
                bad.setdefault(int(place), {"column": name, "reason": unfit_cell(name, cell, kind)})
        return bad

    def _apart(self, rows: "pd.DataFrame") -> tuple[list["pd.DataFrame"], dict[int, dict[str, str]]]:
        """Halve what fails until the rows that fail stand alone."""
        if rows.empty:
            return [], {}
        try:
            return [self._predict(rows)], {}
        except ValueError as error:
            if len(rows) == 1:
                reason = str(error).strip().split("\n")[0]
                return [], {int(rows.index[0]): {"column": "", "reason": reason}}
        half = len(rows) // 2
        first, second = self._apart(rows.iloc[:half]), self._apart(rows.iloc[half:])
        return [*first[0], *second[0]], first[1] | second[1]

    def _predict(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        import numpy as np
        import pandas as pd

        if rows.empty:
            return pd.DataFrame(columns=self.outputs(), index=rows.index, dtype="float64")
        features = self._model[:-1].transform(rows)
        last = self._model.steps[-1][1]
        if not self.classes:
            values = np.asarray(last.predict(features))
            ends = last.around(features, values) if self._has_intervals else ()
            return pd.DataFrame(dict(zip(self.outputs(), (values, *ends), strict=True)), index=rows.index)
        shares = np.asarray(last.predict_proba(features))
        likeliest = np.asarray(self.classes)[shares.argmax(axis=1)]
        labels = likeliest if label_is_likeliest(last) else np.asarray(last.predict(features))
        columns = {f"{PROBABILITY}{value}": shares[:, place] for place, value in enumerate(self.classes)}
        return pd.DataFrame({PREDICTED: labels, **columns}, index=rows.index)

    def outputs(self) -> list[str]:
        """Names of the columns that come out."""
        return [PREDICTED, *(f"{PROBABILITY}{value}" for value in self.classes), *(ENDS if self._has_intervals else ())]


def label_is_likeliest(model: Any) -> bool:
    """Whether the model's label is always the class with the greatest probability."""
    inner = model.steps[-1][1] if hasattr(model, "steps") else model
    kind = type(inner)
    voting = getattr(inner, "voting", "soft") == "soft"
    return voting and kind.__name__ in _LABEL_IS_LIKELIEST and kind.__module__.startswith(_HOMES)


def unfit_cell(name: str, cell: object, kind: str) -> str:
    """Why a cell cannot be used."""
    shown = repr(cell)
    shown = shown if len(shown) <= MAX_CELL else f"{shown[: MAX_CELL - 1]}…"
    why = "neither true nor false" if kind == "boolean" else f"no {kind}"
    return f"column '{name}' holds {shown}, which is {why}"


def as_records(scored: "pd.DataFrame") -> list[Mapping[str, Any]]:
    """Rows for JSON: numbers of Python, in the order of the table."""
    columns = {str(name): scored[name].tolist() for name in scored}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
