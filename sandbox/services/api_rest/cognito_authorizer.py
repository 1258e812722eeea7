"""``COGNITO_USER_POOLS``: the id token of a user pool, or its access token where the method has scopes (fact 9.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.auth.jwks import IssuerKeys
from sandbox.auth.tokens import Claims, TokenError, scopes_of, unverified_claims, verify_jwt
from sandbox.services.api_rest import identity_sources
from sandbox.services.api_rest.call import Call
from sandbox.services.api_rest.gateway_response import GatewayError, of_limit


async def authorize(call: Call, authorizer: Mapping[str, Any], keys: IssuerKeys) -> dict[str, Any]:
    """``requestContext.authorizer``: the token's claims. Raises the 401."""
    text = identity_sources.token(call, authorizer)
    text = text.removeprefix("Bearer ").strip()
    try:
        claims = await _verified(call, authorizer, text, keys)
    except TokenError as refusal:
        raise unauthorized(call, str(refusal)) from refusal
    if call.method.scopes and not scopes_of(claims) & set(call.method.scopes):
        raise unauthorized(call, f"the token has none of the scopes {', '.join(call.method.scopes)}")
    return {"claims": {name: _text(value) for name, value in claims.items()}}


async def _verified(call: Call, authorizer: Mapping[str, Any], text: str, keys: IssuerKeys) -> Claims:
    if not text:
        raise TokenError("", "")
    issuer = str(unverified_claims(text).get("iss"))
    allowed = [issuer_of(arn) for arn in authorizer.get("providerARNs") or ()]
    if issuer not in allowed:
        raise TokenError("invalid_token", f"the issuer {issuer} is none of {', '.join(allowed)}")
    return await verify_jwt(
        text,
        issuer=issuer,
        audiences=(),  # every client of the pool
        keys=keys,
        now=call.sandbox.clock.epoch(),
        uses=("access",) if call.method.scopes else ("id",),
    )


def issuer_of(arn: str) -> str:
    """``iss`` of the tokens of a user pool by its ARN."""
    parts = arn.split(":")
    return f"https://cognito-idp.{parts[3]}.amazonaws.com/{arn.rpartition('/')[2]}"


def unauthorized(call: Call, reason: str) -> GatewayError:
    """The 401 of an authorizer."""
    return of_limit(call.sandbox.limits, "UNAUTHORIZED", "unauthorized", reason)


def _text(value: Any) -> str:
    """A claim as the event has it: lists are joined by commas (reported for ``cognito:groups``)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
