"""Files behind URLs, through fsspec: what is there, whether it is still the same, and a copy of it."""

import errno
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple

from keystage.core.errors import DatasetError, causes
from keystage.core.params import first_line
from keystage.core.progress import Say
from keystage.data.sources.resolve import is_hidden, is_pattern
from keystage.data.sources.spec import ReadSpec

_ETAGS = ("ETag", "etag", "Content-MD5", "md5Hash")
_CONNECT_SECONDS, _SILENCE_SECONDS = 30, 120  # a server that says nothing for so long is given up
# A server that tells the second of a change alone may change a file twice within it.
_SETTLED_SECONDS = 60
_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}  # said elsewhere (keystage.core.disk)
_INSTALL = "make remotes (or pip install the package that is named)"


class RemoteFile(NamedTuple):
    """A file as its server tells of it.

    Attributes:
        url: where it is.
        state: equal while the content is; None when the server tells nothing by which that could be known.
        size: in bytes; None when it is not told.
    """

    url: str
    state: str | None
    size: int | None


def remote_files(entry: str, read: ReadSpec) -> list[RemoteFile]:
    """The files behind a URL: itself, or those that its pattern matches, or those below it when it ends in a slash.

    Args:
        entry: the URL.
        read: by which endings files of a folder are known.

    Raises:
        DatasetError: there is none, or it cannot be asked.
    """
    with _in_words(entry):
        files, path = _opened(entry)
        if entry.endswith("/"):
            found = [name for name in files.find(path) if read.format_of(name)]
        elif is_pattern(entry):
            found = files.glob(path)
        else:
            return [_described(entry, files.info(path))]
        protocol = entry.partition("://")[0]  # a service may have several, like az and abfs
        urls = {f"{protocol}://{str(files.unstrip_protocol(name)).partition('://')[2]}": name for name in found}
        kept = {url: name for url, name in sorted(urls.items()) if not is_hidden(name, path)}
        if not kept:
            why = "no name there matches it" if is_pattern(entry) else "it holds no file whose ending is known"
            raise DatasetError(
                f"no file is at {entry}",
                why=f"dataset.files names it, and {why}",
                fix="correct dataset.files in conf/dataset",
            )
        return [_described(url, files.info(name)) for url, name in kept.items()]


def download(file: RemoteFile, target: Path, say: Say) -> None:
    """Copy a file to ``target``, telling how far it is.

    Raises:
        DatasetError: it cannot be had.
    """
    from fsspec.callbacks import Callback

    class Told(Callback):  # type: ignore[misc]  # fsspec ships no annotations
        def call(self, hook_name: str | None = None, **kwargs: Any) -> None:  # noqa: ARG002 - fsspec's signature
            total = f" of {(self.size or 0) / 1e6:,.1f}" if self.size else ""
            say(f"downloading {file.url}: {self.value / 1e6:,.1f}{total} MB")

    say(f"downloading {file.url}")
    with _in_words(file.url):
        files, path = _opened(file.url)
        files.get_file(path, str(target), callback=Told())


def _opened(url: str) -> tuple[Any, str]:
    """The file system that a URL is of, and the path in it."""
    from fsspec.core import url_to_fs

    settings: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
    if url.startswith(("http://", "https://")):
        from aiohttp import ClientTimeout

        quiet = ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENCE_SECONDS)
        settings["client_kwargs"] = {"timeout": quiet, "trust_env": True}  # proxies of the environment
    files, path = url_to_fs(url, **settings)
    return files, str(path)


def _described(url: str, info: Mapping[str, Any]) -> RemoteFile:
    if info.get("type") == "directory":
        raise DatasetError(
            f"{url} is a folder",
            why="dataset.files takes a folder when it ends in a slash",
            fix=f"write {url}/, or a pattern like {url}/*.parquet",
        )
    size = info.get("size")
    etag = next((str(info[name]) for name in _ETAGS if info.get(name)), None)
    modified = next((info[name] for name in ("Last-Modified", "LastModified", "mtime") if info.get(name)), None)
    state = f"etag {etag}, {size} bytes" if etag else None
    if state is None and modified is not None and size is not None and _is_settled(modified):
        state = f"modified {modified}, {size} bytes"
    return RemoteFile(url, state, size)


def _is_settled(modified: Any) -> bool:
    """Whether a change is so long ago that a later one would have another time."""
    try:
        when = parsedate_to_datetime(modified) if isinstance(modified, str) else modified
    except ValueError:
        return False
    seconds = when.replace(tzinfo=when.tzinfo or UTC).timestamp() if isinstance(when, datetime) else float(when)
    return time.time() - seconds > _SETTLED_SECONDS


@contextmanager
def _in_words(url: str) -> Iterator[None]:
    """What goes wrong on the way to a URL, as an error of the dataset."""
    try:
        yield
    except ImportError as error:
        raise DatasetError(
            f"{url} cannot be read: the package for {url.partition('://')[0]} is not installed",
            why=first_line(error),
            fix=_INSTALL,
        ) from error
    except FileNotFoundError as error:
        status = next((cause.status for cause in causes(error) if hasattr(cause, "status")), None)
        roots = [cause for cause in causes(error) if not isinstance(cause, FileNotFoundError)]
        if roots and status is None:
            raise _unreachable(url, roots[-1]) from error
        raise DatasetError(
            f"{url} is not there" if status in {None, 404, 410} else f"{url} is refused",
            why=f"the server answers {status or 'that it has no such file'}",
            fix="correct dataset.files in conf/dataset, or put the file back",
        ) from error
    except PermissionError as error:
        raise DatasetError(
            f"{url} is refused",
            why=first_line(error),
            fix="give credentials as the service's own tools take them: environment variables, or a file of yours",
        ) from error
    except _failures() as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
            raise
        raise _unreachable(url, error) from error


def _unreachable(url: str, error: BaseException) -> DatasetError:
    return DatasetError(
        f"{url} cannot be reached",
        why=first_line(error) or type(error).__name__,
        fix="see that the address, the network and the credentials are right, then run again; what was fetched before "
        "is kept",
    )


def _failures() -> tuple[type[Exception], ...]:
    """What clients raise; of those alone that are loaded."""
    import sys

    named = (
        ("aiohttp", "ClientError"),
        ("botocore.exceptions", "BotoCoreError"),
        ("botocore.exceptions", "ClientError"),
        ("azure.core.exceptions", "AzureError"),
        ("google.auth.exceptions", "GoogleAuthError"),
    )
    loaded = (getattr(sys.modules[module], name) for module, name in named if module in sys.modules)
    return (OSError, ValueError, *loaded)
