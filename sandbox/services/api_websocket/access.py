"""Who may connect (fact 3.15): nobody has to say, SigV4 (``AWS_IAM``), or a Lambda authorizer of type REQUEST.

Authorizers run at ``$connect`` only; what one said holds for the whole connection. botocore (apigatewayv2,
``AuthorizerResultTtlInSeconds``) keeps results over connections for HTTP APIs only.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.auth import Principal, SignedRequest, authorize, verify
from sandbox.aws.errors import AwsError, NotEmulatedError
from sandbox.services.api_websocket import api_keys, events, functions, selection
from sandbox.services.api_websocket.call import Call
from sandbox.services.api_websocket.errors import IntegrationError, Refusal, forbidden
from sandbox.services.api_websocket.throttle import Buckets

if TYPE_CHECKING:
    from sandbox.control.resources import V2Authorizer, V2Route


async def check(call: Call, signed: SignedRequest, buckets: Buckets) -> None:
    """Set the connection's ``authorizer``; take an API key's tokens from ``buckets``. Raises :class:`Refusal`."""
    route = call.route
    if route is None:
        return
    await _authorize(call, route, signed)
    if route.api_key_required:
        await api_keys.check(call, signed, buckets)


async def _authorize(call: Call, route: V2Route, signed: SignedRequest) -> None:
    if route.authorization == "NONE":
        return
    if route.authorization == "AWS_IAM":
        await _iam(call, signed)
        return
    authorizer = call.api.authorizers.get(route.authorizer_id or "")
    if route.authorization != "CUSTOM" or authorizer is None or authorizer.type != "REQUEST":
        raise _failed(f"the route's authorizer {route.authorizer_id} is no REQUEST authorizer of the API")
    await _custom(call, authorizer, signed)


async def _iam(call: Call, signed: SignedRequest) -> None:
    sandbox, region = call.sandbox, call.connection.region
    try:
        caller = await verify(signed, "execute-api", region, sandbox.control.secret_for, sandbox.clock)
    except NotEmulatedError:
        raise
    except AwsError as refusal:
        raise Refusal(refusal.status, refusal.message, refusal.code, refusal.message) from refusal
    if not authorize(caller, "execute-api:Invoke", call.arn()):
        raise forbidden(f"{caller.arn} may not execute-api:Invoke on {call.arn()}")


async def _custom(call: Call, authorizer: V2Authorizer, signed: SignedRequest) -> None:
    missing = [source for source in authorizer.identity_source if not _source(call, source, signed)]
    if missing:
        raise _unauthorized(f"the request has no {', '.join(missing)}")
    request = {"type": "REQUEST", "methodArn": call.arn(), **events.of_headers(call.headers)}
    query = events.of_query(call.query)
    request |= query | {"stageVariables": dict(call.api.stage_variables), "requestContext": call.context()}
    try:
        source = f"{call.arn().partition('/')[0]}/authorizers/{authorizer.id}"
        uri, credentials = authorizer.uri or "", authorizer.credentials
        payload = await functions.invoke(call, uri, credentials, request, source=source)
    except functions.FunctionFailedError as failure:
        if failure.message == "Unauthorized":  # how an authorizer refuses, by the developer guide
            raise _unauthorized("the authorizer said Unauthorized") from failure
        raise _failed(str(failure)) from failure
    except IntegrationError as failure:
        raise _failed(str(failure)) from failure
    call.connection.authorizer = _judged(call, payload)


def _judged(call: Call, payload: bytes) -> dict[str, Any]:
    """``requestContext.authorizer`` from an authorizer's answer that allows. Raises :class:`Refusal`."""
    try:
        answer = json.loads(payload)
        policy, principal = answer["policyDocument"], answer["principalId"]
        context = answer.get("context") or {}
        if not isinstance(policy, dict) or not isinstance(principal, str) or not isinstance(context, dict):
            raise TypeError("policyDocument and context are objects, principalId is a text")
        if any(isinstance(value, dict | list) for value in context.values()):
            raise TypeError("values of context are texts, numbers or booleans")
    except (ValueError, KeyError, TypeError) as wrong:
        raise _failed(f"the authorizer's answer has no meaning: {wrong!r}") from wrong
    caller = Principal(arn=principal, account="", policies=(policy,))
    if not authorize(caller, "execute-api:Invoke", call.arn()):
        raise forbidden(f"the authorizer's policy does not allow execute-api:Invoke on {call.arn()}")
    return {name: selection.text(value) for name, value in context.items()} | {"principalId": principal}


def _source(call: Call, source: str, signed: SignedRequest) -> str | None:
    """An identity source's value: ``route.request.header.X``, ``route.request.querystring.X`` and two more."""
    kind, _, name = source.rpartition(".")
    if kind == "route.request.header":
        return signed.header(name.lower())
    if kind == "route.request.querystring":
        return next((value for key, value in call.query if key == name), None)
    if kind == "stageVariables":
        return call.api.stage_variables.get(name)
    if source.startswith("context."):
        return selection.evaluate(f"${{{source}}}", {"context": call.context()})
    raise NotEmulatedError(f"the identity source {source!r} of a WebSocket API")


def _unauthorized(reason: str) -> Refusal:
    return Refusal(401, "Unauthorized", "UnauthorizedException", reason)


def _failed(reason: str) -> Refusal:
    return Refusal(500, "Internal server error", "AuthorizerFailureException", reason)
