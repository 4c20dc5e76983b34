"""Registered versions as a list shows them, and the history of promotions that a rollback goes by."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from keystage.registry.gate import Judgement

CHAMPION, CHALLENGER = "champion", "challenger"
DIGEST_TAG = "keystage.model_digest"
OUTCOME_TAG = "keystage.gate"  # in one word, to search by
JUDGEMENT_TAG = "keystage.gate.judgement"  # whole, as JSON
METRICS_TAG = "keystage.metrics"
TEST_ROWS_TAG = "keystage.test_rows"  # digest of the raw rows that the version was tested on
PROMOTIONS_TAG = "keystage.promotions"  # of the model, not of a version
MAX_PROMOTIONS = 100  # kept; a registry's tag holds 100 000 characters


@dataclass(frozen=True)
class Promotion:
    """A change of an alias.

    Attributes:
        alias: which.
        version: that has it since.
        was: that had it before; empty for none.
        by: the command or stage that changed it.
        who: the user's name on that machine.
        at: when, in ISO 8601, UTC.
    """

    alias: str
    version: str
    was: str
    by: str
    who: str
    at: str

    @property
    def is_new(self) -> bool:
        """Whether the version did not have the alias before."""
        return self.was != self.version


@dataclass(frozen=True)
class Entry:
    """One version.

    Attributes:
        model: its name.
        number: of the version.
        aliases: that point to it.
        tags: as they are now.
        run_id: of the training.
        registered: milliseconds since 1970.
    """

    model: str
    number: str
    aliases: tuple[str, ...]
    tags: Mapping[str, str] = field(repr=False)
    run_id: str
    registered: int

    def __str__(self) -> str:
        return f"{self.model}@{self.number}"

    @property
    def uri(self) -> str:
        """By which MLflow loads it."""
        return f"models:/{self.model}/{self.number}"

    @property
    def digest(self) -> str:
        """Of the package; empty for a version of another tool."""
        return self.tags.get(DIGEST_TAG, "")

    @property
    def judgement(self) -> Judgement | None:
        """What the gate found; None for a version that did not come to it."""
        text = self.tags.get(JUDGEMENT_TAG)
        return Judgement.from_text(text) if text else None

    @property
    def metrics(self) -> dict[str, list[float | None]]:
        """On the test rows, by name: value, and the ends of its interval; automl.metric first."""
        loaded: dict[str, list[float | None]] = json.loads(self.tags.get(METRICS_TAG, "{}"))
        return loaded


@dataclass(frozen=True)
class Model:
    """A registered model.

    Attributes:
        name: its name.
        aliases: numbers of versions by alias.
        versions: oldest first.
        promotions: oldest first.
    """

    name: str
    aliases: Mapping[str, str]
    versions: tuple[Entry, ...]
    promotions: tuple[Promotion, ...]

    def version(self, number: str) -> Entry | None:
        """The version of that number."""
        return next((entry for entry in self.versions if entry.number == number), None)

    @property
    def champion(self) -> Entry | None:
        """The version in force."""
        return self.version(self.aliases.get(CHAMPION, ""))

    @property
    def tested_alike(self) -> list[list[str]]:
        """Numbers of versions, together where they were tested on the same rows; where these are known."""
        groups: dict[str, list[str]] = {}
        for entry in self.versions:
            if rows := entry.tags.get(TEST_ROWS_TAG):
                groups.setdefault(rows, []).append(entry.number)
        return list(groups.values())

    def newest_passed(self, but: str) -> Entry | None:
        """The newest version that the gate let pass, other than the one of that number."""
        others = (entry for entry in reversed(self.versions) if entry.number != but)
        return next((entry for entry in others if (found := entry.judgement) and found.passed), None)


def previous(promotions: Sequence[Promotion], current: str) -> str | None:
    """The version that was champion before the current one was promoted; None when it is not known.

    What rolled back is no step forward: after a rollback from 3 to 2, the one before 2 comes next. Nor is the promotion
    of what was champion already, which older histories hold.
    """
    for item in reversed(promotions):
        if item.alias == CHAMPION and item.version == current and item.by != ROLLBACK and item.was != current:
            return item.was or None
    return None


ROLLBACK = "keystage registry rollback"
PROMOTE = "keystage registry promote"


def promotions_as_text(promotions: Sequence[Promotion]) -> str:
    """For a tag; the newest ``MAX_PROMOTIONS`` of them."""
    return json.dumps([asdict(item) for item in promotions[-MAX_PROMOTIONS:]])


def promotions_from_text(text: str) -> tuple[Promotion, ...]:
    """Read what ``promotions_as_text`` wrote."""
    told: list[dict[str, Any]] = json.loads(text or "[]")
    return tuple(Promotion(**item) for item in told)
