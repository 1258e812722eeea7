"""What a Function URL answers itself (facts 4.10): status, type and body, as limits hold them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sandbox.aws.errors import AwsError
from sandbox.limits import Limits


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 - an answer, raised to leave the pipeline
    """An answer that does not come from the function. ``type``: for ``x-amzn-ErrorType``, or none."""

    status: int
    type: str | None
    body: bytes

    def headers(self) -> list[tuple[str, str]]:
        """Content type and error type."""
        typed = [("x-amzn-ErrorType", self.type)] if self.type else []
        return [("Content-Type", "application/json"), *typed]


def forbidden(limits: Limits) -> Refusal:
    """No permission, or an unsigned request to a URL that wants a signature."""
    return _named(limits, "forbidden", str(limits.value("function_url.error.forbidden.type")))


def unknown_url(limits: Limits) -> Refusal:
    """No such URL."""
    return _named(limits, "unknown", str(limits.value("function_url.error.forbidden.type")))


def function_failed(limits: Limits) -> Refusal:
    """The function failed, timed out, or answered in a form that is none."""
    return _named(limits, "function", None)


def _named(limits: Limits, name: str, type_: str | None) -> Refusal:
    body = str(limits.value(f"function_url.error.{name}.body"))
    return Refusal(int(limits.value(f"function_url.error.{name}.status")), type_, body.encode())


def too_large(limit: int) -> Refusal:
    """The request's body is over the limit. The body of this answer is UNSOURCED: it is Lambda's own message."""
    text = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
    return Refusal(413, "RequestEntityTooLargeException", _json({"Message": text}))


def refused(error: AwsError, limits: Limits) -> Refusal:
    """An error of the Invoke API or of the signature, as the client of the URL sees it."""
    if error.code == "MissingAuthenticationTokenException":
        return forbidden(limits)
    if error.status == 429:
        body = {"Reason": error.fields.get("Reason"), "Type": "User", "message": error.message}
        return Refusal(429, error.code, _json(body))
    if error.status == 413:
        return Refusal(413, error.code, _json({"Message": error.message}))
    if error.status in (400, 401, 403, 501):
        return Refusal(error.status, error.code, _json({"message": error.message}))
    return function_failed(limits)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
