"""The gate: what a model must be to become challenger, judged one condition at a time, each with its numbers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from keystage.core.errors import listing
from keystage.registry.predictions import score
from keystage.registry.spec import GateCondition, Incomparable, Require
from keystage.search.metrics import metric_of

if TYPE_CHECKING:
    import pandas as pd

PASSED, REFUSED = "passed", "refused"
FAILED_GUARDRAIL = "failed"


@dataclass(frozen=True)
class Finding:
    """One condition, and whether it holds.

    Attributes:
        require: its kind.
        passed: whether it holds.
        says: in one line, with the numbers.
        numbers: those numbers, by name.
    """

    require: str
    passed: bool
    says: str
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """What the gate found of one model.

    Attributes:
        findings: in the order of conf/registry.
        settings: digest of the conditions, and of what they read beside the models; equal for equal ones.
        champion: number of the version the model was held against; empty for none.
    """

    findings: tuple[Finding, ...]
    settings: str
    champion: str = ""

    @property
    def passed(self) -> bool:
        """Whether every condition holds."""
        return all(finding.passed for finding in self.findings)

    @property
    def outcome(self) -> str:
        """In one word."""
        return PASSED if self.passed else REFUSED

    @property
    def failed(self) -> tuple[str, ...]:
        """What each condition says that does not hold."""
        return tuple(finding.says for finding in self.findings if not finding.passed)

    @property
    def words(self) -> str:
        """Of all conditions, as Markdown for people who look at the version."""
        marks = {True: "passed", False: "**failed**"}
        lines = [f"- {marks[finding.passed]}: {finding.says}" for finding in self.findings]
        return "\n".join([f"Gate: {self.outcome}", "", *(lines or ["- no conditions are declared"])])

    def still_holds(self, settings: str, champion: str) -> bool:
        """Whether it would be judged alike today: a pass holds; a refusal, until another champion is there."""
        return settings == self.settings and (self.passed or champion == self.champion)

    def as_text(self) -> str:
        """For a tag."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self | None:
        """Read what ``as_text`` wrote; None of one that the store cut off, which is judged again."""
        try:
            told = json.loads(text)
        except ValueError:
            return None
        return cls(**{**told, "findings": tuple(Finding(**finding) for finding in told["findings"])})


@dataclass(frozen=True)
class Champion:
    """The version in force, held against the new model.

    Attributes:
        version: its number.
        problem: why it cannot predict this run's test rows; empty when it can.
        predicted: of n rows, what it predicts; None with a problem.
        time_ratio: seconds the new model takes for those rows as a multiple of the champion's, medians of both.
        is_twin: it is the very same model.
        may_know: it was tested on other rows than the new model, so some of those that both are scored on may be rows
            that it has learnt from.
    """

    version: str
    problem: str = ""
    predicted: "pd.DataFrame | None" = field(default=None, repr=False)
    time_ratio: float | None = None
    is_twin: bool = False
    may_know: bool = False


@dataclass(frozen=True)
class Facts:
    """What is known of a new model when it comes to the gate.

    Attributes:
        scores: on the test rows, by metric: the value, and the ends of its interval where one was made.
        guardrails: of the data, as reports/data.json has them.
        size: of the packed model, in bytes.
        metric: automl.metric.
        actual: n true labels, of raw test rows.
        predicted: what the new model predicts for them, as loaded from the registry.
        champion: None when there is none.
    """

    scores: Mapping[str, tuple[float, float | None, float | None]]
    guardrails: Sequence[Mapping[str, Any]]
    size: int
    metric: str
    actual: "pd.Series"
    predicted: "pd.DataFrame"
    champion: Champion | None


def judge(conditions: Sequence[GateCondition], facts: Facts, settings: str) -> Judgement:
    """Look at every condition, also after one that does not hold: a refusal names each."""
    looks = {
        Require.metric: _metric,
        Require.not_worse_than_champion: _not_worse,
        Require.no_failed_guardrail: _no_failed_guardrail,
        Require.size: _size,
        Require.prediction_time_ratio: _time_ratio,
    }
    findings = tuple(looks[condition.require](condition, facts) for condition in conditions)
    return Judgement(findings, settings, facts.champion.version if facts.champion else "")


