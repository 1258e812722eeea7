"""What an Event API refuses, and how it says so.

The messages are those of AppSync's GraphQL endpoints (facts 5.9, 5.10); that Event APIs use the same is UNSOURCED, as
are the texts about channels, ids and events. Event APIs give no ``errorCode`` (so Amplify's source says).
"""

from __future__ import annotations

from typing import Any

NOT_AUTHORIZED = "You are not authorized to make this call."
NO_CREDENTIALS = "Valid authorization header not provided."


class RefusedError(Exception):
    """An operation is refused. ``status``: of the HTTP answer."""

    def __init__(self, status: int, type: str, message: str) -> None:
        super().__init__(f"{type}: {message}")
        self.status = status
        self.type = type
        self.message = message

    def errors(self) -> list[dict[str, Any]]:
        """The ``errors`` of an answer or a frame."""
        return [{"errorType": self.type, "message": self.message}]


def unauthorized(message: str = NOT_AUTHORIZED) -> RefusedError:
    """The caller may not, or is not known."""
    return RefusedError(401, "UnauthorizedException", message)


def bad_request(message: str) -> RefusedError:
    """What was sent makes no sense."""
    return RefusedError(400, "BadRequestException", message)
