"""The CORS configuration of an HTTP API.

Source: API Gateway Developer Guide, "Configure CORS for HTTP APIs", and botocore, ``Cors``. The wording of errors is
UNSOURCED.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.shims.apigatewayv2.store import bad_request


def check(given: Mapping[str, Any]) -> None:
    """Judge a configuration: credentials do not go with ``*``, ages from -1 to a day."""
    if given.get("AllowCredentials") and "*" in (given.get("AllowOrigins") or ()):
        raise bad_request("AllowCredentials cannot be true when AllowOrigins is *")
    age = given.get("MaxAge")
    if age is not None and not -1 <= age <= 86_400:
        raise bad_request(f"MaxAge must be between -1 and 86400 seconds, not {age}")
    for origin in given.get("AllowOrigins") or ():
        if origin != "*" and "://" not in origin:
            raise bad_request(f"Invalid origin in AllowOrigins: {origin} (a scheme and a host, or *)")
