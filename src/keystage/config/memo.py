"""Compositions made before, found by the content of all that goes into them.

Hydra takes a third of a second to compose, and every stage that runs composes to compare (docs/adr/0002). A memo's
name is a digest of conf/, of keystage's code, of the versions of Hydra and OmegaConf, and of the overrides: there is no
state in which it could be stale.
"""

import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

FOLDER = Path(".dvc", "tmp", "keystage", "composed")
MAX_KEPT = 200  # compositions of some 2 kB each; a sweep over more starts the folder anew
# A resolver may look at what no digest holds: the environment, the clock. Ours does not.
_RESOLVER = re.compile(rb"\$\{\s*(?!keystage\.)[\w.]+\s*:")


def remembered(root: Path, overrides: Sequence[str], compose: Callable[[], str]) -> str:
    """The text that ``compose`` gives, from the memo where it has it.

    Args:
        root: the project's folder.
        overrides: in Hydra's grammar.
        compose: gives the text of params.yaml, or raises.
    """
    parts = list(_parts(root, overrides))
    if not (root / ".dvc").is_dir() or any(_RESOLVER.search(part) for part in parts):
        return compose()
    digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
    path = root / FOLDER / f"{digest}.yaml"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    text = compose()
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = list(path.parent.iterdir())
    for old in kept if len(kept) >= MAX_KEPT else ():
        old.unlink(missing_ok=True)
    # Written aside and moved, so that a stage of another run never reads half of it.
    aside = path.with_suffix(f".{os.getpid()}")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
    return text


def _parts(root: Path, overrides: Sequence[str]) -> Iterator[bytes]:
    yield "\0".join(overrides).encode()
    code = Path(__file__).parents[2]
    for folder, files in ((root / "conf", "*.yaml"), (code / "keystage", "*.py"), (code / "hydra_plugins", "*.py")):
        for path in sorted(folder.rglob(files)):
            yield path.relative_to(folder).as_posix().encode()
            yield path.read_bytes()
    for entry in sys.path:
        for name in ("hydra_core-*.dist-info", "omegaconf-*.dist-info"):
            yield from (found.name.encode() for found in Path(entry).glob(name))
