"""Conditions of the gate, one by one, and the history that a rollback goes by."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from keystage.data.spec import Task
from keystage.registry.entries import PROMOTE, ROLLBACK, Promotion, previous, promotions_as_text, promotions_from_text
from keystage.registry.gate import Champion, Facts, Finding, Judgement, judge
from keystage.registry.spec import GateCondition, Incomparable, RegistrySpec, Require
from keystage.search.metrics import METRICS
from keystage.search.names import LOWER_IS_BETTER

ACTUAL = pd.Series(["no", "no", "no", "yes", "yes", "yes"])


def _predicted(*yes: float, threshold: float = 0.5) -> pd.DataFrame:
    decided = np.where(np.array(yes) >= threshold, "yes", "no")
    return pd.DataFrame({"predicted": decided, "probability_no": 1 - np.array(yes), "probability_yes": yes})


GOOD = _predicted(0.1, 0.2, 0.3, 0.7, 0.8, 0.9)
POOR = _predicted(0.1, 0.8, 0.3, 0.7, 0.2, 0.9)


def _finding(condition: GateCondition, **changes: Any) -> Finding:
    facts = {
        "scores": {"roc_auc": (0.77, 0.7, 0.83), "log_loss": (0.5, None, None)},
        "guardrails": [],
        "size": 2_500_000,
        "metric": "roc_auc",
        "actual": ACTUAL,
        "predicted": GOOD,
        "champion": None,
    }
    (finding,) = judge([condition], Facts(**{**facts, **changes}), "settings").findings
    return finding


def test_a_bound_holds_the_reported_metric_with_its_interval() -> None:
    low = _finding(GateCondition(Require.metric, "roc_auc", at_least=0.8))
    suspicious = _finding(GateCondition(Require.metric, "roc_auc", at_least=0.7, at_most=0.75))
    error = _finding(GateCondition(Require.metric, "log_loss", at_most=0.6))
    unreported = _finding(GateCondition(Require.metric, "mcc", at_least=0.9))

    assert (low.passed, low.says) == (False, "roc_auc 0.7700 [0.7000, 0.8300] is not at least 0.8")
    assert (suspicious.passed, suspicious.numbers) == (False, {"roc_auc": 0.77, "at_least": 0.7, "at_most": 0.75})
    assert error.passed
    assert unreported.says == "mcc 1.0000 is at least 0.9"


def test_the_champion_is_scored_on_the_same_rows() -> None:
    strict = GateCondition(Require.not_worse_than_champion)
    champion = Champion("4", predicted=GOOD)

    worse = _finding(strict, predicted=POOR, champion=champion)
    within = _finding(GateCondition(Require.not_worse_than_champion, tolerance=0.5), predicted=POOR, champion=champion)
    by_loss = _finding(GateCondition(Require.not_worse_than_champion, "log_loss"), predicted=POOR, champion=champion)

    assert worse.says == "roc_auc 0.6667 is worse than 1.0000 of champion 4, on the same 6 test rows"
    assert not worse.passed
    assert within.passed
    assert not by_loss.passed
    assert _finding(strict, champion=Champion("4", predicted=POOR)).passed
    assert _finding(strict, champion=Champion("4", is_twin=True)).passed
    assert _finding(strict).says == "there is no champion yet"
    knows = _finding(strict, champion=Champion("4", predicted=GOOD, may_know=True))
    assert knows.says.endswith(
        "6 test rows; it was tested on other rows or columns, so it may have learnt from some of these"
    )


def test_a_threshold_of_the_champions_own_counts() -> None:
    by_accuracy = GateCondition(Require.not_worse_than_champion, "accuracy")
    sure = _predicted(0.1, 0.1, 0.1, 0.3, 0.3, 0.3, threshold=0.2)

    found = _finding(by_accuracy, predicted=POOR, champion=Champion("4", predicted=sure))

    assert found.says == "accuracy 0.6667 is worse than 1.0000 of champion 4, on the same 6 test rows"


@pytest.mark.parametrize("kind", [Require.not_worse_than_champion, Require.prediction_time_ratio])
def test_a_champion_that_cannot_predict_these_rows_means_what_is_declared(kind: Require) -> None:
    champion = Champion("4", problem="raw rows lack columns: Sex")
    bound = {"at_most": 2.0} if kind is Require.prediction_time_ratio else {}

    refused = _finding(GateCondition(kind, **bound), champion=champion)  # type: ignore[arg-type]
    accepted = _finding(GateCondition(kind, incomparable=Incomparable.accept, **bound), champion=champion)  # type: ignore[arg-type]

    assert not refused.passed
    assert refused.says == "champion 4 cannot predict these test rows: raw rows lack columns: Sex"
    assert accepted.passed
    assert "accepted: incomparable=accept" in accepted.says


def test_guardrails_size_and_time() -> None:
    guardrails = [
        {"check": "leaking column", "outcome": "failed", "columns": ["Body"], "numbers": {}, "note": "AUC 0.99 alone"},
        {"check": "missing cells", "outcome": "alerted", "columns": ["Age"], "numbers": {}, "note": ""},
    ]
    guard = GateCondition(Require.no_failed_guardrail)
    slow = Champion("4", predicted=GOOD, time_ratio=3.456)

    assert _finding(guard, guardrails=guardrails).says == "failed guardrails: leaking column of Body (AUC 0.99 alone)"
    assert _finding(guard, guardrails=guardrails[1:]).passed
    assert _finding(guard).passed
    assert _finding(GateCondition(Require.size, at_most=2)).says == "the model's 2.50 MB are not at most 2 MB"
    assert _finding(GateCondition(Require.size, at_most=3)).passed
    ratio = _finding(GateCondition(Require.prediction_time_ratio, at_most=2), champion=slow)
    assert ratio.says == "a prediction takes 3.46 times as long as with champion 4, not at most 2 times"
    assert _finding(GateCondition(Require.prediction_time_ratio, at_most=4), champion=slow).passed


def test_values_are_scored_too() -> None:
    actual, values = pd.Series([1.0, 2.0, 3.0]), pd.DataFrame({"predicted": [1.0, 2.0, 4.0]})
    champion = Champion("1", predicted=values.assign(predicted=[1.0, 2.0, 3.5]))

    found = _finding(
        GateCondition(Require.not_worse_than_champion, "mae"), actual=actual, predicted=values, champion=champion
    )

    assert not found.passed
    assert found.numbers == {"new": pytest.approx(1 / 3), "champion": pytest.approx(1 / 6), "tolerance": 0}


def test_a_judgement_that_the_store_cut_off_is_made_again() -> None:
    assert Judgement.from_text(Judgement((), "settings").as_text()[:-5]) is None


def test_a_pass_holds_and_a_refusal_holds_until_there_is_another_champion() -> None:
    passed = Judgement((), "settings", "1")
    refused = Judgement((Finding("size", passed=False, says="too large", numbers={"megabytes": 3.0}),), "settings", "1")

    assert passed.still_holds("settings", "2")
    assert refused.still_holds("settings", "1")
    assert not refused.still_holds("settings", "2")
    assert not passed.still_holds("others", "1")
    assert Judgement.from_text(refused.as_text()) == refused
    assert "**failed**: too large" in refused.words


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"require": Require.metric}, "needs metric and a bound"),
        ({"require": Require.metric, "metric": "rocauc", "at_least": 1}, "did you mean 'roc_auc'"),
        ({"require": Require.metric, "metric": "log_loss", "at_least": 1}, "better when small; it needs at_most"),
        ({"require": Require.metric, "metric": "AUC_weighted", "at_most": 1}, "it needs at_least"),
        ({"require": Require.metric, "metric": "f1", "at_least": 0.9, "at_most": 0.8}, "no f1 is at least 0.9"),
        ({"require": Require.metric, "metric": "project.metrics:cost"}, "needs at_least or at_most"),
        ({"require": Require.size}, "size needs at_most"),
        ({"require": Require.size, "at_most": 0}, "more than 0"),
        ({"require": Require.size, "metric": "f1", "at_most": 1}, "looks at no metric"),
        ({"require": Require.no_failed_guardrail, "at_most": 1}, "has no bounds"),
        ({"require": Require.not_worse_than_champion, "tolerance": -1}, "tolerance is 0 or more"),
        ({"require": Require.size, "at_most": 1, "tolerance": 1}, "of not_worse_than_champion alone"),
        ({"require": Require.size, "at_most": 1, "incomparable": Incomparable.accept}, "looks at no champion"),
    ],
)
def test_a_condition_that_says_nothing_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        GateCondition(**settings)


def test_a_metric_of_another_task_is_refused() -> None:
    spec = RegistrySpec("M", False, gate=[GateCondition(Require.metric, "quantile_loss:0.9", at_most=1)])

    spec.require_suits(Task.regression)
    with pytest.raises(ValueError, match="none of classification; choose from: roc_auc"):
        spec.require_suits(Task.classification)


def test_the_names_of_errors_are_those_of_the_metrics_that_are_better_when_small() -> None:
    every = {name: metric for metrics in METRICS.values() for name, metric in metrics.items()}

    assert {name for name, metric in every.items() if not metric.greater_is_better} == set(LOWER_IS_BETTER)


def test_rollbacks_go_back_step_by_step() -> None:
    def made(version: str, was: str, by: str = PROMOTE) -> Promotion:
        return Promotion("champion", version, was, by, "ada", "2026-01-01T00:00:00+00:00")

    history = [made("1", ""), made("3", "1"), made("4", "3")]

    assert previous(history, "4") == "3"
    history.append(made("3", "4", ROLLBACK))
    assert previous(history, "3") == "1"
    history.append(made("1", "3", ROLLBACK))
    assert previous(history, "1") is None
    history.append(made("4", "1"))
    assert previous(history, "4") == "1"
    assert previous(history, "2") is None, "made champion by hand"
    assert list(promotions_from_text(promotions_as_text(history))) == history
    assert len(promotions_from_text(promotions_as_text(history * 50))) == 100
