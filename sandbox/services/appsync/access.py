"""The five ways in (fact 5.13), the same for HTTP requests, connections and subscriptions.

What is quoted of refusals: "Unable to parse JWT token." also for a token with ``Bearer`` before it (issue 198 of
aws-appsync-community), "Token has expired." (S). Other messages than the usual one are those of SigV4's verification.

Lambda authorizers: ``isAuthorized`` false is the usual 401 (amplify-js's issue 9513). A function that AppSync may not
invoke gives a ``BadRequestException`` without a message (aws-cdk's issue 19239); that one that fails, takes too long
or gives no object is the same, and the status 400, are UNSOURCED.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.auth.tokens import TokenError, unverified_claims
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.services import appsync_auth
from sandbox.services.appsync.caller import Caller
from sandbox.services.appsync.errors import RequestRefused, no_credentials, unauthorized

if TYPE_CHECKING:
    from sandbox.context import Sandbox
    from sandbox.control.appsync import AuthProvider, AuthType, GraphqlApi

_CANNOT_PARSE = "Unable to parse JWT token."
_EXPIRED = "Token has expired."
_FIELD = re.compile(r"(?:arn:.*/types/)?(?P<type>\w+)(?:/fields/|\.)(?P<field>\w+)")


@dataclass(frozen=True, slots=True)
class Credentials(appsync_auth.Credentials):
    """What a request says of who sends it, and what a Lambda authorizer is told of the request."""

    query: str | None = None
    operation: str | None = None
    variables: Mapping[str, Any] | None = None


class Access:
    """Lets callers in, with the keys and results that are kept."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._limits = sandbox.limits
        self._modes = appsync_auth.Modes(sandbox)
        self._authorizers = appsync_auth.Authorizers(sandbox, "appsync", "appsync.lambda_authorizer.timeout")

    async def caller(self, api: GraphqlApi, given: Credentials) -> Caller:
        """Who it is. Raises :class:`RequestRefused`."""
        key = given.headers.get("x-api-key")
        token = given.headers.get("authorization")
        try:
            if key is not None:
                return self._by_key(api, key)
            if token is None:
                raise no_credentials(self._limits)
            if token.startswith("AWS4-HMAC-SHA256"):
                return await self._by_signature(api, given)
            return await self._by_token(api, token, given)
        except appsync_auth.RefusedError as refusal:
            raise unauthorized(self._limits, _EXPIRED if refusal.expired else None) from refusal

    def _by_key(self, api: GraphqlApi, key: str) -> Caller:
        if _provider(api, "API_KEY") is None:
            raise unauthorized(self._limits)
        self._modes.check_key(api.keys, key)
        return Caller("API_KEY")

    async def _by_signature(self, api: GraphqlApi, given: Credentials) -> Caller:
        if _provider(api, "AWS_IAM") is None:
            raise unauthorized(self._limits)
        try:
            signer = await self._modes.signer(api.region, given)
        except NotEmulatedError:
            raise
        except AwsError as refusal:
            raise RequestRefused(refusal.status, refusal.code, refusal.message) from refusal
        return Caller("AWS_IAM", signer.identity, principal=signer.principal, context=signer.context)

    async def _by_token(self, api: GraphqlApi, token: str, given: Credentials) -> Caller:
        """A token of an issuer that the API knows is one of its users; any other is the Lambda authorizer's."""
        own = _provider(api, "AWS_LAMBDA")
        try:
            issuer = unverified_claims(token).get("iss")
        except TokenError as wrong:
            if own is None:
                takes_tokens = any(provider.user_pool or provider.openid for provider in api.auth)
                raise unauthorized(self._limits, _CANNOT_PARSE if takes_tokens else None) from wrong
            issuer = None
        known = appsync_auth.of_issuer(api.auth, issuer)
        if known is not None:
            return await self._by_user(known, token, given)
        if own is None:
            raise unauthorized(self._limits)
        return await self._by_authorizer(api, own, token, given)

    async def _by_user(self, provider: AuthProvider, token: str, given: Credentials) -> Caller:
        identity = await self._modes.user(provider, token, given.source_ip)
        if provider.user_pool is None:
            return Caller("OPENID_CONNECT", identity)
        default = str(provider.user_pool.get("defaultAction") or "ALLOW")
        identity["defaultAuthStrategy"] = default
        groups = frozenset(map(str, identity["groups"] or ()))
        return Caller("AMAZON_COGNITO_USER_POOLS", identity, groups, default_allows=default == "ALLOW")

    async def _by_authorizer(
        self, api: GraphqlApi, provider: AuthProvider, token: str, given: Credentials
    ) -> Caller:
        about = {
            "queryString": given.query,
            "operationName": given.operation,
            "variables": dict(given.variables or {}),
        }
        question = appsync_auth.Question(token, given.headers, about)
        try:
            answer = await self._authorizers.ask(api, provider.authorizer or {}, question)
        except appsync_auth.AuthorizerFailedError as failure:
            raise RequestRefused(400, "BadRequestException", "") from failure
        identity = {"resolverContext": dict(answer.get("resolverContext") or {})}
        return Caller("AWS_LAMBDA", identity, denied=_denied(answer.get("deniedFields") or ()))


def _denied(names: Any) -> frozenset[str]:
    """``deniedFields``: ARNs or ``Type.field``, as ``Type.field``."""
    found = (_FIELD.fullmatch(str(name)) for name in names)
    return frozenset(f"{match['type']}.{match['field']}" for match in found if match)


def _provider(api: GraphqlApi, kind: AuthType) -> AuthProvider | None:
    return next((provider for provider in api.auth if provider.type == kind), None)
