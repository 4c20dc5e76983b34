"""Before a model becomes a version: it is loaded in a clean process, held against the stage's predictions, and judged.

The champion is loaded in another clean process, because each model brings the code it was made with.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from keystage.adapters.mlflow_model import require_loadable
from keystage.adapters.model_process import ModelProcess
from keystage.core.errors import RegistryError
from keystage.data.table import read_table
from keystage.pipeline import workspace
from keystage.registry.entries import TEST_ROWS_TAG, Entry
from keystage.registry.gate import Champion, Facts, Judgement, failed_of, judge
from keystage.registry.package import digest_of_mapping
from keystage.registry.predictions import answers_of
from keystage.registry.spec import RegistrySpec, Require

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 100_000  # raw test rows that are predicted, taken evenly when there are more
REPEATS = 5  # of a prediction whose time is compared, in turns
ROUNDING = 1e-9  # of probabilities and values: a library may sum in another order when it is given other rows
DIGITS = 9  # of a score: for the same reason


@dataclass(frozen=True)
class Gate:
    """Where a model is looked at before it is let in.

    Attributes:
        spec: of conf/registry.
        metric: automl.metric.
        champion: the version in force; None for none.
        digest: of the new model's package.
        new, old: processes for the new model and for the champion; the latter None when nothing asks for it.
        problem: why the champion may not be loaded; empty when it may.
    """

    spec: RegistrySpec
    metric: str
    champion: Entry | None
    digest: str
    new: ModelProcess
    old: ModelProcess | None
    problem: str = ""

    def judge(self, uri: str, size: int) -> Judgement:
        """Load a model as a stranger would, hold it against the stage's predictions, and look at every condition.

        Args:
            uri: by which MLflow loads it.
            size: of all its files, in bytes.

        Raises:
            RegistryError: it cannot be loaded, or predicts something else than what was evaluated.
        """
        with tempfile.TemporaryDirectory() as folder:
            rows, label, told = _rows(Path(folder))
            predicted = answers_of(self.new.predict(uri, rows, label))
            _require_equal(predicted, told)
            facts = Facts(
                scores=scores(),
                guardrails=_guardrails(),
                size=size,
                metric=self.metric,
                actual=told["actual"],
                predicted=predicted,
                champion=self._held_against(rows, label, predicted),
            )
        return judge(self.spec.gate, facts, settings_of(self.spec, self.metric))

    def _held_against(self, rows: Path, label: str, predicted: "pd.DataFrame") -> Champion | None:
        champion = self.champion
        if champion is None:
            return None
        if self.old is None:
            return Champion(champion.number, self.problem, is_twin=champion.digest == self.digest)
        try:
            theirs = answers_of(self.old.predict(champion.uri, rows, label))
        except RegistryError as error:
            return Champion(champion.number, problem=error.why)
        if set(theirs.columns) != set(predicted.columns):
            other = ", ".join(sorted(set(theirs.columns) ^ set(predicted.columns)))
            return Champion(champion.number, problem=f"the two do not predict the same; they differ in {other}")
        ratio = self._time_ratio(self.old) if _asks(self.spec, Require.prediction_time_ratio) else None
        may_know = champion.tags.get(TEST_ROWS_TAG) != test_rows()
        return Champion(champion.number, predicted=theirs[list(predicted.columns)], time_ratio=ratio, may_know=may_know)

    def _time_ratio(self, old: ModelProcess) -> float:
        """Medians, measured in turns: what else the machine does meanwhile slows both."""
        times = [(self.new.seconds(), old.seconds()) for _ in range(REPEATS)]
        return median(new for new, _ in times) / median(old for _, old in times)


@contextmanager
def open_gate(spec: RegistrySpec, metric: str, champion: Entry | None, digest: str, uri: str) -> Iterator[Gate]:
    """Start the processes that will be needed: they import while the model is packed.

    Args:
        spec: of conf/registry.
        metric: automl.metric.
        champion: the version in force.
        digest: of the new model's package.
        uri: of the tracking store, absolute.
    """
    asked = _asks(spec, Require.not_worse_than_champion, Require.prediction_time_ratio)
    with ExitStack() as stack:
        new, old, problem = stack.enter_context(ModelProcess(uri)), None, ""
        if asked and champion is not None and champion.digest != digest:
            problem = _problem(champion, spec)
            old = None if problem else stack.enter_context(ModelProcess(uri))
        yield Gate(spec, metric, champion, digest, new, old, problem)


def settings_of(spec: RegistrySpec, metric: str) -> str:
    """Digest of what decides a judgement beside the models: the conditions, and what they read of this run.

    The same model may come from other data: its guardrails and its scores on the test rows are others then.
    """
    conditions = [
        {name: getattr(value, "value", value) for name, value in vars(condition).items()} for condition in spec.gate
    ]
    reads = {"guardrails": _failed_guardrails(spec), "scores": _scores_asked(spec)}
    return digest_of_mapping({"gate": conditions, "metric": metric, "format": spec.format.value, **reads})


def _failed_guardrails(spec: RegistrySpec) -> list[list[str]]:
    """Check and columns of each, where the gate looks at them."""
    failed = failed_of(_guardrails()) if _asks(spec, Require.no_failed_guardrail) else []
    return sorted([str(item.get("check")), *map(str, item.get("columns") or [])] for item in failed)


def _scores_asked(spec: RegistrySpec) -> dict[str, float | str]:
    """Of each metric with a bound the reported value; of one that is not reported, the predictions' digest."""
    names = {str(condition.metric) for condition in spec.gate if condition.require is Require.metric}
    reported = scores() if names else {}
    return {
        name: round(reported[name][0], DIGITS)
        if name in reported
        else hashlib.sha256(workspace.PREDICTIONS.read_bytes()).hexdigest()
        for name in names
    }


