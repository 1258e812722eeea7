"""Lambda authorizers of Event APIs: what they are asked, what they answer, for how long that is kept.

Source of event and answer: AppSync Events developer guide, "AWS Lambda authorization". Which error a function that
fails leads to is UNSOURCED.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.auth import Principal, as_statements, authorize
from sandbox.aws import json_text
from sandbox.aws.errors import AwsError
from sandbox.context import Invocation
from sandbox.services.appsync_events.caller import Asked
from sandbox.services.appsync_events.errors import RefusedError, unauthorized

if TYPE_CHECKING:
    from sandbox.context import Sandbox
    from sandbox.control.appsync import EventApi

APPSYNC = Principal.aws_service("appsync.amazonaws.com")
_Key = tuple[str, int, str, str, str | None]


class Authorizers:
    """The authorizers of all APIs, with the answers that they let be kept."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._kept: dict[_Key, tuple[float, Mapping[str, Any]]] = {}

    async def ask(
        self, api: EventApi, config: Mapping[str, Any], token: str, asked: Asked, headers: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """The ``handlerContext`` of a caller that the function lets in. Raises ``RefusedError``."""
        pattern = config.get("identityValidationExpression")
        if pattern and re.fullmatch(str(pattern), token) is None:
            raise unauthorized()
        key = (api.id, api.epoch, token, asked.operation, asked.channel)
        now = self._sandbox.clock.now()
        until, answer = self._kept.get(key, (0.0, {}))
        if now >= until:
            answer = await self._invoke(api, str(config["authorizerUri"]), token, asked, headers)
            ttl = answer.get("ttlOverride", config.get("authorizerResultTtlInSeconds") or 0)
            if isinstance(ttl, int | float) and ttl > 0:
                self._kept = {known: kept for known, kept in self._kept.items() if kept[0] > now}
                self._kept[key] = (self._sandbox.clock.now() + ttl, answer)
        if answer.get("isAuthorized") is not True:
            raise unauthorized()
        return dict(answer.get("handlerContext") or {})

    async def _invoke(
        self, api: EventApi, function: str, token: str, asked: Asked, headers: Mapping[str, str]
    ) -> Mapping[str, Any]:
        await self._check_permission(api, function)
        request_id = self._sandbox.ids.uuid()
        context = {
            "apiId": api.id,
            "accountId": api.account,
            "requestId": request_id,
            "operation": asked.operation,
            "channelNamespaceName": asked.namespace,
            "channel": asked.channel,
        }
        event = {"authorizationToken": token, "requestContext": context, "requestHeaders": dict(headers)}
        try:
            result = await self._sandbox.invoke(
                Invocation(function, json.dumps(event).encode(), cause=request_id)
            )
        except AwsError as refusal:
            raise self._failed(api, str(refusal)) from refusal
        text = result.payload.decode("utf-8", "replace")
        if result.function_error is not None:
            raise self._failed(api, f"{function} failed: {text}")
        try:
            answer = json_text.loads(text)
        except ValueError as wrong:
            raise self._failed(api, f"the answer of {function} is no JSON: {text}") from wrong
        if not isinstance(answer, dict):
            raise self._failed(api, f"the answer of {function} is no object: {text}")
        return answer

    def _failed(self, api: EventApi, reason: str) -> RefusedError:
        self._sandbox.timeline.record("appsync_events", "failed", api.id, type="authorizer", reason=reason)
        return unauthorized()

    async def _check_permission(self, api: EventApi, function: str) -> None:
        """The function's policy has to let AppSync in (botocore, ``LambdaAuthorizerConfig``)."""
        parts = function.split(":")
        name, qualifier = parts[6], parts[7] if len(parts) > 7 else None
        policy = as_statements(await self._sandbox.control.resources.function_policy(name, qualifier))
        context = {"aws:SourceArn": api.arn, "aws:SourceAccount": api.account}
        action = "lambda:InvokeFunction"
        if not authorize(APPSYNC, action, function, resource_policy=policy, context=context):
            raise self._failed(api, f"{function} does not permit appsync.amazonaws.com for {api.arn}")
