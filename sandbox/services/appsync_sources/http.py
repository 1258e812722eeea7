"""HTTP endpoints as data sources.

Source: AppSync developer guide, "Resolver function reference for HTTP": the result is ``{"statusCode", "headers",
"body"}``, whatever the status is. Repeated headers are joined by commas.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from sandbox.auth import SignedRequest
from sandbox.aws.errors import AwsError
from sandbox.services.appsync_sources import signing
from sandbox.services.appsync_sources.errors import SourceError
from sandbox.services.http_client import HttpClient, TooLargeError, reachable

if TYPE_CHECKING:
    import httpx

    from sandbox.control.appsync import DataSource
    from sandbox.services.appsync_sources.asking import Asking

LARGEST = 5 * 2**20  # "Maximum response size: 5 MB" is what the guide's limits say of resolvers; S


class HttpSource:
    """Sends requests with the client of all data sources."""

    def __init__(self, client: HttpClient) -> None:
        self._http = client

    async def call(self, request: Asking, source: DataSource, document: Mapping[str, Any]) -> Any:
        """The endpoint's answer. Raises :class:`SourceError`."""
        import httpx

        config = source.config.get("httpConfig") or {}
        try:
            built = await _build(request, source, config, document)
            status, pairs, body = await self._http.whole(built, LARGEST)
        except (httpx.InvalidURL, ValueError, TypeError, AttributeError) as wrong:
            told = f"The request to {source.name} cannot be made: {wrong}"
            raise SourceError(told, "BadRequestException") from wrong
        except AwsError as refusal:  # of the role
            raise SourceError(refusal.message, refusal.code) from refusal
        except (httpx.TransportError, TooLargeError) as failure:
            raise SourceError(f"{type(failure).__name__}: {failure}", "HttpConnectionException") from failure
        headers: dict[str, str] = {}
        for name, value in pairs:
            headers[name.lower()] = f"{headers[name.lower()]},{value}" if name.lower() in headers else value
        return {"statusCode": status, "headers": headers, "body": body.decode("utf-8", "replace")}


async def _build(
    request: Asking, source: DataSource, config: Mapping[str, Any], document: Mapping[str, Any]
) -> httpx.Request:
    import httpx

    params = document.get("params") or {}
    parts = urlsplit(str(config.get("endpoint", "")))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{config.get('endpoint')!r} is no http(s)://host[:port]")
    path = parts.path.rstrip("/") + str(document.get("resourcePath") or "/")
    query = urlencode({name: _text(value) for name, value in (params.get("query") or {}).items()})
    headers = {str(name).lower(): _text(value) for name, value in (params.get("headers") or {}).items()}
    headers["host"] = parts.netloc
    body = params.get("body")
    content = None if body is None else _text(body).encode()
    method = str(document.get("method") or "GET")
    authorization = config.get("authorizationConfig") or {}
    if authorization.get("authorizationType") == "AWS_IAM":
        signed = SignedRequest(method, path, query, tuple(headers.items()), content or b"")
        iam = authorization.get("awsIamConfig") or {}
        headers |= await signing.headers(request.sandbox, source, iam, signed)
    where = reachable(parts, request.sandbox.endpoint)
    url = urlunsplit((where.scheme, where.netloc, path, query, ""))
    return httpx.Request(method, url, headers=headers, content=content)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
