"""``HTTP_PROXY``: the request goes on to an HTTP endpoint, the answer comes back almost as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from sandbox.services.api_rest import headers as names
from sandbox.services.api_rest.call import Answer, Call
from sandbox.services.api_rest.gateway_response import GatewayError, internal, of_limit
from sandbox.services.api_rest.mapping import mapped, with_stage_variables

if TYPE_CHECKING:  # httpx takes a while to import, and most sandboxes have no HTTP endpoint behind them
    import httpx

# Names that mean the sandbox itself when it is asked for them.
_OWN_SUFFIXES = (".amazonaws.com", ".on.aws", ".localhost")
_OWN_HOSTS = ("api.openai.com",)


class HttpProxy:
    """Sends requests on. One client for all: connections are kept."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    def client(self) -> httpx.AsyncClient:
        """The client. Time limits are the gateway's, so it has none."""
        if self._client is None:
            import httpx

            limits = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=None)
            self._client = httpx.AsyncClient(timeout=None, trust_env=False, limits=limits)
        return self._client

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def integrate(self, call: Call) -> Answer:
        """Send the request on and take the whole answer. Raises ``GatewayError``."""
        return await self.fetch(call, build(call))

    async def fetch(self, call: Call, request: httpx.Request) -> Answer:
        """The whole answer to a request. Raises ``GatewayError``."""
        import httpx

        limit = int(call.sandbox.limits.value("api_rest.payload"))
        parts: list[bytes] = []
        size = 0
        try:
            response = await self.client().send(request, stream=True)
            try:
                async for part in response.aiter_raw():
                    parts.append(part)
                    size += len(part)
                    if size > limit:
                        raise _too_large(call, limit)
            finally:
                await response.aclose()
        except httpx.TransportError as failure:
            raise network_error(call, failure) from failure
        return Answer(response.status_code, pairs_of(response), b"".join(parts))


def pairs_of(response: httpx.Response) -> list[tuple[str, str]]:
    """The headers as they came, repeated ones too."""
    return [(n.decode("latin-1"), v.decode("latin-1")) for n, v in response.headers.raw]


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
    name = (parts.hostname or "").lower()
    if name in _OWN_HOSTS or name.endswith(_OWN_SUFFIXES):
        own = urlsplit(call.sandbox.endpoint)
        parts = parts._replace(scheme=own.scheme, netloc=own.netloc)
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", text, "")), host


def network_error(call: Call, failure: httpx.TransportError) -> GatewayError:
    """The endpoint cannot be reached or breaks off.

    The body was seen in github.com/RhinoSecurityLabs/IPRotate_Burp_Extension, issue 17 (Content-Length 56).
    """
    return GatewayError(
        "INTEGRATION_FAILURE",
        "Network error communicating with endpoint",
        504,
        "InternalServerErrorException",
        b'{"message": "Network error communicating with endpoint"}',
        reason=f"{type(failure).__name__}: {failure}",
    )


def _too_large(call: Call, limit: int) -> GatewayError:
    reason = f"the endpoint's answer is over {limit} bytes"
    failure = of_limit(call.sandbox.limits, "INTEGRATION_FAILURE", "integration", reason)
    failure.status = int(call.sandbox.limits.value("api_rest.error.response_too_large.status"))
    return failure
