"""What the gateway answers itself: one error type, its default answer, and the API's own gateway responses.

Source: API Gateway developer guide, "Gateway response types" and "Set up gateway responses"; facts 1.4 to 1.10. A
custom response may set the status, headers (static, or of the request or ``context``) and a template.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.limits import Limits

Pairs = list[tuple[str, str]]

_INTERNAL = "InternalServerErrorException"
# The template that every type has by default: the bytes of the default answer are kept for it (their spaces differ).
DEFAULT_TEMPLATE = '{"message":$context.error.messageString}'

# type -> (default status, x-amzn-ErrorType)
TYPES: dict[str, tuple[int, str]] = {
    "ACCESS_DENIED": (403, "AccessDeniedException"),
    "API_CONFIGURATION_ERROR": (500, _INTERNAL),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, "AuthorizerConfigurationException"),
    "AUTHORIZER_FAILURE": (500, "AuthorizerFailureException"),
    "BAD_REQUEST_BODY": (400, "BadRequestException"),
    "BAD_REQUEST_PARAMETERS": (400, "BadRequestException"),
    "DEFAULT_4XX": (403, "ForbiddenException"),
    "DEFAULT_5XX": (500, _INTERNAL),
    "EXPIRED_TOKEN": (403, "ExpiredTokenException"),
    "INTEGRATION_FAILURE": (504, _INTERNAL),
    "INTEGRATION_TIMEOUT": (504, _INTERNAL),
    "INVALID_API_KEY": (403, "ForbiddenException"),
    "INVALID_SIGNATURE": (403, "InvalidSignatureException"),
    "MISSING_AUTHENTICATION_TOKEN": (403, "MissingAuthenticationTokenException"),
    "QUOTA_EXCEEDED": (429, "LimitExceededException"),
    "REQUEST_TOO_LARGE": (413, "RequestTooLargeException"),
    "RESOURCE_NOT_FOUND": (404, "NotFoundException"),
    "THROTTLED": (429, "TooManyRequestsException"),
    "UNAUTHORIZED": (401, "UnauthorizedException"),
    "UNSUPPORTED_MEDIA_TYPE": (415, "UnsupportedMediaTypeException"),
    "WAF_FILTERED": (403, "ForbiddenException"),
}
_NOT_CUSTOMISABLE = frozenset(("REQUEST_TOO_LARGE",))


@dataclass(eq=False)
class GatewayError(Exception):
    """The gateway answers instead of the integration. ``body``: the bytes of the default answer."""

    type: str
    message: str
    status: int
    error_type: str
    body: bytes
    content_type: str = "application/json"
    reason: str = ""  # what happened, in the sandbox's words; for the timeline only
    validation: str = ""  # $context.error.validationErrorString


def error(
    type: str, message: str, *, status: int | None = None, error_type: str | None = None, reason: str = ""
) -> GatewayError:
    """An error of a type with a message of its own. Its body has no space after the colon."""
    default, named = TYPES[type]
    body = json.dumps({"message": message}, separators=(",", ":"), ensure_ascii=False).encode()
    return GatewayError(type, message, status or default, error_type or named, body, reason=reason)


def of_limit(limits: Limits, type: str, name: str, reason: str = "") -> GatewayError:
    """An error whose body and status are recorded as ``api_rest.error.<name>.*``."""
    error_type = TYPES[type][1]
    body = str(limits.value(f"api_rest.error.{name}.body"))
    kind = "application/json"
    try:
        message = str(json.loads(body)["message"])
    except ValueError:
        message, kind = body, "text/plain"
    status = int(limits.value(f"api_rest.error.{name}.status"))
    return GatewayError(type, message, status, error_type, body.encode(), kind, reason)


def internal(limits: Limits, type: str, status: int, reason: str) -> GatewayError:
    """``Internal server error`` under one of its types."""
    body = str(limits.value("api_rest.error.integration.body"))
    return GatewayError(type, json.loads(body)["message"], status, _INTERNAL, body.encode(), reason=reason)


Fill = Callable[[str, GatewayError], str]
Value = Callable[[str], Sequence[str]]


def render(
    failure: GatewayError, responses: Mapping[str, Mapping[str, Any]], fill: Fill, value: Value
) -> tuple[int, Pairs, bytes]:
    """Status, headers and body: the API's own gateway response for the type, or the default.

    ``fill(template, failure)`` gives a template's text, ``value(expression)`` the values of a parameter.
    """
    own = _own(failure, responses)
    headers: Pairs = [("x-amzn-ErrorType", failure.error_type)]
    if own is None:
        return failure.status, [("Content-Type", failure.content_type), *headers], failure.body
    status = int(own.get("statusCode") or failure.status)
    for name, given in (own.get("responseParameters") or {}).items():
        if name.startswith("gatewayresponse.header."):
            header = name.removeprefix("gatewayresponse.header.")
            headers += [(header, text) for text in value(str(given))]
    templates = own.get("responseTemplates") or {}
    if not templates:
        return status, [("Content-Type", failure.content_type), *headers], failure.body
    kind = "application/json" if "application/json" in templates else next(iter(templates))
    if str(templates[kind]) == DEFAULT_TEMPLATE:
        return status, [("Content-Type", kind), *headers], failure.body
    body = fill(str(templates[kind]), failure)
    return status, [("Content-Type", kind), *headers], body.encode()


def _own(failure: GatewayError, responses: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    if failure.type in _NOT_CUSTOMISABLE or failure.type not in TYPES:
        return None
    fallback = responses.get("DEFAULT_5XX" if failure.status >= 500 else "DEFAULT_4XX")
    return responses.get(failure.type, fallback)


def static(value: str) -> str:
    """The text of a static mapping value, which is written in single quotes."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == "'" else value


def error_context(failure: GatewayError) -> dict[str, Any]:
    """``$context.error``."""
    return {
        "message": failure.message,
        "messageString": json.dumps(failure.message, ensure_ascii=False),
        "responseType": failure.type,
        "validationErrorString": failure.validation,
    }
