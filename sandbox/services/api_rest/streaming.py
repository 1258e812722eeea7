"""``responseTransferMode`` STREAM: chunks go to the client as the integration gives them (facts 1.20 to 1.31).

A stream lives at most ``timeoutInMillis`` (up to 15 minutes) and may be silent for 5 minutes (30 s at an
edge-optimized endpoint); its first 10 MB are free, the rest is paced. What ends it early cuts the body, since the
status is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sandbox.aws.errors import AwsError
from sandbox.aws.http_integration import CONTENT_TYPE, PreludeError, PreludeReader
from sandbox.context import StreamedInvocation
from sandbox.services.api_rest import headers, lambda_proxy
from sandbox.services.api_rest.call import Call, Pairs
from sandbox.services.api_rest.gateway_response import GatewayError, internal, of_limit
from sandbox.services.api_rest.http_proxy import HttpProxy, build, network_error
from sandbox.services.http_client import pairs_of

if TYPE_CHECKING:
    import httpx

OPERATION = "response-streaming-invocations"


@dataclass(slots=True)
class Head:
    """The first of an answer: status, headers, and the payload that came with them."""

    status: int
    headers: Pairs
    first: bytes = b""


class Source(Protocol):
    """An integration that streams."""

    async def head(self) -> Head:
        """Wait for status and headers. Raises ``GatewayError``."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The rest of the payload. ``BrokenStreamError`` when it ends early."""
        ...

    async def close(self) -> None:
        """Nobody reads on. A function runs on."""
        ...


class BrokenStreamError(Exception):
    """The integration's answer ended before its end."""


class LambdaSource:
    """InvokeWithResponseStream: metadata, eight zero bytes within the first 16 KB, payload."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._stream: StreamedInvocation | None = None
        self._iterator: AsyncIterator[bytes] | None = None

    async def head(self) -> Head:
        """The function's metadata. What is none is a 500, a function that fails before it a 502."""
        call, limits = self._call, self._call.sandbox.limits
        request = await lambda_proxy.invocation(call, OPERATION)
        try:
            stream = self._stream = await call.sandbox.invoke_stream(request)
        except AwsError as refusal:
            raise lambda_proxy.refused(call, refusal) from refusal
        self._iterator = aiter(stream)
        reader = PreludeReader(int(limits.value("api_rest.stream.metadata_within")))
        try:
            async for data in self._iterator:
                found = reader.feed(data)
                if found is not None:
                    return Head(found[0].status, list(found[0].headers), found[1])
        except PreludeError as wrong:
            raise self._wrong_output(str(wrong)) from wrong
        if stream.complete is not None and stream.complete.error_code is not None:
            reason = f"the function failed: {stream.complete.error_code}"
            raise of_limit(limits, "INTEGRATION_FAILURE", "integration", reason)
        raise self._wrong_output(f"the function's output has no metadata ({CONTENT_TYPE})")

    def _wrong_output(self, reason: str) -> GatewayError:
        limits = self._call.sandbox.limits
        status = int(limits.value("api_rest.stream.error.output.status"))
        return internal(limits, "API_CONFIGURATION_ERROR", status, reason)

    async def chunks(self) -> AsyncIterator[bytes]:
        """What the function writes after its metadata."""
        assert self._stream is not None
        assert self._iterator is not None
        async for data in self._iterator:
            yield data
        complete = self._stream.complete
        if complete is not None and complete.error_code is not None:
            raise BrokenStreamError(complete.error_code)

    async def close(self) -> None:
        """Leave the stream; the function runs on."""
        close = getattr(self._iterator, "aclose", None)
        if close is not None:
            await close()


class HttpSource:
    """An HTTP endpoint whose answer is passed on as it comes."""

    def __init__(self, call: Call, proxy: HttpProxy) -> None:
        self._call = call
        self._proxy = proxy
        self._response: httpx.Response | None = None

    async def head(self) -> Head:
        """The endpoint's status and headers."""
        import httpx

        try:
            self._response = await self._proxy.client().send(build(self._call), stream=True)
        except httpx.TransportError as failure:
            raise network_error(self._call, failure) from failure
        return Head(self._response.status_code, pairs_of(self._response))

    async def chunks(self) -> AsyncIterator[bytes]:
        """The endpoint's body."""
        import httpx

        assert self._response is not None
        try:
            async for data in self._response.aiter_raw():
                yield data
        except httpx.TransportError as failure:
            raise BrokenStreamError(f"{type(failure).__name__}: {failure}") from failure

    async def close(self) -> None:
        """Close the connection to the endpoint."""
        if self._response is not None:
            await self._response.aclose()


class Pacer:
    """Lets the first bytes pass and holds the rest to a rate (bytes a second)."""

    def __init__(self, free: int, rate: int) -> None:
        self._free = free
        self._rate = rate
        self._next = 0.0

    def wait(self, size: int, now: float) -> float:
        """Seconds to wait before sending ``size`` bytes."""
        paid = max(0, size - self._free)
        self._free = max(0, self._free - size)
        if not paid:
            return 0.0
        begin = max(now, self._next)
        self._next = begin + paid / self._rate
        return self._next - now


