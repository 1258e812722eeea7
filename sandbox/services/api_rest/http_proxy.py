"""``HTTP_PROXY``: the request goes on to an HTTP endpoint, the answer comes back almost as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from sandbox.services.api_rest import headers as names
from sandbox.services.api_rest import private
from sandbox.services.api_rest.call import Answer, Call
from sandbox.services.api_rest.gateway_response import GatewayError, internal, of_limit
from sandbox.services.api_rest.mapping import mapped, with_stage_variables
from sandbox.services.http_client import HttpClient, TooLargeError, reachable

if TYPE_CHECKING:  # httpx takes a while to import, and most sandboxes have no HTTP endpoint behind them
    import httpx


class HttpProxy(HttpClient):
    """Sends requests on."""

    async def integrate(self, call: Call) -> Answer:
        """Send the request on and take the whole answer. Raises ``GatewayError``."""
        return await self.fetch(call, build(call))

    async def fetch(self, call: Call, request: httpx.Request) -> Answer:
        """The whole answer to a request. Raises ``GatewayError``."""
        import httpx

        limit = int(call.sandbox.limits.value("api_rest.payload"))
        call.sending(str(request.url), request.headers.items(), request.content)
        try:
            answer = Answer(*await self.whole(request, limit))
        except TooLargeError as failure:
            raise _too_large(call, str(failure)) from failure
        except httpx.TransportError as failure:
            raise network_error(call, failure) from failure
        call.received(answer.status, answer.headers, answer.body)
        return answer


def build(call: Call) -> httpx.Request:
    """The request to the endpoint. Raises ``GatewayError`` for an address that is none."""
    import httpx

    try:
        url, host = _address(call)
        method = call.integration.http_method
        method = call.http_method if method in ("ANY", "") else method
        body = call.body if call.body or method in ("POST", "PUT", "PATCH") else None
        return httpx.Request(method, url, headers=_headers(call, host), content=body)
    except (httpx.InvalidURL, ValueError) as wrong:
        raise wrong_address(call, wrong) from wrong


def wrong_address(call: Call, wrong: Exception) -> GatewayError:
    """The integration's URI leads nowhere."""
    reason = f"{call.integration.uri!r} is no address of an endpoint: {wrong}"
    return internal(call.sandbox.limits, "API_CONFIGURATION_ERROR", 500, reason)


def _headers(call: Call, host: str) -> list[tuple[bytes, bytes]]:
    # Last wins: what the mapping sets stands for what the client sent.
    pairs = {n.lower(): (n, v) for n, v in names.of_request(call) if n.lower() != "host"}
    for name, value in mapped(call, "header").items():
        pairs[name.lower()] = (name, value)
    pairs.setdefault("user-agent", ("User-Agent", f"AmazonAPIGateway_{call.api_id}"))
    pairs["x-amzn-apigateway-api-id"] = ("x-amzn-apigateway-api-id", call.api_id)
    pairs["host"] = ("Host", host)
    return header_bytes(pairs.values())


def header_bytes(pairs: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Headers as httpx sends them."""
    return [(_bytes(n), _bytes(v)) for n, v in pairs]


def _bytes(text: str) -> bytes:
    """Headers came as Latin-1; other letters, from a mapped query for example, go as UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def _address(call: Call) -> tuple[str, str]:
    query = [*call.query(), *mapped(call, "querystring").items()]
    return place(call, call.path_parameters | mapped(call, "path"), query)


def place(call: Call, parameters: Mapping[str, str], query: list[tuple[str, str]]) -> tuple[str, str]:
    """Where to connect, and the ``Host`` to say. ``ValueError`` when the URI is no address."""
    uri = with_stage_variables(call.integration.uri, call.api.stage_variables)
    for name, value in parameters.items():
        uri = uri.replace("{%s}" % name, value).replace("{%s+}" % name, value)  # noqa: UP031 - braces
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("it must be http(s)://host[:port]/...")
    text = "&".join(filter(None, (parts.query, urlencode(query, quote_via=quote))))
    host = parts.netloc
    private_link = call.integration.connection_id or call.integration.target
    parts = private.through(call, parts) if private_link else reachable(parts, call.sandbox.endpoint)
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", text, "")), host


def network_error(call: Call, failure: httpx.TransportError) -> GatewayError:
    """The endpoint cannot be reached or breaks off."""
    return private.unreachable(f"{type(failure).__name__}: {failure}")


def _too_large(call: Call, reason: str) -> GatewayError:
    failure = of_limit(call.sandbox.limits, "INTEGRATION_FAILURE", "integration", reason)
    failure.status = int(call.sandbox.limits.value("api_rest.error.response_too_large.status"))
    return failure
