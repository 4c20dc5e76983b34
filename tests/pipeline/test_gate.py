"""Models pushed through the gate into a real registry, champions that change, and what is never loaded.

The stage runs in this process, on the results of a pipeline that has run; a worse model takes the place of its model.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from tests.conftest import Project
from typer.testing import CliRunner

from keystage.adapters.mlflow_registry import MlflowRegistry, open_registry
from keystage.cli.main import app
from keystage.core.errors import RegistryError
from keystage.core.params import load_params
from keystage.data.table import PreparedTable, prediction_table, read_table, write_table
from keystage.pipeline import workspace
from keystage.pipeline.register import RegisterParams, register
from keystage.prep.raw import RawRows
from keystage.registry.entries import Entry
from keystage.registry.spec import GateCondition, ModelFormat, OnRefusal, Require

pytestmark = pytest.mark.filterwarnings("ignore")  # of libraries, on this process's first import of them

NAME = "TitanicSurvivalInitial"
NUMBERS = ["Pclass", "SibSp", "Parch"]


class House:
    """A project whose stage register is called here."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.params = load_params(RegisterParams, root / "params.yaml")

    def register(self, **settings: Any) -> None:
        register(replace(self.params, registry=replace(self.params.registry, **settings)))

    @property
    def gate(self) -> dict[str, Any]:
        return workspace.read_json(workspace.GATE)

    def failed(self) -> list[str]:
        return [finding["says"] for finding in self.gate["findings"] if not finding["passed"]]

    def registry(self) -> MlflowRegistry:
        with open_registry(self.params.tracking.uri, self.root) as found:
            return found

    def version(self, number: str) -> Entry:
        return self.registry().version(f"{NAME}@{number}")[1]

    def take(self, model: Any, recipe: Any, raw: PreparedTable, prepared: pd.DataFrame) -> None:
        """Let a model stand where stage train puts its own, with what stage evaluate would keep of it."""
        workspace.write_pickle(recipe, workspace.RECIPE)
        workspace.write_pickle(model, workspace.MODEL)
        write_table(raw, workspace.RAW_TEST)
        told = prediction_table(raw.label, model.predict_proba(prepared), list(model.classes_))
        told.assign(predicted=model.predict(prepared)).to_parquet(workspace.PREDICTIONS, index=False)

    def said(self, *command: str, code: int = 0) -> str:
        """What `keystage registry` says."""
        done = CliRunner().invoke(app, ["registry", *command])
        assert done.exit_code == code, done.output
        return done.output.replace("Reading the registry\n", "")

    def take_worse(self) -> None:
        """One that predicts the same for each passenger."""
        train, test = read_table(workspace.TRAIN_TABLE), read_table(workspace.TEST_TABLE)
        model = DummyClassifier(strategy="constant", constant=0).fit(train.features, train.label)
        self.take(model, workspace.read_pickle(workspace.RECIPE), read_table(workspace.RAW_TEST), test.features)

    def take_of_other_schema(self) -> None:
        """One that was given three numbers alone."""
        raw = read_table(workspace.RAW_TEST)
        raw = replace(raw, features=raw.features[NUMBERS])
        recipe = make_pipeline(RawRows().fit(raw.features))
        prepared = recipe.transform(raw.features)
        self.take(LogisticRegression().fit(prepared, raw.label), recipe, raw, prepared)


@pytest.fixture
def house(project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[House]:
    monkeypatch.chdir(project.root)
    caplog.set_level(logging.INFO, "keystage")
    yield House(project.root)
    import mlflow

    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)