def _guardrails() -> list[dict[str, Any]]:
    """Of the data, as they are reported."""
    told: list[dict[str, Any]] = workspace.read_json(workspace.DATA_REPORT).get("guardrails", [])
    return told


def scores() -> dict[str, tuple[float, float | None, float | None]]:
    """Metrics on the test rows as they are reported: value, and the ends of the interval where there is one."""
    told: Mapping[str, Any] = workspace.read_json(workspace.EVALUATION)["metrics"]
    return {name: (item["value"], item.get("low"), item.get("high")) for name, item in told.items()}


def test_rows() -> str:
    """Digest of the raw test rows."""
    return hashlib.sha256(workspace.RAW_TEST.read_bytes()).hexdigest()


def _asks(spec: RegistrySpec, *kinds: Require) -> bool:
    return any(condition.require in kinds for condition in spec.gate)


def _rows(folder: Path) -> tuple[Path, str, "pd.DataFrame"]:
    """A file of raw test rows, the name of its label, and what stage evaluate keeps of these rows."""
    import pandas as pd

    table, told = read_table(workspace.RAW_TEST), pd.read_parquet(workspace.PREDICTIONS)
    step = -(-len(told) // MAX_ROWS)
    raw = table.features.assign(**{str(table.label.name): table.label})
    raw.iloc[::step].to_parquet(folder / "rows.parquet", index=False)
    return folder / "rows.parquet", str(table.label.name), told.iloc[::step].reset_index(drop=True)


def _require_equal(predicted: "pd.DataFrame", told: "pd.DataFrame") -> None:
    """What a stranger gets from the registry must be what was evaluated.

    Raises:
        RegistryError: with the rows that differ.
    """
    import numpy as np
    import pandas as pd

    differs = np.zeros(len(told), dtype=bool)
    for name in predicted.columns:
        new, old = predicted[name], told[name]
        if pd.api.types.is_float_dtype(new):
            differs |= ~np.isclose(new.to_numpy(), old.to_numpy(), rtol=ROUNDING, atol=ROUNDING, equal_nan=True)
        else:
            differs |= new.astype(str).to_numpy() != old.astype(str).to_numpy()
    if differs.any():
        raise RegistryError(
            "the model loaded from MLflow predicts something else than the one that was evaluated",
            why=f"{int(differs.sum())} of {len(told)} raw test rows differ",
            fix="look at transforms of your own in src/project: what they keep must be in attributes set by fit",
        )


def _problem(champion: Entry, spec: RegistrySpec) -> str:
    """Why it may not be loaded."""
    try:
        require_loadable(champion.uri, spec.format, str(champion))
    except RegistryError as error:
        return f"{error.what}, and {error.why}"
    return ""
