"""Lambda authorizers (mode ``AWS_LAMBDA``): what they are asked, what they answer, and for how long that is kept.

Source: AppSync developer guide, "AWS_LAMBDA authorization". ``isAuthorized`` false is the usual 401 (amplify-js's
issue 9513). A function that AppSync may not invoke gives a ``BadRequestException`` without a message (aws-cdk's issue
19239); that one that fails, takes over 10 s or gives no object is the same, and the status 400, are UNSOURCED.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.auth import Principal, as_statements, authorize
from sandbox.aws import json_text
from sandbox.aws.errors import AwsError
from sandbox.context import Invocation, InvocationResult
from sandbox.services.appsync.caller import Caller
from sandbox.services.appsync.errors import RequestRefused, unauthorized

if TYPE_CHECKING:
    from sandbox.context import Sandbox
    from sandbox.control.appsync import AuthProvider, GraphqlApi
    from sandbox.services.appsync.access import Credentials

APPSYNC = Principal.aws_service("appsync.amazonaws.com")
_FIELD = re.compile(r"(?:arn:.*/types/)?(?P<type>\w+)(?:/fields/|\.)(?P<field>\w+)")


class LambdaAuthorizers:
    """Authorizers of all APIs, with the answers that they let be kept."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._kept: dict[tuple[str, int, str], tuple[float, Mapping[str, Any]]] = {}

    async def caller(self, api: GraphqlApi, provider: AuthProvider, token: str, given: Credentials) -> Caller:
        """Who the authorizer says it is. Raises ``RequestRefused``."""
        config = provider.authorizer or {}
        limits = self._sandbox.limits
        pattern = config.get("identityValidationExpression")
        if pattern and re.fullmatch(str(pattern), token) is None:
            raise unauthorized(limits)
        answer = await self._answer(api, config, token, given)
        if answer.get("isAuthorized") is not True:
            raise unauthorized(limits)
        identity = {"resolverContext": dict(answer.get("resolverContext") or {})}
        return Caller("AWS_LAMBDA", identity, denied=_denied(answer.get("deniedFields") or ()))

    async def _answer(
        self, api: GraphqlApi, config: Mapping[str, Any], token: str, given: Credentials
    ) -> Mapping[str, Any]:
        key, now = (api.id, api.epoch, token), self._sandbox.clock.now()
        until, kept = self._kept.get(key, (0.0, {}))
        if now < until:
            return kept
        answer = await self._invoke(api, str(config["authorizerUri"]), token, given)
        ttl = answer.get("ttlOverride", config.get("authorizerResultTtlInSeconds") or 0)
        if isinstance(ttl, int | float) and ttl > 0:
            self._kept = {k: v for k, v in self._kept.items() if v[0] > now}
            self._kept[key] = (self._sandbox.clock.now() + ttl, answer)
        return answer

    async def _invoke(
        self, api: GraphqlApi, function: str, token: str, given: Credentials
    ) -> Mapping[str, Any]:
        sandbox = self._sandbox
        await self._check_permission(api, function)
        request_id = sandbox.ids.uuid()
        event = {
            "authorizationToken": token,
            "requestContext": {
                "apiId": api.id,
                "accountId": api.account,
                "requestId": request_id,
                "queryString": given.query,
                "operationName": given.operation,
                "variables": dict(given.variables or {}),
            },
            "requestHeaders": dict(given.headers),
        }
        work = sandbox.invoke(Invocation(function, json.dumps(event).encode(), cause=request_id))
        task = sandbox.spawn(work, f"authorizer of {api.id}")
        seconds = float(sandbox.limits.value("appsync.lambda_authorizer.timeout"))
        done, _ = await asyncio.wait({task}, timeout=seconds)  # the function runs on
        if not done:
            task.add_done_callback(_result_is_not_wanted)
            raise self._failed(api, f"{function} took over {seconds} s")
        try:
            result: InvocationResult = task.result()
        except AwsError as refusal:
            raise self._failed(api, str(refusal)) from refusal
        return self._read(api, function, result)

    def _read(self, api: GraphqlApi, function: str, result: InvocationResult) -> Mapping[str, Any]:
        if result.function_error is not None:
            raise self._failed(api, f"{function} failed: {result.payload.decode('utf-8', 'replace')}")
        try:
            answer = json_text.loads(result.payload)
        except ValueError as wrong:
            raise self._failed(api, f"the answer of {function} is no JSON") from wrong
        if not isinstance(answer, dict):
            raise self._failed(api, f"the answer of {function} is no object")
        return answer

    def _failed(self, api: GraphqlApi, reason: str) -> Exception:
        self._sandbox.timeline.record("appsync", "failed", api.id, type="authorizer", reason=reason)
        return RequestRefused(400, "BadRequestException", "")

    async def _check_permission(self, api: GraphqlApi, function: str) -> None:
        """The function's policy has to let AppSync in (botocore, ``LambdaAuthorizerConfig``)."""
        parts = function.split(":")
        name, qualifier = parts[6], parts[7] if len(parts) > 7 else None
        policy = as_statements(await self._sandbox.control.resources.function_policy(name, qualifier))
        context = {"aws:SourceArn": api.arn, "aws:SourceAccount": api.account}
        action = "lambda:InvokeFunction"
        if not authorize(APPSYNC, action, function, resource_policy=policy, context=context):
            raise self._failed(api, f"{function} does not permit appsync.amazonaws.com for {api.arn}")


def _denied(names: Any) -> frozenset[str]:
    """``deniedFields``: ARNs or ``Type.field``, as ``Type.field``."""
    found = (_FIELD.fullmatch(str(name)) for name in names)
    return frozenset(f"{match['type']}.{match['field']}" for match in found if match)


def _result_is_not_wanted(task: asyncio.Task[InvocationResult]) -> None:
    """Take the late result so that an error in it is not reported as never looked at."""
    if not task.cancelled():
        task.exception()
