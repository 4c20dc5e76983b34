"""The recipe: the declared steps as one scikit-learn pipeline, fitted on training rows alone."""

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

from keystage.core.errors import ConfigError, DatasetError, listing
from keystage.prep import by_value
from keystage.prep.spec import AUTO, PrepSpec, TransformSpec
from keystage.prep.transforms import DROP, FILL, KEEP, build, looks_at_label, require_columns

if TYPE_CHECKING:
    import pandas as pd

    from keystage.prep.automatic import Seen

logger = logging.getLogger(__name__)


class Fitted(NamedTuple):
    """A recipe, and what it made of the rows it was fitted on.

    Attributes:
        recipe: a fitted scikit-learn pipeline that takes raw rows and gives numeric pandas tables.
        table: those rows, prepared. Encodings by the label are cross-fitted here, which ``recipe.transform`` of the
            same rows is not: it would tell each row its own label.
        left_out: why a column was left out, by its name.
        automatic: what step ``auto`` found and wrote; empty without one.
    """

    recipe: Any
    table: "pd.DataFrame"
    left_out: dict[str, str]
    automatic: dict[str, Any]


def fit_recipe(
    spec: PrepSpec, features: "pd.DataFrame", seed: int, history: Any = None, label: "pd.Series | None" = None
) -> Any:
    """Fit all steps on the training rows, for rows other than these; as ``fit_and_prepare``. Returns the recipe."""
    return fit_and_prepare(spec, features, seed, history, label).recipe


def fit_and_prepare(
    spec: PrepSpec,
    features: "pd.DataFrame",
    seed: int,
    history: Any = None,
    label: "pd.Series | None" = None,
    *,
    regression: bool = False,
) -> Fitted:
    """Fit all steps on the training rows, and prepare these.

    Args:
        spec: the declared steps.
        features: raw training rows without the label, n x m.
        seed: passed to transforms that draw.
        history: of a forecast, an unfitted ``SeriesHistory``, which comes before the steps; those are fitted on rows
            of which all of the past is known.
        label: n values for it, and for steps that look at the label.
        regression: whether the label is a number, not a class.

    Raises:
        ConfigError: a step names an unknown transform, column or option.
        DatasetError: a step cannot be fitted, or what comes out is not ready for an estimator.
    """
    from sklearn.pipeline import Pipeline

    fitting = _Fitting(features, seed, label, regression)
    if history is not None:
        fitting.begin_with(history)
    for number, step in enumerate(spec.steps, start=1):
        fitting.add(step, number)
    _require_ready(fitting.table, fitting.label_name)
    return Fitted(Pipeline(fitting.steps), fitting.table, fitting.left_out, fitting.automatic)


