"""Which run a person means: the workspace, a git revision, an experiment of DVC, or a registered version."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from keystage.adapters import git
from keystage.core.errors import KeystageError, ProjectError, ResultError, hint
from keystage.core.params import PARAMS_FILE, parse_yaml
from keystage.pipeline import workspace
from keystage.pipeline.inputs import LOCK_FILE
from keystage.results.output import Output, outputs_in, overlaid
from keystage.reuse.key import Entry, recorded, recorded_in
from keystage.tracking.spec import tracking_of

if TYPE_CHECKING:
    from keystage.adapters.mlflow_versions import Version

WORKSPACE = "workspace"
_EXPERIMENTS, _DEPTH = "refs/exps/", 4  # refs/exps/12/34.../NAME; what is less deep is DVC's own


@dataclass(frozen=True)
class Origin:
    """A run that has ended, by what is recorded of it.

    Attributes:
        name: as a person calls it.
        root: the project's folder.
        commit: that holds its dvc.lock; None for the workspace, and for a version whose state is not in the repository.
        stages: as its dvc.lock has them, or its lineage.
        identity: by which the records of its own stages name it; None where nothing tells.
        experiment: its name in DVC; empty for a run that is none.
        version: the registered version that it is.
    """

    name: str
    root: Path
    commit: str | None
    stages: Mapping[str, Entry]
    identity: str | None = None
    experiment: str = ""
    version: "Version | None" = None

    @property
    def outputs(self) -> list[Output]:
        """What its stages gave."""
        return outputs_in(self.stages)

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The sections of its params.yaml."""
        if self.version is not None:
            return self.version.lineage.parameters
        file = self.root / PARAMS_FILE
        text = git.file_at(self.root, self.commit, str(PARAMS_FILE)) if self.commit else file.read_text("utf-8")
        return dict(parse_yaml(text, str(PARAMS_FILE)) or {})

    @property
    def again(self) -> str:
        """The command that makes its results again."""
        if self.version is not None:
            return f"keystage rebuild {self.version}"
        if self.experiment:
            return f"dvc exp apply {self.experiment} && dvc repro"
        return f"git checkout {self.commit} && dvc repro" if self.commit else "keystage run"


def origin_of(root: Path, name: str = WORKSPACE) -> Origin:
    """Find a run.

    Args:
        root: the project's folder.
        name: ``workspace``, a git revision, an experiment, or MODEL@NUMBER, MODEL@latest, MODEL@ALIAS.

    Raises:
        ProjectError: there is none of that name, or it has no results.
        LineageError: there is no such version, or it does not tell where it comes from.
    """
    if name == WORKSPACE:
        return workspace_of(root)
    known = experiments(root)
    if name in known:
        return Origin(name, root, known[name], recorded_at(root, known[name]), experiment=name)
    if "@" in name:
        try:
            return origin_of_version(root, name)
        except KeystageError:
            if not git.commit_of(root, name):  # HEAD@{1}; or a version whose state is here, and its registry is not
                raise
    return Origin(name, root, commit_named(root, name), recorded_at(root, name))


def workspace_of(root: Path) -> Origin:
    """The run whose results are in the project's folder.

    Raises:
        ResultError: nothing has run there.
    """
    stages = recorded(root / LOCK_FILE)
    if not stages:
        raise ResultError("nothing has run in this folder", why="there is no dvc.lock", fix="keystage run")
    note = root / workspace.RUN_NOTE
    return Origin(WORKSPACE, root, None, stages, identity=note.read_text("utf-8") if note.is_file() else None)


def experiments(root: Path) -> dict[str, str]:
    """The commits of DVC's experiments by name."""
    named = {name.rpartition("/")[2]: (name, commit) for name, commit in git.refs(root).items()}
    return {
        name: commit
        for name, (ref, commit) in named.items()
        if ref.startswith(_EXPERIMENTS) and ref.count("/") == _DEPTH
    }


def commit_named(root: Path, name: str) -> str:
    """The commit that a person means by a revision, an experiment or MODEL@VERSION.

    Raises:
        ProjectError: there is none.
    """
    commit = git.commit_of(root, name)
    if commit is None:
        known = [WORKSPACE, *experiments(root), *_branches(root), *_versions(root)]
        raise ProjectError(
            f"'{name}' is no revision, experiment or registered version of this repository",
            why="git knows no commit by that name",
            fix=f"{hint(name, known)} (what there is: git log --oneline, dvc exp list --all-commits)",
        )
    return commit


def recorded_at(root: Path, name: str) -> dict[str, Entry]:
    """The stages in the dvc.lock of a revision, an experiment or a version.

    Raises:
        ProjectError: there is no such commit, or its results were not committed.
    """
    commit = commit_named(root, name)
    lock = git.file_at(root, commit, str(LOCK_FILE))
    if not lock:
        raise ProjectError(
            f"'{name}' holds no dvc.lock",
            why=f"the pipeline's results were not committed at {commit[:8]}",
            fix="take a commit that has them: git log --oneline -- dvc.lock",
        )
    return recorded_in(lock)


def origin_of_version(root: Path, reference: str) -> Origin:
    """A registered version, by its lineage, which names its state and the digests of its outputs.

    Raises:
        LineageError: there is no such version, or it does not tell where it comes from.
        TrackingError: the registry cannot be reached or read.
    """
    from keystage.adapters.mlflow_versions import settings_kept

    with settings_kept():
        version = version_named(root, reference)
    lineage = version.lineage
    lock = git.file_at(root, lineage.commit, str(LOCK_FILE))
    stages = overlaid(recorded_in(lock), {stage.name: stage.outs for stage in lineage.stages})
    commit = lineage.commit if git.has(root, lineage.commit) else None
    return Origin(str(version), root, commit, stages, identity=lineage.run, version=version)


def version_named(root: Path, reference: str) -> "Version":
    """Find a registered version in the store that params.yaml names.

    Raises:
        LineageError: there is no such version, or it does not tell where it comes from.
        TrackingError: the store cannot be reached or read.
    """
    from keystage.adapters.mlflow_versions import find

    return find(reference, tracking_of(root).uri, root)


def _branches(root: Path) -> list[str]:
    return [name.rpartition("/")[2] for name in git.refs(root) if name.startswith(("refs/heads/", "refs/tags/"))]


def _versions(root: Path) -> list[str]:
    names = [name.removeprefix(f"{git.VERSIONS}/") for name in git.refs(root) if name.startswith(git.VERSIONS)]
    return ["@".join(map(unquote, name.rsplit("/", maxsplit=1))) for name in names]
