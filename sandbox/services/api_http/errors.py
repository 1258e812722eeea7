"""The answers that the gateway makes itself: a status and ``{"message": ...}``, compact.

Where the facts give no message it is the reason phrase of the status, as in those that they give (404 "Not Found",
500 "Internal Server Error", 503 "Service Unavailable"): inferred, UNSOURCED for 413, 429 and 504.
"""

from __future__ import annotations

import json

from sandbox.limits import Limits

Pairs = list[tuple[str, str]]


class HttpApiError(Exception):
    """An answer of the gateway's own. ``reason``: why, for the timeline only."""

    def __init__(self, status: int, body: bytes, reason: str = "", headers: Pairs | None = None) -> None:
        super().__init__(f"{status}: {reason or body.decode()}")
        self.status = status
        self.body = body
        self.reason = reason
        self.headers = headers or []

    def pairs(self) -> Pairs:
        """Its headers, with the content type."""
        return [("content-type", "application/json"), *self.headers]


def message(text: str) -> bytes:
    """A body."""
    return json.dumps({"message": text}, separators=(",", ":")).encode()


def not_found(reason: str) -> HttpApiError:
    """No route, no stage, no API."""
    return HttpApiError(404, message("Not Found"), reason)


def internal(limits: Limits, reason: str) -> HttpApiError:
    """The function failed or may not be invoked (2.3)."""
    status = int(limits.value("api_http.error.integration.status"))
    return HttpApiError(status, limits.value("api_http.error.integration.body").encode(), reason)


def unavailable(limits: Limits, reason: str) -> HttpApiError:
    """A function gave no answer in time, or Lambda is throttled (2.2)."""
    status = int(limits.value("api_http.error.unavailable.status"))
    return HttpApiError(status, limits.value("api_http.error.unavailable.body").encode(), reason)


def proxy_timeout(limits: Limits, reason: str) -> HttpApiError:
    """An HTTP endpoint gave no answer in time (2.2)."""
    status = int(limits.value("api_http.error.proxy_timeout.status"))
    return HttpApiError(status, message("Gateway Timeout"), reason)


def too_large(limits: Limits, reason: str) -> HttpApiError:
    """The request's body is over the limit (2.4)."""
    status = int(limits.value("api_http.error.too_large.status"))
    return HttpApiError(status, message("Request Entity Too Large"), reason)


def too_many() -> HttpApiError:
    """Throttled."""
    return HttpApiError(429, message("Too Many Requests"), "throttled")


def forbidden(reason: str) -> HttpApiError:
    """An authorizer or a policy says no."""
    return HttpApiError(403, message("Forbidden"), reason)


def unauthorized(limits: Limits, reason: str, challenge: str | None = None) -> HttpApiError:
    """No identity, or one that does not hold (2.7). ``challenge``: the header ``www-authenticate``."""
    status = int(limits.value("api_http.error.unauthorized.status"))
    headers = [("www-authenticate", challenge)] if challenge else []
    body = limits.value("api_http.error.unauthorized.body").encode()
    return HttpApiError(status, body, reason, headers)
