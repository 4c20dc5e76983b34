"""Which failures are the disk's, not ours: it is full, it is read-only, or it denies access."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

from keystage.core.errors import DiskError, causes

_FULL = "make room (keystage gc says what the cache can give back)"
_FIXES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: "raise the limit of a file's size (ulimit -f)",
    errno.EROFS: "make it writable",
    errno.EACCES: "give yourself access",
    errno.EPERM: "give yourself access",
}


def disk_error(error: BaseException, *places: Path) -> DiskError | None:
    """The failure in words, when the disk is the cause of it.

    Args:
        error: anything that was raised; libraries wrap what the system told them, so its causes are looked at too.
        places: where it may have been, for a write, of which the system does not say where.
    """
    for cause in causes(error):
        if isinstance(cause, OSError) and not isinstance(cause, ConnectionError) and cause.errno in _FIXES:
            return _worded(cause, places or (Path(),))
    return None


def nearest_folder(place: Path) -> Path:
    """``place``, or the folder that it is in or would be in when what lies between is made."""
    return next(item for item in (place.absolute(), *place.absolute().parents) if item.is_dir())


def room(*places: Path) -> str:
    """How much is free in these places."""
    free = {place.absolute(): shutil.disk_usage(nearest_folder(place)).free / 2**20 for place in places}
    return ", ".join(f"{size:,.1f} MB are free in {place}" for place, size in free.items())


def _worded(error: OSError, places: tuple[Path, ...]) -> DiskError:
    assert error.errno is not None
    # A copy names its source first; what fails is nearly always the writing. A write names nothing.
    name = error.filename2 or error.filename
    place = Path(os.fsdecode(name)) if isinstance(name, str | bytes | os.PathLike) else None
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    looked_at = [place.parent] if place else [*places, Path(tempfile.gettempdir())]
    shown = _shown(place) if place else "a file"
    return DiskError(
        f"access to {shown} is denied" if error.errno in {errno.EACCES, errno.EPERM} else f"{shown} cannot be written",
        why=f"{os.strerror(error.errno)}{f'; {room(*looked_at)}' if full else ''}",
        fix=f"{_FIXES[error.errno]}, then run the same command again; what stages before this one gave is kept",
    )


def _shown(place: Path) -> str:
    here = Path.cwd()
    return str(place.relative_to(here) if place.is_relative_to(here) else place)