def source_of(call: Call, proxy: HttpProxy) -> Source:
    """The streaming form of the call's integration. Raises ``GatewayError`` when it has none."""
    limits = call.sandbox.limits
    kind = call.integration.type
    if not limits.available("api_rest.streaming.available"):
        reason = f"REST APIs did not stream on {limits.as_of}"
        raise internal(limits, "API_CONFIGURATION_ERROR", 500, reason)
    if kind == "AWS_PROXY":
        return LambdaSource(call)
    if kind == "HTTP_PROXY":
        return HttpSource(call, proxy)
    reason = f"responseTransferMode STREAM goes with AWS_PROXY and HTTP_PROXY, not with {kind}"
    raise internal(limits, "API_CONFIGURATION_ERROR", 500, reason)


async def relay(call: Call, source: Source) -> None:
    """Send an integration's stream. Raises ``GatewayError`` before the first byte, ``ConnectionAbort`` after."""
    loop = asyncio.get_running_loop()
    limits = call.sandbox.limits
    deadline = loop.time() + call.integration.timeout_ms / 1000
    place = "edge" if call.api.endpoint_type == "EDGE" else "regional"
    idle = float(limits.value(f"api_rest.stream.idle.{place}"))
    pacer = Pacer(
        int(limits.value("api_rest.stream.bandwidth.uncapped")),
        int(limits.value("api_rest.stream.bandwidth")),
    )
    head = await _head(call, source, min(deadline, loop.time() + idle))
    call.mark("headers")
    await call.exchange.start(
        head.status, [*_kept(call, head), *headers.of_gateway(call, call.integration.type)]
    )
    try:
        await _send(call, head.first, pacer, deadline)
        await _body(call, source, pacer, deadline, idle)
    except TimeoutError:
        over = loop.time() >= deadline
        reason = f"over {call.integration.timeout_ms / 1000} s" if over else f"no byte for {idle} s"
        raise call.exchange.cut(reason) from None
    except BrokenStreamError as broken:
        raise call.exchange.cut(str(broken)) from broken
    finally:
        call.mark("answered")
        _bill(call)
        await source.close()


def _bill(call: Call) -> None:
    """Each 10 MB of a stream that have begun are one request on the bill (fact 1.34)."""
    unit = int(call.sandbox.limits.value("api_rest.stream.billing_unit"))
    requests = max(1, -(-call.exchange.sent // unit))
    call.sandbox.timeline.record("api_rest", "billed", call.request_id, requests=requests)


async def _head(call: Call, source: Source, until: float) -> Head:
    """The head, or the 504. A task of its own: a function that is still starting is not disturbed."""
    task = call.sandbox.spawn(source.head(), f"stream of {call.api_id} for {call.request_id}")
    try:
        done, _ = await asyncio.wait({task}, timeout=until - asyncio.get_running_loop().time())
    except asyncio.CancelledError:  # a test that took too long
        _leave(call, task)
        raise
    if done:
        head: Head = task.result()
        return head
    _leave(call, task)
    raise of_limit(call.sandbox.limits, "INTEGRATION_TIMEOUT", "timeout", "no first byte in time")


def _leave(call: Call, task: asyncio.Task[Head]) -> None:
    """Nobody waits for the head any more: a function runs on."""
    if call.integration.type == "AWS_PROXY":
        task.add_done_callback(lambda late: late.cancelled() or late.exception())
    else:
        task.cancel()


async def _body(call: Call, source: Source, pacer: Pacer, deadline: float, idle: float) -> None:
    loop = asyncio.get_running_loop()
    chunks = aiter(source.chunks())
    while not call.exchange.gone:
        try:
            async with asyncio.timeout_at(min(deadline, loop.time() + idle)):
                data = await anext(chunks)
        except StopAsyncIteration:
            await call.exchange.end()
            return
        await _send(call, data, pacer, deadline)


async def _send(call: Call, data: bytes, pacer: Pacer, deadline: float) -> None:
    pause = pacer.wait(len(data), asyncio.get_running_loop().time())
    if pause:
        async with asyncio.timeout_at(deadline):
            await asyncio.sleep(pause)
    if data:
        call.mark("content")
    await call.exchange.write(data)


def _kept(call: Call, head: Head) -> Pairs:
    """The integration's headers. The body is always chunked: its length is not promised."""
    given = [pair for pair in head.headers if pair[0].lower() != "content-length"]
    pairs = headers.of_response(given, call.integration.type)
    if call.integration.type == "AWS_PROXY" and not any(n.lower() == "content-type" for n, _ in pairs):
        pairs.append(("Content-Type", "application/json"))
    return pairs
