"""Which encoding would read a file that is not in the one that is declared."""

import codecs
from itertools import islice
from pathlib import Path

from keystage.core.errors import DatasetError
from keystage.data.formats.plain import opened
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import ReadSpec

BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_ODD_LINES = 200  # lines that do not decode: enough to know an alphabet by
_LOOKED_AT = 64 * 2**20  # bytes
_TELLING = 64  # characters; of fewer no language can be told, and the commonest encoding is the best guess
_COMMON = "cp1252"


def encoding_error(source: Source, read: ReadSpec, error: Exception) -> DatasetError:
    """What to say of a file that does not decode, whoever found that, with the encoding that would read it."""
    name = "UTF-8" if codecs.lookup(read.encoding).name == "utf-8" else read.encoding
    where = str(error)
    if isinstance(error, UnicodeDecodeError):
        where = f"byte {error.start} is {error.object[error.start : error.start + 1]!r}"
    found, sample = readable_as(source.path, source.name, read.encoding)
    return DatasetError(
        f"{source.shown} is not {name}",
        why=f"{where}; {found} would read it, like: {sample}",
        fix=f"if that is right, set dataset.read.encoding={found}, or convert it: iconv -f {found} -t utf-8 "
        f"{source.shown} > converted.csv",
    )


def readable_as(path: Path, name: str, declared: str) -> tuple[str, str]:
    """The likely encoding of a file, and the first words of it that the declared one cannot read.

    Args:
        path: where it is.
        name: its name, whose ending tells how it is compressed.
        declared: the encoding that it is not in.
    """
    with opened(path, name) as file:
        start = file.read(4)
        for mark, encoding in BYTE_ORDER_MARKS:
            if start.startswith(mark):
                return encoding, repr(_decoded(start + file.read(60), encoding))
        if b"\0" in start:  # letters of two bytes, of which one is empty
            return ("utf-16-le" if start[1:2] == b"\0" else "utf-16-be"), repr(start)
        lines = (line for line in (start + file.read(_LOOKED_AT)).splitlines() if not decodes(line, declared))
        odd = list(islice(lines, _ODD_LINES))
    is_utf8 = bool(odd) and all(decodes(line, "utf-8") for line in odd)
    likely = "utf-8" if is_utf8 else _guessed(b"\n".join(odd))
    return likely, repr(_decoded(odd[0] if odd else start, likely)[:40])


def _guessed(text: bytes) -> str:
    from charset_normalizer import from_bytes

    if len(text) < _TELLING and decodes(text, _COMMON):
        return _COMMON
    best = from_bytes(text).best()
    if best and decodes(text, _COMMON) and _decoded(text, _COMMON) == _decoded(text, best.encoding):
        return _COMMON  # of several that read it alike
    return best.encoding.replace("_", "-") if best and best.encoding != "utf_8" else "latin-1"


def decodes(text: bytes, encoding: str) -> bool:
    """Whether bytes are a text in an encoding."""
    try:
        text.decode(encoding)
    except UnicodeError:
        return False
    return True


def _decoded(line: bytes, encoding: str) -> str:
    return line.decode(encoding, errors="replace")
