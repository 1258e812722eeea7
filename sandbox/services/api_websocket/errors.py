"""What the gateway says itself: frames on an open connection, refusals of a handshake (facts 3.11 to 3.15)."""

from __future__ import annotations

import json

from sandbox.limits import Limits


class Refusal(Exception):  # noqa: N818 - an answer
    """A handshake is answered with a status. ``type`` is the ``x-amzn-ErrorType``; ``reason`` for the timeline."""

    def __init__(self, status: int, message: str, type: str, reason: str = "") -> None:
        super().__init__(reason or message)
        self.status = status
        self.message = message
        self.type = type
        self.reason = reason


class IntegrationError(Exception):
    """An integration gave no answer. ``frame``: the row ``api_websocket.error.<frame>.frame`` that tells the client.

    ``status``: of the handshake when it happens at ``$connect``.
    """

    def __init__(self, reason: str, *, frame: str = "integration", status: int = 500) -> None:
        super().__init__(reason)
        self.frame = frame
        self.status = status


def forbidden(reason: str) -> Refusal:
    """403 as for an unknown stage."""
    return Refusal(403, "Forbidden", "ForbiddenException", reason)


def frame(limits: Limits, name: str, **ids: str) -> str:
    """The text of an error frame with its ids."""
    text = str(limits.value(f"api_websocket.error.{name}.frame"))
    for key, value in ids.items():
        text = text.replace("{%s}" % key, value)  # noqa: UP031 - braces
    return text


def other_frame(message: str, connection_id: str, request_id: str) -> str:
    """A frame in the same form with a message of its own."""
    return (
        f'{{"message": {json.dumps(message)}, "connectionId":"{connection_id}", "requestId":"{request_id}"}}'
    )
