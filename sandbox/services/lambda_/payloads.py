"""What may be sent to a function."""

from __future__ import annotations

import json

from sandbox.context import Invocation
from sandbox.limits import Limits
from sandbox.services.lambda_ import errors


def check_payload(limits: Limits, invocation: Invocation) -> None:
    """Refuse a payload that is too large (413) or no JSON (400)."""
    size = len(invocation.payload)
    value = limits.value
    status, code = (
        value("lambda.error.request_too_large.status"),
        value("lambda.error.request_too_large.code"),
    )
    if invocation.type == "Event":
        limit = value("lambda.payload.async")
        if size > limit:
            text = value("lambda.error.async_too_large.message").format(size=size, limit=limit)
            raise errors.request_too_large(status, code, text)
    elif size >= value("lambda.payload.sync"):
        limit = value("lambda.payload.sync")
        text = value("lambda.error.request_too_large.message").format(limit=limit)
        raise errors.request_too_large(status, code, text)
    if invocation.payload:
        try:
            json.loads(invocation.payload)
        except ValueError as error:
            raise errors.bad_json(str(error)) from None