class _Fitting:
    """A recipe under way: the steps fitted so far, and what they made of the training rows."""

    def __init__(self, features: "pd.DataFrame", seed: int, label: "pd.Series | None", regression: bool) -> None:
        self.label = label
        self.label_name = None if label is None else str(label.name)
        self._open_to(features)
        self.left_out: dict[str, str] = {}
        self.automatic: dict[str, Any] = {}
        self._given: dict[str, Any] = {"seed": seed, "regression": regression}
        self._past: set[str] = set()
        self._ahead, self._before = False, list[str]()

    def _open_to(self, features: "pd.DataFrame") -> None:
        """Begin with the door, which asks raw rows for these columns and no others."""
        from keystage.prep.raw import RawRows

        door = RawRows().fit(features)
        self._features, self.table = features, door.transform(features)
        self.steps: list[tuple[str, Any]] = [("00_raw_rows", door)]

    def begin_with(self, history: Any) -> None:
        """Fit the features of the past; what follows sees rows of which all is known."""
        try:
            history.fit(self.table, self.label)
            raw = set(self.table.columns)
            known = history.has_past(self.table)
            self.table = history.transform(self.table[known])
        except ValueError as error:
            raise DatasetError(
                "features of the past cannot be made",
                why=str(error),
                fix="correct the column it names in the files, or dataset.forecast in conf/dataset",
            ) from error
        self.label = None if self.label is None else self.label[known]
        self._ahead, self._past = True, {str(name) for name in self.table.columns if name not in raw}
        self.steps.append(("00_series_history", history))

    def add(self, step: TransformSpec, number: int) -> None:
        """Fit a declared step."""
        require_columns(step, number, [str(name) for name in self.table.columns])
        if step.use == AUTO:
            self._add_written(step, number)
            return
        columns = step.columns or [str(name) for name in self.table.columns]
        if step.use == FILL:
            columns = self._with_values(step, columns, number)
            if not columns:
                return
        self._fit(TransformSpec(step.use, list(columns), step.options), number, f"{number:02d}")
        gone = {DROP: columns, KEEP: []}.get(step.use, [])
        if step.use == KEEP:
            gone = [name for name in self._before if name not in columns]
        self.left_out |= dict.fromkeys(gone, f"step {number} of the recipe ('{step.use}') leaves it out")

    def _with_values(self, step: TransformSpec, columns: list[str], number: int) -> list[str]:
        """Those that ``fill`` knows a value for. The others are left out, as SimpleImputer does, but not in silence."""
        if step.options.get("strategy") == "constant" or step.options.get("keep_empty_features"):
            return columns
        empty = [name for name in columns if self.table[name].isna().all()]
        if empty:
            logger.info("fill leaves out %s: no value in the training rows", listing(empty))
            self.left_out |= dict.fromkeys(empty, f"step {number} ('fill'): no value in the training rows")
            self._fit(TransformSpec(DROP, empty), number, f"{number:02d}_00")
        return [name for name in columns if name not in empty]

    def _add_written(self, step: TransformSpec, number: int) -> None:
        """Fit the steps that ``auto`` becomes."""
        from keystage.prep.asked_for import auto_options
        from keystage.prep.automatic import may_use_label, plan

        own = [name for name in step.columns or map(str, self.table.columns) if name not in self._past]
        options = auto_options(step, number, own)
        by_label = not self._ahead and may_use_label(self.label, regression=self._given["regression"])
        written = plan(self.table[own], options, by_label=by_label)
        self._tell(written.seen, written.steps, number)
        left = [item for item in written.seen if item.use != DROP]
        if not left and not self._past and len(own) == self.table.shape[1]:
            raise DatasetError(
                f"step {number} of the recipe ('auto') leaves no column",
                why=listing(f"{item.column}: {item.note}" for item in written.seen)
                or "there is none: each is the label, has a role, or is named by dataset.drop",
                fix="say what a column is for: options: {purposes: {COLUMN: number, category or text}} of that step"
                if written.seen
                else "take a column off dataset.drop",
            )
        for place, part in enumerate(written.steps, start=1):
            self._fit(part, number, f"{number:02d}_{place:02d}")

    def _tell(self, seen: "list[Seen]", steps: list[TransformSpec], number: int) -> None:
        for use in ("", *dict.fromkeys(step.use for step in steps)):
            group = [item for item in seen if item.use == use]
            noted = [
                f"{item.column} ({item.note})" if item.note and use != "one_hot" else item.column for item in group
            ]
            if group:
                logger.info("auto: %s %s: %s", use or "as it is", len(group), listing(noted))
        self.left_out |= {item.column: f"step {number} ('auto'): {item.note}" for item in seen if item.use == DROP}
        self.automatic = {
            "columns": [*self.automatic.get("columns", ()), *(item.as_json for item in seen)],
            "steps": [*self.automatic.get("steps", ()), *(asdict(step) for step in steps)],
        }

    def _fit(self, step: TransformSpec, number: int, place: str) -> None:
        if looks_at_label(step) and self._ahead:
            raise ConfigError(
                f"step {number} of the recipe ('{step.use}') encodes by the label, which a forecast does not know",
                why="rows before would be told of those after them",
                fix="use 'codes' or 'one_hot' in prep.steps in conf/prep",
            )
        reserved = [] if self.label_name is None else [self.label_name]
        transformer = build(step, number, self._given, reserved)
        self._before = [str(name) for name in self.table.columns]
        if step.use == DROP and len(self.steps) == 1 and len(step.columns) < len(self._before):
            self._open_to(self._features.drop(columns=step.columns))  # no step needs them: rows are scored without
            return
        try:
            label = None if self.label is None else self.label.to_numpy()
            self.table = by_value.fit_transform(transformer, self.table, label)
        except (ValueError, TypeError) as error:
            raise DatasetError(
                f"step {number} of the recipe ('{step.use}' on {listing(step.columns)}) cannot be fitted",
                why=str(error).strip().split("\n")[0],
                fix="look at the columns it names, and at the step's options in conf/prep",
            ) from error
        self.steps.append((f"{place}_{step.use.rpartition(':')[2]}", transformer))


def _require_ready(table: "pd.DataFrame", label: str | None) -> None:
    """Estimators take finite or missing numbers; say so before a search begins."""
    import numpy as np
    import pandas as pd

    if table.empty or not len(table.columns):
        raise DatasetError(
            "no column is left after the recipe",
            why="dataset.drop and prep.steps took all of them",
            fix="drop fewer columns in conf/dataset",
        )
    if label in table.columns:
        raise DatasetError(
            f"the recipe makes a column called '{label}', as the label is",
            why="a step of prep.steps gives it that name",
            fix="give the column that the step is on, or the label, another name in the files",
        )
    words = [str(name) for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    if words:
        raise DatasetError(
            f"after the recipe, columns are still no numbers: {listing(words)}",
            why="estimators take numbers; " + "; ".join(f"{name} is {table[name].dtype}" for name in words[:3]),
            fix="let prep=auto prepare them, or name steps for them in prep.steps (codes, one_hot, dates, text ...), "
            "or leave them out: dataset.drop",
        )
    infinite = [str(name) for name in table.columns if np.isinf(table[name].to_numpy(dtype="float64")).any()]
    if infinite:
        raise DatasetError(
            f"columns hold infinite values: {listing(infinite)}",
            why="estimators refuse them",
            fix="empty those cells, or add a step {use: finite} to prep.steps in conf/prep, which makes them missing",
        )
