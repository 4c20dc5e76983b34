"""The run cache: which objects a run gave. DVC finds a run by its key; here the entries are read one by one.

An entry is a file of YAML under a name that its content decides (dvc 3.67, ``dvc/stage/cache.py``).
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keystage.adapters.dvc_cache import FOLDER, content_md5, files_of, object_path, put_back
from keystage.adapters.dvc_settings import cache_folder
from keystage.core.errors import ConfigError
from keystage.core.params import read_yaml
from keystage.reuse import key


@dataclass(frozen=True)
class RecordedRun:
    """An entry of the run cache.

    Attributes:
        path: its file.
        objects: what the run gave, by output.
        whole: whether its content is what its name says.
    """

    path: Path
    objects: Mapping[str, str]
    whole: bool


def recorded_runs(cache: Path) -> Iterator[RecordedRun]:
    """The entries of the run cache; one that cannot be read names an object that is nowhere."""
    from dvc.exceptions import DvcException
    from dvc.utils import dict_sha256
    from dvc.utils.serialize import load_yaml

    for path in sorted((cache / "runs").glob("*/*/*")):
        try:
            entry = load_yaml(str(path))
            given = {str(out["path"]): str(out["md5"]) for out in entry["outs"]}
            yield RecordedRun(path, given, dict_sha256(entry, exclude=["size", "nfiles"]) == path.name)
        except (DvcException, TypeError, KeyError, ValueError):
            yield RecordedRun(path, {"": ""}, whole=False)


def outputs_of(stage: Mapping[str, Any]) -> list[Path]:
    """The outputs of a stage, as dvc.yaml lists them: with or without settings of their own."""
    listed = [item for kind in ("outs", "metrics", "plots") for item in stage.get(kind, [])]
    return [Path(next(iter(item)) if isinstance(item, dict) else item) for item in listed]


def save_unsaved(root: Path) -> list[Path]:
    """Put into the cache what a run has given and could not put there: there was no room, or it was killed.

    DVC notes a run before it copies the outputs (dvc 3.67, ``Stage.run``): outputs that are what a run noted are whole.

    Returns:
        The outputs; ``dvc repro`` will find them in its run cache.
    """
    stages, lock = root / "dvc.yaml", root / "dvc.lock"
    recorded = {out["path"]: out.get("md5") for entry in key.recorded(lock).values() for out in entry.get("outs", [])}
    outputs = [path for entry in key.recorded(stages).values() for path in outputs_of(entry) if (root / path).exists()]
    digests = {path: content_md5(root / path) for path in outputs}
    cache = cache_folder(root)
    unsaved = {
        path: name
        for path, name in digests.items()
        if recorded.get(path.as_posix()) != name and not object_path(cache, name).exists()
    }
    if not unsaved:
        return []
    noted = {name for run in recorded_runs(cache) if run.whole for name in run.objects.values()}
    saved = [path for path, name in unsaved.items() if name in noted]
    for path in saved:
        put_back(root, root / path)
    return saved


def drop_broken_lock(root: Path) -> bool:
    """Remove a dvc.lock that was cut off, as DVC writes it in place: the run cache knows the results. Says whether.

    Raises:
        ConfigError: it is not cut off but in the middle of a merge, which is for people to end.
    """
    lock = root / "dvc.lock"
    if lock.is_file() and b"\n<<<<<<< " in b"\n" + lock.read_bytes():
        read_yaml(lock)
    try:
        broken = lock.is_file() and not isinstance(read_yaml(lock)["stages"], dict)
    except (ConfigError, KeyError, TypeError):
        broken = True
    if broken:
        lock.unlink()
    return broken


def forget(run: Path) -> None:
    """Remove an entry."""
    run.unlink(missing_ok=True)
    drop_empty(run.parent)


def drop_empty(key: Path) -> None:
    """Remove the folder of a key when it has no entry: DVC fails on such a one (``StageCache._load``)."""
    with suppress(OSError):
        key.rmdir()


def outputs_by_object(cache: Path, runs: Iterable[RecordedRun], makers: Mapping[str, str]) -> dict[str, str]:
    """Stage and output of each object that a recorded run gave, the files of folders too.

    Args:
        cache: the cache.
        runs: those to look at.
        makers: stage by output.
    """
    named: dict[str, str] = {}
    for run in runs:
        for output, name in run.objects.items():
            shown = f"{makers.get(output, '?')}: {output}"
            named |= dict.fromkeys([name, *_files(cache, name)], shown)
    return named


def _files(cache: Path, name: str) -> list[str]:
    if not name.endswith(FOLDER):
        return []
    try:
        return files_of(object_path(cache, name))
    except (ValueError, TypeError, KeyError):
        return []
