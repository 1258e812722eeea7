"""Lambda (REQUEST) authorizers: formats 1.0 and 2.0, simple answers and policies, kept results.

Source: API Gateway developer guide, "Control access to HTTP APIs with AWS Lambda authorizers". The body of a refusal
is the gateway's ``Forbidden`` (S); a missing identity source is 401. What a client gets when the authorizer takes too
long is the 500 of one that cannot be invoked (UNSOURCED).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.auth import Principal, authorize
from sandbox.context import InvocationResult
from sandbox.services.api_http import event, functions, values
from sandbox.services.api_http.call import Call
from sandbox.services.api_http.errors import forbidden, internal, unauthorized

if TYPE_CHECKING:
    from sandbox.control.resources import V2Authorizer

Key = tuple[Any, ...]


@dataclass(slots=True)
class LambdaAuthorizers:
    """Authorizers of functions and what they answered, kept for as long as each says."""

    _kept: dict[Key, tuple[float, Mapping[str, Any]]] = field(default_factory=dict)

    async def check(self, call: Call, authorizer: V2Authorizer) -> None:
        """Set the call's context. Raises ``HttpApiError``."""
        sources = [values.evaluate(call, source) for source in authorizer.identity_source]
        if any(not source for source in sources):
            missing = authorizer.identity_source[next(i for i, s in enumerate(sources) if not s)]
            raise unauthorized(call.sandbox.limits, f"the request has no {missing}")
        identity = [source for source in sources if source]
        answer = await self._answer(call, authorizer, identity)
        if not _allows(call, authorizer, answer):
            raise forbidden(f"the authorizer {authorizer.name} does not allow it")
        call.lambda_context = dict(answer.get("context") or {})
        call.principal_id = answer.get("principalId")

    async def _answer(self, call: Call, authorizer: V2Authorizer, identity: list[str]) -> Mapping[str, Any]:
        key = (call.api_id, call.stage, call.api.results_epoch, authorizer, *identity)
        now = call.sandbox.clock.now()
        until, kept = self._kept.get(key, (0.0, {}))
        if now < until:
            return kept
        answer = await _invoke(call, authorizer, identity)
        if authorizer.ttl_s and identity:
            self._kept = {k: v for k, v in self._kept.items() if v[0] > now}
            self._kept[key] = (call.sandbox.clock.now() + authorizer.ttl_s, answer)
        return answer


async def _invoke(call: Call, authorizer: V2Authorizer, identity: list[str]) -> Mapping[str, Any]:
    account = call.sandbox.settings.account
    source = f"arn:aws:execute-api:{call.region}:{account}:{call.api_id}/authorizers/{authorizer.id}"
    function = functions.arn_of(call, authorizer.uri or "")
    given = _event(call, authorizer, identity)
    work = functions.invoke(call, function, given, source=source, credentials=authorizer.credentials)
    # A task of its own: the function runs on when its time is over.
    task = call.sandbox.spawn(work, f"authorizer {authorizer.name} for {call.request_id}")
    seconds = float(call.sandbox.limits.value("api_http.lambda_authorizer.timeout"))
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        task.add_done_callback(_result_is_not_wanted)
        raise internal(call.sandbox.limits, f"the authorizer {authorizer.name} took over {seconds} s")
    result: InvocationResult = task.result()
    return _read(call, authorizer, result)


def _event(call: Call, authorizer: V2Authorizer, identity: list[str]) -> dict[str, Any]:
    if authorizer.payload_format == "2.0":
        own = {
            "version": "2.0",
            "type": "REQUEST",
            "routeArn": call.arn(),
            "identitySource": identity or None,
        }
        return {**own, **event.request_two(call)}
    joined = ",".join(identity)
    return {
        "version": "1.0",
        "type": "REQUEST",
        "methodArn": call.arn(),
        "identitySource": joined,
        "authorizationToken": joined,
        **event.request_one(call),
    }


def _read(call: Call, authorizer: V2Authorizer, result: InvocationResult) -> Mapping[str, Any]:
    limits = call.sandbox.limits
    if result.function_error is not None:
        raise internal(limits, f"the authorizer {authorizer.name} failed: {result.function_error}")
    try:
        answer = json.loads(result.payload)
    except ValueError as wrong:
        raise internal(limits, f"the authorizer's answer is no JSON: {wrong}") from wrong
    wanted = "isAuthorized" if authorizer.simple_responses else "policyDocument"
    if not isinstance(answer, dict) or wanted not in answer:
        raise internal(limits, f"the authorizer's answer is no object with {wanted}")
    return answer


def _allows(call: Call, authorizer: V2Authorizer, answer: Mapping[str, Any]) -> bool:
    if authorizer.simple_responses:
        return answer["isAuthorized"] is True
    policy = answer["policyDocument"]
    if not isinstance(policy, Mapping):
        raise internal(call.sandbox.limits, "the authorizer's policyDocument is no object")
    # Only the policy counts: whoever it names is the caller, of no account.
    caller = Principal(arn=str(answer.get("principalId", "")), account="", policies=(policy,))
    context = {"aws:SourceIp": call.source_ip, "aws:CurrentTime": call.sandbox.clock.utcnow().isoformat()}
    return authorize(caller, "execute-api:Invoke", call.arn(), context=context)


def _result_is_not_wanted(task: asyncio.Task[InvocationResult]) -> None:
    """Take the late result so that an error in it is not reported as never looked at."""
    if not task.cancelled():
        task.exception()