def _metric(condition: GateCondition, facts: Facts) -> Finding:
    name = str(condition.metric)
    value, low, high = facts.scores.get(name) or (score(name, facts.actual, facts.predicted), None, None)
    bounds = dict(_bounds(condition))
    holds = {"at_least": value >= bounds.get("at_least", value), "at_most": value <= bounds.get("at_most", value)}
    asked = " and ".join(f"{bound.replace('_', ' ')} {limit:g}" for bound, limit in bounds.items())
    interval = f" [{low:.4f}, {high:.4f}]" if low is not None and high is not None else ""
    passed = all(holds.values())
    says = f"{name} {value:.4f}{interval} is {'' if passed else 'not '}{asked}"
    return Finding(condition.require.value, passed, says, {name: value, **bounds})


def _bounds(condition: GateCondition) -> Iterator[tuple[str, float]]:
    for name in ("at_least", "at_most"):
        if (limit := getattr(condition, name)) is not None:
            yield name, limit


def _not_worse(condition: GateCondition, facts: Facts) -> Finding:
    kind, champion = condition.require.value, facts.champion
    if settled := _not_compared(condition, champion):
        return settled
    assert champion is not None
    assert champion.predicted is not None
    name = condition.metric or facts.metric
    metric = metric_of(name)
    new, old = (score(name, facts.actual, predicted) for predicted in (facts.predicted, champion.predicted))
    passed = metric.loss(new) <= metric.loss(old) + condition.tolerance
    within = f" (tolerance {condition.tolerance:g})" if condition.tolerance else ""
    known = "; it was tested on other rows or columns, so it may have learnt from some of these"
    says = (
        f"{name} {new:.4f} is {'not worse' if passed else 'worse'} than {old:.4f} of champion {champion.version}, "
        f"on the same {len(facts.actual)} test rows{within}{known if champion.may_know else ''}"
    )
    return Finding(kind, passed, says, {"new": new, "champion": old, "tolerance": condition.tolerance})


def _not_compared(condition: GateCondition, champion: Champion | None) -> Finding | None:
    """The finding where there is no champion, the same one, or none that the new model can be held against."""
    kind = condition.require.value
    if champion is None:
        return Finding(kind, passed=True, says="there is no champion yet")
    if champion.is_twin and not champion.problem:
        return Finding(kind, passed=True, says=f"the very model of champion {champion.version}")
    if not champion.problem:
        return None
    accepted = condition.incomparable is Incomparable.accept
    says = f"champion {champion.version} cannot predict these test rows: {champion.problem}"
    return Finding(kind, accepted, f"{says} (accepted: incomparable=accept)" if accepted else says)


def failed_of(guardrails: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that failed."""
    return [item for item in guardrails if item.get("outcome") == FAILED_GUARDRAIL]


def _no_failed_guardrail(condition: GateCondition, facts: Facts) -> Finding:
    failed = failed_of(facts.guardrails)
    told = [
        f"{item.get('check')} of {listing(map(str, item.get('columns') or ['the table']))}"
        + (f" ({item['note']})" if item.get("note") else "")
        for item in failed
    ]
    says = f"failed guardrails: {'; '.join(told)}" if failed else f"none of {len(facts.guardrails)} guardrails failed"
    return Finding(condition.require.value, not failed, says, {"failed": len(failed), "checked": len(facts.guardrails)})


def _size(condition: GateCondition, facts: Facts) -> Finding:
    assert condition.at_most is not None
    megabytes = facts.size / 1e6
    passed = megabytes <= condition.at_most
    says = f"the model's {megabytes:.2f} MB are {'' if passed else 'not '}at most {condition.at_most:g} MB"
    return Finding(condition.require.value, passed, says, {"megabytes": megabytes, "at_most": condition.at_most})


def _time_ratio(condition: GateCondition, facts: Facts) -> Finding:
    kind, champion = condition.require.value, facts.champion
    if settled := _not_compared(condition, champion):
        return settled
    assert champion is not None
    assert condition.at_most is not None
    assert champion.time_ratio is not None
    ratio = round(champion.time_ratio, 2)
    passed = ratio <= condition.at_most
    says = (
        f"a prediction takes {ratio:g} times as long as with champion {champion.version}, "
        f"{'' if passed else 'not '}at most {condition.at_most:g} times"
    )
    return Finding(kind, passed, says, {"ratio": ratio, "at_most": condition.at_most})
