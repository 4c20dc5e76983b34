"""Checks of where results are kept: the cache, the remote, the tracking store."""

import tempfile
from pathlib import Path

import requests

from keystage.adapters import dvc_project, mlflow_files
from keystage.adapters.dvc_settings import cache_folder
from keystage.adapters.dvc_settings import settings as dvc_settings
from keystage.adapters.mlflow_connection import resolve_uri
from keystage.care.finding import Finding, fails, ok, warning
from keystage.core.disk import nearest_folder

SERVER_TIMEOUT = 3.0  # seconds in which a tracking server must answer


def cache(root: Path) -> Finding:
    """Can the cache be written, and how do results come from it?"""
    folder = cache_folder(root)
    with tempfile.TemporaryFile(dir=nearest_folder(folder)):
        pass
    shown = folder.relative_to(root) if folder.is_relative_to(root) else folder
    ways = dvc_project.links(root)
    if not ways:
        return fails(f"results cannot come from {shown} into the project", "dvc config cache.type reflink,copy")
    if nearest_folder(folder).stat().st_dev != root.stat().st_dev:
        return warning(f"{shown} is on another disk, so each result is there twice", "dvc cache dir .dvc/cache")
    return ok(f"{shown}, results come from it as a {ways[0]}")


def remote(root: Path) -> Finding:
    """Does the default remote answer?"""
    settings = dvc_settings(root)
    name, known = settings["core"].get("remote"), sorted(settings["remote"])
    if name:
        where, there = dvc_project.reach_remote(root, name)
        if there or "://" in where:
            return ok(f"{name}: {where}")
        return warning(f"{name}: {where} is not there yet; if it is on a disk, is that mounted?", "keystage push")
    if known:
        return warning(f"none of {', '.join(known)} is the default", f"dvc remote default {known[0]}")
    return ok("none, so results are on this machine alone")


def tracking(uri: str, root: Path) -> Finding:
    """Can the tracking store be opened, and are its files where it says?"""
    resolved = resolve_uri(uri, root)
    if resolved.startswith(("http://", "https://")):
        try:
            requests.get(f"{resolved.rstrip('/')}/health", timeout=SERVER_TIMEOUT).raise_for_status()
        except requests.RequestException as error:
            return fails(f"{uri} does not answer: {type(error).__name__}", "keystage run tracking=local")
        return ok(f"{uri} answers")
    if not resolved.startswith("sqlite:///"):
        return ok(f"{uri}, which is not looked into")
    store = Path(resolved.removeprefix("sqlite:///"))
    if not store.is_file():
        return ok(f"{uri}, which the first run makes")
    present, wanted = mlflow_files.schema(store), mlflow_files.newest_schema()
    if present is None:
        return fails(f"{store.name} is no store of MLflow, or its making was cut off", f"mv {store} {store}.broken")
    if present != wanted:
        upgrade = f"cp {store} {store}.before && mlflow db upgrade {resolved}"
        return fails(f"{store.name} has tables of version {present}, MLflow wants {wanted}", upgrade)
    return _artifacts(uri, mlflow_files.noted_folders(store), root)


def _artifacts(uri: str, noted: list[Path], root: Path) -> Finding:
    """MLflow notes absolute paths, which a project that was moved takes along."""
    lost = [folder for folder in noted if not folder.is_dir()]
    if not lost:
        return ok(f"{uri}, all {len(noted)} folders of runs and models are there")
    seen = f"{len(lost)} of {len(noted)} folders of runs and models are not where MLflow noted them: {lost[0]}"
    here = root / "mlartifacts"
    for folder in lost:
        before = next((part for part in folder.parents if part.name == here.name), None)
        if before and (here / folder.relative_to(before)).is_dir():
            return fails(f"{seen}; the project was moved", f"mkdir -p '{before.parent}' && ln -s '{here}' '{before}'")
    return fails(f"{seen}; they are lost", "keystage run registry.always_new_version=true")
