"""``keystage registry``: the registered models and versions, what the gate found of them, and which is in force."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from keystage.cli.project import AsJson, errors_in_words, project_root
from keystage.cli.tables import plain_table

if TYPE_CHECKING:
    from keystage.adapters.mlflow_registry import MlflowRegistry
    from keystage.registry.entries import Entry, Model, Promotion
    from keystage.registry.spec import ModelFormat

# In a table of versions, beside the one that was searched for; all are in the view of one version.
SHOWN = ("log_loss", "accuracy", "f1", "r2", "rmse", "mae")
SHOWN_METRICS = 3
_NOT_JUDGED = "not judged"

registry = typer.Typer(
    help="The registered models: list, show, promote to champion, roll back.",
    no_args_is_help=True,
    add_completion=False,
)
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="As keystage registry list shows it.")]


@registry.command("list")
@errors_in_words
def list_models(as_json: AsJson = False) -> None:
    """List the models: how many versions, which one is in force, which one passed the gate last."""
    with _opened() as (found, _):
        models = [found.model(name) for name in found.names()]
    if as_json:
        typer.echo(json.dumps([_model_as_json(model) for model in models], indent=2))
        return
    table = plain_table("model", "versions", "champion", "challenger", "newest", "its gate")
    for model in models:
        newest = model.versions[-1] if model.versions else None
        named = [model.aliases.get(alias, "") for alias in ("champion", "challenger")]
        gate = _outcome(newest) if newest else ""
        table.add_row(model.name, str(len(model.versions)), *named, newest.number if newest else "", gate)
    Console().print(table)


@registry.command()
@errors_in_words
def show(
    model: Annotated[str, typer.Argument(metavar="MODEL[@VERSION|@ALIAS]", help="All versions, or one of them.")],
    as_json: AsJson = False,
) -> None:
    """Show the versions of MODEL, or one of them: metrics, aliases, what the gate found, promotions."""
    with _opened() as (found, _):
        one: Entry | None = None
        if "@" in model:
            whole, one = found.version(model)
        else:
            whole = found.model(model)
    if as_json:
        typer.echo(json.dumps(_entry_as_json(one) if one else _model_as_json(whole), indent=2))
    elif one:
        _show_version(whole, one)
    else:
        _show_versions(whole)


@registry.command()
@errors_in_words
def promote(
    version: Annotated[str, typer.Argument(metavar="MODEL@VERSION", help="A number, latest, or an alias.")],
    alias: Annotated[str, typer.Option(help="The alias that it gets.")] = "champion",
    force: Annotated[
        bool, typer.Option("--force", help="Also a version that the gate refused or has not seen.")
    ] = False,
) -> None:
    """Give a version the alias champion, by which it is used. Who had it before is noted, for rollback."""
    from keystage.adapters.mlflow_model import require_loadable
    from keystage.core.errors import RegistryError
    from keystage.registry.entries import PROMOTE

    with _opened() as (found, form):
        _, one = found.version(version)
        judgement = one.judgement
        if (judgement is None or not judgement.passed) and not force:
            raise RegistryError(
                f"the gate did not let {one} pass",
                why="; ".join(judgement.failed) if judgement else "it was registered without being judged",
                fix=f"if it is to be used all the same: keystage registry promote {one} --force",
            )
        require_loadable(one.uri, form, str(one))
        _say(one.model, found.promote(one.model, one.number, PROMOTE, alias))


@registry.command()
@errors_in_words
def rollback(model: ModelName) -> None:
    """Make the version of MODEL champion that was it before the current one was promoted."""
    from keystage.adapters.mlflow_model import require_loadable
    from keystage.registry.entries import ROLLBACK

    with _opened() as (found, form):
        before = found.before_champion(model)
        require_loadable(before.uri, form, str(before))
        _say(model, found.promote(model, before.number, ROLLBACK))


@contextmanager
def _opened() -> Iterator[tuple["MlflowRegistry", "ModelFormat"]]:
    """The registry that params.yaml names, and the declared format of models."""
    from keystage.adapters.mlflow_registry import open_registry
    from keystage.core.params import PARAMS_FILE, load_params
    from keystage.registry.spec import RegistrySpec
    from keystage.tracking.spec import TrackingSpec

    @dataclass
    class Params:
        tracking: TrackingSpec
        registry: RegistrySpec

    root = project_root()
    params = load_params(Params, root / PARAMS_FILE)
    typer.echo("Reading the registry", err=True)
    with open_registry(params.tracking.uri, root) as found:
        yield found, params.registry.format


def _say(model: str, done: "Promotion") -> None:
    before = f"; it was {model}@{done.was}" if done.was else ""
    typer.echo(f"{model}@{done.version} is {done.alias} {f'now{before}' if done.is_new else 'already'}")


def _show_versions(model: "Model") -> None:
    from keystage.registry.entries import CHAMPION

    first = next((entry.metrics for entry in reversed(model.versions) if entry.metrics), {})
    names = [name for place, name in enumerate(first) if place == 0 or name in SHOWN][:SHOWN_METRICS]
    table = plain_table("version", "aliases", "gate", *names, "registered")
    for entry in model.versions:
        scores = [_score(entry.metrics.get(name)) for name in names]
        table.add_row(entry.number, ", ".join(entry.aliases), _outcome(entry), *scores, _time(entry)[:10])
    console = Console()
    console.print(table)
    if len(alike := model.tested_alike) > 1:
        groups = "; ".join(", ".join(numbers) for numbers in alike)
        console.print(f"Tested on different rows, so scores compare within {groups} only.", highlight=False)
    if model.aliases.get(CHAMPION) is None:
        console.print(f"No version is champion: keystage registry promote {model.name}@VERSION", highlight=False)


def _show_version(model: "Model", one: "Entry") -> None:
    console = Console(highlight=False)
    aliases = f", {' and '.join(one.aliases)}" if one.aliases else ""
    console.print(f"{one}{aliases}, registered {_time(one)} UTC")
    judgement = one.judgement
    console.print(f"gate: {_outcome(one)}")
    for finding in judgement.findings if judgement else ():
        console.print(f"  {'passed' if finding.passed else 'failed'}: {finding.says}", markup=False)
    if one.metrics:
        table = plain_table("metric", "on the test rows", "interval")
        for name, (value, low, high) in one.metrics.items():
            table.add_row(name, _score([value]), "" if low is None else f"{low:.4f} to {high:.4f}")
        console.print(table)
    for item in model.promotions:
        if item.version == one.number:
            after = f" after {item.was}" if item.was else ""
            console.print(f"{item.at}: {item.alias}{after}, by {item.by} ({item.who})", markup=False)
    console.print(f"Where it comes from: keystage lineage {one}")


def _outcome(entry: "Entry") -> str:
    judgement = entry.judgement
    return judgement.outcome if judgement else _NOT_JUDGED


def _score(values: list[float | None] | None) -> str:
    """A value, and its interval where there is one."""
    if not values or values[0] is None:
        return ""
    low, high = (*values[1:], None, None)[:2]
    interval = f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else ""
    return f"{values[0]:.4f}{interval}"


def _time(entry: "Entry") -> str:
    return datetime.fromtimestamp(entry.registered / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _model_as_json(model: "Model") -> dict[str, Any]:
    told: Mapping[str, Any] = {
        "model": model.name,
        "aliases": dict(model.aliases),
        "versions": [_entry_as_json(entry) for entry in model.versions],
        "promotions": [asdict(item) for item in model.promotions],
    }
    return dict(told)


def _entry_as_json(entry: "Entry") -> dict[str, Any]:
    judgement = entry.judgement
    return {
        "model": entry.model,
        "version": entry.number,
        "aliases": list(entry.aliases),
        "registered": datetime.fromtimestamp(entry.registered / 1000, UTC).isoformat(timespec="seconds"),
        "run": entry.run_id,
        "metrics": entry.metrics,
        "gate": {"outcome": judgement.outcome, **asdict(judgement)} if judgement else None,
        "tags": {name: value for name, value in entry.tags.items() if "{" not in value},
    }
