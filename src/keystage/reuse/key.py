"""A stage's key, part by part, and the parts in which two keys differ.

A key is what dvc.lock holds of a stage: its command, its parameters and the digests of its dependencies. The notes of
stage ``conf`` among these (``keystage.reuse.named``) are opened, so that a difference has the name of the data file or
the package behind it.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Any

from keystage.core.errors import listing
from keystage.core.params import as_text, parse_yaml, read_yaml

NOTES_FOLDER = PurePosixPath("artifacts/key")
SIZES_NOTE = "artifacts/sizes.json"  # of stage conf, bytes by MD5
NoteText = Callable[[str], str | None]  # from the MD5 of a note to its text; None where it is not kept any more
Entry = Mapping[str, Any]  # a stage as dvc.lock has it
_Parts = list[tuple[tuple["Part", str], Any]]
DIGEST_SHOWN = 8  # characters of an MD5 that a person compares


def stages_in(path: Path) -> dict[str, Entry]:
    """The stages of a dvc.yaml or dvc.lock, by name.

    Raises:
        ConfigError: the file is not there, or is no YAML.
    """
    return dict((read_yaml(path) or {}).get("stages") or {})


def recorded(lock: Path) -> dict[str, Entry]:
    """The stages as a dvc.lock has them; none where there is no such file.

    Raises:
        ConfigError: it is no YAML.
    """
    return stages_in(lock) if lock.is_file() else {}


def recorded_in(text: str, shown: str = "dvc.lock") -> dict[str, Entry]:
    """The stages in the text of a dvc.lock; none in an empty one.

    Raises:
        ConfigError: it is no YAML.
    """
    return dict((parse_yaml(text, shown) or {}).get("stages") or {})


class Part(Enum):
    """The kinds of parts, in the order in which they are told: what people change first, what follows from it last."""

    reuse = "reuse"
    data = "data"
    parameter = "parameter"
    package = "package"
    own_code = "your code"
    code = "code"
    command = "command"
    file = "file"
    output = "output"


@dataclass(frozen=True)
class Content:
    """What a file holds: its digest, and its size in bytes where that is known."""

    md5: str
    size: int | None = field(default=None, compare=False)

    def __str__(self) -> str:
        size = f", {self.size} bytes" if self.size is not None else ""
        return f"md5 {self.md5[:DIGEST_SHOWN]}{size}"


@dataclass(frozen=True)
class Difference:
    """One part of a key that is not the same.

    Attributes:
        stage: whose key.
        part: the kind of part.
        name: of the parameter, file or package.
        old: its value before; None where the part was not there.
        new: its value now; None where the part is not there.
    """

    stage: str
    part: Part
    name: str
    old: Any
    new: Any

    def __str__(self) -> str:
        if self.old is None:
            return f"{self.name} is in the key now: {_shown(self.new)}"
        if self.new is None:
            return f"{self.name} is in the key no more: {_shown(self.old)}"
        return f"{self.name}: {_shown(self.old)} -> {_shown(self.new)}"


def differences(
    stage: str, old: Entry, new: Entry, makers: Mapping[str, str], note: NoteText, sizes: Mapping[str, int]
) -> list[Difference]:
    """The parts in which two keys of a stage differ, those that people change first.

    Args:
        stage: its name.
        old: what dvc.lock had of it before.
        new: the same for now.
        makers: the stage that gives an output, by the output's path.
        note: gives the texts of notes. A note of which one side is not kept any more is compared as a whole.
        sizes: bytes by MD5, of files that are in notes.
    """
    notes = [_opened(stage, entry, note, sizes) for entry in (old, new)]
    both = notes[0].keys() & notes[1].keys()
    before, now = (
        dict(_parts(stage, entry, {path: opened[path] for path in both}, makers))
        for entry, opened in zip((old, new), notes, strict=True)
    )
    order = {part: place for place, part in enumerate(Part)}
    return [
        Difference(stage, part, name, before.get((part, name)), now.get((part, name)))
        for part, name in sorted(before.keys() | now.keys(), key=lambda key: (order[key[0]], _by_number(key[1])))
        if before.get((part, name)) != now.get((part, name))
    ]


def parts(stage: str, entry: Entry, makers: Mapping[str, str], note: NoteText) -> list[Part]:
    """The kind of each part of a key, for counting."""
    return [part for (part, _), _ in _parts(stage, entry, _opened(stage, entry, note, {}), makers)]


def _parts(stage: str, entry: Entry, notes: Mapping[str, _Parts], makers: Mapping[str, str]) -> _Parts:
    found: list[tuple[tuple[Part, str], Any]] = [((Part.command, stage), entry.get("cmd"))]
    found.append(((Part.command, f"{stage} gives"), sorted(out["path"] for out in entry.get("outs", []))))
    for file, values in entry.get("params", {}).items():
        prefix = "" if file == "params.yaml" else f"{file}:"
        found += [
            ((Part.parameter, prefix + name), "null" if value is None else value) for name, value in leaves(values)
        ]
    for dep in entry.get("deps", []):
        path, content = dep["path"], Content(str(dep.get("md5")), dep.get("size"))
        if path in notes:
            found += notes[path]
        elif path.startswith(("src/", "stages/")):
            found.append(((Part.code, path), content))
        else:
            found.append(((Part.output if path in makers else Part.file, path), content))
    return found


def _opened(stage: str, entry: Entry, note: NoteText, sizes: Mapping[str, int]) -> dict[str, _Parts]:
    """The notes among the dependencies that can be read: a note of an earlier keystage may have another form."""
    opened = {}
    for dep in entry.get("deps", []):
        if PurePosixPath(dep["path"]).parent == NOTES_FOLDER and (text := note(dep["md5"])) is not None:
            with suppress(ValueError, TypeError, KeyError, AttributeError):
                opened[dep["path"]] = _noted(stage, PurePosixPath(dep["path"]).name, text, sizes)
    return opened


def _noted(stage: str, name: str, text: str, sizes: Mapping[str, int]) -> _Parts:
    if name.startswith("reuse_"):
        return [((Part.reuse, f"reuse.{stage}"), text.strip())]
    noted = json.loads(text)
    if name == "environment.json":
        locked = [((Part.package, package), version) for package, version in noted["locked"].items()]
        differing = noted["differing"].items()
        return [*locked, *(((Part.package, f"{package} as installed"), version) for package, version in differing)]
    if name == "extras.json":
        return [((Part.package, package), version) for package, version in noted.items()]
    if name == "options.json":
        named = leaves([{"options": options} for options in noted], "prep.steps")
        return [((Part.parameter, path), as_text(value)) for path, value in named]
    part = Part.data if name == "dataset.json" else Part.own_code
    return [((part, file), Content(md5, sizes.get(md5)) if md5 else None) for file, md5 in noted.items()]


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by dotted name, down into lists of mappings: ``prep.steps[3].options.bins``."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, Sequence) and any(isinstance(item, Mapping) for item in value):
        for index, item in enumerate(value):
            yield from leaves(item, f"{name}[{index}]")
    else:
        yield name, value


def _by_number(name: str) -> str:
    """For sorting: columns[2] before columns[10]."""
    return re.sub(r"\d+", lambda number: number[0].zfill(8), name)


def _shown(value: Any) -> str:
    return f"[{listing(map(str, value))}]" if isinstance(value, list) else str(value)
