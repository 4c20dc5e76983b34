"""What became of a model at the gate, and how stage register tells it."""

import logging
from dataclasses import asdict
from typing import NamedTuple

from keystage.core.errors import RegistryError
from keystage.pipeline import workspace
from keystage.registry.entries import CHAMPION
from keystage.registry.gate import Judgement
from keystage.registry.spec import OnRefusal, RegistrySpec

logger = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """What became of a model.

    Attributes:
        version: its number; None when no version was made of it.
        judgement: what the gate found.
        aliases: that the version has after it.
    """

    version: str | None
    judgement: Judgement
    aliases: tuple[str, ...] = ()


def tell(spec: RegistrySpec, outcome: Outcome) -> None:
    """Write the outcome down, and name each condition that failed.

    Raises:
        RegistryError: the gate refused the model, and ``on_refusal: stop`` is declared.
    """
    number, judgement, _ = outcome
    named = spec.model_name if number is None else f"{spec.model_name}@{number}"
    told = {"model": spec.model_name, "version": number, "outcome": judgement.outcome}
    champion, findings = judgement.champion or None, [asdict(finding) for finding in judgement.findings]
    workspace.write_json({**told, "champion": champion, "findings": findings}, workspace.GATE)
    if judgement.passed:
        logger.info("The gate lets %s pass: %d of %d conditions hold", named, len(findings), len(findings))
        return
    consequence = _consequence(named, outcome)
    if spec.on_refusal is OnRefusal.stop:
        raise RegistryError(
            f"the gate refuses this model; {consequence}",
            why="; ".join(judgement.failed),
            fix=f"{workspace.GATE} has the numbers; better the model, or change registry.gate or on_refusal",
        )
    logger.warning("The gate refuses this model; %s:", consequence)
    for says in judgement.failed:
        logger.warning("  %s", says)


def _consequence(named: str, outcome: Outcome) -> str:
    """Of a refusal. A version may have been promoted before it, or by force, and stays what it is."""
    if outcome.version is None:
        return f"no version of {named} was made"
    if not outcome.aliases:
        return f"{named} has no alias"
    kept = " and ".join(outcome.aliases)
    in_force = ", and stays in force" if CHAMPION in outcome.aliases else ""
    return f"{named} is {kept} all the same{in_force}"
