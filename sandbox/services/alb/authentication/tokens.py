"""The tokens of programs: ``jwt-validation`` (facts 7.15).

Source: Elastic Load Balancing developer guide, listener-verify-jwt: RS256, ``iss`` and ``exp`` must be there, ``nbf``
and ``iat`` are looked at, a key set of at most 150 KB and 10 keys. UNSOURCED: that any of an additional claim's
values is enough, and what a client gets when the key set cannot be read. Key sets are read anew for each request.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.auth.jwks import reachable
from sandbox.auth.tokens import Claims, TokenError, verify_jwt
from sandbox.aws.tls import public_authorities
from sandbox.context import Sandbox
from sandbox.control.elbv2 import Document
from sandbox.services.alb.authentication.errors import denied
from sandbox.services.alb.call import Call
from sandbox.services.alb.errors import AlbError, of_limit


async def judge(sandbox: Sandbox, call: Call, config: Document) -> None:
    """Let a request with a good token pass. Raises ``AlbError``."""
    kind, _, token = (call.header("authorization") or "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise denied(sandbox.limits, "JWTHeaderNotPresent")
    jwks = await _keys(sandbox, config["JwksEndpoint"])

    async def keys(_issuer: str) -> Sequence[Mapping[str, Any]]:
        return jwks

    try:
        claims = await verify_jwt(
            token.strip(), issuer=config["Issuer"], audiences=(), keys=keys, now=sandbox.clock.epoch()
        )
    except TokenError as error:
        raise denied(sandbox.limits, str(error)) from error
    for wanted in config.get("AdditionalClaims") or ():
        _check(sandbox, claims, wanted)


def _check(sandbox: Sandbox, claims: Claims, wanted: Document) -> None:
    name, form = wanted["Name"], wanted["Format"]
    if name not in claims:
        raise denied(sandbox.limits, f"JWTClaimNotPresent: {name}")
    value = claims[name]
    expected = list if form == "string-array" else str
    if not isinstance(value, expected):
        raise denied(sandbox.limits, f"JWTClaimFormatInvalid: {name} is no {form}")
    if isinstance(value, str):
        value = value.split() if form == "space-separated-values" else [value]
    if not set(wanted["Values"]) & set(map(str, value)):
        raise denied(sandbox.limits, f"JWTClaimValueInvalid: {name}")


async def _keys(sandbox: Sandbox, url: str) -> Sequence[Mapping[str, Any]]:
    import httpx  # only those that judge tokens wait for its import

    limits = sandbox.limits
    address, host = reachable(url, sandbox.endpoint)
    try:
        async with (
            asyncio.timeout(float(limits.value("alb.auth.endpoint_timeout"))),
            httpx.AsyncClient(timeout=None, trust_env=False, verify=public_authorities()) as client,
        ):
            answer = await client.get(address, headers={"host": host})
        if answer.status_code != 200 or len(answer.content) > int(limits.value("alb.jwt.key_set")):
            raise ValueError(f"status {answer.status_code}, {len(answer.content)} bytes")
        keys = json.loads(answer.content)["keys"]
        if not isinstance(keys, list) or len(keys) > int(limits.value("alb.jwt.keys")):
            raise ValueError("no list of keys, or too many")
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, KeyError, TypeError) as failure:
        raise _unreadable(sandbox, f"{url}: {failure}") from failure
    return keys


def _unreadable(sandbox: Sandbox, reason: str) -> AlbError:
    return of_limit(sandbox.limits, "jwks", f"the key set cannot be read: {reason}")
