"""Who may call a route: ``NONE``, ``AWS_IAM``, ``JWT``, ``CUSTOM``."""

from __future__ import annotations

from sandbox.auth import authorize, verify
from sandbox.auth.jwks import IssuerKeys
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.context import Sandbox
from sandbox.services.api_http import jwt_authorizer
from sandbox.services.api_http.call import Call
from sandbox.services.api_http.errors import forbidden, internal
from sandbox.services.api_http.lambda_authorizer import LambdaAuthorizers


class Access:
    """The authorizers of all APIs, with the keys and results that they keep."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._keys: IssuerKeys | None = None
        self._lambda = LambdaAuthorizers()

    async def check(self, call: Call) -> None:
        """Let the call pass, with what the authorizer says of it, or raise ``HttpApiError``."""
        kind = call.route.authorization
        if kind == "AWS_IAM":
            await _check_signature(call)
        elif kind in ("JWT", "CUSTOM"):
            authorizer = call.api.authorizers.get(call.route.authorizer_id or "")
            if authorizer is None:
                raise internal(call.sandbox.limits, f"there is no authorizer {call.route.authorizer_id}")
            if kind == "JWT":
                self._keys = self._keys or IssuerKeys.of(self._sandbox)
                await jwt_authorizer.check(call, authorizer, self._keys)
            else:
                await self._lambda.check(call, authorizer)


async def _check_signature(call: Call) -> None:
    """SigV4 for ``execute-api``, and a policy that allows it. Every refusal is 403 ``Forbidden`` (S)."""
    sandbox = call.sandbox
    lookup = sandbox.control.secret_for
    try:
        principal = await verify(call.signed, "execute-api", call.region, lookup, sandbox.clock)
    except NotEmulatedError:
        raise
    except AwsError as refusal:
        raise forbidden(f"{refusal.code}: {refusal.message}") from refusal
    context = {"aws:SourceIp": call.source_ip, "aws:CurrentTime": sandbox.clock.utcnow().isoformat()}
    if not authorize(principal, "execute-api:Invoke", call.arn(), context=context):
        raise forbidden(f"{principal.arn} is not authorized to perform execute-api:Invoke on {call.arn()}")
    call.principal = principal
