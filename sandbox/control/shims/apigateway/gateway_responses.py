"""The default gateway responses.

Source: API Gateway Developer Guide, "Gateway response types for API Gateway" (types and default status codes) and
the facts' 1.10 (default template).
"""

from __future__ import annotations

from typing import Any

# None: the status depends on what happened.
TYPES: dict[str, str | None] = {
    "ACCESS_DENIED": "403",
    "API_CONFIGURATION_ERROR": "500",
    "AUTHORIZER_CONFIGURATION_ERROR": "500",
    "AUTHORIZER_FAILURE": "500",
    "BAD_REQUEST_BODY": "400",
    "BAD_REQUEST_PARAMETERS": "400",
    "DEFAULT_4XX": None,
    "DEFAULT_5XX": None,
    "EXPIRED_TOKEN": "403",
    "INTEGRATION_FAILURE": "504",
    "INTEGRATION_TIMEOUT": "504",
    "INVALID_API_KEY": "403",
    "INVALID_SIGNATURE": "403",
    "MISSING_AUTHENTICATION_TOKEN": "403",
    "QUOTA_EXCEEDED": "429",
    "REQUEST_TOO_LARGE": "413",
    "RESOURCE_NOT_FOUND": "404",
    "THROTTLED": "429",
    "UNAUTHORIZED": "401",
    "UNSUPPORTED_MEDIA_TYPE": "415",
    "WAF_FILTERED": "403",
}


def default_response(kind: str) -> dict[str, Any]:
    """What API Gateway answers when nothing else was put."""
    template = '{"message":$context.error.messageString}'
    if kind == "BAD_REQUEST_BODY":
        template = '{"message": "$context.error.validationErrorString"}'
    made: dict[str, Any] = {
        "responseType": kind,
        "defaultResponse": True,
        "responseParameters": {},
        "responseTemplates": {"application/json": template},
    }
    if TYPES[kind] is not None:
        made["statusCode"] = TYPES[kind]
    return made
