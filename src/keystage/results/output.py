"""The outputs of a run, and the names by which people ask for them.

The name of an output is its file's, without ending: ``model`` is all that is called so, the file itself and its report.
A stage's record of when and where it ran is ``STAGE_record``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from keystage.core.errors import ResultError, hint, listing
from keystage.reuse.comparison import RECORDS
from keystage.reuse.key import NOTES_FOLDER, SIZES_NOTE, Entry

FOLDER = ".dir"  # ends the digest of a folder
_NOTES = (f"{NOTES_FOLDER}/", SIZES_NOTE)  # inputs in truth


@dataclass(frozen=True)
class Output:
    """What a stage gave.

    Attributes:
        stage: that gave it.
        path: in the project.
        md5: of its content; of a folder, it ends in ``.dir``.
        size: bytes, where they are known.
    """

    stage: str
    path: str
    md5: str
    size: int | None

    @property
    def name(self) -> str:
        """By which people ask for it."""
        stem = PurePosixPath(self.path).stem
        return f"{stem}_record" if self.path.startswith(RECORDS) else stem

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of files."""
        return self.md5.endswith(FOLDER)


def outputs_in(stages: Mapping[str, Entry], *, notes: bool = False) -> list[Output]:
    """The outputs of the stages of a dvc.lock, in its order, with or without the notes of stage ``conf``."""
    return [
        Output(stage, str(out["path"]), str(out["md5"]), out.get("size"))
        for stage, entry in stages.items()
        for out in entry.get("outs", ())
        if "md5" in out and (notes or not str(out["path"]).startswith(_NOTES))
    ]


def overlaid(stages: Mapping[str, Entry], digests: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Stages whose outputs are those that a lineage tells; sizes and records are kept where the digests agree.

    Args:
        stages: as the dvc.lock of the version's commit has them; none where the commit is not there.
        digests: by stage, MD5 of the outputs by path.
    """
    made: dict[str, Any] = dict(stages)
    for stage, told in digests.items():
        known = {str(out["path"]): out for out in stages.get(stage, {}).get("outs", ())}
        outs = {path: {"path": path, "md5": md5} for path, md5 in told.items()}
        same = {path: out for path, out in known.items() if path not in told or out.get("md5") == told[path]}
        made[stage] = {**stages.get(stage, {}), "outs": list((outs | same).values())}
    return made


def chosen(outputs: Sequence[Output], wanted: Iterable[str], run: str) -> list[Output]:
    """The outputs that the names mean: names, paths, file names or ``all``.

    Args:
        outputs: what the run has.
        wanted: as a person writes it.
        run: what to call the run in errors.

    Raises:
        ResultError: there is no such output.
    """
    found: dict[str, Output] = {}
    for name in wanted:
        meant = [item for item in outputs if name in ("all", item.name, item.path, PurePosixPath(item.path).name)]
        if not meant:
            known = list(dict.fromkeys(item.name for item in outputs))
            raise ResultError(
                f"{run} has no output '{name}'",
                why=f"it has {listing(known)}" if known else "none of its stages has given anything",
                fix=f"{hint(name, known)} (all of them: keystage outputs {run})" if known else "keystage run",
            )
        found |= {item.path: item for item in meant}
    return list(found.values())


def places_in_folder(outputs: Sequence[Output]) -> dict[str, PurePosixPath]:
    """Where each output goes in a folder, by its path: under its file's name, or its path where two share a name."""
    names = [PurePosixPath(item.path).name for item in outputs]
    return {
        item.path: PurePosixPath(item.path if names.count(name) > 1 else name)
        for item, name in zip(outputs, names, strict=True)
    }
