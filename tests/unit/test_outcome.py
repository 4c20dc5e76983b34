"""How long what the gate found holds, which aliases a version has after it, and what a rollback makes of promotions."""

import logging
from pathlib import Path

import pytest

from keystage.adapters.mlflow_registry import MlflowRegistry
from keystage.pipeline import workspace
from keystage.pipeline.gate import settings_of
from keystage.pipeline.outcome import Outcome, tell
from keystage.registry.entries import (
    JUDGEMENT_TAG,
    PROMOTE,
    PROMOTIONS_TAG,
    ROLLBACK,
    Entry,
    Model,
    Promotion,
    promotions_as_text,
    promotions_from_text,
)
from keystage.registry.gate import Finding, Judgement
from keystage.registry.spec import GateCondition, RegistrySpec, Require


def test_what_is_champion_already_is_no_step_of_a_rollback(monkeypatch: pytest.MonkeyPatch) -> None:
    written: dict[str, str] = {}
    aliases = {"champion": "1"}

    class Client:
        def set_registered_model_tag(self, _: str, tag: str, text: str) -> None:
            written[tag] = text

        def set_registered_model_alias(self, _: str, alias: str, number: str) -> None:
            aliases[alias] = number

    def model(_: MlflowRegistry, name: str) -> Model:
        versions = tuple(_entry(number) for number in "12")
        return Model(name, dict(aliases), versions, promotions_from_text(written.get(PROMOTIONS_TAG, "")))

    monkeypatch.setattr(MlflowRegistry, "model", model)
    registry = MlflowRegistry(Client(), "sqlite:///")  # type: ignore[arg-type]

    assert registry.promote("M", "2", PROMOTE).is_new
    noted = written[PROMOTIONS_TAG]
    assert not registry.promote("M", "2", PROMOTE).is_new
    assert written[PROMOTIONS_TAG] == noted
    twice = Promotion("champion", "2", "2", PROMOTE, "ada", "2026-01-01T00:00:00+00:00")
    written[PROMOTIONS_TAG] = promotions_as_text([*promotions_from_text(noted), twice])
    back = registry.promote("M", registry.before_champion("M").number, ROLLBACK)
    assert (back.version, back.was, aliases["champion"]) == ("1", "2", "1")


def _entry(number: str, judgement: Judgement | None = None) -> Entry:
    tags = {JUDGEMENT_TAG: judgement.as_text()} if judgement else {}
    return Entry("M", number, (), tags, "", 0)


def test_the_newest_other_version_that_passed_is_found() -> None:
    passed, refused = (
        Judgement((), "settings"),
        Judgement((Finding("size", passed=False, says="too large"),), "settings"),
    )
    versions = (_entry("1", passed), _entry("2", passed), _entry("3", refused), _entry("4"), _entry("5", passed))
    model = Model("M", {}, versions, ())

    assert model.newest_passed(but="5") == versions[1]
    assert Model("M", {}, versions[2:], ()).newest_passed(but="5") is None


def test_what_the_conditions_read_of_the_run_decides_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def settings(outcome: str, auc: float, *asked: GateCondition, predictions: bytes = b"") -> str:
        guardrails = [{"check": "leaking column", "outcome": outcome, "columns": ["Body"]}]
        workspace.write_json({"guardrails": guardrails}, workspace.DATA_REPORT)
        workspace.write_json({"metrics": {"roc_auc": {"value": auc}}}, workspace.EVALUATION)
        workspace.PREDICTIONS.parent.mkdir(parents=True, exist_ok=True)
        workspace.PREDICTIONS.write_bytes(predictions)
        return settings_of(RegistrySpec("M", False, gate=list(asked)), "roc_auc")

    guard, bound = GateCondition(Require.no_failed_guardrail), GateCondition(Require.metric, "roc_auc", at_least=0.5)
    size, unreported = GateCondition(Require.size, at_most=1), GateCondition(Require.metric, "mcc", at_least=0.5)

    assert settings("failed", 0.8, guard) != settings("passed", 0.8, guard)
    assert settings("failed", 0.8, guard) == settings("failed", 0.7, guard)
    assert settings("failed", 0.8, bound) == settings("passed", 0.8 + 1e-12, bound)
    assert settings("passed", 0.8, bound) != settings("passed", 0.7, bound)
    assert settings("passed", 0.8, unreported) != settings("passed", 0.8, unreported, predictions=b"others")
    assert settings("failed", 0.8, size) == settings("passed", 0.7, size, predictions=b"others")


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ((None, ()), "no version of M was made"),
        (("2", ()), "M@2 has no alias"),
        (("2", ("shadow",)), "M@2 is shadow all the same"),
        (("2", ("champion", "shadow")), "M@2 is champion and shadow all the same, and stays in force"),
    ],
)
def test_a_refusal_names_the_aliases_that_the_version_has(
    outcome: tuple[str | None, tuple[str, ...]],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    number, aliases = outcome

    with caplog.at_level(logging.WARNING):
        refused = Judgement((Finding("size", passed=False, says="too large"),), "settings")
        tell(RegistrySpec("M", False), Outcome(number, refused, aliases))

    assert f"The gate refuses this model; {says}:" in caplog.text
