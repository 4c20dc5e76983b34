"""What a run has pinned of sources that are not in the project: content by digest, in a store of this machine.

Stage ``conf`` asks each source once and notes what it found; every stage after it reads that very content, whatever
becomes of the source meanwhile.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Pin(NamedTuple):
    """One file of a source, or the result of a query.

    Attributes:
        name: its URL, or ``keystage.data.sources.spec.QUERY``.
        md5: of the content.
        size: of the content in bytes.
    """

    name: str
    md5: str
    size: int


@dataclass(frozen=True)
class Pinned:
    """The files behind each entry of ``dataset.files`` that is a URL.

    Attributes:
        store: the folder in which each content stands under its digest.
        entries: the files by entry; a folder or a pattern has many.
        is_fixed: the sources are not asked, as for a state that is made again.
    """

    store: Path = Path()
    entries: Mapping[str, tuple[Pin, ...]] = field(default_factory=dict)
    is_fixed: bool = False

    def of(self, entry: str) -> tuple[Pin, ...]:
        """The files of an entry; none for one that is not pinned."""
        return self.entries.get(entry, ())

    def path(self, pin: Pin) -> Path:
        """Where the content stands."""
        return self.store / pin.md5

    def write(self, file: Path) -> None:
        """Note it, for the stages that follow."""
        file.parent.mkdir(parents=True, exist_ok=True)
        entries = {name: list(pins) for name, pins in self.entries.items()}
        noted = {"store": str(self.store.absolute()), "entries": entries, "is_fixed": self.is_fixed}
        file.write_text(json.dumps(noted, indent=1) + "\n", encoding="utf-8")


NOTHING = Pinned()


def read_pinned(file: Path) -> Pinned:
    """What was noted; nothing where there is no note, or half of one."""
    try:
        noted = json.loads(file.read_text(encoding="utf-8"))
        entries = {name: tuple(Pin(*pin) for pin in pins) for name, pins in noted["entries"].items()}
        return Pinned(Path(noted["store"]), entries, bool(noted["is_fixed"]))
    except (OSError, ValueError, KeyError, TypeError):
        return NOTHING
