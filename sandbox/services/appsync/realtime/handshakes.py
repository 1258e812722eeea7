"""Handshakes (facts 5.6, 5.7): subprotocol and credentials, in the query or in a second subprotocol.

A client that is refused has its connection, and is told by a ``connection_error``; the next thing that it says closes
it (how AppSync closes is UNSOURCED). IAM's signature covers a POST of ``{}`` to ``.../connect``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from sandbox.auth import SignedRequest
from sandbox.aws import json_text
from sandbox.services.appsync.access import Credentials
from sandbox.services.appsync.errors import RequestRefused
from sandbox.services.appsync.realtime import frames

if TYPE_CHECKING:
    from sandbox.context import Scope

_HEADER = "header-"
_REALTIME = "/realtime"


class HandshakeRefused(Exception):  # noqa: N818 - an answer
    """A connection that is opened only to say why it is refused."""

    def __init__(self, frame: str, reason: str) -> None:
        super().__init__(reason)
        self.frame = frame


def check_subprotocol(offered: list[str], wanted: str) -> None:
    """Raises :class:`HandshakeRefused`; the words are as clients of AppSync quote them."""
    if wanted not in offered:
        word = "SubProtocolNotSupportedError" if offered else "NoProtocolError"
        raise HandshakeRefused(
            frames.connection_error({"message": word}, 400), f"{word}: {', '.join(offered) or 'none'}"
        )


def refused(refusal: RequestRefused) -> HandshakeRefused:
    """Credentials that do not let a client in."""
    return HandshakeRefused(frames.connection_error(refusal.entry(), refusal.status), str(refusal))


def headers_of(scope: Scope) -> dict[str, str]:
    """The header object that a client sent with its handshake, names in lower case; empty without one."""
    text = next((one[len(_HEADER) :] for one in scope["subprotocols"] if one.startswith(_HEADER)), None)
    if text is None:
        query = parse_qs(bytes(scope["query_string"]).decode("latin-1"))
        text = query["header"][0] if "header" in query else None
    return decoded(text) if text else {}


def decoded(text: str) -> dict[str, str]:
    """Base64 of either alphabet, with or without its padding, of a JSON object. Raises ``RequestRefused``."""
    plain = text.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        value = json_text.loads(base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True))
    except (ValueError, binascii.Error) as wrong:
        raise RequestRefused(
            400, "BadRequestException", "The header is no base64 of a JSON object."
        ) from wrong
    return lower(value)


def lower(value: Any) -> dict[str, str]:
    """A header object with its names in lower case. Raises ``RequestRefused``."""
    if not isinstance(value, Mapping):
        raise RequestRefused(400, "BadRequestException", "The authorization is no object.")
    return {str(name).lower(): str(inner) for name, inner in value.items()}


def credentials(
    headers: Mapping[str, str], source_ip: str, sent_path: str, body: str, suffix: str = "", **more: Any
) -> Credentials:
    """What may let a client in. ``suffix``: ``/connect`` at the handshake; ``more``: for Lambda authorizers.

    The path that a signature covers is ``/graphql``, or what a client of the path style wrote.
    """
    paths = dict.fromkeys(("/graphql", sent_path.removesuffix(_REALTIME), sent_path))
    pairs = tuple(headers.items())
    signed = [SignedRequest("POST", path + suffix, "", pairs, body.encode()) for path in paths]
    return Credentials(headers, signed, source_ip, **more)
