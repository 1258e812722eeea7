"""How Lambda events carry HTTP: headers and parameters of one name joined, bodies as text or base64.

Function URLs and HTTP APIs share the payload format 2.0.
"""

from __future__ import annotations

from collections.abc import Iterable

# Whose bodies are passed as text, measured on HTTP APIs (github.com/ministackorg/ministack, pull request 766);
# multipart is base64 by a recording of localstack's tests.
TEXT_TYPES = frozenset(("application/json", "application/xml", "application/javascript"))


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Values of one name with commas between."""
    result: dict[str, str] = {}
    for name, value in pairs:
        result[name] = f"{result[name]},{value}" if name in result else value
    return result


def as_text(body: bytes, content_type: str) -> str | None:
    """The body as text, or ``None`` when its type (or a broken encoding) makes it binary."""
    kind = content_type.partition(";")[0].strip().lower()
    if body and not (kind.startswith("text/") or kind in TEXT_TYPES):
        return None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None
