"""The Invoke APIs over HTTP: Invoke, InvokeAsync, InvokeWithResponseStream (botocore, lambda 2015-03-31)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from sandbox.aws import eventstream
from sandbox.aws.errors import AwsError
from sandbox.context import Invocation, InvocationType, InvokeComplete, Receive, Sandbox, Scope, Send
from sandbox.services.lambda_ import errors
from sandbox.services.lambda_.invoker import check_emulated

if TYPE_CHECKING:
    from sandbox.services.lambda_.service import LambdaService

Headers = dict[str, str]


class InvokeApi:
    """An ASGI application."""

    def __init__(self, sandbox: Sandbox, service: LambdaService) -> None:
        self._sandbox = sandbox
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operations: dict[str, Callable[[Scope, Receive, Send], Awaitable[None]]] = {
            "invoke": self._invoke,
            "invoke_async": self._invoke_async,
            "invoke_stream": self._invoke_stream,
        }
        try:
            await operations[scope["aws"]["operation"]](scope, receive, send)
        except AwsError as error:
            await self._refuse(error, send)

    async def _invoke(self, scope: Scope, receive: Receive, send: Send) -> None:
        invocation = self._invocation(scope, await _body(receive))
        result = await self._service.invoke(invocation)
        headers = {"x-amzn-RequestId": result.request_id}
        if result.status == 200:
            headers |= {"X-Amz-Executed-Version": result.executed_version, "Content-Type": "application/json"}
        if result.function_error:
            headers["X-Amz-Function-Error"] = result.function_error
        if result.log_tail is not None:
            headers["X-Amz-Log-Result"] = result.log_tail
        await _answer(send, result.status, headers, result.payload)

    async def _invoke_async(self, scope: Scope, receive: Receive, send: Send) -> None:
        payload = await _body(receive)
        result = await self._service.invoke(
            Invocation(scope["aws"]["function"], payload, "Event", trace_id=_trace_id(_headers(scope)))
        )
        await _answer(send, result.status, {"x-amzn-RequestId": result.request_id}, b"")

    async def _invoke_stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        invocation = self._invocation(scope, await _body(receive))
        if invocation.type == "Event":
            raise errors.validation(
                "1 validation error detected: Value 'Event' at 'invocationType' failed to satisfy constraint: "
                "Member must satisfy enum value set: [RequestResponse, DryRun]"
            )
        if invocation.type == "DryRun":
            result = await self._service.invoke(invocation)
            await _answer(send, 204, {"x-amzn-RequestId": result.request_id}, b"")
            return
        stream = await self._service.invoke_stream(invocation)
        await stream.started()
        headers = {
            "x-amzn-RequestId": stream.request_id,
            "X-Amz-Executed-Version": stream.executed_version,
            "Content-Type": eventstream.CONTENT_TYPE,
        }
        await send({"type": "http.response.start", "status": 200, "headers": _encoded(headers)})
        async for chunk in stream:
            message = eventstream.event("PayloadChunk", chunk)
            await send({"type": "http.response.body", "body": message, "more_body": True})
        assert stream.complete is not None
        await send({"type": "http.response.body", "body": _complete(stream.complete), "more_body": False})

    # -- reading -----------------------------------------------------------------------------------

    def _invocation(self, scope: Scope, payload: bytes) -> Invocation:
        headers = _headers(scope)
        check_emulated(headers)
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        qualifier = query.get("Qualifier", [None])[0]
        return Invocation(
            function=scope["aws"]["function"],
            payload=payload,
            type=_invocation_type(headers),
            qualifier=qualifier,
            log_tail=_log_tail(headers),
            client_context=headers.get("x-amz-client-context"),
            trace_id=_trace_id(headers),
        )

    # -- writing -----------------------------------------------------------------------------------

    async def _refuse(self, error: AwsError, send: Send) -> None:
        headers = {
            "x-amzn-RequestId": self._sandbox.ids.uuid(),
            "x-amzn-ErrorType": error.code,
            "Content-Type": "application/json",
            **error.headers,
        }
        # Lambda's shapes: "message" for the throttle and validation errors, "Message" for the others.
        lower = error.code in ("TooManyRequestsException", "ValidationException", "NotImplemented")
        body: dict[str, Any] = {**error.fields, "message" if lower else "Message": error.message}
        await _answer(send, error.status, headers, json.dumps(body, separators=(",", ":")).encode())


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client left before its request was complete")
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _headers(scope: Scope) -> Headers:
    return {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}


def _invocation_type(headers: Headers) -> InvocationType:
    value = headers.get("x-amz-invocation-type", "RequestResponse")
    match value:
        case "RequestResponse" | "Event" | "DryRun":
            return value
    raise errors.validation(
        f"1 validation error detected: Value '{value}' at 'invocationType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [Event, RequestResponse, DryRun]"
    )


def _log_tail(headers: Headers) -> bool:
    value = headers.get("x-amz-log-type", "None")
    if value not in ("None", "Tail"):
        raise errors.validation(
            f"1 validation error detected: Value '{value}' at 'logType' failed to satisfy constraint: "
            "Member must satisfy enum value set: [None, Tail]"
        )
    return value == "Tail"


def _trace_id(headers: Headers) -> str | None:
    return headers.get("x-amzn-trace-id")


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(k.encode(), v.encode("latin-1", "replace")) for k, v in headers.items()]


async def _answer(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    items = _encoded(headers)
    if status != 204:
        items.append((b"Content-Length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": items})
    await send({"type": "http.response.body", "body": body})


def _complete(complete: InvokeComplete) -> bytes:
    members = {
        "ErrorCode": complete.error_code,
        "ErrorDetails": complete.error_details,
        "LogResult": complete.log_tail,
    }
    payload = {k: v for k, v in members.items() if v is not None}
    return eventstream.event("InvokeComplete", json.dumps(payload).encode(), "application/json")
