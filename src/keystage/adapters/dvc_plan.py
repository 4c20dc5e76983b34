"""What ``dvc repro`` would do, found without running it, and the keys behind that.

DVC decides stage by stage, by what the stages before have written. Here the stages are walked in its order with the
digests that would be there: the notes that stage ``conf`` would write, the outputs of a stage that is reused or comes
from the run cache, and nothing where a stage would really run. Written for dvc 3.67: names with an underscore are its
own, and tests/pipeline/test_reuse.py compares every plan with what DVC then does.
"""

import hashlib
import json
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from keystage.core.errors import ProjectError, hint
from keystage.core.params import first_line
from keystage.reuse.key import SIZES_NOTE, Difference, Entry, Part, differences, parts, recorded
from keystage.reuse.plan import Decision, PlannedStage, cause


class Pipeline:
    """The stages of dvc.yaml, looked at with certain settings.

    Args:
        root: the project's folder.
        params: the composed settings, nested.
        notes: what stage ``conf`` would write with them, by file.
    """

    def __init__(self, root: Path, params: Mapping[str, Any], notes: Mapping[Path, str]) -> None:
        from dvc.exceptions import DvcException
        from dvc.repo import Repo

        self._root, self._params = root, params
        self.recorded = recorded(root / "dvc.lock")
        try:
            self._repo = Repo(str(root))
            self._stages = _in_order([stage for stage in self._repo.index.stages if stage.cmd])
        except DvcException as error:
            raise ProjectError(
                "DVC cannot read the pipeline",
                why=first_line(error),
                fix="mend it: git diff dvc.yaml, git restore dvc.yaml",
            ) from error
        self._note_texts = {_md5(text): text for text in notes.values()}
        self._now_sizes = notes.get(Path(SIZES_NOTE), "{}")
        # Digest of each file that a stage gives; None where only running it would tell.
        self._digests: dict[str, str | None] = {path.as_posix(): _md5(text) for path, text in notes.items()}
        self.makers = {out.def_path: str(stage.name) for stage in self._stages for out in stage.outs}
        self.keys: dict[str, Entry] = {}
        self.plan = tuple(self._planned(stage) for stage in self._stages)

    @property
    def waits(self) -> dict[str, tuple[str, ...]]:
        """By stage, those before it whose outputs nobody can know before they have run."""
        return {stage.name: stage.waits_for for stage in self.plan}

    def cause(self, stage: str, old: Mapping[str, Entry], new: Mapping[str, Entry]) -> list[Difference]:
        """The parts in which a stage's keys differ, from the root (``keystage.reuse.plan.cause``)."""
        sizes = {**self._sizes(old), **self._sizes(new)}
        by_stage = {
            name: differences(name, old[name], new[name], self.makers, self._note_text, sizes)
            for name in old.keys() & new.keys()
        }
        return cause(stage, by_stage, self.makers, self.waits if new is self.keys else {})

    def parts(self, stage: str) -> list[Part]:
        """The kind of each part of a stage's key as it is now."""
        return parts(stage, self.keys[stage], self.makers, self._note_text)

    def require_stage(self, name: str) -> None:
        """Refuse a name that no stage has.

        Raises:
            ProjectError: with the nearest name.
        """
        names = [stage.name for stage in self._stages]
        if name not in names:
            raise ProjectError(
                f"there is no stage '{name}'", why=f"dvc.yaml has: {', '.join(names)}", fix=hint(name, names)
            )

    def _planned(self, stage: Any) -> PlannedStage:
        name = str(stage.name)
        if stage.is_callback or stage.always_changed:
            for out in stage.outs:
                self._digests.setdefault(out.def_path, None)
            return PlannedStage(name, Decision.run, "it always runs")
        missing = self._look(stage)
        if missing:
            self._digests |= {out.def_path: None for out in stage.outs}
            return PlannedStage(name, Decision.run, f"{missing} is missing")
        old, new = self.recorded.get(name), self.keys[name]
        sizes = self._sizes(self.recorded) if old else {}
        found = tuple(differences(name, old, new, self.makers, self._note_text, sizes)) if old else ()
        unknown = [dep["path"] for dep in new.get("deps", []) if self._digests.get(dep["path"], "") is None]
        waits = tuple(dict.fromkeys(self.makers[path] for path in unknown))
        decision, because = self._decide(stage, found, waits, ran_before=old is not None)
        return PlannedStage(name, decision, because, found, waits)

    def _decide(
        self, stage: Any, found: tuple[Difference, ...], waits: tuple[str, ...], *, ran_before: bool
    ) -> tuple[Decision, str]:
        outs = {out.def_path: out.hash_info.value for out in stage.outs}
        if ran_before and not found and not waits:
            changed = [path for out in stage.outs for path in out.status()]
            if not changed or stage.outs_cached():
                self._digests |= outs
                return Decision.reuse, "nothing changed" if not changed else f"{changed[0]} comes back from the cache"
            found_missing = f"{changed[0]} is changed or missing, and not in the cache"
        entry = None if waits else self._from_run_cache(stage)
        if entry:
            self._digests |= {out["path"]: out["md5"] for out in entry["outs"]}
            return Decision.reuse, "an earlier run had this very key"
        self._digests |= dict.fromkeys(outs)
        if not ran_before:
            return Decision.run, "it has not run yet"
        if found:
            return Decision.run, str(found[0]) + (f" (and {len(found) - 1} more)" if len(found) > 1 else "")
        if waits:
            return Decision.depends, f"reused when the outputs of {' and '.join(waits)} are what they were"
        return Decision.run, found_missing

    def _look(self, stage: Any) -> str | None:
        """Note the stage's key as it is now. Returns the name of a file that is missing, if one is."""
        from dvc.dependency import ParamsDependency
        from dvc.stage.serialize import to_single_stage_lockfile
        from dvc_data.hashfile.hash_info import HashInfo
        from dvc_data.hashfile.meta import Meta

        for dep in stage.deps:
            if isinstance(dep, ParamsDependency):
                if dep.def_path == dep.DEFAULT_PARAMS_FILE:
                    values = {name: _value(self._params, name) for name in dep.params}
                    dep.hash_info = HashInfo("params", values)  # type: ignore[arg-type]  # as DVC itself does
                else:
                    dep.save()
            elif dep.def_path in self._digests:
                digest = self._digests[dep.def_path]
                if digest is not None:
                    dep.meta, dep.hash_info = Meta(), HashInfo("md5", digest)
            elif not dep.exists:
                return str(dep.def_path)
            else:
                dep.save()
        self.keys[str(stage.name)] = to_single_stage_lockfile(stage)
        return None

    def _from_run_cache(self, stage: Any) -> Entry | None:
        """The newest run of this very key whose outputs are all in the cache (``dvc/stage/cache.py``, ``_load``)."""
        from dvc.stage.cache import _get_cache_hash
        from dvc.stage.serialize import to_single_stage_lockfile

        cache = self._repo.stage_cache
        key = _get_cache_hash(to_single_stage_lockfile(stage), key=True)
        folder = Path(cache._get_cache_dir(key))
        runs = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime) if folder.is_dir() else []
        entry: Entry | None = cache._load_cache(key, runs[-1].name) if runs else None
        if entry is None or not cache._create_stage(entry, wdir=stage.wdir).outs_cached():
            return None
        return entry

    def _sizes(self, stages: Mapping[str, Entry]) -> dict[str, int]:
        """Bytes by MD5 of the files in notes, as stage ``conf`` knew them then; as it knows them now, too."""
        noted = [out["md5"] for out in stages.get("conf", {}).get("outs", []) if out["path"] == SIZES_NOTE]
        texts = [self._now_sizes, *(self._note_text(md5) or "{}" for md5 in noted)]
        return {md5: size for text in texts for md5, size in json.loads(text).items()}

    def _note_text(self, md5: str) -> str | None:
        if md5 in self._note_texts:
            return self._note_texts[md5]
        path = Path(self._repo.cache.local.oid_to_path(md5))
        return path.read_text(encoding="utf-8") if path.is_file() else None


def _in_order(stages: list[Any]) -> list[Any]:
    """Each stage after those whose outputs it reads, else as dvc.yaml has them."""
    by_name = {str(stage.name): stage for stage in stages}
    makers = {out.def_path: str(stage.name) for stage in stages for out in stage.outs}
    graph = {
        name: [makers[dep.def_path] for dep in stage.deps if dep.def_path in makers] for name, stage in by_name.items()
    }
    return [by_name[name] for name in TopologicalSorter(graph).static_order()]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _value(params: Mapping[str, Any], name: str) -> Any:
    """A setting by its dotted name; None where there is none."""
    value: Any = params
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
