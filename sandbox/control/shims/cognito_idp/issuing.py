"""Tokens of a login: made, renewed, read back, revoked."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.auth import tokens
from sandbox.auth.tokens import TokenError, unverified_claims, verify_jwt
from sandbox.control.shims.cognito_idp import claims, errors, triggers
from sandbox.control.shims.cognito_idp.keys import TokenUse, signing_key
from sandbox.control.shims.cognito_idp.state import LETTERS, Grant, State
from sandbox.control.shims.cognito_idp.views import Client, User, find_pool

# A refresh token is an encrypted JWT; only its first part can be read by others.
REFRESH_HEAD = base64.b64encode(b'{"cty":"JWT","enc":"A256GCM","alg":"RSA-OAEP"}').decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class TokenSet:
    """The tokens that a login gives. ``expires_in``: seconds of the access token."""

    access: str
    expires_in: int
    id: str | None = None
    refresh: str | None = None

    def authentication_result(self) -> dict[str, Any]:
        """As ``AuthenticationResultType`` has it."""
        made = {
            "AccessToken": self.access,
            "ExpiresIn": self.expires_in,
            "TokenType": "Bearer",
            "RefreshToken": self.refresh,
            "IdToken": self.id,
        }
        return {name: value for name, value in made.items() if value is not None}


async def log_in(
    state: State,
    client: Client,
    user: User,
    *,
    scope: str = claims.SIGN_IN_SCOPE,
    oauth: bool = False,
    source: str = "TokenGeneration_Authentication",
) -> TokenSet:
    """The tokens of a new login."""
    now = state.now()
    grant = Grant(
        client_id=client.id,
        username=user.username,
        origin_jti=state.ids.uuid(),
        event_id=state.ids.uuid(),
        auth_time=int(now),
        expires=now
        + client.validity_s("RefreshToken", int(state.sandbox.limits.value("cognito.token.refresh"))),
        scope=scope,
        oauth=oauth,
    )
    refresh = ".".join([REFRESH_HEAD, *(state.ids.text(n, LETTERS + "-_") for n in (342, 16, 400, 22))])
    state.grants[refresh] = grant
    return await _tokens(state, client, user, grant, source, refresh=refresh)


async def renew(state: State, client: Client, refresh_token: str) -> TokenSet:
    """New tokens for a refresh token. Raises ``NotAuthorizedException``."""
    grant = state.grants.get(refresh_token)
    if grant is None or grant.client_id != client.id:
        raise errors.not_authorized("Invalid Refresh Token")
    if grant.origin_jti in state.revoked:
        raise errors.not_authorized("Refresh Token has been revoked")  # the text is UNSOURCED
    if state.now() >= grant.expires:
        raise errors.not_authorized("Refresh Token has expired")
    user = await state.user(client.pool_id, grant.username)
    if user is None:
        raise errors.no_user()
    if not user.enabled:
        raise errors.not_authorized("User is disabled.")
    return await _tokens(state, client, user, grant, "TokenGeneration_RefreshTokens")


async def _tokens(
    state: State, client: Client, user: User, grant: Grant, source: str, *, refresh: str | None = None
) -> TokenSet:
    limits = state.sandbox.limits
    at = int(state.now())
    seconds = client.validity_s("AccessToken", int(limits.value("cognito.token.access")))
    shared = {"origin_jti": grant.origin_jti, "event_id": grant.event_id, "auth_time": grant.auth_time}
    if not client.revocation:
        del shared["origin_jti"]
    access = {
        **claims.common(client, user, "access", at, seconds),
        **shared,
        "jti": state.ids.uuid(),
        **claims.of_access(client, user, grant.scope, oauth=grant.oauth),
    }
    id_seconds = client.validity_s("IdToken", int(limits.value("cognito.token.id")))
    identity = {
        **claims.common(client, user, "id", at, id_seconds),
        **shared,
        "jti": state.ids.uuid(),
        **claims.of_id(client, user),
    }
    identity, access = await triggers.before_tokens(state, client, user, source, identity, access)
    wants_id = not grant.oauth or "openid" in grant.scope.split()
    return TokenSet(
        access=await sign(client.pool_id, "access", access),
        expires_in=seconds,
        id=await sign(client.pool_id, "id", identity) if wants_id else None,
        refresh=refresh,
    )


async def machine_token(state: State, client: Client, scope: str) -> TokenSet:
    """The access token of ``client_credentials``."""
    seconds = client.validity_s("AccessToken", int(state.sandbox.limits.value("cognito.token.access")))
    made = claims.of_machine(client, scope, int(state.now()), seconds)
    return TokenSet(await sign(client.pool_id, "access", {**made, "jti": state.ids.uuid()}), seconds)


async def sign(pool_id: str, use: TokenUse, payload: Mapping[str, Any]) -> str:
    """A JWT, signed by the pool's key for that use (about 1 ms of computing)."""
    import jwt

    key = await signing_key(pool_id, use)
    # Cognito's header has kid and alg only.
    return jwt.encode(dict(payload), key.private, algorithm="RS256", headers={"kid": key.kid, "typ": None})


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose access token it is."""

    client: Client
    user: User
    claims: Mapping[str, Any]


async def holder(state: State, access_token: str) -> Holder:
    """Who holds an access token of a pool of ours, for the operations that take one.

    Raises ``NotAuthorizedException`` for one that does not hold (any more).
    """
    found = await verified(state, access_token)
    if claims.SIGN_IN_SCOPE not in tokens.scopes_of(found):
        raise errors.not_authorized("Access Token does not have required scopes")
    return await holder_of(state, found)


async def verified(state: State, access_token: str) -> Mapping[str, Any]:
    """The claims of an access token that holds. Raises ``NotAuthorizedException``."""
    try:
        issuer = str(unverified_claims(access_token).get("iss", ""))
        found = await verify_jwt(
            access_token,
            issuer=issuer,
            audiences=(),
            keys=lambda asked: _own_keys(state, asked),
            now=state.now(),
            uses=("access",),
        )
    except TokenError as wrong:
        expired = wrong.description == tokens.EXPIRED
        text = "Access Token has expired" if expired else "Invalid Access Token"
        raise errors.not_authorized(text) from wrong
    if is_revoked(state, found):
        raise errors.not_authorized("Access Token has been revoked")
    return found


async def holder_of(state: State, found: Mapping[str, Any]) -> Holder:
    """The client and the user of an access token's claims."""
    client = await state.find_client(str(found["client_id"]))
    user = await state.user(client.pool_id, str(found.get("username"))) if client else None
    if client is None or user is None:
        raise errors.no_user()
    if not user.enabled:
        raise errors.not_authorized("User is disabled.")
    return Holder(client, user, found)