def test_only_models_that_pass_get_an_alias(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.register(format=ModelFormat.pickle)
    first = house.version("champion")
    assert (first.number, first.aliases) == ("1", ("challenger", "champion"))
    assert house.gate["outcome"] == "passed"
    assert first.metrics["roc_auc"][0] == pytest.approx(workspace.read_json(workspace.METRICS)["test"]["roc_auc"])

    house.take_worse()
    report = workspace.read_json(workspace.DATA_REPORT)
    failed = {"check": "leaking column", "outcome": "failed", "columns": ["Fare"], "numbers": {}, "note": "knows all"}
    workspace.write_json({**report, "guardrails": [failed]}, workspace.DATA_REPORT)
    house.register()
    pickled, leaking = house.failed()
    assert pickled.startswith(
        f"champion 1 cannot predict these test rows: {NAME}@1 is kept as pickle, which may run any"
    )
    assert leaking == "failed guardrails: leaking column of Fare (knows all)"
    assert f"The gate refuses this model; {NAME}@2 has no alias" in caplog.text
    assert leaking in caplog.text
    assert house.version("2").aliases == ()

    caplog.clear()
    before = workspace.GATE.read_text(encoding="utf-8")
    house.register()
    assert "has this very model already, as version 2; no new version" in caplog.text
    assert "its gate is new" not in caplog.text
    assert workspace.GATE.read_text(encoding="utf-8") == before

    house.register(format=ModelFormat.pickle)
    worse, _ = house.failed()
    second = house.version("2")
    assert "its gate is new" in caplog.text
    assert worse.startswith("roc_auc 0.5000 is worse than 0.8")
    assert worse.endswith("of champion 1, on the same 262 test rows (tolerance 0.01)")
    assert second.judgement is not None
    assert list(second.judgement.failed) == house.failed()
    assert second.aliases == ()

    house.take_of_other_schema()
    house.register(format=ModelFormat.pickle)
    says, _ = house.failed()
    assert says.startswith("champion 1 cannot predict these test rows: ")
    assert all(name in says for name in ("Sex", "Age", "Fare", "Embarked"))

    _promotions(house)


def _promotions(house: House) -> None:
    """Version 1 is champion, 2 was refused, 3 was refused and is a pickle like 1; params.yaml declares skops."""
    assert house.said("promote", f"{NAME}@2", code=1).startswith(
        f"error[registry]: the gate did not let {NAME}@2 pass\n"
    )
    pickled = house.said("promote", f"{NAME}@3", "--force", code=1)
    assert f"{NAME}@3 is kept as pickle, which may run any code when it is loaded" in pickled
    assert house.said("promote", f"{NAME}@2", "--force") == f"{NAME}@2 is champion now; it was {NAME}@1\n"
    (model,) = json.loads(house.said("list", "--json"))
    assert model["aliases"] == {"challenger": "1", "champion": "2"}
    assert [item["gate"]["outcome"] for item in model["versions"]] == ["passed", "refused", "refused"]
    assert f"{NAME}@1 is kept as pickle" in house.said("rollback", NAME, code=1)
    params = Path("params.yaml")
    declared = params.read_text(encoding="utf-8")
    params.write_text(declared.replace("format: skops", "format: pickle"), encoding="utf-8")
    assert house.said("rollback", NAME) == f"{NAME}@1 is champion now; it was {NAME}@2\n"
    params.write_text(declared, encoding="utf-8")
    stopped = house.said("rollback", NAME, code=1)
    assert "no version was promoted before 1, as far as its history tells" in stopped
    assert "did you mean 'TitanicSurvivalInitial@champion'?" in house.said("show", f"{NAME}@champoin", code=1)
    shown = house.said("show", NAME)
    assert shown.count("refused") == 2
    assert "Tested on different rows, so scores compare within 1, 2; 3 only." in shown
    one = house.said("show", f"{NAME}@champion")
    assert "champion after 2, by keystage registry rollback" in one
    assert "passed: there is no champion yet" in one


def test_a_refused_model_is_no_version_where_that_is_declared(house: House, caplog: pytest.LogCaptureFixture) -> None:
    tiny = {"gate": [GateCondition(Require.size, at_most=0.001)]}

    house.register(on_refusal=OnRefusal.nothing, **tiny)
    assert house.gate["version"] is None
    assert house.registry().find(NAME) is None
    assert f"The gate refuses this model; no version of {NAME} was made" in caplog.text

    caplog.clear()
    with pytest.raises(RegistryError, match="the gate refuses this model") as refused:
        house.register(on_refusal=OnRefusal.stop, **tiny)
    assert "Packing" not in caplog.text, "the run knows of the refusal"
    assert "are not at most 0.001 MB" in refused.value.why

    _refused_later(house, caplog)


def _refused_later(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The same model, with a guardrail that fails since it became version 1."""
    gate = [GateCondition(Require.no_failed_guardrail)]
    house.register(gate=gate)
    assert house.version("1").aliases == ("challenger", "champion")
    assert house.said("promote", f"{NAME}@1") == f"{NAME}@1 is champion already\n"

    report = workspace.read_json(workspace.DATA_REPORT)
    failed = {"check": "leaking column", "outcome": "failed", "columns": ["Fare"], "numbers": {}, "note": ""}
    workspace.write_json({**report, "guardrails": [failed]}, workspace.DATA_REPORT)
    for _ in range(2):
        caplog.clear()
        house.register(gate=gate)
        assert house.failed() == ["failed guardrails: leaking column of Fare"]
        assert f"{NAME}@1 is champion all the same, and stays in force" in caplog.text
    assert house.version("1").aliases == ("champion",)
