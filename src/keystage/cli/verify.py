"""``keystage rebuild`` and ``keystage verify``: make a registered version's results anew, and compare."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keystage.cli.lineage import VersionName, version_named
from keystage.cli.project import AsJson, errors_in_words, project_root

if TYPE_CHECKING:
    from keystage.registry.proof import Proof

PARTS = 3  # the exit code that says the two are not the same

Into = Annotated[
    Path | None, typer.Option("--into", help="Where to, an empty folder.  [default: below .dvc/tmp/keystage]")
]


@errors_in_words
def rebuild(version: VersionName, into: Into = None) -> None:
    """Check out the state VERSION was made from, in a scratch worktree, and run its pipeline with an empty cache."""
    from keystage.core import log
    from keystage.pipeline.rebuild import rebuild as make

    log.configure()
    root = project_root()
    found = version_named(version, root)
    made = make(str(found), found.lineage, root, into)
    typer.echo(f"Rebuilt {found} in {made.project}")
    typer.echo(f"Compare, then remove it: keystage verify {found}" + (f" --into '{into}'" if into else ""))


@errors_in_words
def verify(
    version: VersionName,
    into: Into = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the rebuild in its folder.")] = False,
    as_json: AsJson = False,
) -> None:
    """Rebuild VERSION unless it is rebuilt already, and compare: byte-equal, equal predictions, or where they part.

    Ends with 0 when they are equal in bytes or predictions, with 3 where they part.
    """
    from keystage.core import log
    from keystage.pipeline import rebuild as of
    from keystage.pipeline.verify import verify as compare
    from keystage.registry.proof import Verdict

    log.configure()
    root = project_root()
    found = version_named(version, root)
    made = of.found(found.lineage, root, into)
    made = made or of.rebuild(str(found), found.lineage, root, into, keep_failed=keep)
    try:
        proof = compare(found, made)
    finally:
        if not keep:
            of.remove(made, root)
    if as_json:
        typer.echo(json.dumps({"verdict": proof.verdict.value, **asdict(proof)}, indent=2))
    else:
        typer.echo("\n".join(_lines(proof)))
    if keep:
        typer.echo(f"The rebuild is in {made.project}", err=True)
    if proof.verdict is Verdict.parts:
        raise typer.Exit(PARTS)


def _lines(proof: "Proof") -> Iterator[str]:
    """The verdict, then what differs."""
    from keystage.registry.proof import Verdict

    on_rows = f"on {proof.predictions.rows} test rows" if proof.predictions else ""
    same = f"{proof.outputs - len(proof.differences)} of {proof.outputs} outputs"
    yield {
        Verdict.byte_equal: f"{proof.version} is byte-equal: {proof.outputs} outputs, and equal predictions {on_rows}",
        Verdict.equal_predictions: f"{proof.version} has equal predictions {on_rows}, and {same} are byte-equal",
        Verdict.parts: f"{proof.version} and its rebuild part",
    }[proof.verdict]
    yield f"  state: commit {proof.commit}"
    if proof.differences:
        yield f"  outputs: {same} are byte-equal; they part at"
    for item in proof.differences:
        yield f"    {item.stage}: {item.output}, MD5 {item.recorded} registered, {item.rebuilt or 'none'} rebuilt"
    yield from _details(proof)


def _details(proof: "Proof") -> Iterator[str]:
    if trial := proof.trial:
        named = f"{trial.trial} ({trial.estimator})" if trial.estimator else str(trial.trial)
        scores = f"{_score(trial.recorded)} registered, {_score(trial.rebuilt)} rebuilt"
        yield f"  search: the first trial that differs is {named}, score {scores}"
    if (predictions := proof.predictions) and predictions.differing:
        most = f"by {predictions.largest_difference:.3g} at most"
        yield f"  predictions: {predictions.differing} of {predictions.rows} test rows differ, {most}"
    for name in proof.edited_tags:
        yield f"  tag {name} says something else than the model: it was edited"
    for note in proof.notes:
        yield f"  note: {note}"


def _score(score: float | None) -> str:
    return "none" if score is None else f"{score:.6f}"
