"""``keystage lineage``: where a registered version comes from, as a tree, as JSON, or as a picture."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keystage.cli.project import AsJson, errors_in_words, project_root

if TYPE_CHECKING:
    from rich.tree import Tree

    from keystage.adapters.mlflow_versions import Version
    from keystage.registry.lineage import Reuse

VersionName = Annotated[
    str, typer.Argument(metavar="MODEL@VERSION", help="A number, latest, or an alias: TitanicSurvivalInitial@2")
]


def version_named(reference: str, root: Path) -> "Version":
    """Find a registered version in the store that params.yaml names."""
    from keystage.results.origin import version_named as find

    typer.echo("Reading the registry", err=True)
    return find(root, reference)


@errors_in_words
def lineage(
    version: VersionName,
    as_json: AsJson = False,
    picture: Annotated[Path | None, typer.Option("--picture", help="Draw it into this SVG file.")] = None,
) -> None:
    """Show what VERSION was made from: data, recipe, settings, code, packages, machine, and who reused what."""
    from keystage.registry.lineage import reuse_of

    found = version_named(version, project_root())
    reuse = reuse_of(found.lineage, found.others)
    if picture:
        from keystage.registry.picture import draw

        picture.write_text(draw(str(found), found.lineage, reuse), encoding="utf-8")
        typer.echo(f"Drawn: {picture}", err=True)
    if as_json:
        typer.echo(json.dumps(_as_json(found, reuse), indent=2))
    elif not picture:
        from rich.console import Console

        Console().print(_tree(found, reuse))


def _as_json(version: "Version", reuse: Mapping[str, "Reuse"]) -> dict[str, Any]:
    told = asdict(version.lineage)
    stages = [{**stage, **asdict(reuse[stage["name"]])} for stage in told.pop("stages")]
    return {"version": str(version), **told, "stages": stages}


def _tree(version: "Version", reuse: Mapping[str, "Reuse"]) -> "Tree":
    from rich.text import Text
    from rich.tree import Tree

    from keystage.registry import telling

    def add(branch: Tree, title: str, words: str = "") -> Tree:
        return branch.add(Text.assemble((title, "bold"), words))

    told = version.lineage
    tree = Tree(Text(str(version), style="bold"))
    add(tree, "state", f": {telling.state(told)}")
    data = add(tree, "data", f": {telling.dataset(told)}")
    for name, md5 in telling.files(told).items():
        add(data, "", f"{name}: MD5 {telling.short(md5)}")
    recipe = add(tree, "recipe", f": {telling.kept(told)} kept for the test")
    for step in telling.recipe(told):
        add(recipe, "", step)
    add(tree, "search", f": {telling.search(told)}")
    add(tree, "settings", f": {telling.settings(told)}")
    add(tree, "packages", f": {telling.packages(told)}")
    for stage in told.stages:
        branch = add(tree, f"stage {stage.name}", f": {telling.outcome(reuse[stage.name])}")
        for words in filter(None, (", ".join(telling.made(stage)), telling.same(reuse[stage.name]))):
            add(branch, "", words)
        for path, md5 in stage.outs.items():
            add(branch, "", f"{path}: MD5 {telling.short(md5)}")
    add(tree, "scores", f": {', '.join(telling.scores(told))}")
    return tree
