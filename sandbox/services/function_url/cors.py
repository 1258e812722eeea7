"""CORS of a Function URL: the configured headers, and preflight requests answered without the function.

Source: Lambda developer guide, "Cross-origin resource sharing (CORS)". The configured headers are added to those of
the function, also when that makes them appear twice (seen in github.com/aws-powertools/powertools-lambda-python,
issue 4163, where ``AllowOrigins: ["*"]`` answered with the request's own origin).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.control.resources import Cors


Pairs = list[tuple[str, str]]


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser asks for permission."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def _allowed(cors: Cors, origin: str | None) -> bool:
    return origin is not None and ("*" in cors.allow_origins or origin in cors.allow_origins)


def response_headers(cors: Cors | None, origin: str | None) -> Pairs:
    """What is added to the answer of a request; nothing for an origin that is not allowed."""
    if cors is None or origin is None or not _allowed(cors, origin):
        return []
    headers = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
    if cors.expose_headers:
        headers.append(("Access-Control-Expose-Headers", ",".join(cors.expose_headers)))
    if cors.allow_credentials:
        headers.append(("Access-Control-Allow-Credentials", "true"))
    return headers


def preflight_headers(cors: Cors, origin: str) -> Pairs:
    """The answer to a preflight. A browser stops when its origin is not named in it."""
    headers = response_headers(cors, origin)
    if not headers:
        return []
    if cors.allow_methods:
        headers.append(("Access-Control-Allow-Methods", ",".join(cors.allow_methods)))
    if cors.allow_headers:
        headers.append(("Access-Control-Allow-Headers", ",".join(cors.allow_headers)))
    if cors.max_age is not None:
        headers.append(("Access-Control-Max-Age", str(cors.max_age)))
    return headers
