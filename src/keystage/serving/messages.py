"""How the process that reads speaks with the processes that predict: a header in JSON, then bytes.

Both lengths come first, as unsigned 64-bit numbers. Pickle is not needed, so none is read.
"""

import json
import struct
from typing import IO, Any

LENGTHS = struct.Struct("<QQ")


def packed(header: Any, body: bytes = b"") -> bytes:
    """A message in the form in which it is sent."""
    head = json.dumps(header).encode()
    return LENGTHS.pack(len(head), len(body)) + head + body


def send(stream: IO[bytes], header: Any, body: bytes = b"") -> None:
    """Write a message and have it leave."""
    stream.write(packed(header, body))
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[Any, bytes] | None:
    """Read a message; None where the other side has ended."""
    lengths = stream.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    head, body = LENGTHS.unpack(lengths)
    text, rest = stream.read(head), stream.read(body)
    return (json.loads(text), rest) if len(rest) == body and len(text) == head else None
