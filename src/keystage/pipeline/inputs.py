"""What a stage reads, as dvc.yaml lists it: is it whole, and did it stay the same while the stage ran?

DVC hashes a stage's dependencies after the run (dvc 3.67, ``dvc/stage/__init__.py``, ``Stage.save``). A file edited
meanwhile would file the result under a content it was not made of, and a later run would reuse it. And DVC takes the
word of its cache for what it restores: an object overwritten in place is checked out as it is
(``dvc_data/hashfile/db/local.py``, ``is_protected``).
"""

from pathlib import Path
from typing import Any

from keystage.adapters.dvc_cache import discard_if_damaged
from keystage.adapters.dvc_state import digest
from keystage.core.errors import ChangedInputError, DamagedOutputError, listing
from keystage.core.params import PARAMS_FILE, read_yaml

PIPELINE_FILE, LOCK_FILE = Path("dvc.yaml"), Path("dvc.lock")


def fingerprints(stage: str) -> dict[str, str]:
    """Digest of every file that the stage depends on, and of params.yaml; folders by their files."""
    listed = [PARAMS_FILE, *(Path(name) for name in stages_in(PIPELINE_FILE)[stage].get("deps", []))]
    files = [path for item in listed for path in (sorted(item.rglob("*")) if item.is_dir() else [item])]
    kept = [path for path in files if path.is_file() and "__pycache__" not in path.parts]
    return {path.as_posix(): digest(path).md5 for path in kept}


def require_unchanged(stage: str, before: dict[str, str]) -> None:
    """Refuse a result whose inputs changed while it was made.

    Raises:
        ChangedInputError: names the files.
    """
    now = fingerprints(stage)
    changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if changed:
        raise ChangedInputError(
            f"{listing(changed)} changed while stage '{stage}' ran",
            why="the result belongs to neither the old nor the new content, and was not kept",
            fix="let one run end before its inputs are edited, then: dvc repro",
        )


def require_whole(found: dict[str, str]) -> None:
    """Refuse inputs that are not what the stages before gave, and remove what is damaged.

    Args:
        found: ``fingerprints`` of the stage about to run.

    Raises:
        DamagedOutputError: names the file. Its cache object, if that is what is damaged, is gone.
    """
    if not LOCK_FILE.is_file():
        return
    for maker, entry in stages_in(LOCK_FILE).items():
        for out in entry.get("outs", []):
            path, recorded = Path(out["path"]), out.get("md5", "")
            if out["path"] not in found or found[out["path"]] == recorded:
                continue
            if discard_if_damaged(recorded):
                path.unlink()
            raise DamagedOutputError(
                f"{path} is not what stage '{maker}' gave",
                why=f"its MD5 is {found[out['path']]}, dvc.lock says {recorded}: edited, or damaged in the cache",
                fix=f"run again; what was damaged is gone and '{maker}' gives it anew",
            )


def stages_in(path: Path) -> dict[str, Any]:
    """The stages of dvc.yaml or dvc.lock, by name."""
    stages: dict[str, Any] = read_yaml(path)["stages"]
    return stages
