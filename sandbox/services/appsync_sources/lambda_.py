"""Functions as data sources: ``Invoke``, ``BatchInvoke``, and ``invocationType`` ``Event`` (fact 5.14).

Source: AppSync developer guide, "Resolver function reference for Lambda". ``Lambda:Unhandled`` as the type of a
function's error is as users of AppSync quote it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sandbox.aws import json_text
from sandbox.aws.errors import AwsError
from sandbox.context import Invocation, InvocationResult, InvocationType
from sandbox.services.appsync_sources.errors import SourceError

if TYPE_CHECKING:
    from sandbox.control.appsync import DataSource
    from sandbox.services.appsync_sources.asking import Request


async def call(
    request: Request,
    source: DataSource,
    document: Mapping[str, Any],
    key: str,
    batch_size: int,
    *,
    direct: bool,
) -> Any:
    """The function's answer; ``None`` when it was started as an event. Raises :class:`SourceError`."""
    function = str((source.config.get("lambdaConfig") or {}).get("lambdaFunctionArn", ""))
    kind: InvocationType = "Event" if document.get("invocationType") == "Event" else "RequestResponse"
    operation = document.get("operation", "Invoke")
    payload = document.get("payload")
    if operation == "Invoke":
        return await _invoke(request, function, payload, kind)
    if operation != "BatchInvoke":
        raise SourceError(f"Unsupported operation '{operation}'.", "MappingTemplate")

    async def send(payloads: Sequence[Any]) -> Sequence[Any]:
        answer = await _invoke(request, function, list(payloads), kind)
        if kind == "Event":
            return [None] * len(payloads)
        if not isinstance(answer, list) or len(answer) != len(payloads):
            raise SourceError(
                f"The answer of BatchInvoke has to be a list of {len(payloads)} results.",
                "Lambda:BatchInvoke",
            )
        return [_direct_answer(item) for item in answer] if direct else answer

    return await request.batches.add(key, payload, batch_size, send)


async def _invoke(request: Request, function: str, payload: Any, kind: InvocationType) -> Any:
    sandbox = request.sandbox
    body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    invocation = Invocation(function, body, kind, cause=request.id)
    # A task of its own: the function runs on when the request's time is over.
    task = sandbox.spawn(_answer(request, invocation), f"{function} for {request.id}")
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(_result_is_not_wanted)
        raise


def _result_is_not_wanted(task: asyncio.Task[Any]) -> None:
    """Take the late result so that an error in it is not reported as never looked at."""
    if not task.cancelled():
        task.exception()


async def _answer(request: Request, invocation: Invocation) -> Any:
    try:
        result = await request.sandbox.invoke(invocation)
    except AwsError as refusal:
        raise SourceError(refusal.message, f"Lambda:{refusal.code}") from refusal
    return None if invocation.type == "Event" else _read(result)


def _read(result: InvocationResult) -> Any:
    text = result.payload.decode("utf-8", "replace")
    try:
        value = json_text.loads(text) if text else None
    except ValueError as wrong:
        raise SourceError(f"The function's answer is no JSON: {text[:200]}", "Lambda:Unhandled") from wrong
    if result.function_error is None:
        return value
    message = value.get("errorMessage") if isinstance(value, dict) else text
    raise SourceError(str(message), f"Lambda:{result.function_error}")


def _direct_answer(item: Any) -> Any:
    """One of a direct resolver's batch: ``{"data", "errorMessage", "errorType"}``."""
    if not isinstance(item, dict):
        return SourceError(
            "An item of a batch has to be an object with data or errorMessage.", "Lambda:BatchInvoke"
        )
    if item.get("errorMessage") is not None:
        return SourceError(
            str(item["errorMessage"]), item.get("errorType") or "Lambda:Unhandled", item.get("data")
        )
    return item.get("data")
