"""API keys, SigV4 signatures, and tokens of user pools and OpenID Connect issuers (fact 5.13).

What a caller may do with an identity, and in which words one is refused, is the API's own affair.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.auth import Principal, verify
from sandbox.auth.jwks import IssuerKeys
from sandbox.auth.tokens import EXPIRED, Claims, TokenError, verify_jwt
from sandbox.aws.errors import AwsError, NotEmulatedError

if TYPE_CHECKING:
    from sandbox.context import Sandbox
    from sandbox.control.appsync import AppSyncKey, AuthProvider
    from sandbox.services.appsync_auth.credentials import Credentials

Identity = dict[str, Any]


class RefusedError(Exception):
    """A key or a token lets nobody in. ``expired``: a token did, once."""

    def __init__(self, expired: bool = False) -> None:
        super().__init__("expired" if expired else "unauthorized")
        self.expired = expired


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed. ``identity``: as resolvers and handlers see it; ``context``: condition keys for policies."""

    principal: Principal
    identity: Identity
    context: Mapping[str, Any]


class Modes:
    """Finds out who it is, with the keys of issuers that are kept."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._issuer_keys: IssuerKeys | None = None

    def check_key(self, keys: Mapping[str, AppSyncKey], given: str) -> None:
        """Raises :class:`RefusedError` for a key that is unknown or over."""
        found = keys.get(given)
        if found is None or self._sandbox.clock.epoch() >= found.expires:
            raise RefusedError

    async def signer(self, region: str, given: Credentials) -> Signer:
        """Whose signature it is. Raises ``AwsError``: SigV4's own, about the first request that it could cover."""
        sandbox = self._sandbox
        refusal: AwsError | None = None
        for request in given.signed:
            try:
                principal = await verify(
                    request, "appsync", region, sandbox.control.secret_for, sandbox.clock
                )
            except NotEmulatedError:
                raise
            except AwsError as error:
                refusal = refusal or error
                continue
            context = {"aws:SourceIp": given.source_ip, "aws:CurrentTime": sandbox.clock.utcnow().isoformat()}
            return Signer(principal, _of_signature(principal, given.source_ip), context)
        assert refusal is not None
        raise refusal

    async def user(self, provider: AuthProvider, token: str, source_ip: str) -> Identity:
        """Whose token it is, by the user pool or the issuer of a provider. Raises :class:`RefusedError`."""
        if provider.user_pool is not None:
            return await self._of_pool(provider.user_pool, token, source_ip)
        assert provider.openid is not None
        return await self._of_openid(provider.openid, token)

    async def _of_pool(self, pool: Mapping[str, Any], token: str, source_ip: str) -> Identity:
        claims = await self._claims(token, _pool_issuer(pool))
        client = claims.get("aud", claims.get("client_id", ""))
        pattern = pool.get("appIdClientRegex")
        if pattern and re.fullmatch(str(pattern), str(client)) is None:
            raise RefusedError
        return {
            "claims": dict(claims),
            "groups": claims.get("cognito:groups"),
            "issuer": claims["iss"],
            "sourceIp": [source_ip],
            "sub": claims.get("sub"),
            "username": claims.get("cognito:username", claims.get("username")),
        }

    async def _of_openid(self, config: Mapping[str, Any], token: str) -> Identity:
        claims = await self._claims(token, str(config["issuer"]))
        now, wanted = self._sandbox.clock.epoch(), config.get("clientId")
        audience = claims.get("aud", claims.get("azp", ""))
        names = audience if isinstance(audience, list) else [audience]
        if wanted and not any(re.fullmatch(str(wanted), str(name)) for name in names):
            raise RefusedError
        for claim, ttl in (("iat", config.get("iatTTL")), ("auth_time", config.get("authTTL"))):
            if ttl and (claim not in claims or now >= float(claims[claim]) + ttl / 1000):
                raise RefusedError
        return {"claims": dict(claims), "issuer": claims["iss"], "sub": claims.get("sub")}

    async def _claims(self, token: str, issuer: str) -> Claims:
        self._issuer_keys = self._issuer_keys or IssuerKeys.of(self._sandbox)
        now = self._sandbox.clock.epoch()
        try:
            return await verify_jwt(token, issuer=issuer, audiences=(), keys=self._issuer_keys, now=now)
        except TokenError as refusal:
            raise RefusedError(expired=refusal.description == EXPIRED) from refusal


def of_issuer(providers: Iterable[AuthProvider], issuer: object) -> AuthProvider | None:
    """The provider whose tokens an issuer makes; ``None`` when the API knows none."""
    for provider in providers:
        if provider.user_pool is not None and issuer == _pool_issuer(provider.user_pool):
            return provider
        if provider.openid is not None and issuer == provider.openid["issuer"]:
            return provider
    return None


def _pool_issuer(pool: Mapping[str, Any]) -> str:
    return f"https://cognito-idp.{pool['awsRegion']}.amazonaws.com/{pool['userPoolId']}"


def _of_signature(principal: Principal, source_ip: str) -> Identity:
    """The identity of a signature; that of an identity pool says more, in its session's keys."""
    session = {key.rpartition(":")[2]: value for key, value in principal.context.items()}
    amr = list(session.get("amr", ()))
    kinds = [word for word in amr if word.endswith("authenticated")]
    logins = [word for word in amr if not word.endswith("authenticated")]
    return {
        "accountId": principal.account,
        "cognitoIdentityAuthProvider": ",".join(logins) or None,
        "cognitoIdentityAuthType": kinds[0] if kinds else None,
        "cognitoIdentityId": session.get("sub"),
        "cognitoIdentityPoolId": session.get("aud"),
        "sourceIp": [source_ip],
        "userArn": principal.arn,
        "username": principal.user_id,
    }
