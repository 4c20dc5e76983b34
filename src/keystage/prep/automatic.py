"""Step ``auto``: a recipe written by what the columns of the training rows hold.

It becomes other steps, which could have been declared as they are; the report has them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from keystage.core.errors import ConfigError
from keystage.data.profile import ColumnProfile, profiled
from keystage.data.purpose import MAX_LOOKED_AT, Purpose
from keystage.prep.asked_for import AutoOptions
from keystage.prep.built_in import FOLDS
from keystage.prep.dates import forms_of
from keystage.prep.fills import fill_steps
from keystage.prep.numbers import decimal_of
from keystage.prep.spec import TransformSpec

if TYPE_CHECKING:
    import pandas as pd

ENOUGH = 0.95  # share of the cells that must be numbers, or dates, for a column of texts to become one
HALF = 0.5  # the same, of a column that would be left out as an identifier
MAX_CLASSES = 10  # up to which the label encodes categories: it makes a column for each
LONG_TEXT = 8  # words of a text, on average, from which on words are its terms, and not pieces of them
YES, NO = ("true", "yes", "y", "t"), ("false", "no", "n", "f")
# The order of the steps: what columns become comes before what is made of that.
_ORDER = ("drop", "numbers", "map", "dates", "finite", "fill", "fill_draws", "one_hot", "codes", "target", "text")


@dataclass(frozen=True)
class Seen:
    """What was found of a column, and what becomes of it.

    Attributes:
        column: its name.
        purpose: what it is for.
        use: the transform; empty where it stays as it is, ``drop`` where it is left out.
        options: of the transform.
        note: why, or what else is to be said.
    """

    column: str
    purpose: Purpose
    use: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def as_json(self) -> dict[str, Any]:
        """For the report."""
        return {"column": self.column, "purpose": self.purpose.value, "use": self.use or "as it is", "note": self.note}


class Plan(NamedTuple):
    """The steps that ``auto`` becomes, and what was found of each column."""

    steps: list[TransformSpec]
    seen: list[Seen]


def plan(table: "pd.DataFrame", options: AutoOptions, *, by_label: bool) -> Plan:
    """Find what each column is for, and write the steps.

    Args:
        table: training rows, n x m, numbers as float64.
        options: what was asked for.
        by_label: whether categories may be encoded by the label.
    """
    seen = [_seen(profile, options, by_label) for profile in profiled(table)]
    steps = [*_grouped(seen), TransformSpec("finite"), *fill_steps(seen, options)]
    return Plan(sorted(steps, key=lambda step: _ORDER.index(step.use)), seen)


def may_use_label(label: "pd.Series | None", *, regression: bool) -> bool:
    """Whether there are rows enough of each class, and few enough classes, to encode categories by the label."""
    if label is None:
        return False
    if regression:
        return len(label) >= FOLDS**2
    counts = label.value_counts()
    return len(counts) <= MAX_CLASSES and int(counts.min()) >= FOLDS


def _seen(profile: ColumnProfile, options: AutoOptions, by_label: bool) -> Seen:
    """A column's purpose, found or asked for.

    Raises:
        ConfigError: it holds nothing that the purpose asked for could be made of.
    """
    asked = options.purposes.get(profile.column)
    found = Purpose(asked) if asked is not None else profile.purpose
    if found is Purpose.constant or profile.distinct <= 1:
        return Seen(profile.column, Purpose.constant, "drop", note=_constant(profile))
    if asked == Purpose.identifier.value:
        return Seen(profile.column, found, "drop", note="identifier, by option purposes")
    if profile.values is None:
        seen = _of_numbers(profile, found, options, by_label)
    else:
        seen = _of_texts(profile, found, options, by_label, asked is not None)
    if asked not in {None, seen.purpose.value}:
        raise ConfigError(
            f"auto cannot take column '{profile.column}' for {asked}",
            why=f"its cells are none, or option block forbids it; they look like {seen.purpose.value}, {profile.type}",
            fix="correct option purposes of step auto in conf/prep, or prepare the column in a step before",
        )
    return seen


def _of_numbers(profile: ColumnProfile, found: Purpose, options: AutoOptions, by_label: bool) -> Seen:
    """Of numbers and dates; few whole numbers stay as they are, in their order."""
    name = profile.column
    if profile.type.startswith("datetime"):
        return _left_out_if_blocked(Seen(name, Purpose.datetime, "dates"), options)
    if found is Purpose.identifier:
        return _identifier(profile)
    if name in options.purposes and found is Purpose.category:
        return _category(profile, options, by_label)
    infinite = f"{profile.infinite} infinite cells become missing" if profile.infinite else ""
    kind = Purpose.number if found in {Purpose.datetime, Purpose.text} else found
    return Seen(name, kind, note=infinite)


def _of_texts(profile: ColumnProfile, found: Purpose, options: AutoOptions, by_label: bool, asked: bool) -> Seen:
    """Of texts: numbers and dates among them first, in whatever form they are written."""
    written = None
    if found is Purpose.number or not asked:
        written = _written_numbers(profile, options, 0.0 if asked else ENOUGH)
    if written is None and (found is Purpose.datetime or not asked):
        written = _written_dates(profile, options, 1 - ENOUGH if asked else ENOUGH)
    if written is not None:
        return written
    if found is Purpose.identifier:
        # Nearly all different, and half of them with fractions or signs: a measurement with words among it.
        return _written_numbers(profile, options, HALF, measured=HALF) or _identifier(profile)
    if found is Purpose.text:
        return _text(profile, options)
    values = _yes_no(profile) if found is Purpose.boolean and "map" not in options.block else None
    if values is not None:
        return Seen(profile.column, Purpose.boolean, "map", {"values": values, "ignore_case": True})
    return _category(profile, options, by_label)


def _written_numbers(
    profile: ColumnProfile, options: AutoOptions, enough: float, *, measured: float = 0.0
) -> Seen | None:
    """Texts as numbers, if so many are, and so many of these have a fraction or a sign."""
    texts, counts = _texts(profile)
    found = decimal_of(texts, counts, enough) if "numbers" not in options.block else None
    if found is None or found.measured < measured:
        return None
    note = _unread(profile, int(counts[~found.read].sum()), "numbers")
    return Seen(profile.column, Purpose.number, "numbers", {"decimal": found.decimal}, note)


def _written_dates(profile: ColumnProfile, options: AutoOptions, enough: float) -> Seen | None:
    texts, counts = _texts(profile)
    found = forms_of(texts, counts, enough)
    if found is None:
        return None
    notes = [_unread(profile, int(counts[~found.read].sum()), "dates")]
    if found.ambiguous:
        notes.append(f"day and month could change places: taken as {found.forms[0]}")
    seen = Seen(
        profile.column, Purpose.datetime, "dates", {"forms": found.forms}, "; ".join(note for note in notes if note)
    )
    return _left_out_if_blocked(seen, options)


def _texts(profile: ColumnProfile) -> Any:
    """The first of the different texts, and how often each stands."""
    import pandas as pd

    assert profile.values is not None
    values, counts = profile.values
    return pd.Series(values[:MAX_LOOKED_AT]).astype("str"), counts[:MAX_LOOKED_AT]


def _category(profile: ColumnProfile, options: AutoOptions, by_label: bool) -> Seen:
    few = profile.distinct <= options.one_hot
    ways = (["one_hot"] if few else []) + (["target"] if by_label and not few else []) + ["codes", "one_hot"]
    use = next((way for way in ways if way not in options.block), "drop")
    note = f"{profile.distinct:,} different values"
    return Seen(
        profile.column,
        Purpose.category,
        use,
        note=f"{note}; auto may use no transform for them" if use == "drop" else note,
    )


def _text(profile: ColumnProfile, options: AutoOptions) -> Seen:
    texts, _ = _texts(profile)
    words = float(texts.str.count(r"\S+").mean())
    analyzer = "word" if words >= LONG_TEXT else "char_wb"
    note = f"{words:.0f} words on average"
    seen = Seen(profile.column, Purpose.text, "text", {"analyzer": analyzer, "components": options.components}, note)
    return _left_out_if_blocked(seen, options)


def _yes_no(profile: ColumnProfile) -> dict[str, int] | None:
    """1 and 0 by word; None where a word says neither."""
    texts, _ = _texts(profile)
    words = sorted(texts.str.strip().str.lower().unique())
    return {word: int(word in YES) for word in words} if set(words) <= {*YES, *NO} else None


def _left_out_if_blocked(seen: Seen, options: AutoOptions) -> Seen:
    if seen.use not in options.block:
        return seen
    return Seen(seen.column, seen.purpose, "drop", note=f"{seen.purpose.value}, and option block has '{seen.use}'")


def _identifier(profile: ColumnProfile) -> Seen:
    note = f"identifier: {profile.distinct:,} of {profile.count:,} values differ"
    return Seen(profile.column, Purpose.identifier, "drop", note=note)


def _constant(profile: ColumnProfile) -> str:
    return "no value in the training rows" if not profile.distinct else "one value alone in the training rows"


def _unread(profile: ColumnProfile, cells: int, kind: str) -> str:
    among = f" of the first {MAX_LOOKED_AT:,} different ones" if profile.distinct > MAX_LOOKED_AT else ""
    return f"{cells:,} cells{among} are no {kind} and become missing" if cells else ""


def _grouped(seen: list[Seen]) -> list[TransformSpec]:
    """One step for all columns that become the same."""
    steps: dict[str, TransformSpec] = {}
    for item in seen:
        if item.use:
            key = f"{item.use} {dict(item.options)}"
            steps.setdefault(key, TransformSpec(item.use, [], dict(item.options))).columns.append(item.column)
    return list(steps.values())
