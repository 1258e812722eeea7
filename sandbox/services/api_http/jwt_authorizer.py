"""JWT authorizers (fact 2.7).

Source: API Gateway developer guide, "Control access to HTTP APIs with JWT authorizers" and "Troubleshooting issues
with HTTP API JWT authorizers". That a missing token gets the bare challenge ``Bearer`` is reported by users (S); the
answer to a token without a wanted scope is 403 ``Forbidden`` (S), without a challenge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.auth.jwks import IssuerKeys
from sandbox.auth.tokens import TokenError, scopes_of, verify_jwt
from sandbox.services.api_http import values
from sandbox.services.api_http.call import Call
from sandbox.services.api_http.errors import HttpApiError, forbidden, unauthorized

if TYPE_CHECKING:
    from sandbox.control.resources import V2Authorizer


async def check(call: Call, authorizer: V2Authorizer, keys: IssuerKeys) -> None:
    """Set the call's claims. Raises ``HttpApiError``."""
    limits = call.sandbox.limits
    try:
        claims = await verify_jwt(
            _token(call, authorizer),
            issuer=authorizer.issuer or "",
            audiences=authorizer.audience,
            keys=keys,
            now=call.sandbox.clock.epoch(),
            algorithms=limits.value("api_http.jwt.algorithms"),
        )
    except TokenError as refusal:
        raise _refused(call, refusal) from refusal
    wanted = call.route.scopes
    if wanted and not scopes_of(claims) & set(wanted):
        raise forbidden(f"the token has none of the scopes {', '.join(wanted)}")
    call.jwt = claims
    call.jwt_scopes = list(wanted) or None


def _token(call: Call, authorizer: V2Authorizer) -> str:
    """The token, with or without ``Bearer`` before it."""
    source = authorizer.identity_source[0] if authorizer.identity_source else "$request.header.Authorization"
    text = (values.evaluate(call, source) or "").strip()
    scheme, space, rest = text.partition(" ")
    return rest.strip() if space and scheme.lower() == "bearer" else text


def _refused(call: Call, refusal: TokenError) -> HttpApiError:
    if not refusal.code:
        return unauthorized(call.sandbox.limits, "no token", "Bearer")
    challenge = f'Bearer scope="" error="{refusal.code}" error_description="{refusal.description}"'
    return unauthorized(call.sandbox.limits, refusal.description, challenge)
