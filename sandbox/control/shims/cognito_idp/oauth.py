"""The OAuth 2.0 side of user pools: what stands behind ``/oauth2/...`` of a hosted domain.

Sources: Cognito developer guide, token-endpoint, userinfo-endpoint, revocation-endpoint, authorization-endpoint.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.auth.tokens import scopes_of
from sandbox.aws.errors import AwsError
from sandbox.control.shims.cognito_idp import issuing, pools, steps, views
from sandbox.control.shims.cognito_idp.claims import SIGN_IN_SCOPE
from sandbox.control.shims.cognito_idp.state import State
from sandbox.control.shims.cognito_idp.views import Client
from sandbox.control.user_pools import Credentials, OauthError

CODE_S = 300  # Cognito developer guide, authorization code grant: redeem it within five minutes
STANDARD = frozenset(("openid", "email", "phone", "profile", SIGN_IN_SCOPE))


@dataclass(frozen=True, slots=True)
class _Code:
    client_id: str
    username: str
    redirect_uri: str
    scope: str
    challenge: str | None
    expires: float


@dataclass(slots=True)
class Oauth:
    """User pools behind their hosted domains."""

    state: State
    ready: Callable[[], Awaitable[None]] | None = None  # asked before moto is looked into
    _codes: dict[str, _Code] = field(default_factory=dict)

    def reset(self) -> None:
        """Forget all codes."""
        self._codes.clear()

    async def keys(self, pool_id: str) -> Sequence[Mapping[str, Any]] | None:
        """A pool's key set."""
        await self._ready()
        region = pool_id.partition("_")[0]
        return await self.state.issuer_keys(f"https://cognito-idp.{region}.amazonaws.com/{pool_id}")

    async def domain(self, name: str) -> str | None:
        """The id of the pool that has a domain."""
        await self._ready()
        found: str | None = await self.state.moto.run(lambda: pools.domain_pool(name))
        return found

    async def domain_of(self, pool_id: str) -> str | None:
        """A pool's domain."""

        def find() -> str | None:
            pool = views.find_pool(pool_id)
            return str(pool.domain.domain) if pool is not None and pool.domain else None

        found: str | None = await self.state.moto.run(find)
        return found

    async def tokens(self, pool_id: str, asks: Credentials, form: Mapping[str, str]) -> Mapping[str, Any]:
        """``/oauth2/token``."""
        grant = form.get("grant_type", "")
        if not grant:
            raise OauthError("invalid_request")
        client = await self._authenticated(pool_id, asks)
        if grant == "client_credentials":
            return _answer(await self._machine(client, form))
        if grant == "refresh_token":
            try:
                return _answer(await issuing.renew(self.state, client, form.get("refresh_token", "")))
            except AwsError as refused:
                raise OauthError("invalid_grant") from refused
        if grant == "authorization_code":
            return _answer(await self._redeem(client, form))
        raise OauthError("unsupported_grant_type")

    async def check_authorize(self, pool_id: str, query: Mapping[str, str]) -> None:
        """The parameters of ``/oauth2/authorize``."""
        client = await self._client(pool_id, query.get("client_id", ""))
        if query.get("redirect_uri") not in (client.config.get("CallbackURLs") or ()):
            raise OauthError("redirect_mismatch")
        if query.get("response_type") != "code":
            raise OauthError("invalid_request", "The sandbox knows response_type=code only.")
        _check_flow(client, "code")
        _scopes(client, query.get("scope", ""))
        if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
            raise OauthError("invalid_request", "code_challenge_method must be S256.")

    async def code(self, pool_id: str, query: Mapping[str, str], username: str, password: str) -> str:
        """A code for a user who logged in."""
        await self.check_authorize(pool_id, query)
        client = await self._client(pool_id, query["client_id"])
        try:
            user = await steps.check_password(self.state, client, username, password)
        except AwsError as refused:
            raise OauthError("access_denied", refused.message) from refused
        if user.status != "CONFIRMED":
            raise OauthError("access_denied", f"The user is {user.status}: log in once by the API.")
        if user.software_mfa or client.mfa == "ON":
            raise OauthError(
                "access_denied", "Second factors are asked for by the API alone, not on this page."
            )
        code = self.state.ids.uuid()
        scope = " ".join(sorted(_scopes(client, query.get("scope", ""))))
        expires = self.state.now() + CODE_S
        self._codes[code] = _Code(
            client.id, user.username, query["redirect_uri"], scope, query.get("code_challenge"), expires
        )
        return code

    async def user_info(self, pool_id: str, access_token: str) -> Mapping[str, Any]:
        """``/oauth2/userInfo``: attributes as text, also ``email_verified``."""
        gone = "Access token is expired, disabled, or deleted, or the user has globally signed out."
        try:
            claims = await issuing.verified(self.state, access_token)
            if not str(claims["iss"]).endswith(f"/{pool_id}"):
                raise OauthError("invalid_token", gone, 401)
            if "openid" not in scopes_of(claims):
                raise OauthError("insufficient_scope", "The access token lacks the scope openid.", 403)
            user = (await issuing.holder_of(self.state, claims)).user
        except AwsError as refused:
            raise OauthError("invalid_token", gone, 401) from refused
        return {"sub": user.sub, **user.attributes, "username": user.username}

    async def revoke(self, pool_id: str, asks: Credentials, token: str) -> None:
        """``/oauth2/revoke``."""
        client = await self._authenticated(pool_id, asks)
        if not token:
            raise OauthError("invalid_request")
        try:
            issuing.revoke(self.state, client, token)
        except AwsError as refused:
            kind = "unsupported_token_type" if "UnsupportedToken" in refused.code else "invalid_request"
            raise OauthError(kind) from refused

    async def _ready(self) -> None:
        """moto's state is one a process: what an earlier sandbox left in it must be gone."""
        if self.ready is not None:
            await self.ready()

    async def _client(self, pool_id: str, client_id: str) -> Client:
        client = await self.state.find_client(client_id) if client_id else None
        if client is None or client.pool_id != pool_id:
            raise OauthError("invalid_client")
        return client

    async def _authenticated(self, pool_id: str, asks: Credentials) -> Client:
        client = await self._client(pool_id, asks.client_id)
        sent, secret = (asks.secret or "").encode(), (client.secret or "").encode()
        if not hmac.compare_digest(sent, secret):
            raise OauthError("invalid_client")
        return client

    async def _machine(self, client: Client, form: Mapping[str, str]) -> issuing.TokenSet:
        if client.secret is None:
            raise OauthError("unauthorized_client")
        _check_flow(client, "client_credentials")
        granted = _scopes(client, form.get("scope", ""), client.resource_scopes)
        return await issuing.machine_token(self.state, client, " ".join(sorted(granted)))

    async def _redeem(self, client: Client, form: Mapping[str, str]) -> issuing.TokenSet:
        """A code counts once."""
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or self.state.now() >= code.expires or code.client_id != client.id:
            raise OauthError("invalid_grant")
        if form.get("redirect_uri") != code.redirect_uri or not _proves(code, form.get("code_verifier", "")):
            raise OauthError("invalid_grant")
        user = await self.state.user(client.pool_id, code.username)
        if user is None:
            raise OauthError("invalid_grant")
        return await issuing.log_in(
            self.state, client, user, scope=code.scope, oauth=True, source="TokenGeneration_HostedAuth"
        )


