"""Where an issuer's public keys come from: own user pools directly, foreign issuers over HTTP.

A foreign issuer is asked as API Gateway asks: its OpenID configuration, then the key set that this names, within
1.5 s and 150,000 bytes (fact 2.7). Keys are kept for two hours of the sandbox's time ("API Gateway can cache the
public key for two hours": developer guide, http-api-jwt-authorizer); an answer that failed is not kept.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from sandbox.auth.tokens import NO_KEYS, TokenError
from sandbox.aws.tls import public_authorities

if TYPE_CHECKING:
    from sandbox.context import Sandbox

Jwks = Sequence[Mapping[str, Any]]

KEPT_S = 7200.0
CONFIGURATION = "/.well-known/openid-configuration"
_OWN_SUFFIXES = (".amazonaws.com", ".localhost", ".amazoncognito.com")


class IssuerKeys:
    """The keys of issuers; call it with one.

    ``own(issuer)`` gives the keys of a pool of ours, ``None`` for an issuer that is none. ``now()``: seconds on the
    sandbox's clock.
    """

    def __init__(
        self,
        own: Callable[[str], Awaitable[Jwks | None]],
        now: Callable[[], float],
        *,
        timeout_s: float,
        max_bytes: int,
        endpoint: str | None = None,
    ) -> None:
        self._own = own
        self._now = now
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._endpoint = endpoint
        self._kept: dict[str, tuple[float, Jwks]] = {}

    @classmethod
    def of(cls, sandbox: Sandbox) -> IssuerKeys:
        """With the limits and the user pools of a sandbox."""
        return cls(
            sandbox.control.issuer_keys,
            sandbox.clock.now,
            timeout_s=float(sandbox.limits.value("api_http.jwt.jwks_timeout")),
            max_bytes=int(sandbox.limits.value("api_http.jwt.jwks_size")),
            endpoint=sandbox.endpoint,
        )

    async def __call__(self, issuer: str) -> Jwks:
        """The issuer's keys. Raises :class:`TokenError` when they cannot be read."""
        own = await self._own(issuer)
        if own is not None:
            return own
        until, keys = self._kept.get(issuer, (0.0, ()))
        if self._now() < until:
            return keys
        keys = await self._fetch(issuer)
        self._kept[issuer] = (self._now() + KEPT_S, keys)
        return keys

    async def _fetch(self, issuer: str) -> Jwks:
        import httpx  # only those with foreign issuers wait for its import

        try:
            async with (
                asyncio.timeout(self._timeout_s),
                httpx.AsyncClient(timeout=None, trust_env=False, verify=public_authorities()) as client,
            ):
                configuration = await self._document(client, issuer.rstrip("/") + CONFIGURATION)
                document = await self._document(client, str(configuration["jwks_uri"]))
                return tuple(dict(key) for key in document["keys"])
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, KeyError, TypeError) as failure:
            raise TokenError("invalid_token", NO_KEYS) from failure

    async def _document(self, client: Any, url: str) -> dict[str, Any]:
        """A JSON object. Raises ``ValueError`` for another status, another form, or too many bytes."""
        address, host = reachable(url, self._endpoint)
        parts: list[bytes] = []
        async with client.stream("GET", address, headers={"host": host}) as response:
            if response.status_code != 200:
                raise ValueError(f"{url} answered {response.status_code}")
            async for part in response.aiter_bytes():
                parts.append(part)
                if sum(map(len, parts)) > self._max_bytes:
                    raise ValueError(f"{url} is over {self._max_bytes} bytes")
        document = json.loads(b"".join(parts))
        if not isinstance(document, dict):
            raise ValueError(f"{url} is not a JSON object")
        return document


def reachable(url: str, endpoint: str | None) -> tuple[str, str]:
    """Where to connect, and the ``Host`` to say: AWS's names are the sandbox's, which is at ``endpoint``."""
    parts = urlsplit(url)
    if endpoint and (parts.hostname or "").endswith(_OWN_SUFFIXES):
        own = urlsplit(endpoint)
        return urlunsplit((own.scheme, own.netloc, parts.path, parts.query, "")), parts.netloc
    return url, parts.netloc
