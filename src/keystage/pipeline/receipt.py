"""What stage register did last: while neither what it reads nor the registry has changed, it would find the same again.

Opening MLflow takes three seconds, and the stage always runs. A local store is one file, whose size and time tell
whether anybody has written to it since; of a server nothing can be told without asking.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from keystage.adapters.mlflow_connection import SQLITE, resolve_uri
from keystage.core.params import as_text
from keystage.pipeline import workspace
from keystage.pipeline.inputs import fingerprints
from keystage.pipeline.outcome import Outcome
from keystage.registry.gate import Judgement
from keystage.registry.package import digest_of, digest_of_mapping
from keystage.registry.spec import RegistrySpec


@dataclass(frozen=True)
class Receipt:
    """Where the last outcome stands, and by what it would be known to be this one.

    Attributes:
        file: of this folder alone.
        key: equal when the stage reads the same and is the same code.
        store: the local store's file; None of a server.
    """

    file: Path
    key: str
    store: Path | None

    @classmethod
    def of(cls, uri: str, spec: RegistrySpec, digest: str, home: Path) -> "Receipt":
        """That of this run.

        Args:
            uri: of the tracking store, as in conf/tracking.
            spec: of conf/registry.
            digest: of recipe, model, lock and code.
            home: the project's folder.
        """
        resolved = resolve_uri(uri, home)
        store = Path(resolved.removeprefix(SQLITE)) if resolved.startswith(SQLITE) else None
        code = digest_of((), Path(__file__).parents[1])
        settings = {"uri": uri, "registry": as_text(asdict(spec))}
        key = digest_of_mapping({**settings, "digest": digest, "code": code, "reads": fingerprints("register")})
        return cls(workspace.REGISTERED, key, store)

    def outcome(self) -> Outcome | None:
        """The version, what the gate found and its aliases, while nothing has changed; else None."""
        try:
            told = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if told.get("key") != self.key or told.get("store") is None or told["store"] != self._state():
            return None
        judgement = Judgement.from_text(told["judgement"])
        return None if judgement is None else Outcome(told["version"], judgement, tuple(told["aliases"]))

    def keep(self, outcome: Outcome) -> None:
        """Write an outcome down, where it is a version and can be known again."""
        version, judgement, aliases = outcome
        told = {"key": self.key, "store": self._state(), "version": version, "judgement": judgement.as_text()}
        if version is not None and told["store"] is not None:
            workspace.write_json({**told, "aliases": list(aliases)}, self.file)

    def _state(self) -> list[int] | None:
        if self.store is None or not self.store.is_file():
            return None
        files = [self.store, *self.store.parent.glob(f"{self.store.name}-*")]  # SQLite's journals stand beside it
        return [number for file in sorted(files) for number in (file.stat().st_size, file.stat().st_mtime_ns)]
