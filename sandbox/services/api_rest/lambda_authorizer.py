"""Lambda authorizers, ``TOKEN`` and ``REQUEST``: the function, its policy, its context, and what is kept of it.

Source: API Gateway developer guide, "Use API Gateway Lambda authorizers" with its input and output pages. A function
that fails with the message ``Unauthorized`` means 401, any other failure 500 (github.com/auth0-samples/
jwt-rsa-aws-custom-authorizer, pull request 6).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sandbox.auth import Principal
from sandbox.aws.errors import AwsError
from sandbox.context import Invocation
from sandbox.services.api_rest import identity_sources, lambda_proxy, policies
from sandbox.services.api_rest.call import Call
from sandbox.services.api_rest.cognito_authorizer import unauthorized
from sandbox.services.api_rest.gateway_response import GatewayError, of_limit
from sandbox.services.api_rest.mapping import with_stage_variables

Result = Mapping[str, Any]


class LambdaAuthorizers:
    """Asks authorizer functions and keeps their results for ``authorizerResultTtlInSeconds`` (0 to 3600)."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Any, ...], tuple[float, Result]] = {}

    async def authorize(self, call: Call, authorizer: Mapping[str, Any]) -> dict[str, Any]:
        """``requestContext.authorizer``. Raises ``GatewayError``."""
        identity = identity_of(call, authorizer)
        ttl = int(authorizer.get("authorizerResultTtlInSeconds", 300))
        now = call.sandbox.clock.now()
        epoch = (call.api.deployment_id, call.api.authorizers_epoch)
        key = (call.api_id, call.stage, epoch, authorizer["id"], identity)
        kept = self._kept.get(key) if ttl and identity else None
        if kept is not None and now < kept[0]:
            result = kept[1]
        else:
            result = await ask(call, authorizer, identity)
            if ttl and identity:
                self._kept[key] = (call.sandbox.clock.now() + ttl, result)
        return _judged(call, result)


def identity_of(call: Call, authorizer: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of the identity sources. Raises the 401 when one is missing; the function is not asked then."""
    if authorizer["type"] == "TOKEN":
        text = identity_sources.token(call, authorizer)
        if not text:
            raise unauthorized(call, "the request has no token")
        pattern = authorizer.get("identityValidationExpression")
        if pattern and not re.fullmatch(pattern, text):
            raise unauthorized(call, f"the token does not match {pattern!r}")
        return (text,)
    found = identity_sources.values(call, authorizer)
    if any(value is None for value in found):
        raise unauthorized(call, f"an identity source is missing: {authorizer.get('identitySource')}")
    return tuple(value for value in found if value is not None)


async def ask(call: Call, authorizer: Mapping[str, Any], identity: tuple[str, ...]) -> Result:
    """The function's result, not judged so far. Raises ``GatewayError``."""
    uri = with_stage_variables(authorizer.get("authorizerUri") or "", call.api.stage_variables)
    found = lambda_proxy.URI.fullmatch(uri)
    if found is None:
        raise _configuration(call, f"the authorizer's URI {uri!r} names no function")
    function = found["function"]
    if not authorizer.get("authorizerCredentials"):
        await _check_permission(call, authorizer, function)
    event = _event(call, authorizer, identity)
    payload = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
    invocation = Invocation(function, payload, trace_id=call.trace_id, cause=call.request_id)
    url = f"https://lambda.{call.region}.amazonaws.com/2015-03-31/functions/{function}/invocations"
    call.sending(url, (), payload)
    try:
        result = await call.sandbox.invoke(invocation)
    except AwsError as refusal:
        raise _failure(call, f"the authorizer was not run: {refusal}") from refusal
    value = _parsed(result.payload)
    if result.function_error is not None:
        message = value.get("errorMessage") if isinstance(value, dict) else None
        if message == "Unauthorized":
            raise unauthorized(call, "the authorizer failed with Unauthorized")
        raise _failure(call, f"the authorizer failed: {message}")
    return _checked(call, value)


async def _check_permission(call: Call, authorizer: Mapping[str, Any], function: str) -> None:
    account = call.sandbox.settings.account
    arn = f"arn:aws:execute-api:{call.region}:{account}:{call.api_id}/authorizers/{authorizer['id']}"
    if not await lambda_proxy.permitted(call, function, arn):
        raise _configuration(call, f"{function} does not permit apigateway.amazonaws.com for {arn}")


def _event(call: Call, authorizer: Mapping[str, Any], identity: tuple[str, ...]) -> dict[str, Any]:
    arn = call.arn(call.path)
    if authorizer["type"] == "TOKEN":
        return {"type": "TOKEN", "methodArn": arn, "authorizationToken": identity[0]}
    event = lambda_proxy.event(call)
    for absent in ("body", "isBase64Encoded"):
        del event[absent]
    maps = ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables")
    return {"type": "REQUEST", "methodArn": arn, **event, **{name: event[name] or {} for name in maps}}


def _parsed(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return None


def _checked(call: Call, value: Any) -> Result:
    """The function's result when it has the form that the guide asks for."""
    if not isinstance(value, dict) or not isinstance(value.get("principalId"), str):
        raise _configuration(call, "the authorizer's result has no principalId")
    document = value.get("policyDocument")
    if not isinstance(document, dict) or not policies.statements(document):
        raise _configuration(call, "the authorizer's result has no policyDocument with statements")
    context = value.get("context") or {}
    if not isinstance(context, dict) or any(isinstance(inner, dict | list) for inner in context.values()):
        raise _configuration(call, "the authorizer's context may only have texts, numbers and booleans")
    return value


def _judged(call: Call, result: Result) -> dict[str, Any]:
    """The policy is judged for each request anew, also a kept one: that is why a narrow one refuses other methods."""
    document = result["policyDocument"]
    principal = Principal(arn=str(result["principalId"]), account=call.sandbox.settings.account)
    verdict = policies.judge_identity(call, principal, document)
    if verdict != "allow":
        name = "explicit" if verdict == "deny" else "implicit"
        raise _denied(call, name, f"the authorizer's policy: {name} deny of {call.arn(call.path)}")
    call.usage_key = result.get("usageIdentifierKey")
    context = {name: _text(value) for name, value in (result.get("context") or {}).items()}
    return {**context, "principalId": result["principalId"]}


def _denied(call: Call, name: str, reason: str) -> GatewayError:
    limits = call.sandbox.limits
    text = str(limits.value(f"api_rest.error.access_denied.{name}"))
    failure = policies.refusal(call, text)
    failure.reason = reason
    return failure


def _configuration(call: Call, reason: str) -> GatewayError:
    return of_limit(call.sandbox.limits, "AUTHORIZER_CONFIGURATION_ERROR", "authorizer_failure", reason)


def _failure(call: Call, reason: str) -> GatewayError:
    return of_limit(call.sandbox.limits, "AUTHORIZER_FAILURE", "authorizer_failure", reason)


def _text(value: Any) -> Any:
    """Numbers and booleans of the context reach the event as texts (developer guide, authorizer output)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None or isinstance(value, str) else str(value)
