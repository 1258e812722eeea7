"""Requests from a gateway to an HTTP endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from sandbox.aws.tls import public_authorities

if TYPE_CHECKING:  # httpx takes a while to import, and most sandboxes have no HTTP endpoint behind them
    import httpx

# Names that mean the sandbox itself when it is asked for them.
_OWN_SUFFIXES = (".amazonaws.com", ".on.aws", ".localhost")
_OWN_HOSTS = ("api.openai.com",)


class TooLargeError(Exception):
    """The endpoint's answer is over the limit."""


class HttpClient:
    """One client for all requests of a service: connections are kept. Time limits are the gateway's."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    def client(self) -> httpx.AsyncClient:
        """The client, made at its first use."""
        if self._client is None:
            import httpx

            limits = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=None)
            self._client = httpx.AsyncClient(
                timeout=None, trust_env=False, limits=limits, verify=public_authorities()
            )
        return self._client

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def whole(self, request: httpx.Request, limit: int) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers as they came, and the body. Raises :class:`TooLargeError`, ``httpx.TransportError``."""
        parts: list[bytes] = []
        size = 0
        response = await self.client().send(request, stream=True)
        try:
            async for part in response.aiter_raw():
                parts.append(part)
                size += len(part)
                if size > limit:
                    raise TooLargeError(f"the endpoint's answer is over {limit} bytes")
        finally:
            await response.aclose()
        return response.status_code, pairs_of(response), b"".join(parts)


def pairs_of(response: httpx.Response) -> list[tuple[str, str]]:
    """The headers as they came, repeated ones too."""
    return [(n.decode("latin-1"), v.decode("latin-1")) for n, v in response.headers.raw]


def reachable(parts: SplitResult, endpoint: str) -> SplitResult:
    """Where to connect for an address: AWS's names are the sandbox's, at ``endpoint``."""
    name = (parts.hostname or "").lower()
    if name in _OWN_HOSTS or name.endswith(_OWN_SUFFIXES):
        own = urlsplit(endpoint)
        return parts._replace(scheme=own.scheme, netloc=own.netloc)
    return parts
