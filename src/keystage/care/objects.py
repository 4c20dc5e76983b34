"""The deep check: every object of the cache is read, and what is not what its name says is removed."""

import hashlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from keystage.adapters import dvc_cache
from keystage.adapters.dvc_runs import forget, outputs_by_object, recorded_runs
from keystage.adapters.dvc_settings import cache_folder, settings
from keystage.care.finding import Finding, fails, ok, warning
from keystage.reuse import key

CHUNK = 2**20
LOOK = "sudo dmesg | tail (damage that comes again is the disk's)"


def objects(root: Path) -> dict[str, Finding]:
    """Read the whole cache. Returns a summary, and a finding for each object and each recorded run that was damaged."""
    cache = cache_folder(root)
    every, runs = dvc_cache.objects(cache), list(recorded_runs(cache))
    recorded = {
        str(out["path"]): (stage, str(out.get("md5", "")))
        for stage, entry in key.recorded(root / "dvc.lock").items()
        for out in entry.get("outs", [])
    }
    known = outputs_by_object(cache, runs, {output: stage for output, (stage, _) in recorded.items()})
    known |= {name: f"{stage}: {output}" for output, (stage, name) in recorded.items()}
    damaged = list(_damaged(every))
    copies = _copies(root, recorded) if damaged else {}
    found: dict[str, Finding] = {}
    for name in damaged:
        every[name].unlink()
        found[name[:8]] = _mended(root, known.get(name, "an object of no recorded run"), copies.get(name))
    for run in (run for run in runs if not run.whole):
        forget(run.path)
        found[run.path.name[:8]] = ok("a recorded run was damaged, and is removed; what it gave can be made anew")
    seen = f"{len(every)} objects and {len(runs)} recorded runs"
    summary = fails(f"{seen}, {len(found)} of them damaged: see below", LOOK) if found else ok(f"{seen}, all whole")
    return {"objects": summary, **found}


def _mended(root: Path, shown: str, copy: Path | None) -> Finding:
    if copy:
        dvc_cache.put_back(root, copy)
        return ok(f"{shown} was damaged, and is put back from {copy.relative_to(root)}")
    pull = "dvc pull, or " if settings(root)["core"].get("remote") else ""
    return warning(f"{shown} was damaged and is removed", f"{pull}keystage run: the run that wants it gives it anew")


def _copies(root: Path, recorded: Iterable[str]) -> dict[str, Path]:
    """The outputs and their files as they are in the project's folder, by their content."""
    paths = [root / output for output in recorded if (root / output).exists()]
    files = [file for path in paths for file in path.rglob("*") if file.is_file()]
    return {dvc_cache.content_md5(path): path for path in (*paths, *files)}


def _damaged(every: dict[str, Path]) -> Iterator[str]:
    total = sum(path.stat().st_size for path in every.values())
    sys.stderr.write(f"Reading {len(every)} objects, {total / 2**20:,.1f} MB\n")
    columns = (TextColumn("  reading the cache"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        for name, path in every.items():
            md5 = hashlib.md5(usedforsecurity=False)
            with path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    md5.update(chunk)
                    bar.advance(task, len(chunk))
            if md5.hexdigest() != name.removesuffix(dvc_cache.FOLDER):
                yield name
