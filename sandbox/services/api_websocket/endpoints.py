"""``HTTP`` and ``HTTP_PROXY``: the message is the body of a request to an HTTP endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sandbox.aws.tls import public_authorities
from sandbox.services.api_websocket import parameters, templates
from sandbox.services.api_websocket.call import Call, Outcome
from sandbox.services.api_websocket.errors import IntegrationError
from sandbox.services.api_websocket.functions import with_stage_variables

if TYPE_CHECKING:  # httpx takes a while to import, and most sandboxes have no HTTP endpoint behind them
    import httpx

_OWN_SUFFIXES = (".amazonaws.com", ".on.aws", ".localhost")
_NOT_PASSED = frozenset(("host", "content-length", "connection", "upgrade", "transfer-encoding"))


class Endpoints:
    """Sends messages on. One client for all: connections are kept."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def integrate(self, call: Call) -> Outcome:
        """The endpoint's answer. Raises :class:`IntegrationError`."""
        import httpx

        if self._client is None:
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=None)
            self._client = httpx.AsyncClient(
                timeout=None, trust_env=False, limits=limits, verify=public_authorities()
            )
        integration = call.integration
        assert integration is not None
        try:
            url, host = _address(call)
            method = integration.method if integration.method not in ("", "ANY") else "POST"
            headers = _headers(call) | {"host": host}
            response = await self._client.request(method, url, content=_body(call), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as failure:
            raise IntegrationError(
                f"the endpoint {integration.uri!r}: {type(failure).__name__} {failure}"
            ) from failure
        return Outcome(response.status_code, response.text or None, dict(response.headers))


def _body(call: Call) -> bytes | None:
    integration = call.integration
    assert integration is not None
    if integration.type == "HTTP" and call.body is not None:
        chosen = templates.chosen(
            integration.request_templates, integration.template_selection, call, call.body
        )
        if chosen is not None:
            return templates.render(chosen, call, call.body).encode()
    return None if call.body is None else call.body.encode()


def _headers(call: Call) -> dict[str, str]:
    """The handshake's own headers at ``$connect``, and what ``request_parameters`` maps."""
    integration = call.integration
    assert integration is not None
    pairs: dict[str, str] = {}
    if call.event_type == "CONNECT" and integration.type == "HTTP_PROXY":
        pairs = {n.lower(): v for n, v in call.headers if n.lower() not in _NOT_PASSED}
    elif call.body is not None:
        pairs = {"content-type": "application/json"}
    pairs |= {name.lower(): value for name, value in parameters.mapped(call, "header").items()}
    return pairs


def _address(call: Call) -> tuple[str, str]:
    """Where to send to, and the ``Host`` to say: names of AWS and of the sandbox reach the sandbox."""
    assert call.integration is not None
    parts = urlsplit(with_stage_variables(call, call.integration.uri))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it must be http(s)://host[:port]/...")
    host = parts.netloc
    if parts.hostname.lower().endswith(_OWN_SUFFIXES):
        own = urlsplit(call.sandbox.endpoint)
        parts = parts._replace(scheme=own.scheme, netloc=own.netloc)
    return parts.geturl(), host
