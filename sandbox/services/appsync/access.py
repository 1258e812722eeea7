"""The five ways in (fact 5.13), the same for HTTP requests, connections and subscriptions.

What is quoted of refusals: "Unable to parse JWT token." also for a token with ``Bearer`` before it (issue 198 of
aws-appsync-community), "Token has expired." (S). Other messages than the usual one are those of SigV4's verification.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.auth import Principal, SignedRequest, verify
from sandbox.auth.jwks import IssuerKeys
from sandbox.auth.tokens import EXPIRED, Claims, TokenError, unverified_claims, verify_jwt
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.services.appsync.caller import Caller
from sandbox.services.appsync.errors import RequestRefused, no_credentials, unauthorized
from sandbox.services.appsync.lambda_authorizer import LambdaAuthorizers

if TYPE_CHECKING:
    from sandbox.context import Sandbox
    from sandbox.control.appsync import AuthProvider, AuthType, GraphqlApi

_CANNOT_PARSE = "Unable to parse JWT token."
_EXPIRED = "Token has expired."


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says of who sends it. ``headers``: in lower case. ``signed``: what a signature may cover."""

    headers: Mapping[str, str]
    signed: Sequence[SignedRequest]
    source_ip: str
    query: str | None = None  # for the Lambda authorizer
    operation: str | None = None
    variables: Mapping[str, Any] | None = None


class Access:
    """Lets callers in, with the keys and results that are kept."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._keys: IssuerKeys | None = None
        self._lambda = LambdaAuthorizers(sandbox)

    async def caller(self, api: GraphqlApi, given: Credentials) -> Caller:
        """Who it is. Raises :class:`RequestRefused`."""
        limits = self._sandbox.limits
        key = given.headers.get("x-api-key")
        if key is not None:
            return self._by_key(api, key)
        token = given.headers.get("authorization")
        if token is None:
            raise no_credentials(limits)
        if token.startswith("AWS4-HMAC-SHA256"):
            return await self._by_signature(api, given)
        return await self._by_token(api, token, given)

    def _by_key(self, api: GraphqlApi, key: str) -> Caller:
        found = api.keys.get(key)
        if _provider(api, "API_KEY") is None or found is None or self._sandbox.clock.epoch() >= found.expires:
            raise unauthorized(self._sandbox.limits)
        return Caller("API_KEY")

    async def _by_signature(self, api: GraphqlApi, given: Credentials) -> Caller:
        sandbox = self._sandbox
        if _provider(api, "AWS_IAM") is None:
            raise unauthorized(sandbox.limits)
        refusal: AwsError | None = None
        for request in given.signed:
            try:
                lookup = sandbox.control.secret_for
                principal = await verify(request, "appsync", api.region, lookup, sandbox.clock)
            except NotEmulatedError:
                raise
            except AwsError as error:
                refusal = refusal or error
                continue
            context = {"aws:SourceIp": given.source_ip, "aws:CurrentTime": sandbox.clock.utcnow().isoformat()}
            identity = _signer(principal, given.source_ip)
            return Caller("AWS_IAM", identity, principal=principal, context=context)
        assert refusal is not None
        raise RequestRefused(refusal.status, refusal.code, refusal.message) from refusal

    async def _by_token(self, api: GraphqlApi, token: str, given: Credentials) -> Caller:
        """A token of an issuer that the API knows is one of its users; any other is the Lambda authorizer's."""
        limits = self._sandbox.limits
        own = _provider(api, "AWS_LAMBDA")
        try:
            issuer = unverified_claims(token).get("iss")
        except TokenError as wrong:
            if own is None:
                takes_tokens = any(provider.user_pool or provider.openid for provider in api.auth)
                raise unauthorized(limits, _CANNOT_PARSE if takes_tokens else None) from wrong
            issuer = None
        for provider in api.auth:
            if provider.user_pool is not None and issuer == _pool_issuer(provider.user_pool):
                return await self._by_user_pool(provider, token, given)
            if provider.openid is not None and issuer == provider.openid["issuer"]:
                return await self._by_openid(provider, token, given)
        if own is None:
            raise unauthorized(limits)
        return await self._lambda.caller(api, own, token, given)

    async def _by_user_pool(self, provider: AuthProvider, token: str, given: Credentials) -> Caller:
        pool = provider.user_pool
        assert pool is not None
        claims = await self._claims(token, _pool_issuer(pool))
        client = claims.get("aud", claims.get("client_id", ""))
        pattern = pool.get("appIdClientRegex")
        if pattern and re.fullmatch(str(pattern), str(client)) is None:
            raise unauthorized(self._sandbox.limits)
        groups = claims.get("cognito:groups")
        default = str(pool.get("defaultAction") or "ALLOW")
        identity = {
            "claims": dict(claims),
            "defaultAuthStrategy": default,
            "groups": groups,
            "issuer": claims["iss"],
            "sourceIp": [given.source_ip],
            "sub": claims.get("sub"),
            "username": claims.get("cognito:username", claims.get("username")),
        }
        named = frozenset(map(str, groups or ()))
        return Caller("AMAZON_COGNITO_USER_POOLS", identity, named, default_allows=default == "ALLOW")

    async def _by_openid(self, provider: AuthProvider, token: str, given: Credentials) -> Caller:
        config = provider.openid
        assert config is not None
        limits, now = self._sandbox.limits, self._sandbox.clock.epoch()
        claims = await self._claims(token, str(config["issuer"]))
        audiences = claims.get("aud", claims.get("azp", ""))
        names = audiences if isinstance(audiences, list) else [audiences]
        wanted = config.get("clientId")
        if wanted and not any(re.fullmatch(str(wanted), str(name)) for name in names):
            raise unauthorized(limits)
        for claim, ttl in (("iat", config.get("iatTTL")), ("auth_time", config.get("authTTL"))):
            if ttl and (claim not in claims or now >= float(claims[claim]) + ttl / 1000):
                raise unauthorized(limits)
        identity = {"claims": dict(claims), "issuer": claims["iss"], "sub": claims.get("sub")}
        return Caller("OPENID_CONNECT", identity)

    async def _claims(self, token: str, issuer: str) -> Claims:
        self._keys = self._keys or IssuerKeys.of(self._sandbox)
        now = self._sandbox.clock.epoch()
        try:
            return await verify_jwt(token, issuer=issuer, audiences=(), keys=self._keys, now=now)
        except TokenError as refusal:
            message = _EXPIRED if refusal.description == EXPIRED else None
            raise unauthorized(self._sandbox.limits, message) from refusal


def _provider(api: GraphqlApi, kind: AuthType) -> AuthProvider | None:
    return next((provider for provider in api.auth if provider.type == kind), None)


def _pool_issuer(pool: Mapping[str, Any]) -> str:
    return f"https://cognito-idp.{pool['awsRegion']}.amazonaws.com/{pool['userPoolId']}"


def _signer(principal: Principal, source_ip: str) -> dict[str, Any]:
    """The identity of a signature; that of an identity pool says more."""
    session = {name.rpartition(":")[2]: value for name, value in principal.context.items()}
    kinds = [kind for kind in session.get("amr", ()) if kind.endswith("authenticated")]
    logins = [name for name in session.get("amr", ()) if not name.endswith("authenticated")]
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
