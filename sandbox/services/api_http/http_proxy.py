"""``HTTP_PROXY``: the request goes on to an HTTP endpoint, the answer comes back almost as it is.

The endpoint sees ``Forwarded`` and ``Via`` instead of ``X-Forwarded-*`` (reported by users of HTTP APIs; S). A
private integration (``VPC_LINK``) names the listener of an Application Load Balancer; what it gets as ``Host`` is
UNSOURCED.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from sandbox.aws.errors import NotEmulatedError
from sandbox.services.api_http import mapping
from sandbox.services.api_http.call import Answer, Call, Pairs
from sandbox.services.api_http.errors import internal, unavailable
from sandbox.services.api_http.functions import with_stage_variables
from sandbox.services.exchange import HOP_BY_HOP
from sandbox.services.http_client import HttpClient, TooLargeError, reachable

if TYPE_CHECKING:
    import httpx

_NOT_PASSED = HOP_BY_HOP | {"host", "content-length", "expect", "forwarded", "via"}


class HttpProxy:
    """Sends requests on."""

    def __init__(self) -> None:
        self._http = HttpClient()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def integrate(self, call: Call) -> Answer:
        """Send the request on and take the whole answer. Raises ``HttpApiError``."""
        import httpx

        limits = call.sandbox.limits
        try:
            request = _build(call)
            status, pairs, body = await self._http.whole(request, int(limits.value("api_http.payload")))
        except (httpx.InvalidURL, ValueError) as wrong:
            reason = f"{call.integration.uri!r} is no address of an endpoint: {wrong}"
            raise internal(limits, reason) from wrong
        except httpx.TransportError as failure:
            raise unavailable(limits, f"{type(failure).__name__}: {failure}") from failure
        except TooLargeError as failure:
            raise internal(limits, str(failure)) from failure
        return mapping.answer(call, Answer(status, pairs, body))


def _build(call: Call) -> httpx.Request:
    import httpx

    url, host = _address(call)
    method = call.integration.method if call.integration.method not in ("", "ANY") else call.method
    body = call.body if call.body or method in ("POST", "PUT", "PATCH") else None
    raw = [(_bytes(name), _bytes(value)) for name, value in _headers(call, host)]
    return httpx.Request(method, url, headers=raw, content=body)


def _headers(call: Call, host: str) -> Pairs:
    sent = [
        (name, value)
        for name, value in call.signed.headers
        if name.lower() not in _NOT_PASSED and not name.startswith(":")
    ]
    forwarded = f"by=127.0.0.1;for={call.source_ip};host={call.domain};proto=https"
    return [
        ("Host", host),
        *mapping.mapped(call, call.integration.request_parameters, "header", sent),
        ("Forwarded", forwarded),
        ("Via", "HTTP/1.1 AmazonAPIGateway"),
        ("X-Amzn-Trace-Id", call.trace_id),
    ]


def _bytes(text: str) -> bytes:
    """Headers came as Latin-1; other letters, from a mapped body for example, go as UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def _behind_the_link(call: Call, arn: str) -> str:
    """The address of the listener of a load balancer. Raises ``HttpApiError``."""
    if ":elasticloadbalancing:" not in arn:
        raise NotEmulatedError(f"private integrations of HTTP APIs with {arn or 'nothing'}")
    balancing = call.sandbox.control.load_balancing
    listener = next((one for one in balancing.listeners() if one.arn == arn), None)
    if listener is None:
        raise unavailable(call.sandbox.limits, f"there is no listener {arn}")
    balancer = balancing.load_balancers[listener.load_balancer]
    return f"{listener.protocol.lower()}://{balancer.dns_name}:{listener.port}"


def _address(call: Call) -> tuple[str, str]:
    """Where to connect, and the ``Host`` to say. Raises ``ValueError``."""
    private = call.integration.connection_type == "VPC_LINK"
    uri = with_stage_variables(call.integration.uri, call.api.stage_variables)
    if private:
        uri = _behind_the_link(call, uri)
    for name, value in call.path_parameters.items():
        shown = quote(value, safe="/:@!$&'()*+,;=~")
        uri = uri.replace("{%s}" % name, shown).replace("{%s+}" % name, shown)  # noqa: UP031 - braces
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("it must be http(s)://host[:port]/...")
    query = mapping.mapped(call, call.integration.request_parameters, "querystring", call.query())
    text = "&".join(filter(None, (parts.query, urlencode(query, quote_via=quote))))
    path = mapping.path(call)
    if private and path is None:
        path = call.raw_path  # with the stage: "Create private integrations for HTTP APIs"
    where = reachable(parts, call.sandbox.endpoint)
    shown = (path if path is None or path.startswith("/") else f"/{path}") or where.path or "/"
    return urlunsplit((where.scheme, where.netloc, shown, text, "")), parts.netloc