def _proves(code: _Code, verifier: str) -> bool:
    """PKCE (RFC 7636): the verifier's hash is the challenge."""
    if code.challenge is None:
        return True
    digest = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(digest.encode(), code.challenge.encode())


def _check_flow(client: Client, flow: str) -> None:
    allowed = client.config.get("AllowedOAuthFlows") or ()
    if not client.config.get("AllowedOAuthFlowsUserPoolClient") or flow not in allowed:
        raise OauthError("unauthorized_client")


def _scopes(client: Client, asked: str, known: frozenset[str] | None = None) -> frozenset[str]:
    """The scopes that are granted: those asked for, or all that the client has. UNSOURCED: ``invalid_scope``."""
    allowed = frozenset(client.config.get("AllowedOAuthScopes") or ())
    allowed &= STANDARD | client.resource_scopes if known is None else known
    wanted = frozenset(asked.split()) or allowed
    if not wanted or not wanted <= allowed:
        raise OauthError("invalid_scope")
    return wanted


def _answer(made: issuing.TokenSet) -> Mapping[str, Any]:
    answer = {
        "id_token": made.id,
        "access_token": made.access,
        "refresh_token": made.refresh,
        "expires_in": made.expires_in,
        "token_type": "Bearer",
    }
    return {name: value for name, value in answer.items() if value is not None}
