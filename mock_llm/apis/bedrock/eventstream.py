"""Encoding of ``application/vnd.amazon.eventstream`` messages.

A message: its length and its headers' length (four bytes each), a CRC32 of those eight bytes, headers, payload,
and a CRC32 of all before it. A header: its name with a length byte, the type (7: text), and its value with two
length bytes.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

CONTENT_TYPE = b"application/vnd.amazon.eventstream"
JSON = "application/json"


def event(kind: str, payload: bytes) -> bytes:
    """An event of the stream."""
    return message(
        _headers(((":event-type", kind), (":content-type", JSON), (":message-type", "event"))), payload
    )


def exception(kind: str, payload: bytes) -> bytes:
    """An error inside the stream, which ends it. ``kind`` as the service model spells the member."""
    headers = ((":exception-type", kind), (":content-type", JSON), (":message-type", "exception"))
    return message(_headers(headers), payload)


def message(headers: bytes, payload: bytes) -> bytes:
    """A message of encoded headers and a payload."""
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    head = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + payload
    return head + struct.pack("!I", zlib.crc32(head))


def damaged(frame: bytes) -> bytes:
    """The message with another checksum than its own."""
    return frame[:-1] + bytes([frame[-1] ^ 0xFF])


@lru_cache(maxsize=64)
def _headers(pairs: tuple[tuple[str, str], ...]) -> bytes:
    return b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for name, value in pairs
    )
