"""Every guardrail, at its declared level."""

from collections.abc import Callable
from dataclasses import replace

from keystage.data.columns import GUARDRAILS, Level
from keystage.data.guardrails import of_columns, of_rows
from keystage.data.guardrails.finding import Facts, Guardrail

_CHECKS: dict[str, Callable[[Facts], Guardrail]] = {
    "schema": of_rows.schema,
    "target_missing": of_rows.target_missing,
    "few_rows": of_rows.few_rows,
    "class_imbalance": of_rows.class_imbalance,
    "missing_values": of_columns.missing_values,
    "constant": of_columns.constant,
    "near_constant": of_columns.near_constant,
    "identifier": of_columns.identifier,
    "high_cardinality": of_columns.high_cardinality,
    "mixed_types": of_columns.mixed_types,
    "infinities": of_columns.infinities,
    "leaking": of_columns.leaking,
    "duplicate_rows": of_rows.duplicate_rows,
    "train_test_overlap": of_rows.train_test_overlap,
    "shared_groups": of_rows.shared_groups,
}


# What the exact counts of a table say, where its rows are a sample.
_COUNTED = {"schema", "target_missing", "few_rows", "class_imbalance", "missing_values", "infinities"}


def guarded(facts: Facts) -> list[Guardrail]:
    """What each guardrail that is not skipped found, in the order of ``GUARDRAILS``."""
    levels = facts.spec.guardrails
    every = [_CHECKS[name](facts) for name in GUARDRAILS if levels.get(name) is not Level.skip]
    if facts.sampled_from is not None and len(facts.rows) < facts.row_count:
        every = [found if found.check in _COUNTED else replace(found, sampled=len(facts.rows)) for found in every]
    return [_as_declared(found, levels.get(found.check, Level.alert)) for found in every]


def _as_declared(found: Guardrail, level: Level) -> Guardrail:
    if level is not Level.fail or found.outcome == "passed":
        return found
    return replace(found, outcome="failed")
