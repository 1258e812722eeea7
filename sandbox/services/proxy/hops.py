"""Headers that end at a proxy, and the head of a request that goes on."""

from __future__ import annotations

from collections.abc import Iterable

Pairs = list[tuple[bytes, bytes]]

# RFC 9110, 7.6.1: between two programs only.
HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)


def connection_names(pairs: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    """The headers that ``Connection`` names: they end here too."""
    return {
        part.strip().lower()
        for name, value in pairs
        if name.lower() == b"connection"
        for part in value.split(b",")
    }


def head(method: bytes, target: bytes, pairs: Pairs) -> bytes:
    """The bytes of a request's head."""
    lines = [method + b" " + target + b" HTTP/1.1", *(name + b": " + value for name, value in pairs)]
    return b"\r\n".join([*lines, b"", b""])


def joined_cookies(pairs: Pairs) -> Pairs:
    """HTTP/2 may send cookies in pieces (RFC 9113, 8.2.3); HTTP/1.1 has them in one header."""
    pieces = [value for name, value in pairs if name.lower() == b"cookie"]
    if len(pieces) < 2:
        return pairs
    return [pair for pair in pairs if pair[0].lower() != b"cookie"] + [(b"cookie", b"; ".join(pieces))]