def is_revoked(state: State, found: Mapping[str, Any]) -> bool:
    """Whether the login of a token was revoked, or its user signed out everywhere."""
    return found.get("origin_jti") in state.revoked


async def _own_keys(state: State, issuer: str) -> Any:
    return await state.issuer_keys(issuer) or ()


def revoke(state: State, client: Client, refresh_token: str) -> None:
    """Revoke a refresh token and what was made with it. Raises for another client's and for no refresh token."""
    if not client.revocation:
        # The text is UNSOURCED.
        raise errors.refuse("UnsupportedOperationException", "Revocation is not enabled for this client")
    grant = state.grants.get(refresh_token)
    if grant is None:
        if refresh_token.count(".") == 2:  # an access or id token
            # The text is UNSOURCED.
            raise errors.refuse("UnsupportedTokenTypeException", "Token type is not supported")
        return
    if grant.client_id != client.id:
        raise errors.not_authorized("Token was not issued to this client")  # the text is UNSOURCED
    state.revoked.add(grant.origin_jti)


async def sign_out(state: State, pool_id: str, user: User) -> None:
    """Every login of the user ends (GlobalSignOut)."""
    pool_clients = await state.moto.run(lambda: _clients(pool_id))
    for grant in state.grants.values():
        if grant.username == user.username and grant.client_id in pool_clients:
            state.revoked.add(grant.origin_jti)


def _clients(pool_id: str) -> set[str]:
    pool = find_pool(pool_id)
    return set(pool.clients) if pool is not None else set()


def secret_hash(client: Client, username: str) -> str:
    """What a client with a secret must send: base64 of HMAC-SHA256 over user name and client id."""
    mac = hmac.digest((client.secret or "").encode(), f"{username}{client.id}".encode(), hashlib.sha256)
    return base64.b64encode(mac).decode()
