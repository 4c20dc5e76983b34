"""A lineage in words, as the tree and the picture show it."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.filesize import decimal

from keystage.core.errors import listing
from keystage.registry.lineage import Lineage, Reuse, StageLineage

SHORT = 12  # digits of a digest that a person can compare at a glance; --json has all of them


def short(digest: str) -> str:
    """The beginning of a digest; of a commit, also whether there were changes beside it."""
    return digest[:SHORT] + (" and changes" if digest.endswith("-dirty") else "")


def state(lineage: Lineage) -> str:
    """The commit, and what it stands on."""
    on = f": {short(lineage.base)} and the changes there were in the folder" if lineage.base else ""
    return f"commit {short(lineage.commit)}{on}"


def dataset(lineage: Lineage) -> str:
    """The dataset, and which version of it."""
    told = lineage.dataset
    return f"{told['name']} in {told['path']}, version {short(lineage.data_digest)}, label {told['label']}"


def files(lineage: Lineage) -> dict[str, str]:
    """The MD5 of each file, by its name and size."""
    sizes = {
        name: f", {decimal(told['size'])}" if told["size"] is not None else "" for name, told in lineage.files.items()
    }
    return {f"{name}{sizes[name]}": told["md5"] for name, told in lineage.files.items()}


def settings(lineage: Lineage) -> str:
    """What is left to say of the parameters."""
    told = lineage.parameters
    return f"seed {told['seed']}, " + (
        f"overrides {' '.join(told['overrides'])}" if told["overrides"] else "no overrides"
    )


def kept(lineage: Lineage) -> str:
    """Which rows were split off for the test."""
    told = lineage.parameters
    if test := told["dataset"].get("test"):
        return f"those of {listing(test['files'])}" if test["files"] else f"those that column {test['column']} says"
    if told["prep"]["test_size"] is not None:
        return f"{told['prep']['test_size']:.0%} of the rows"
    return f"the last {told['dataset']['forecast']['horizon']} periods of each series"


def recipe(lineage: Lineage) -> list[str]:
    """The steps, one a line."""
    steps = lineage.parameters["prep"]["steps"]
    return [f"{step['use']}({_arguments(step['columns'], step['options'])})" for step in steps]


def search(lineage: Lineage) -> str:
    """What was searched, and what ended it."""
    wanted, report = lineage.parameters["automl"], lineage.search
    ended = "the time budget" if report["stopped_by"] == "time_budget" else "the number of trials"
    learners = ", ".join(wanted["estimators"] or ["all learners that suit"])
    scored = report["validation"]["note"]
    return f"{wanted['metric']} over {scored}; {learners}; {report['trials']} trials, ended by {ended}"


def packages(lineage: Lineage) -> str:
    """The lock, and what differed from it."""
    told = lineage.environment
    differing = ", ".join(f"{name} {version}" for name, version in told["not_locked"].items())
    named = f"{told['lock']}, {told['packages']} packages, digest {short(told['digest'])}"
    return named + (f"; installed instead: {differing}" if differing else "")


def outcome(reuse: Reuse) -> str:
    """Whether a stage ran, and whose result it has."""
    of = f" from version {reuse.made_for}" if reuse.made_for else ""
    return f"reused{of}" if reuse.reused else "ran"


def same(reuse: Reuse) -> str:
    """Which other versions have the result; empty when there are none."""
    numbers = listing(reuse.same_in)
    return f"the same result in version{'s' if len(reuse.same_in) > 1 else ''} {numbers}" if numbers else ""


def made(stage: StageLineage) -> list[str]:
    """When and where a result was made, then with what; empty for a stage that keeps no record."""
    record = stage.record
    if not record:
        return []
    cores = record["cores"]
    on = f"on {cores} core{'s' if cores > 1 else ''} in {record['seconds']:.1f} s"
    experiment = f" in experiment {record['experiment']}" if record["experiment"] else ""
    return [
        f"made {record['ended'][:16].replace('T', ' ')} UTC{experiment} at {short(record['git_commit'])}",
        f"{on}, {record['system']}, Python {record['python']}",
    ]


def scores(lineage: Lineage) -> list[str]:
    """On the test rows and in cross-validation, in the search's own metric where the test has it."""
    test = lineage.scores["test"]
    metric, model = next(iter(lineage.search["model"].items()))
    on_test = [f"{metric} {test[metric]:.4f} on {test['rows']} test rows"] if metric in test else []
    return [*on_test, f"{metric} {model:.4f} in cross-validation"]


def _arguments(columns: Sequence[str], options: Mapping[str, Any]) -> str:
    return ", ".join([*columns, *(f"{name}={value}" for name, value in options.items())])
