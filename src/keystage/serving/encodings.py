"""Whether a file that is to be scored is a text, and in the encoding that it is read by."""

import codecs

from keystage.core.errors import DatasetError
from keystage.data.formats.encoding import decodes, readable_as
from keystage.data.formats.plain import is_utf8
from keystage.data.look.encoding import require_text
from keystage.serving.raw_file import RawFile

_HEAD = 2**20  # bytes that are looked at


def require_as_read(file: RawFile) -> None:
    """Refuse what is no text, and UTF-8 that would be read by another encoding: its letters would be others, unseen.

    Raises:
        DatasetError: names what it is, or the encoding that reads it.
    """
    with file.open() as opened:
        head = opened.read(_HEAD) + opened.readline()
    require_text(head, file.source)
    if is_utf8(file.read) or head.isascii():
        return
    if head.startswith(codecs.BOM_UTF8) or decodes(head, "utf-8"):
        raise DatasetError(
            f"{file.path} is in UTF-8",
            why=f"the model's files are in {file.read.encoding}: read so, letters with accents would be others",
            fix="--read encoding=utf-8",
        )


def other_encoding(file: RawFile) -> DatasetError:
    """What to say of a file that does not decode."""
    shown = "UTF-8" if is_utf8(file.read) else file.read.encoding
    found, sample = readable_as(file.path, file.path.name, file.read.encoding)
    return DatasetError(
        f"{file.path} is not {shown}",
        why=f"bytes of it stand for no letter there; {found} would read it, like: {sample}",
        fix=f"if that is right: --read encoding={found}",
    )
