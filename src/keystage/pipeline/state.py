"""The state of the project that a version names: which files it holds, and where a version's lineage is gathered.

A run's state is what git tracks, as it is in the folder, and those new files that a run can read. Other new files are
nobody's business: they may be large, or secret, and the commit may be shared.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from keystage.adapters import git
from keystage.core.errors import ProjectError
from keystage.data.sources.resolve import is_local, resolve
from keystage.data.spec import DatasetSpec
from keystage.pipeline import workspace
from keystage.pipeline.inputs import LOCK_FILE, PIPELINE_FILE
from keystage.registry.lineage import Lineage, sections_of, stage_of
from keystage.reuse.key import recorded, stages_in

MAX_UNTRACKED = 100_000_000  # bytes; hosts of git repositories refuse larger files, and git is slow with them
STAGES = ("conf", "dataprep", "train", "evaluate", "report")  # on the way to a version

# Where a run finds its settings, its code and what it stands on; the dataset and the lock are named by the settings.
_READ = ("conf", "datasets", "src", "stages", "reports", ".dvc", "*.dvc", ".dvcignore", "*.gitignore", "params.yaml")


def require_recordable(dataset: DatasetSpec, lock: str) -> None:
    """Refuse new files that are too large for a commit, before a run has taken its time.

    Raises:
        ProjectError: names them.
    """
    from rich.filesize import decimal

    # The files of a registered version are DVC's, and what its folder holds by now is no part of the run.
    names = [source.shown for source in resolve(dataset, Path()) if source.is_local] if dataset.version is None else []
    patterns = _patterns(names, lock)
    sizes = {path: path.stat().st_size for path in git.untracked(Path(), patterns)}
    if sum(sizes.values()) <= MAX_UNTRACKED:
        return
    largest = max(sizes, key=lambda path: sizes[path])
    raise ProjectError(
        f"{decimal(sum(sizes.values()))} of new files are too much for git; the largest is {largest}",
        why=f"a version names a commit with all that made it, and at most {decimal(MAX_UNTRACKED)} may be new in it",
        fix=f"give data to DVC, which names it by its digest: dvc add '{largest}'",
    )


def lineage_here(params: Mapping[str, Any]) -> Lineage:
    """What a version made from the results in this folder comes from. Its commit has no ref yet: ``git.keep``.

    Args:
        params: params.yaml.
    """
    dataset, lock = params["dataset"], params["environment"]["lock"]
    data, sizes = workspace.read_json(workspace.DATASET_NOTE), workspace.read_json(workspace.SIZES_NOTE)
    names = [name for name in data if is_local(name)] if dataset["version"] is None else []
    local = [(PurePosixPath(dataset["path"]) / name).as_posix() for name in names]
    commit = git.snapshot(Path(), _patterns(local, lock))
    environment = workspace.read_json(workspace.ENVIRONMENT_NOTE)
    made = stages_in(LOCK_FILE)
    outside = {workspace.SIZES_NOTE.as_posix()}  # it holds what is known of files that are not fetched
    outside |= {path.as_posix() for of in (workspace.record, workspace.reuse_note) for path in map(of, STAGES)}
    return Lineage(
        run=workspace.run_identity(),
        commit=commit,
        base=git.parent_of(Path(), commit),
        parameters=sections_of(params),
        files={name: {"md5": md5, "size": sizes.get(md5)} for name, md5 in data.items()},
        environment={
            "lock": lock,
            "digest": hashlib.sha256(workspace.ENVIRONMENT_NOTE.read_bytes()).hexdigest(),
            "packages": len(environment["locked"]),
            "not_locked": environment["differing"],
        },
        stages=tuple(stage_of(name, made[name], _record(name), outside) for name in STAGES),
        search=workspace.read_json(workspace.SEARCH_REPORT),
        scores=workspace.read_json(workspace.METRICS),
    )


def _record(stage: str) -> dict[str, Any]:
    path = workspace.record(stage)
    return workspace.read_json(path) if path.is_file() else {}


def _patterns(files: Iterable[str], lock: str) -> list[str]:
    """Pathspecs of what a run can read; those from settings are taken by the letter."""
    deps = {item["path"] for entry in recorded(LOCK_FILE).values() for item in entry.get("deps", ())}
    named = {*files, lock, *map(str, (PIPELINE_FILE, LOCK_FILE)), *deps}
    within = sorted(name for name in named if not Path(name).is_absolute() and ".." not in Path(name).parts)
    return [*_READ, *(f":(literal){name}" for name in within)]
