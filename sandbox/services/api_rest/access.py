"""Who may call a method: the API's resource policy with ``NONE``, ``AWS_IAM`` or an authorizer.

Source: API Gateway developer guide, "How API Gateway resource policies affect authorization workflow": alone, or with
Cognito, the policy has to allow; before a Lambda authorizer only its explicit denies count, after it either side's
allow is enough within an account (table A), as with IAM.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.auth import ANONYMOUS, Principal, authorize, verify
from sandbox.auth.jwks import IssuerKeys
from sandbox.auth.parsing import parse
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.context import Sandbox
from sandbox.services.api_rest import cognito_authorizer, policies
from sandbox.services.api_rest.call import Call
from sandbox.services.api_rest.gateway_response import GatewayError, error, internal, of_limit
from sandbox.services.api_rest.lambda_authorizer import LambdaAuthorizers

_TYPES = {
    "InvalidSignatureException": "INVALID_SIGNATURE",
    "ExpiredTokenException": "EXPIRED_TOKEN",
    "MissingAuthenticationTokenException": "MISSING_AUTHENTICATION_TOKEN",
}


class Access:
    """Judges callers. Keeps issuers' keys and authorizers' results."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._functions = LambdaAuthorizers()
        self._keys: IssuerKeys | None = None

    async def check(self, call: Call) -> None:
        """Set the call's principal or authorizer. Raises ``GatewayError``."""
        kind = call.method.authorization
        if kind == "AWS_IAM":
            await _by_signature(call)
        elif kind == "NONE":
            _require_policy(call)
        elif kind == "COGNITO_USER_POOLS":
            call.authorizer = await self.of_user_pool(call, _authorizer(call))
            _require_policy(call)
        elif kind == "CUSTOM":
            if policies.judge_resource(call, ANONYMOUS) == "deny":
                policies.require(call, "deny")
            call.authorizer = await self._functions.authorize(call, _authorizer(call))
        else:
            raise NotEmulatedError(f"{kind} authorization of API Gateway REST APIs")

    async def of_user_pool(self, call: Call, authorizer: Mapping[str, Any]) -> dict[str, Any]:
        """What a ``COGNITO_USER_POOLS`` authorizer says of the call. Raises ``GatewayError``."""
        return await cognito_authorizer.authorize(call, authorizer, self._issuer_keys())

    def _issuer_keys(self) -> IssuerKeys:
        if self._keys is None:
            self._keys = IssuerKeys.of(self._sandbox)
        return self._keys


def _require_policy(call: Call) -> None:
    if call.api.policy:
        policies.require(call, policies.judge_resource(call, ANONYMOUS))


def _authorizer(call: Call) -> Mapping[str, Any]:
    found = call.api.authorizers.get(call.method.authorizer_id or "")
    if found is None:
        reason = f"the API has no authorizer {call.method.authorizer_id!r}"
        raise internal(call.sandbox.limits, "AUTHORIZER_CONFIGURATION_ERROR", 500, reason)
    return found


async def _by_signature(call: Call) -> None:
    sandbox = call.sandbox
    try:
        principal = await verify(
            call.signed, "execute-api", call.region, sandbox.control.secret_for, sandbox.clock
        )
    except NotEmulatedError:
        raise
    except AwsError as refusal:
        raise signature_error(call, refusal) from refusal
    resource_policy = policies.statements(call.api.policy or {})
    allowed = authorize(
        principal,
        policies.ACTION,
        call.arn(call.path),
        resource_policy=resource_policy,
        context=policies.context_of(call),
    )
    if not allowed:
        raise _denied(call, principal)
    call.principal = principal


def _denied(call: Call, principal: Principal) -> GatewayError:
    if policies.judge_resource(call, principal) == "deny":
        return policies.user_refusal(call, principal, "with an explicit deny in a resource-based policy")
    statements = {"Statement": [s for p in principal.policies for s in policies.statements(p)]}
    if policies.judge_identity(call, principal, statements) == "deny":
        return policies.user_refusal(call, principal, "with an explicit deny in an identity-based policy")
    why = f"because no identity-based policy allows the {policies.ACTION} action"
    return policies.user_refusal(call, principal, why)


def signature_error(call: Call, refusal: AwsError) -> GatewayError:
    """A refused signature as a gateway response."""
    if refusal.code == "MissingAuthenticationTokenException":
        return of_limit(call.sandbox.limits, "MISSING_AUTHENTICATION_TOKEN", "missing_token")
    type_ = _TYPES.get(refusal.code, "DEFAULT_4XX")
    return error(type_, refusal.message, status=refusal.status, error_type=refusal.code)


def unknown_route(call: Call) -> GatewayError:
    """No such path or method: AWS wants a signature then, and judges an ``Authorization`` header as one.

    Seen in access logs (github.com/DataBiosphere/azul, issue 7470): a bearer token sent to an unknown path is
    answered with ``Invalid key=value pair``.
    """
    try:
        parse(call.signed, "rest-json")
    except AwsError as refusal:
        return signature_error(call, refusal)
    return of_limit(call.sandbox.limits, "MISSING_AUTHENTICATION_TOKEN", "missing_token")
