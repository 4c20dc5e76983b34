"""What a stage reads, as dvc.yaml lists it: is it whole, and did it stay the same while the stage ran?

DVC hashes a stage's dependencies after the run (dvc 3.67, ``dvc/stage/__init__.py``, ``Stage.save``). A file edited
meanwhile would file the result under a content it was not made of, and a later run would reuse it. And DVC takes the
word of its cache for what it restores: an object overwritten in place is checked out as it is
(``dvc_data/hashfile/db/local.py``, ``is_protected``).
"""

from pathlib import Path

from keystage.adapters.dvc_cache import FOLDER, content_md5, discard_if_damaged, remove
from keystage.adapters.dvc_runs import outputs_of
from keystage.adapters.dvc_settings import cache_folder
from keystage.adapters.dvc_state import digest
from keystage.core.errors import ChangedInputError, DamagedOutputError, listing
from keystage.core.params import PARAMS_FILE
from keystage.reuse.key import recorded, stages_in

PIPELINE_FILE, LOCK_FILE = Path("dvc.yaml"), Path("dvc.lock")


def fingerprints(stage: str) -> dict[str, str]:
    """Digest of every file that the stage depends on, and of params.yaml; folders by their files."""
    listed = [PARAMS_FILE, *(Path(name) for name in stages_in(PIPELINE_FILE).get(stage, {}).get("deps", []))]
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
    """Refuse to go on from outputs that are not what their stages gave, and remove what is damaged.

    Every output there is, not only what this stage reads: some are read by people alone, and the stage that always runs
    last is the one that can find damage in those. One that a later stage gives and that was merely edited is DVC's to
    restore when it gets there.

    Args:
        found: ``fingerprints`` of the stage about to run.

    Raises:
        DamagedOutputError: names the files. What is damaged is gone, from the cache and from the folder.
    """
    cache = cache_folder(Path())
    wrong: dict[str, str] = {}  # maker by output
    for maker, entry in recorded(LOCK_FILE).items():
        for out in entry.get("outs", []):
            path, md5 = Path(out["path"]), out.get("md5", "")
            is_there = path.exists()
            differs = is_there and (found.get(out["path"]) or content_md5(path)) != md5
            # A damaged list of a folder's files counts as missing, and would never be written anew.
            damaged = (differs or md5.endswith(FOLDER)) and discard_if_damaged(cache, md5)
            if damaged:
                remove(path)
            if (damaged and is_there) or (differs and out["path"] in found):
                wrong[out["path"]] = maker
    if wrong:
        raise DamagedOutputError(
            f"{listing(wrong)} {'is' if len(wrong) == 1 else 'are'} not what the stages gave",
            why="the content has another MD5 than dvc.lock says: edited, or damaged in the cache",
            fix=f"run again; what was damaged is gone, and {listing(sorted(set(wrong.values())))} will give it anew",
        )


def discard_damaged_twins(stage: str) -> None:
    """Make room in the cache for what the stage gave: DVC writes no object anew that is there, damaged or not."""
    cache = cache_folder(Path())
    for output in outputs_of(stages_in(PIPELINE_FILE)[stage]):
        for path in (output, *(file for file in output.rglob("*") if file.is_file())):
            discard_if_damaged(cache, content_md5(path))
