"""``HTTP``: the request to an endpoint and its answer both go through mappings and templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.services.api_rest.call import Answer, Call
from sandbox.services.api_rest.http_proxy import HttpProxy, header_bytes, place, wrong_address
from sandbox.services.api_rest.integration_request import Outgoing, build
from sandbox.services.api_rest.integration_response import translate

if TYPE_CHECKING:
    import httpx


class HttpCustom:
    """Asks endpoints with the proxy's connections."""

    def __init__(self, proxy: HttpProxy) -> None:
        self._proxy = proxy

    async def integrate(self, call: Call) -> Answer:
        """The endpoint's answer as the method's. Raises ``GatewayError``."""
        answer = await self._proxy.fetch(call, _request(call, build(call)))
        return translate(call, answer, str(answer.status))


def _request(call: Call, outgoing: Outgoing) -> httpx.Request:
    import httpx

    try:
        url, host = place(call, outgoing.path, list(outgoing.query.items()))
        method = call.integration.http_method
        method = call.http_method if method in ("ANY", "") else method
        has_body = method not in ("GET", "HEAD", "OPTIONS")
        pairs = {
            "accept": ("Accept", "application/json"),
            "user-agent": ("User-Agent", f"AmazonAPIGateway_{call.api_id}"),
            "x-amzn-apigateway-api-id": ("x-amzn-apigateway-api-id", call.api_id),
            "x-amzn-trace-id": ("X-Amzn-Trace-Id", call.trace_id),
            **({"content-type": ("Content-Type", outgoing.content_type)} if has_body else {}),
            **outgoing.headers,
            "host": ("Host", host),
        }
        content = outgoing.body if has_body else None
        return httpx.Request(method, url, headers=header_bytes(pairs.values()), content=content)
    except (httpx.InvalidURL, ValueError) as wrong:
        raise wrong_address(call, wrong) from wrong
