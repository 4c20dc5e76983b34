"""Where a registered version comes from: what is told of it, in the form in which it travels inside the model.

MLflow keeps it in the model's own ``MLmodel`` file, so it goes wherever the model goes, and nothing but a new model can
change it. A few digests of it are tags, to find versions by.
"""

from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from keystage.core.errors import KeystageError
from keystage.registry.package import digest_of_mapping

KEY = "keystage"  # in the model's metadata
BOOLEANS = "keystage.booleans"  # beside it: raw columns whose cells are true or false
FORMAT = 1
GIT_COMMIT = "keystage.git_commit"
_RUN = "keystage.run"
_OUTPUTS = "keystage.outputs."
# What can change a model; names, compute and places are recorded where they were used.
_SECTIONS = ("seed", "dataset", "prep", "automl", "environment", "reuse", "overrides")
_KEYED = ("seed", "dataset", "prep", "automl")


class LineageError(KeystageError):
    """A version cannot be traced or rebuilt."""

    code = "lineage"


@dataclass(frozen=True)
class StageLineage:
    """One stage on the way to a version.

    Attributes:
        name: as in dvc.yaml.
        record: when, where and with what the result was made, and by which run; empty for a stage that keeps none.
        deps: MD5 of what it read, by path.
        outs: MD5 of what it gave, by path; without records and other notes of clocks.
    """

    name: str
    record: Mapping[str, Any]
    deps: Mapping[str, str]
    outs: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Equal for equal results."""
        return digest_of_mapping(self.outs)


@dataclass(frozen=True)
class Lineage:
    """All that a version was made from, and how.

    Attributes:
        run: identity of the run that registered the version.
        commit: holds the exact state of the project.
        base: the user's commit that ``commit`` stands on; empty when it is one itself.
        parameters: the sections of params.yaml that can change a model, and the overrides they were composed with.
        files: MD5 of the dataset's files, and their size where it is known, by name.
        environment: digest of the lock, number of locked packages, and versions that differed from it.
        stages: in the order of the pipeline.
        search: the search's own report: scores, number of trials, what ended it.
        scores: on the test rows.
    """

    run: str
    commit: str
    base: str
    parameters: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]
    environment: Mapping[str, Any]
    stages: tuple[StageLineage, ...]
    search: Mapping[str, Any]
    scores: Mapping[str, Any]

    @property
    def dataset(self) -> Mapping[str, Any]:
        """As declared."""
        declared: Mapping[str, Any] = self.parameters["dataset"]
        return declared

    @property
    def data_digest(self) -> str:
        """Equal for the same files under the same names: the dataset's version."""
        return digest_of_mapping({name: file["md5"] for name, file in self.files.items()})

    @property
    def tags(self) -> dict[str, str]:
        """By which versions are found and compared."""
        return {
            "keystage.dataset": str(self.dataset["name"]),
            _RUN: self.run,
            GIT_COMMIT: self.commit,
            "keystage.data_digest": self.data_digest,
            "keystage.params_digest": digest_of_mapping({name: self.parameters[name] for name in _KEYED}),
            "keystage.lock_digest": str(self.environment["digest"]),
            **{_OUTPUTS + stage.name: stage.digest for stage in self.stages},
        }

    def as_metadata(self) -> dict[str, Any]:
        """In the form that a model keeps."""
        return {KEY: {"format": FORMAT, **asdict(self)}}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any] | None, *, shown: str) -> Self:
        """Read what ``as_metadata`` gave.

        Args:
            metadata: of a model.
            shown: what to call the version in errors.

        Raises:
            LineageError: the model keeps none, or one in a form of a later keystage.
        """
        told = dict((metadata or {}).get(KEY) or {})
        form = told.pop("format", None)
        if form != FORMAT:
            raise LineageError(
                f"{shown} does not tell where it comes from",
                why="it was registered by another tool, or by a keystage that did not record it yet"
                if form is None
                else f"its lineage is in format {form}; this keystage reads format {FORMAT}",
                fix="register it anew (keystage run registry.always_new_version=true), or use the keystage it is from",
            )
        return cls(**{**told, "stages": tuple(StageLineage(**stage) for stage in told["stages"])})


def sections_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of params.yaml that a lineage tells."""
    return {name: params[name] for name in _SECTIONS if name in params}


def stage_of(name: str, entry: Mapping[str, Any], record: Mapping[str, Any], outside: Container[str]) -> StageLineage:
    """A stage as dvc.lock and its record tell it.

    Args:
        name: as in dvc.yaml.
        entry: the stage's part of dvc.lock.
        record: of the stage; empty when it keeps none.
        outside: outputs that hold clocks.
    """
    outs = {path: md5 for path, md5 in _digests(entry.get("outs", ())).items() if path not in outside}
    return StageLineage(name, record, deps=_digests(entry.get("deps", ())), outs=outs)


def outputs_of(stages: Mapping[str, Any]) -> dict[str, str]:
    """MD5 of every output, by path, from the stages of dvc.lock."""
    return {path: md5 for entry in stages.values() for path, md5 in _digests(entry.get("outs", ())).items()}


@dataclass(frozen=True)
class Reuse:
    """Who else has a stage's result.

    Attributes:
        reused: whether an earlier run had made it when the version was registered.
        made_for: the version whose run made it, where there is one.
        same_in: all other versions with an equal result.
    """

    reused: bool
    made_for: str | None
    same_in: tuple[str, ...]


def reuse_of(lineage: Lineage, tags: Mapping[str, Mapping[str, str]]) -> dict[str, Reuse]:
    """Who reused what, by stage.

    Args:
        lineage: of the version asked for.
        tags: of the model's other versions, by number.
    """
    by_run = {known[_RUN]: number for number, known in tags.items() if _RUN in known}
    found = {}
    for stage in lineage.stages:
        run = stage.record.get("run", lineage.run)  # a stage without a record runs every time
        same = tuple(number for number, known in tags.items() if known.get(_OUTPUTS + stage.name) == stage.digest)
        reused = run != lineage.run
        found[stage.name] = Reuse(reused, by_run.get(run) if reused else None, same)
    return found


def _digests(items: Any) -> dict[str, str]:
    """Path and MD5 from a list of dvc.lock; what has none (a file of another kind of hash) is left out."""
    return {str(item["path"]): str(item["md5"]) for item in items if "md5" in item}
