"""Binary media types of an API: which bodies are base64 in events, which answers are decoded.

Source: API Gateway developer guide, "Content type conversions in API Gateway" and "Return binary media from a Lambda
proxy integration": the first type of the ``Accept`` header decides.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence


def is_binary(header: str | None, binary_types: Sequence[str]) -> bool:
    """Whether a ``Content-Type`` or ``Accept`` header names a binary type of the API."""
    if "*/*" in binary_types:
        return True
    if not header:
        return False
    kind = header.split(",")[0].partition(";")[0].strip().lower()
    family = kind.partition("/")[0] + "/*"
    return any(t.lower() in (kind, family) for t in binary_types)


def encode(body: bytes, content_type: str | None, binary_types: Sequence[str]) -> tuple[str | None, bool]:
    """A request's body as an event has it, and whether it is base64."""
    if not body:
        return None, False
    if is_binary(content_type, binary_types):
        return b64encode(body).decode(), True
    # API Gateway reads a body of any other type as text.
    return body.decode("utf-8", "replace"), False


def decode(body: str, base64: bool, accept: str | None, binary_types: Sequence[str]) -> bytes:
    """A Lambda answer's body. ``ValueError`` when it is marked as base64 and is none."""
    if base64 and is_binary(accept, binary_types):
        return b64decode(body, validate=True)
    return body.encode()


def to_backend(
    body: bytes, content_type: str | None, handling: str | None, binary_types: Sequence[str]
) -> bytes:
    """A request's body as an integration gets it. ``ValueError`` for text that should be base64 and is none."""
    if bool(binary_types) and is_binary(content_type, binary_types):
        return b64encode(body) if handling == "CONVERT_TO_TEXT" else body
    return b64decode(body, validate=True) if handling == "CONVERT_TO_BINARY" and body else body


def to_client(
    body: bytes, kind: str | None, accept: str | None, handling: str | None, binary_types: Sequence[str]
) -> bytes:
    """An integration's body as the client gets it. ``ValueError`` for text that should be base64 and is none."""
    binary = bool(binary_types) and is_binary(kind, binary_types)
    wanted = bool(binary_types) and is_binary(accept, binary_types)
    if handling is None:
        handling = "CONVERT_TO_BINARY" if wanted else "CONVERT_TO_TEXT" if binary else None
    if binary:
        return b64encode(body) if handling == "CONVERT_TO_TEXT" else body
    return b64decode(body, validate=True) if handling == "CONVERT_TO_BINARY" and body else body
