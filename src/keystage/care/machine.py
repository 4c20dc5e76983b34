"""Checks of the machine: the Python, its packages, cores, memory and disks."""

import sys
import tempfile
from pathlib import Path
from shutil import disk_usage

from keystage.adapters import process
from keystage.care.finding import Finding, Status, fails, ok, warning
from keystage.compute.limits import cores
from keystage.compute.spec import ComputeProfile, ComputeSpec
from keystage.core.disk import nearest_folder
from keystage.data.sources.resolve import resolve
from keystage.data.spec import DatasetSpec
from keystage.reuse.environment import read_environment, require_locked
from keystage.reuse.spec import EnvironmentSpec, OnMismatch

OLDEST_PYTHON = (3, 11)
GIGABYTE = 2**30
LITTLE_MEMORY = GIGABYTE  # scikit-learn, MLflow and a small table take about half of it
TIMES_THE_DATA = 10  # a table in memory, its prepared copy, folds and forests, for each byte of CSV
LITTLE_ROOM = GIGABYTE
NO_ROOM = GIGABYTE // 10
TEMPORARY = "temporary files"


def python() -> Finding:
    """Is the Python new enough?"""
    seen = f"{'.'.join(map(str, sys.version_info[:3]))} in {sys.prefix}"
    if sys.version_info >= OLDEST_PYTHON:
        return ok(seen)
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return fails(f"{seen}; {oldest} or newer is needed", f"rm -r .venv && make env PYTHON=python{oldest}")


def packages(spec: EnvironmentSpec, root: Path) -> Finding:
    """Are the installed packages those of the lock?"""
    environment = read_environment(root / spec.lock, shown=spec.lock)
    if spec.on_mismatch is OnMismatch.refuse:
        require_locked(environment, shown=spec.lock)
    if environment.differing:
        return warning(f"{len(environment.differing)} differ from {spec.lock}, and runs record them", "make env")
    return ok(f"as in {spec.lock}")


def cores_asked_for(spec: ComputeSpec) -> Finding:
    """Do the compute profiles fit this machine?"""
    there = cores(ComputeProfile(cores=0))
    asked = {stage: profile.cores for stage, profile in vars(spec).items() if profile.cores > there}
    if not asked:
        return ok(f"{there}")
    stages = ", ".join(f"{stage} {number}" for stage, number in asked.items())
    again = " ".join(f"compute@compute.{stage}=all_cores" for stage in asked)
    return warning(f"{there}, but conf/compute asks for more: {stages}", f"keystage run {again}")


def memory(spec: DatasetSpec | None, root: Path) -> Finding:
    """Is there memory for the dataset?"""
    free = process.free_memory()
    paths = [source.path for source in resolve(spec, root)] if spec else []
    data = sum(path.stat().st_size for path in paths if path.is_file())
    needed = max(LITTLE_MEMORY, TIMES_THE_DATA * data)
    seen = f"{free / GIGABYTE:.1f} GB free"
    if free >= needed:
        return ok(seen)
    return warning(f"{seen}, and about {needed / GIGABYTE:.1f} GB may be needed", "ps aux --sort=-rss | head")


def disk(root: Path | None, cache: Path | None) -> Finding:
    """Is there room for results and temporary files?"""
    places = {TEMPORARY: Path(tempfile.gettempdir())}
    if root:
        places["the project"] = root
    if cache:
        places["the cache"] = nearest_folder(cache)
    by_disk: dict[int, list[str]] = {}
    for name, place in places.items():
        by_disk.setdefault(place.stat().st_dev, []).append(name)
    free = {", ".join(names): disk_usage(places[names[0]]).free for names in by_disk.values()}
    seen = "; ".join(f"{size / GIGABYTE:.1f} GB for {name}" for name, size in free.items())
    least = min(free, key=lambda name: free[name])
    if free[least] >= LITTLE_ROOM:
        return ok(f"free: {seen}")
    mend = "export TMPDIR=<a folder on another disk>" if least == TEMPORARY else "keystage gc"
    return Finding(Status.fails if free[least] < NO_ROOM else Status.warning, f"little is free: {seen}", mend)
