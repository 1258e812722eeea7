"""What AppSync says itself: entries of ``errors`` in an answer, and requests that are refused (facts 5.9, 5.10).

The messages of refused requests are as quoted in issues of amplify-js, amplify-flutter and aws-appsync-community;
those of validation are graphql-java's, on which AppSync runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.limits import Limits

Entry = dict[str, Any]


class FieldError(Exception):
    """A field is ``null`` and ``errors`` says why. ``data`` and ``info``: what ``util.error`` was given."""

    def __init__(self, message: str, type: str | None, data: Any = None, info: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.type = type
        self.data = data
        self.info = info


class RequestRefused(Exception):  # noqa: N818 - an answer
    """A whole request is refused. ``status``: of the HTTP answer, and the ``errorCode`` of a ``connection_error``."""

    def __init__(self, status: int, type: str, message: str) -> None:
        super().__init__(f"{type}: {message}")
        self.status = status
        self.type = type
        self.message = message

    def entry(self) -> Entry:
        """The error in ``errors``; some have no message."""
        return {"errorType": self.type, **({"message": self.message} if self.message else {})}

    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        return {"errors": [self.entry()]}


def unauthorized(limits: Limits, message: str | None = None) -> RequestRefused:
    """401; without a message of its own the usual one."""
    status = int(limits.value("appsync.error.unauthorized.status"))
    text = message or str(limits.value("appsync.error.unauthorized.message"))
    return RequestRefused(status, "UnauthorizedException", text)


def no_credentials(limits: Limits) -> RequestRefused:
    """The request says nothing of who sends it."""
    return unauthorized(limits, str(limits.value("appsync.error.no_auth.message")))


def malformed(message: str) -> RequestRefused:
    """400: what was sent is no GraphQL request."""
    return RequestRefused(400, "MalformedHttpRequestException", message)


def not_authorized(type_name: str, field_name: str) -> FieldError:
    """The caller may not have a field."""
    return FieldError(f"Not Authorized to access {field_name} on type {type_name}", "Unauthorized")


def entry(error: FieldError, path: Sequence[str | int] | None, places: Sequence[Mapping[str, int]]) -> Entry:
    """A resolver's error in ``errors``."""
    return {
        "path": None if path is None else list(path),
        "data": error.data,
        "errorType": error.type,
        "errorInfo": error.info,
        "locations": locations(places),
        "message": error.message,
    }


def plain(
    message: str, places: Sequence[Mapping[str, int]] | None, path: Sequence[str | int] | None = None
) -> Entry:
    """An error of AppSync's own about a query or a value: without a type."""
    return {
        "path": None if path is None else list(path),
        "locations": None if places is None else locations(places),
        "message": message,
    }


def locations(places: Sequence[Mapping[str, int]]) -> list[dict[str, Any]]:
    """Lines and columns as AppSync writes them."""
    return [{"line": place["line"], "column": place["column"], "sourceName": None} for place in places]
