"""The event of a Function URL: payload format 2.0 (facts 4.8).

As recorded from AWS (test data of github.com/aws/aws-lambda-go, ``lambdaurl/testdata``, and other recordings of 2024
to 2026): members that have nothing to say are absent (``cookies``, ``queryStringParameters``, ``authorizer``,
``body``), ``authentication``, ``pathParameters`` and ``stageVariables`` always; the ``cookie`` header stays.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from sandbox.auth import Principal
from sandbox.services.bodies import as_text, joined

_NOT_PASSED = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade")
)


@dataclass(frozen=True, slots=True)
class UrlRequest:
    """What the event is made of. ``domain``: AWS's form of the host. ``path``, ``query``: as sent."""

    request_id: str
    trace_id: str
    url_id: str
    domain: str
    account: str
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str
    at: datetime
    principal: Principal | None  # None: AuthType NONE


def payload(request: UrlRequest) -> dict[str, Any]:
    """The event that the function gets."""
    headers = _headers(request)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
    }
    if "cookie" in headers:
        event["cookies"] = [c.strip() for c in headers["cookie"].split(";") if c.strip()]
    event["headers"] = headers
    if request.query:
        event["queryStringParameters"] = joined(parse_qsl(request.query, keep_blank_values=True))
    event["requestContext"] = _context(request, headers)
    text = as_text(request.body, headers.get("content-type", ""))
    if request.body:
        event["body"] = text if text is not None else b64encode(request.body).decode()
    event["isBase64Encoded"] = text is None
    return event


def _context(request: UrlRequest, headers: Mapping[str, str]) -> dict[str, Any]:
    context: dict[str, Any] = {
        "accountId": "anonymous" if request.principal is None else request.account,
        "apiId": request.url_id,
    }
    if request.principal is not None:
        context["authorizer"] = {"iam": _caller(request.principal)}
    return context | {
        "domainName": request.domain,
        "domainPrefix": request.url_id,
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": f"{request.at:%d/%b/%Y:%H:%M:%S +0000}",
        "timeEpoch": int(request.at.timestamp() * 1000),
    }


def _caller(principal: Principal) -> dict[str, Any]:
    return {
        "accessKey": principal.access_key,
        "accountId": principal.account,
        "callerId": principal.user_id,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": principal.arn,
        "userId": principal.user_id,
    }


def _headers(request: UrlRequest) -> dict[str, str]:
    """Lower case, values of one name joined; with what AWS's own front adds."""
    headers = joined(
        [(n.lower(), v) for n, v in request.headers if n.lower() not in _NOT_PASSED and n[0] != ":"]
    )
    forwarded = headers.get("x-forwarded-for")
    trace = headers.get("x-amzn-trace-id")
    return headers | {
        "host": request.domain,
        "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
        "x-amzn-tls-version": "TLSv1.3",
        "x-amzn-trace-id": trace or request.trace_id,
        "x-forwarded-for": f"{forwarded},{request.source_ip}" if forwarded else request.source_ip,
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }
