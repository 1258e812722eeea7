"""The encoding of ``application/vnd.amazon.eventstream``: length-prefixed messages with two checksums.

A message is: total length and headers length (big-endian uint32 each), CRC-32 of these 8 bytes, the headers,
the payload, CRC-32 of everything before it. Only string headers (type 7) are written: AWS's services use no
others for events and errors. Source: Smithy, "Amazon Event Stream specification".
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from zlib import crc32

CONTENT_TYPE = "application/vnd.amazon.eventstream"

_STRING = 7
_MAX_NAME = 255  # the length of a header's name is one byte
_MAX_VALUE = 32_767  # Smithy: a string is at most 2^15 - 1 bytes
_MAX_HEADERS = 128 * 1024
_MAX_PAYLOAD = 24 * 1024 * 1024  # Smithy; botocore refuses more


def _header(name: str, value: str) -> bytes:
    raw_name, raw_value = name.encode(), value.encode()
    if not 0 < len(raw_name) <= _MAX_NAME:
        raise ValueError(
            f"event-stream header name {name[:40]!r} has {len(raw_name)} bytes, not 1 to {_MAX_NAME}"
        )
    if len(raw_value) > _MAX_VALUE:
        raise ValueError(f"event-stream header {name!r} has {len(raw_value)} bytes, more than {_MAX_VALUE}")
    return (
        struct.pack("!B", len(raw_name)) + raw_name + struct.pack("!BH", _STRING, len(raw_value)) + raw_value
    )


def encode(headers: Mapping[str, str], payload: bytes = b"") -> bytes:
    """One message. Headers are written in the order given. ``ValueError`` when something is too long."""
    head = b"".join(_header(name, value) for name, value in headers.items())
    if len(head) > _MAX_HEADERS:
        raise ValueError(f"event-stream headers have {len(head)} bytes, more than {_MAX_HEADERS}")
    if len(payload) > _MAX_PAYLOAD:
        raise ValueError(f"event-stream payload has {len(payload)} bytes, more than {_MAX_PAYLOAD}")
    # 16: the prelude with its checksum (12) and the message's checksum (4).
    prelude = struct.pack("!II", 16 + len(head) + len(payload), len(head))
    prelude_crc = crc32(prelude)
    body = struct.pack("!I", prelude_crc) + head + payload
    return prelude + body + struct.pack("!I", crc32(body, prelude_crc))


def event(
    event_type: str, payload: bytes = b"", content_type: str | None = "application/octet-stream"
) -> bytes:
    """An event (``PayloadChunk``, ``messageStart`` ...). ``content_type`` None: it names no payload type."""
    headers = {":event-type": event_type}
    if content_type is not None:
        headers[":content-type"] = content_type
    headers[":message-type"] = "event"
    return encode(headers, payload)


def exception(exception_type: str, payload: bytes, content_type: str = "application/json") -> bytes:
    """A modelled error inside a stream: ``exception_type`` is the member's name (``throttlingException``)."""
    headers = {":exception-type": exception_type, ":content-type": content_type, ":message-type": "exception"}
    return encode(headers, payload)


def error(code: str, message: str) -> bytes:
    """An unmodelled error inside a stream: code and message are headers, there is no payload."""
    return encode({":error-code": code, ":error-message": message, ":message-type": "error"})
