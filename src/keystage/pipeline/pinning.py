"""Pin what a dataset has elsewhere: ask, fetch what has changed, and note the content by digest.

A store below .dvc/tmp, of this machine, holds each content once. A server is asked for a file's state (its ETag, or the
time of its last change); while that is the one of last time, nothing is fetched.
"""

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from keystage.adapters.dvc_state import digest
from keystage.core.progress import Say
from keystage.data.sources.pinned import NOTHING, Pin, Pinned, read_pinned
from keystage.data.sources.resolve import is_pattern, is_url
from keystage.data.sources.spec import QUERY, ReadSpec
from keystage.data.spec import DatasetSpec
from keystage.pipeline import workspace

logger = logging.getLogger(__name__)

_INDEX = "index.json"
NOT_FETCHED = "changed"  # what stands for the digest of a file that is another than the one that is here


def pin(spec: DatasetSpec) -> Pinned:
    """What the dataset has elsewhere, fetched where it has changed, and noted for the stages that follow.

    Raises:
        DatasetError: a source cannot be had.
    """
    if not _elsewhere(spec):
        return NOTHING
    noted = read_pinned(workspace.PINNED_NOTE)
    if noted.is_fixed and all(noted.of(entry) for entry in _elsewhere(spec)):
        return noted

    from keystage.pipeline.progress import steps_shown

    store = workspace.main_root() / workspace.SOURCES
    store.mkdir(parents=True, exist_ok=True)
    read = spec.read or ReadSpec()
    with steps_shown() as say:
        entries = {entry: tuple(_pinned(entry, read, store, say)) for entry in _elsewhere(spec)}
    pinned = Pinned(store, entries)
    pinned.write(workspace.PINNED_NOTE)
    return pinned


def looked_at(spec: DatasetSpec) -> Pinned:
    """What ``pin`` would find, without fetching a file: one that has changed has ``NOT_FETCHED`` for a digest.

    Raises:
        DatasetError: a source cannot be asked.
    """
    if not _elsewhere(spec):
        return NOTHING
    store, read = workspace.main_root() / workspace.SOURCES, spec.read or ReadSpec()
    known = _index(store)
    entries: dict[str, tuple[Pin, ...]] = {}
    for entry in _elsewhere(spec):
        if entry == QUERY:
            entries[entry] = (_answered_aside(read),)
            continue
        from keystage.adapters.remote_files import remote_files

        entries[entry] = tuple(
            _known(known, file.url, file.state, store) or Pin(file.url, NOT_FETCHED, file.size or 0)
            for file in remote_files(entry, read)
        )
    return Pinned(store, entries)


def _elsewhere(spec: DatasetSpec) -> list[str]:
    """The entries that are not in the project."""
    return [entry for entry in spec.all_entries if is_url(entry) or entry == QUERY]


def _pinned(entry: str, read: ReadSpec, store: Path, say: Say) -> Iterator[Pin]:
    """The files of one entry, in the store."""
    if entry == QUERY:
        yield _answered(read, store, say)
        return
    from keystage.adapters.remote_files import download, remote_files

    say(f"asking {entry}")
    for file in remote_files(entry, read):
        if found := _known(_index(store), file.url, file.state, store):
            yield found
            continue
        with _aside(store) as part:
            download(file, part, say)
            kept = _kept(part, file.url, store)
        _note(store, file.url, {"state": file.state, "md5": kept.md5, "size": kept.size})
        logger.info("Downloaded %s: %s bytes, MD5 %s", file.url, f"{kept.size:,}", kept.md5)
        yield kept


def _answered(read: ReadSpec, store: Path, say: Say) -> Pin:
    from keystage.adapters.sql_query import write_result

    assert read.query is not None
    assert read.url_variable is not None
    with _aside(store) as part:
        rows = write_result(read.query, read.url_variable, part, say)
        kept = _kept(part, QUERY, store)
    logger.info("Asked the database in %s: %s rows, MD5 %s", read.url_variable, f"{rows:,}", kept.md5)
    if "order by" not in " ".join(read.query.lower().split()):
        logger.warning(
            "dataset.read.query has no ORDER BY: a database may give the same rows in another order, which is another "
            "content, and the stages would run again"
        )
    return kept


def _answered_aside(read: ReadSpec) -> Pin:
    """The digest of a query's result, of which nothing is kept."""
    from tempfile import TemporaryDirectory

    from keystage.adapters.sql_query import write_result

    assert read.query is not None
    assert read.url_variable is not None
    with TemporaryDirectory() as folder:
        part = Path(folder, "result")
        write_result(read.query, read.url_variable, part, lambda _: None)
        return _pin(part, QUERY)


@contextmanager
def _aside(store: Path) -> Iterator[Path]:
    """A file to write to; what is left of it when that fails is removed."""
    part = store / f"part-{os.getpid()}"
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _kept(part: Path, name: str, store: Path) -> Pin:
    found = _pin(part, name)
    part.replace(store / found.md5)
    return found


def _pin(path: Path, name: str) -> Pin:
    found = digest(path)
    return Pin(name, found.md5, path.stat().st_size)


def _known(index: Mapping[str, Any], url: str, state: str | None, store: Path) -> Pin | None:
    """The content of last time, when it is the same still and here."""
    last = index.get(url) or {}
    if state is None or last.get("state") != state:
        return None
    path = store / str(last["md5"])
    is_whole = path.is_file() and digest(path).md5 == last["md5"]
    return Pin(url, str(last["md5"]), int(last["size"])) if is_whole else None


def _index(store: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads((store / _INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded


def _note(store: Path, url: str, values: Mapping[str, Any]) -> None:
    """Note what a URL held; experiments that run at the same time share the store."""
    from filelock import FileLock

    with FileLock(store / f"{_INDEX}.lock"):
        noted = {**_index(store), url: dict(values)}
        aside = store / f"{_INDEX}.{os.getpid()}"
        aside.write_text(json.dumps(noted, indent=1) + "\n", encoding="utf-8")
        aside.replace(store / _INDEX)


def give(names: Mapping[str, str], entries: Iterable[str], store: Path, project: Path) -> list[str]:
    """Fix what a state rebuilt in ``project`` reads to contents of this store: not to what the sources hold today.

    Args:
        names: MD5 by name, of sources that are not in the project.
        entries: of dataset.files, validation_files and test.files.
        store: of the project that it is rebuilt beside.
        project: where it is rebuilt.

    Returns:
        The names whose content is not in the store; then nothing is fixed, and the sources are asked.
    """
    missing = [name for name, md5 in names.items() if not (store / md5).is_file()]
    if names and not missing:
        pins = [Pin(name, md5, (store / md5).stat().st_size) for name, md5 in names.items()]
        by_entry = {
            entry: tuple(pin for pin in pins if pin.name == entry or _stands_for(entry, pin.name))
            for entry in (*entries, QUERY)
        }
        Pinned(store, by_entry, is_fixed=True).write(project / workspace.PINNED_NOTE)
    return missing


def _stands_for(entry: str, url: str) -> bool:
    return url.startswith(entry) if entry.endswith("/") else is_pattern(entry) and fnmatch(url, entry)
