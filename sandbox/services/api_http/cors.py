"""CORS configured on the API: preflight requests answered by the gateway, headers added to answers.

Source: API Gateway developer guide, "Configure CORS for HTTP APIs": the integration's own CORS headers are ignored,
origins may be ``https://*``, and OPTIONS requests that only an authorized ``$default`` route matches need its
authorization. Status 204 of a preflight is reported by users (S).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Pairs = list[tuple[str, str]]
PREFLIGHT_STATUS = 204


def is_preflight(method: str, origin: str | None, asked: str | None) -> bool:
    """Whether a browser asks for permission."""
    return method == "OPTIONS" and origin is not None and asked is not None


def allowed_origin(cors: Mapping[str, Any], origin: str | None) -> str | None:
    """What to say in ``Access-Control-Allow-Origin``."""
    if origin is None:
        return None
    for allowed in cors.get("AllowOrigins") or ():
        if allowed == "*":
            return "*"
        if allowed == origin or (allowed.endswith("://*") and origin.startswith(allowed[:-1])):
            return origin
    return None


def response_headers(cors: Mapping[str, Any] | None, origin: str | None) -> Pairs:
    """What is added to an answer; nothing for an origin that is not allowed."""
    allowed = allowed_origin(cors, origin) if cors else None
    if not cors or allowed is None:
        return []
    pairs = [("access-control-allow-origin", allowed)]
    if cors.get("AllowCredentials"):
        pairs.append(("access-control-allow-credentials", "true"))
    if cors.get("ExposeHeaders"):
        pairs.append(("access-control-expose-headers", ",".join(cors["ExposeHeaders"])))
    return pairs


def preflight_headers(cors: Mapping[str, Any], origin: str | None) -> Pairs:
    """The answer to a preflight."""
    pairs = [pair for pair in response_headers(cors, origin) if pair[0] != "access-control-expose-headers"]
    if not pairs:
        return []
    for name in ("AllowMethods", "AllowHeaders"):
        if cors.get(name):
            pairs.append((f"access-control-allow-{name[5:].lower()}", ",".join(cors[name])))
    if cors.get("MaxAge") is not None:
        pairs.append(("access-control-max-age", str(cors["MaxAge"])))
    return pairs


def without_own(cors: Mapping[str, Any] | None, pairs: Pairs) -> Pairs:
    """The integration's headers, its CORS headers left out when the API configures CORS."""
    if not cors:
        return pairs
    return [(name, value) for name, value in pairs if not name.lower().startswith("access-control-")]
