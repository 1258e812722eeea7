"""Lambda authorizers (mode ``AWS_LAMBDA``): asked, and their answers kept for as long as these or the API say.

Source: the AppSync developer guides, "AWS_LAMBDA authorization" (GraphQL) and "AWS Lambda authorization" (Events).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.auth import Principal, as_statements, authorize
from sandbox.aws import json_text
from sandbox.aws.errors import AwsError
from sandbox.context import Invocation, InvocationResult
from sandbox.services.appsync_auth.modes import RefusedError

if TYPE_CHECKING:
    from sandbox.context import Sandbox
    from sandbox.control.appsync import EventApi, GraphqlApi

Answer = Mapping[str, Any]
APPSYNC = Principal.aws_service("appsync.amazonaws.com")


class AuthorizerFailedError(Exception):
    """A function could not be asked, or gave no answer that makes sense; the timeline has the reason."""


@dataclass(frozen=True, slots=True)
class Question:
    """``about``: what ``requestContext`` says of the request. ``kept_for``: to what else an answer is tied."""

    token: str
    headers: Mapping[str, str]
    about: Mapping[str, Any]
    kept_for: Hashable = None


class Authorizers:
    """The authorizers of all APIs of a service.

    ``source``: the service's name in the timeline. ``timeout``: the limit that says how long they may take (s).
    """

    def __init__(self, sandbox: Sandbox, source: str, timeout: str | None = None) -> None:
        self._sandbox = sandbox
        self._source = source
        self._timeout = timeout
        self._kept: dict[Hashable, tuple[float, Answer]] = {}

    async def ask(self, api: GraphqlApi | EventApi, config: Mapping[str, Any], question: Question) -> Answer:
        """An answer that lets the caller in.

        ``config``: of the provider. Raises :class:`RefusedError`, :class:`AuthorizerFailedError`.
        """
        pattern = config.get("identityValidationExpression")
        if pattern and re.fullmatch(str(pattern), question.token) is None:
            raise RefusedError
        answer = await self._answer(api, config, question)
        if answer.get("isAuthorized") is not True:
            raise RefusedError
        return answer

    async def _answer(
        self, api: GraphqlApi | EventApi, config: Mapping[str, Any], question: Question
    ) -> Answer:
        key, now = (api.id, api.epoch, question.token, question.kept_for), self._sandbox.clock.now()
        until, kept = self._kept.get(key, (0.0, {}))
        if now < until:
            return kept
        answer = await self._invoke(api, str(config["authorizerUri"]), question)
        ttl = answer.get("ttlOverride", config.get("authorizerResultTtlInSeconds") or 0)
        if isinstance(ttl, int | float) and ttl > 0:
            self._kept = {known: one for known, one in self._kept.items() if one[0] > now}
            self._kept[key] = (self._sandbox.clock.now() + ttl, answer)
        return answer

    async def _invoke(self, api: GraphqlApi | EventApi, function: str, question: Question) -> Answer:
        await self._check_permission(api, function)
        request_id = self._sandbox.ids.uuid()
        own = {"apiId": api.id, "accountId": api.account, "requestId": request_id}
        event = {
            "authorizationToken": question.token,
            "requestContext": {**own, **question.about},
            "requestHeaders": dict(question.headers),
        }
        work = self._sandbox.invoke(Invocation(function, json.dumps(event).encode(), cause=request_id))
        task = self._sandbox.spawn(work, f"authorizer of {api.id}")
        seconds = float(self._sandbox.limits.value(self._timeout)) if self._timeout else None
        done, _ = await asyncio.wait({task}, timeout=seconds)  # the function runs on
        if not done:
            task.add_done_callback(_result_is_not_wanted)
            raise self._failed(api, f"{function} took over {seconds} s")
        try:
            result: InvocationResult = task.result()
        except AwsError as refusal:
            raise self._failed(api, str(refusal)) from refusal
        return self._read(api, function, result)

    def _read(self, api: GraphqlApi | EventApi, function: str, result: InvocationResult) -> Answer:
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

    async def _check_permission(self, api: GraphqlApi | EventApi, function: str) -> None:
        """The function's policy has to let AppSync in (botocore, ``LambdaAuthorizerConfig``)."""
        parts = function.split(":")
        name, qualifier = parts[6], parts[7] if len(parts) > 7 else None
        policy = as_statements(await self._sandbox.control.resources.function_policy(name, qualifier))
        context = {"aws:SourceArn": api.arn, "aws:SourceAccount": api.account}
        action = "lambda:InvokeFunction"
        if not authorize(APPSYNC, action, function, resource_policy=policy, context=context):
            raise self._failed(api, f"{function} does not permit appsync.amazonaws.com for {api.arn}")

    def _failed(self, api: GraphqlApi | EventApi, reason: str) -> AuthorizerFailedError:
        self._sandbox.timeline.record(self._source, "failed", api.id, type="authorizer", reason=reason)
        return AuthorizerFailedError(reason)


def _result_is_not_wanted(task: asyncio.Task[InvocationResult]) -> None:
    """Take the late result so that an error in it is not reported as never looked at."""
    if not task.cancelled():
        task.exception()
