"""The opening handshake of a WebSocket: is it one, and what is answered (RFC 6455, 4.2). No sockets here."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import sha1
from http import HTTPStatus

Headers = Iterable[tuple[bytes, bytes]]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_VERSION = b"13"


class HandshakeError(Exception):
    """The request is no WebSocket handshake; ``status`` and ``headers`` of the refusal."""

    def __init__(self, status: int, problem: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(problem)
        self.status = status
        self.headers = headers


def key_of(method: bytes, http_version: str, headers: Headers) -> bytes:
    """The client's key. Raises :class:`HandshakeError`. That it asks for ``Upgrade: websocket`` is known."""
    if method != b"GET" or http_version != "1.1":
        raise HandshakeError(400, "a WebSocket begins with GET and HTTP/1.1")
    version = [value for name, value in headers if name == b"sec-websocket-version"]
    if version != [_VERSION]:
        raise HandshakeError(
            426, "Sec-WebSocket-Version must be 13", (("Sec-WebSocket-Version", _VERSION.decode()),)
        )
    keys = [value for name, value in headers if name == b"sec-websocket-key"]
    try:
        if len(keys) == 1 and len(b64decode(keys[0], validate=True)) == 16:
            return keys[0]
    except binascii.Error:
        pass
    raise HandshakeError(400, "Sec-WebSocket-Key must be one value: 16 bytes in base64")


def subprotocols(headers: Headers) -> list[str]:
    """What the client offers, in its order."""
    values = (value.decode("latin-1") for name, value in headers if name == b"sec-websocket-protocol")
    return [item for value in values for item in (part.strip() for part in value.split(",")) if item]


def accepted(key: bytes, subprotocol: str | None, headers: Iterable[tuple[str, str]]) -> bytes:
    """The 101."""
    proof = b64encode(sha1(key + _GUID, usedforsecurity=False).digest()).decode()
    pairs = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", proof)]
    if subprotocol is not None:
        pairs.append(("Sec-WebSocket-Protocol", subprotocol))
    return _head(101, [*pairs, *headers])


def refused(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    """Another answer, after which the connection ends."""
    kept = [(n, v) for n, v in headers if n.lower() not in ("content-length", "connection")]
    return _head(status, [*kept, ("Content-Length", str(len(body))), ("Connection", "close")]) + body


def _head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {_line(value)}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("utf-8")


def _line(value: str) -> str:
    return "".join(character if character.isprintable() else " " for character in value)
