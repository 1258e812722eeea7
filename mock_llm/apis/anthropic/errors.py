"""Anthropic's errors: a type for each status, and one sentence that begins with the field.

The types by status are those of Anthropic's documentation and SDK (``shared/error_type``,
``shared/error_response``); the sentences are those that users quote in public issue trackers.
"""

from __future__ import annotations

from typing import Any

from mock_llm.wire import Exchange, RefusedError

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


async def refuse(exchange: Exchange, refusal: RefusedError) -> None:
    """Answer a refusal."""
    request_id = f"req_{exchange.identity}"
    headers = [(name.encode(), value.encode()) for name, value in refusal.headers.items()]
    headers.append((b"request-id", request_id.encode()))
    await exchange.respond_json(refusal.status, body(refusal, request_id), headers)


def body(refusal: RefusedError, request_id: str) -> dict[str, Any]:
    """The JSON of a refusal; also what an error inside a stream carries."""
    kind = refusal.code if refusal.code in TYPES.values() else None
    kind = kind or TYPES.get(refusal.status, "invalid_request_error" if refusal.status < 500 else "api_error")
    error = {"type": kind, "message": refusal.message}
    return {"type": "error", "error": error, "request_id": request_id}


def invalid(field: str, what: str) -> RefusedError:
    """400: a field that cannot be."""
    return RefusedError(400, f"{field}: {what}", param=field)


def plain(message: str) -> RefusedError:
    """400: a sentence without a field before it."""
    return RefusedError(400, message)


def missing(field: str) -> RefusedError:
    """400: a field that must be there is not."""
    return invalid(field, "Field required")
