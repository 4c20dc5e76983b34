"""Stage ``dataprep``: from the declared files to prepared training and test rows, and the recipe that made them."""

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystage.compute.limits import cores
from keystage.compute.spec import ComputeSpec
from keystage.core.errors import listing
from keystage.core.params import outside_key
from keystage.data.columns import Level
from keystage.data.guardrails.finding import Facts, Guardrail
from keystage.data.guardrails.run import guarded
from keystage.data.profile import profiled
from keystage.data.reading import read_dataset, sources_of
from keystage.data.roles import MARKS, setting_of
from keystage.data.sources.pinned import read_pinned
from keystage.data.spec import DatasetSpec, Task
from keystage.data.split import usable_rows
from keystage.pipeline import workspace
from keystage.pipeline.forecast import prepare_forecast
from keystage.pipeline.prepared import Account, Outcome, Prepared, prepare_rows, tell_left_out, written
from keystage.pipeline.progress import steps_shown
from keystage.pipeline.streamed import prepare_streamed
from keystage.prep.spec import PrepSpec
from keystage.prep.transforms import DROP

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)


@dataclass
class DataprepParams:
    """The sections of params.yaml that dataprep reads."""

    seed: int
    dataset: DatasetSpec
    prep: PrepSpec
    compute: ComputeSpec = outside_key("threads change no digit of the preparation")


def dataprep(params: DataprepParams) -> None:
    """Read, check and split the table, fit the recipe on the training rows, and apply it to both sides."""
    spec = params.dataset
    logger.info("Reading %s: %s", spec.name, listing(spec.all_entries))
    outcome = _at_once(params) if spec.stream is None else _streamed(params)
    workspace.write_pickle(outcome.recipe, workspace.RECIPE)
    workspace.write_json(_report(params, outcome), workspace.DATA_REPORT)


def _at_once(params: DataprepParams) -> Outcome:
    """Of a table that is held in memory."""
    spec = params.dataset
    pinned, noted = read_pinned(workspace.PINNED_NOTE), workspace.read_json(workspace.DATASET_NOTE)
    with steps_shown() as say:
        read = read_dataset(spec, Path.cwd(), seed=params.seed, pinned=pinned, noted=noted, say=say)
    tell_left_out(read.left_out, read.rows, spec)
    table, rows = read.table, usable_rows(read.table, spec)
    if spec.forecast is None:
        made = prepare_rows(rows, spec, params.prep, params.seed)
    else:
        made = _prepare_forecast(rows, params)
    logger.info("Profiling %d rows of %d columns", *table.shape)
    profiles = list(profiled(table.drop(columns=list(MARKS), errors="ignore")))
    label = _about_label(rows[spec.label], spec.task)
    account = Account(
        read.rows, len(table), len(rows), read.checks, profiles, label, rows, read.left_out, read.not_kept
    )
    return written(account, made)


def _streamed(params: DataprepParams) -> Outcome:
    """Of a table that is read in blocks."""
    spec = params.dataset
    pinned, noted = read_pinned(workspace.PINNED_NOTE), workspace.read_json(workspace.DATASET_NOTE)
    sources = sources_of(spec, Path.cwd(), pinned, noted)
    return prepare_streamed(spec, sources, params.prep, params.seed, cores(params.compute.dataprep))


def _prepare_forecast(rows: "pd.DataFrame", params: DataprepParams) -> Prepared:
    """Of rows that follow each other in time."""
    made = prepare_forecast(rows, params.dataset, params.prep, params.seed)
    told = made.report
    logger.info(
        "%d series, every '%s', %d periods filled; learning its %s from %d rows, %d are kept for the test",
        told["series"],
        told["frequency"],
        told["gaps_filled"],
        told["learnt"],
        len(made.train.label),
        len(made.test.label),
    )
    counts = {"train": len(made.train.label), "validation": 0, "test": len(made.test.label)}
    about = {"split": "time", "forecast": told}
    about_recipe = (made.fitted.left_out, made.fitted.automatic)
    return Prepared(
        made.train, made.test, made.raw_test, made.aside, made.fitted.recipe, counts, about, None, *about_recipe
    )


def _report(params: DataprepParams, outcome: Outcome) -> dict[str, Any]:
    """What was read and what became of it; every row and column left out is named."""
    spec, account = params.dataset, outcome.account
    without_label = account.kept - account.labelled
    logger.info("Checking the guardrails")
    facts = Facts(
        spec,
        params.seed,
        account.profiles,
        account.checks,
        account.rows,
        outcome.sides,
        without_label,
        outcome.still_missing,
        _made_of(outcome),
        account.classes,
    )
    guardrails = guarded(facts)
    _tell(guardrails, spec)
    roles = {name: f"{setting_of(role)} names it" for role, name in spec.roles.items() if name in spec.no_features}
    by_rows = {f"left_out_by_{part}": number for part, number in account.left_out.items()}
    by_checks = account.read - account.kept - sum(account.left_out.values())
    left_out = {**by_rows, "left_out_by_checks": by_checks, "left_out_without_label": without_label}
    return {
        "sources": workspace.read_json(workspace.DATASET_NOTE),
        "rows": {"read": account.read, **left_out, **outcome.counts},
        **account.sample,
        **outcome.told,
        "left_out_columns": {
            **dict.fromkeys(account.not_kept, "dataset.keep does not name it"),
            **dict.fromkeys(spec.drop, "dataset.drop names it"),
            **roles,
            **outcome.left_out,
        },
        **({"automatic": outcome.automatic} if outcome.automatic else {}),
        "label": account.label,
        "checks": [asdict(check) for check in account.checks],
        "guardrails": [found.as_json for found in guardrails],
        "guardrails_skipped": [name for name, level in spec.guardrails.items() if level is Level.skip],
        "profile": [profile.as_json for profile in account.profiles],
    }


def _made_of(outcome: Outcome) -> dict[str, str]:
    """What the recipe makes of columns, as far as it tells."""
    chosen = {str(entry["column"]): str(entry["use"]) for entry in outcome.automatic.get("columns", ())}
    return {**chosen, **dict.fromkeys(outcome.left_out, DROP)}


def _tell(guardrails: list[Guardrail], spec: DatasetSpec) -> None:
    """One line for each guardrail that has something to say."""
    for found in guardrails:
        if found.outcome != "passed":
            about = f" ({listing(found.columns)})" if found.columns else ""
            logger.info("Guardrail %s %s%s: %s", found.check, found.outcome, about, found.note)
    passed = sum(found.outcome == "passed" for found in guardrails)
    skipped = sorted(name for name, level in spec.guardrails.items() if level is Level.skip)
    logger.info(
        "Guardrails passed: %d of %d%s", passed, len(guardrails), f"; skipped: {listing(skipped)}" if skipped else ""
    )


def _about_label(label: "pd.Series", task: Task) -> dict[str, Any]:
    """Rows per class, or the range of a number."""
    if task.learnt is Task.regression:
        return {"least": float(label.min()), "mean": float(label.mean()), "greatest": float(label.max())}
    return {"rows_per_class": {str(value): int(count) for value, count in label.value_counts().sort_index().items()}}
