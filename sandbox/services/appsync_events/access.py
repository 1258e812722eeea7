"""The five ways into an Event API (facts 5.10, 5.13, 5.22, 5.23): at the connection, and anew at each operation.

Which error a Lambda authorizer that fails leads to is UNSOURCED: here, that of one that refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.auth import authorize
from sandbox.auth.tokens import TokenError, unverified_claims
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.services import appsync_auth
from sandbox.services.appsync_events.caller import ACTIONS, Asked, Caller
from sandbox.services.appsync_events.errors import NO_CREDENTIALS, RefusedError, unauthorized

if TYPE_CHECKING:
    from sandbox.context import Sandbox
    from sandbox.control.appsync import AuthProvider, AuthType, EventApi
    from sandbox.services.appsync_auth import Credentials


class Access:
    """Lets callers in, with the keys and results that are kept."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._modes = appsync_auth.Modes(sandbox)
        self._authorizers = appsync_auth.Authorizers(sandbox, "appsync_events")

    async def caller(self, api: EventApi, asked: Asked, given: Credentials) -> Caller:
        """Who it is. Raises ``RefusedError``: unknown, expired, or by a mode that the operation does not take."""
        headers = given.headers
        key, token = headers.get("x-api-key"), headers.get("authorization")
        try:
            if key is not None:
                return self._by_key(api, asked, key, headers)
            if token is None:
                raise unauthorized(NO_CREDENTIALS)
            if token.startswith("AWS4-HMAC-SHA256"):
                return await self._by_signature(api, asked, given)
            return await self._by_token(api, asked, token, given)
        except (appsync_auth.RefusedError, appsync_auth.AuthorizerFailedError) as refusal:
            raise unauthorized() from refusal

    def _by_key(self, api: EventApi, asked: Asked, key: str, headers: Mapping[str, str]) -> Caller:
        _provider(api, asked, "API_KEY")
        self._modes.check_key(api.keys, key)
        return Caller("API_KEY", headers=headers)

    async def _by_signature(self, api: EventApi, asked: Asked, given: Credentials) -> Caller:
        _provider(api, asked, "AWS_IAM")
        try:
            signer = await self._modes.signer(api.region, given)
        except NotEmulatedError:
            raise
        except AwsError as refusal:
            raise RefusedError(refusal.status, refusal.code, refusal.message) from refusal
        resource = f"{api.arn}/channelNamespace/{asked.namespace}" if asked.namespace else api.arn
        if not authorize(signer.principal, ACTIONS[asked.operation], resource, context=signer.context):
            raise unauthorized()
        return Caller("AWS_IAM", signer.identity, given.headers)

    async def _by_token(self, api: EventApi, asked: Asked, token: str, given: Credentials) -> Caller:
        """A token of an issuer that the API knows is one of its users; any other is the Lambda authorizer's."""
        known = appsync_auth.of_issuer(api.providers, _issuer(token))
        if known is not None:
            _provider(api, asked, known.type)
            identity = await self._modes.user(known, token, given.source_ip)
            return Caller(known.type, identity, given.headers)
        own = _provider(api, asked, "AWS_LAMBDA")
        about = {
            "operation": asked.operation,
            "channelNamespaceName": asked.namespace,
            "channel": asked.channel,
        }
        question = appsync_auth.Question(token, given.headers, about, (asked.operation, asked.channel))
        answer = await self._authorizers.ask(api, own.authorizer or {}, question)
        return Caller(
            "AWS_LAMBDA", {"handlerContext": dict(answer.get("handlerContext") or {})}, given.headers
        )


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
