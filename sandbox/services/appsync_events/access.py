"""The five ways into an Event API (facts 5.10, 5.13, 5.22, 5.23): at the connection, and anew at each operation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.auth import Principal, authorize, verify
from sandbox.auth.jwks import IssuerKeys
from sandbox.auth.tokens import Claims, TokenError, unverified_claims, verify_jwt
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.services.appsync_events.authorizer import Authorizers
from sandbox.services.appsync_events.caller import ACTIONS, Asked, Caller, Credentials
from sandbox.services.appsync_events.errors import NO_CREDENTIALS, RefusedError, unauthorized

if TYPE_CHECKING:
    from sandbox.context import Sandbox
    from sandbox.control.appsync import AuthProvider, AuthType, EventApi


class Access:
    """Lets callers in, with the keys and results that are kept."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._keys: IssuerKeys | None = None
        self._authorizers = Authorizers(sandbox)

    async def caller(self, api: EventApi, asked: Asked, given: Credentials) -> Caller:
        """Who it is. Raises ``RefusedError``: unknown, expired, or by a mode that the operation does not take."""
        headers = given.headers
        key, token = headers.get("x-api-key"), headers.get("authorization")
        if key is not None:
            return self._by_key(api, asked, key, headers)
        if token is None:
            raise unauthorized(NO_CREDENTIALS)
        if token.startswith("AWS4-HMAC-SHA256"):
            return await self._by_signature(api, asked, given)
        return await self._by_token(api, asked, token, given)

    def _by_key(self, api: EventApi, asked: Asked, key: str, headers: Mapping[str, str]) -> Caller:
        _provider(api, asked, "API_KEY")
        found = api.keys.get(key)
        if found is None or self._sandbox.clock.epoch() >= found.expires:
            raise unauthorized()
        return Caller("API_KEY", headers=headers)

    async def _by_signature(self, api: EventApi, asked: Asked, given: Credentials) -> Caller:
        _provider(api, asked, "AWS_IAM")
        sandbox = self._sandbox
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
            resource = f"{api.arn}/channelNamespace/{asked.namespace}" if asked.namespace else api.arn
            context = {"aws:SourceIp": given.source_ip, "aws:CurrentTime": sandbox.clock.utcnow().isoformat()}
            if not authorize(principal, ACTIONS[asked.operation], resource, context=context):
                raise unauthorized()
            return Caller("AWS_IAM", _signer(principal, given.source_ip), given.headers)
        assert refusal is not None
        raise RefusedError(refusal.status, refusal.code, refusal.message) from refusal

    async def _by_token(self, api: EventApi, asked: Asked, token: str, given: Credentials) -> Caller:
        """A token of an issuer that the API knows is one of its users; any other is the Lambda authorizer's."""
        issuer = _issuer(token)
        for provider in api.providers:
            if provider.user_pool is not None and issuer == _pool_issuer(provider.user_pool):
                return await self._by_user_pool(api, asked, provider.user_pool, token, given)
            if provider.openid is not None and issuer == provider.openid["issuer"]:
                return await self._by_openid(api, asked, provider.openid, token, given)
        own = _provider(api, asked, "AWS_LAMBDA")
        context = await self._authorizers.ask(api, own.authorizer or {}, token, asked, given.headers)
        return Caller("AWS_LAMBDA", {"handlerContext": context}, given.headers)

    async def _by_user_pool(
        self, api: EventApi, asked: Asked, pool: Mapping[str, Any], token: str, given: Credentials
    ) -> Caller:
        _provider(api, asked, "AMAZON_COGNITO_USER_POOLS")
        claims = await self._claims(token, _pool_issuer(pool))
        client = claims.get("aud", claims.get("client_id", ""))
        pattern = pool.get("appIdClientRegex")
        if pattern and re.fullmatch(str(pattern), str(client)) is None:
            raise unauthorized()
        identity = {
            "claims": dict(claims),
            "groups": claims.get("cognito:groups"),
            "issuer": claims["iss"],
            "sourceIp": [given.source_ip],
            "sub": claims.get("sub"),
            "username": claims.get("cognito:username", claims.get("username")),
        }
        return Caller("AMAZON_COGNITO_USER_POOLS", identity, given.headers)

    async def _by_openid(
        self, api: EventApi, asked: Asked, config: Mapping[str, Any], token: str, given: Credentials
    ) -> Caller:
        _provider(api, asked, "OPENID_CONNECT")
        claims = await self._claims(token, str(config["issuer"]))
        now, wanted = self._sandbox.clock.epoch(), config.get("clientId")
        audience = claims.get("aud", claims.get("azp", ""))
        names = audience if isinstance(audience, list) else [audience]
        if wanted and not any(re.fullmatch(str(wanted), str(name)) for name in names):
            raise unauthorized()
        for claim, ttl in (("iat", config.get("iatTTL")), ("auth_time", config.get("authTTL"))):
            if ttl and (claim not in claims or now >= float(claims[claim]) + ttl / 1000):
                raise unauthorized()
        identity = {"claims": dict(claims), "issuer": claims["iss"], "sub": claims.get("sub")}
        return Caller("OPENID_CONNECT", identity, given.headers)

    async def _claims(self, token: str, issuer: str) -> Claims:
        self._keys = self._keys or IssuerKeys.of(self._sandbox)
        now = self._sandbox.clock.epoch()
        try:
            return await verify_jwt(token, issuer=issuer, audiences=(), keys=self._keys, now=now)
        except TokenError as refusal:
            raise unauthorized() from refusal


def _signer(principal: Principal, source_ip: str) -> dict[str, Any]:
    """The identity of who signed; one of an identity pool has more to say, in its session's keys."""
    session = {key.rpartition(":")[2]: value for key, value in principal.context.items()}
    amr = list(session.get("amr", ()))
    kind = [word for word in amr if word.endswith("authenticated")]
    providers = [word for word in amr if not word.endswith("authenticated")]
    return {
        "accountId": principal.account,
        "cognitoIdentityAuthProvider": ",".join(providers) or None,
        "cognitoIdentityAuthType": kind[0] if kind else None,
        "cognitoIdentityId": session.get("sub"),
        "cognitoIdentityPoolId": session.get("aud"),
        "sourceIp": [source_ip],
        "userArn": principal.arn,
        "username": principal.user_id,
    }


def _issuer(token: str) -> object:
    try:
        return unverified_claims(token).get("iss")
    except TokenError:
        return None


def _provider(api: EventApi, asked: Asked, kind: AuthType) -> AuthProvider:
    """The API's provider of a mode that the operation takes. Raises ``RefusedError``."""
    if kind in asked.modes:
        for provider in api.providers:
            if provider.type == kind:
                return provider
    raise unauthorized()


def _pool_issuer(pool: Mapping[str, Any]) -> str:
    return f"https://cognito-idp.{pool['awsRegion']}.amazonaws.com/{pool['userPoolId']}"
