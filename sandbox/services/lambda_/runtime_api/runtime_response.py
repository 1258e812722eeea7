"""``POST /2018-06-01/runtime/invocation/{id}/response``: the function's answer, whole or as a stream."""

from __future__ import annotations

import asyncio
import base64
import binascii

from sandbox.services.lambda_ import faults
from sandbox.services.lambda_.execution import Execution
from sandbox.services.lambda_.runtime_api.http import Request, TruncatedRequestError
from sandbox.services.lambda_.runtime_api.session import Session

MODE = "lambda-runtime-function-response-mode"
ERROR_TYPE = "lambda-runtime-function-error-type"
ERROR_BODY = "lambda-runtime-function-error-body"
EXIT_S = 0.1  # a connection that breaks is mostly the process ending: its exit code says more


async def runtime_response(session: Session, request: Request, request_id: str) -> None:
    """Pass the response on."""
    execution = session.execution
    if execution is None or execution.request_id != request_id:
        await request.refuse(400, "InvalidRequestID", "Invalid request ID")
        return
    mode = request.headers.get(MODE, "")
    await session.change(session.runtime.response())
    if mode not in ("", "streaming"):
        execution.channel.close(faults.reported("Runtime.InvalidResponseModeHeader", b""))
        await session.change(session.runtime.response_sent())
        await request.refuse(400, "InvalidFunctionResponseMode", "Invalid function response mode")
        return
    execution.channel.open(request.headers.get("content-type", ""))
    try:
        complete = await (_stream if execution.streamed and mode else _collect)(session, request, execution)
    except TruncatedRequestError:
        await session.break_off()
        await asyncio.sleep(EXIT_S)
        execution.channel.close(faults.truncated(request_id))
        await session.change(session.runtime.response_sent())
        raise
    await session.change(session.runtime.response_sent())
    if complete:
        await request.accepted()
    else:
        limit = execution.limits.streamed if execution.streamed and mode else execution.limits.buffered
        text = f"Exceeded maximum allowed payload size ({limit} bytes)."
        await request.refuse(413, "RequestEntityTooLarge", text)


async def _collect(session: Session, request: Request, execution: Execution) -> bool:
    """Take the whole body; whether it was small enough."""
    parts: list[bytes] = []
    size = 0
    async for chunk in request.chunks():
        size += len(chunk)
        if size <= execution.limits.buffered:
            parts.append(chunk)
    if size > execution.limits.buffered:
        execution.channel.close(_too_large(execution, execution.limits.buffered, size))
        return False
    body = b"".join(parts)
    fault = _from_trailers(request)
    if body and fault is None:
        session.wrote(execution.request_id, len(body))
        await execution.channel.write(body)
    execution.channel.close(fault)
    return True


async def _stream(session: Session, request: Request, execution: Execution) -> bool:
    """Pass chunks on as they come, no faster than the bandwidth allows."""
    channel, limit = execution.channel, execution.limits.streamed
    assert execution.bandwidth is not None
    async for chunk in request.chunks():
        allowed = chunk[: max(0, limit - channel.size)]
        if allowed:
            await execution.bandwidth.spend(len(allowed))
            session.wrote(execution.request_id, len(allowed))
            await channel.write(allowed)
        if len(allowed) < len(chunk):
            channel.close(_too_large(execution, limit, channel.size + len(chunk) - len(allowed)))
            return False
    channel.close(_from_trailers(request))
    return True


def _too_large(execution: Execution, limit: int, size: int) -> faults.Fault:
    message = execution.limits.message.format(limit=limit, size=size)
    return faults.response_too_large(execution.limits.error_type, message)


def _from_trailers(request: Request) -> faults.Fault | None:
    """The error that a stream may end with: its type, and its JSON in base64."""
    type_ = request.trailers.get(ERROR_TYPE, "")
    body = request.trailers.get(ERROR_BODY, "")
    if not type_ and not body:
        return None
    try:
        payload = base64.b64decode(body, validate=True)
    except binascii.Error:
        payload = body.encode("latin-1")
    return faults.reported(type_, payload)
