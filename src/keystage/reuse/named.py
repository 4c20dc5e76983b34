"""What the settings name beside the code: the dataset's files, your own modules, the packages, and whether to reuse.

dvc.yaml cannot list files that a setting names, so stage ``conf`` notes their content in a file per part of a key, and
the stages depend on those. A file that no setting names, or that stands elsewhere under the same name, changes no key.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from modulefinder import ModuleFinder
from pathlib import Path
from uuid import uuid4

from keystage.data.sources.bundled import PREFIX, bundled_files
from keystage.data.sources.pinned import NOTHING, Pinned
from keystage.data.sources.resolve import resolve
from keystage.data.spec import DatasetSpec
from keystage.prep.spec import PrepSpec
from keystage.reuse.environment import Environment


@dataclass(frozen=True)
class FileDigest:
    """The content of a file: MD5, as DVC has it, and the size in bytes where it is known."""

    md5: str
    size: int | None


Digest = Callable[[Path], FileDigest | None]  # None where there is no such file
REUSE_ALLOWED = "allowed\n"


def dataset_files(
    spec: DatasetSpec,
    root: Path,
    digest: Digest,
    pinned: Pinned = NOTHING,
    tracked: Callable[[Path], Iterable[str]] = lambda _: (),
) -> dict[str, FileDigest | None]:
    """The files of a dataset by name, those behind its patterns, folders and URLs; None for one that is not there.

    Args:
        spec: the declaration.
        root: the project's folder.
        digest: gives that of a file of the project.
        pinned: what is behind its URLs and its query.
        tracked: gives the names below a folder that are known without being there.

    Raises:
        DatasetError: two entries stand for the same file, or there is no such bundled table.
    """
    pins = {pin.name: FileDigest(pin.md5, pin.size) for entry in pinned.entries.values() for pin in entry}
    found: dict[str, FileDigest | None] = {}
    for source in resolve(spec, root, pinned, tracked):
        if source.is_local:
            found[source.name] = digest(source.path)
        elif source.name.startswith(PREFIX):
            found[source.name] = _together(bundled_files(source.name))
        else:  # a copy that was damaged since is not what was pinned
            found[source.name] = digest(source.path) if source.path.is_file() else pins.get(source.name)
    return found


def _together(files: Iterable[Path]) -> FileDigest:
    """One digest of several small files."""
    contents = [path.read_bytes() for path in files]
    return FileDigest(hashlib.md5(b"".join(contents), usedforsecurity=False).hexdigest(), sum(map(len, contents)))


def own_modules(references: Iterable[str]) -> set[str]:
    """The modules of src/project among what settings refer to, as in ``project.transforms:Name``."""
    return {name.partition(":")[0] for name in references if name.startswith("project.")}


def own_code(modules: Iterable[str], root: Path, digest: Digest) -> dict[str, FileDigest | None]:
    """Modules of src/project, and all modules of src/ that those import, by file."""
    files = _reached(modules, (root / "src").resolve())
    return {f"src/{path}": digest(root / "src" / path) for path in files}


def files_note(files: Mapping[str, FileDigest | None]) -> str:
    """MD5 by name; null for a file that is not there."""
    return _note({name: found.md5 if found else None for name, found in files.items()})


def sizes_note(files: Iterable[FileDigest | None]) -> str:
    """Bytes by MD5, for people who compare; in no key, since the size of a file not fetched is not always known."""
    return _note({found.md5: found.size for found in files if found and found.size is not None})


def options_note(spec: PrepSpec) -> str:
    """The options of the recipe's steps, whose types no schema fixes: DVC compares settings by Python's ``==``."""
    return _note([step.options for step in spec.steps])


def environment_note(environment: Environment) -> str:
    """Locked and differing versions by package."""
    return _note(asdict(environment))


def extras_note(environments: Iterable[Environment]) -> str:
    """Locked versions by package, of the extras that are in use."""
    return _note({package: version for environment in environments for package, version in environment.locked.items()})


def reuse_note(*, allowed: bool) -> str:
    """A constant when the stage may be reused, else a text that no other run has."""
    return REUSE_ALLOWED if allowed else f"not allowed, run {uuid4().hex}\n"


def _note(values: object) -> str:
    return json.dumps(values, indent=1, sort_keys=True) + "\n"


def _reached(modules: Iterable[str], source: Path) -> list[str]:
    """Files below ``source`` that the modules can run, themselves included; found without running them.

    Args:
        modules: dotted names.
        source: absolute, as ``ModuleFinder`` gives the files it finds.
    """
    finder = ModuleFinder(path=[str(source)])
    files = set()
    for name in modules:
        files.add(source.joinpath(*name.split(".")).with_suffix(".py"))
        try:
            finder.import_hook(name)
        except (ImportError, SyntaxError):
            continue  # dataprep says so in words; the file named is in the key all the same
    files |= {Path(file) for module in finder.modules.values() if (file := getattr(module, "__file__", None))}
    return sorted(path.relative_to(source).as_posix() for path in files)
