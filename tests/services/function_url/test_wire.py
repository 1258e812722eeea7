"""A Function URL over real sockets: chunks arrive one by one, a cut answer is seen as one."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from sandbox.control.resources import FunctionUrl, PolicyStatement
from sandbox.front.http1 import Http1
from sandbox.services.function_url import FunctionUrlService

ARN = "arn:aws:lambda:us-east-1:000000000000:function:chat"
POLICY = tuple(
    PolicyStatement(action, "Allow", "*", (action,), ARN, {})
    for action in ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")
)


async def serve(sandbox: Any, client: Any) -> Any:
    """``client(base_url)`` against the service on a port of its own."""
    service = FunctionUrlService(sandbox)
    sandbox.control.resources.urls["abc123"] = FunctionUrl(
        "abc123", "chat", None, "NONE", "RESPONSE_STREAM", None, POLICY
    )

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["aws"] = {"url_id": "abc123", "region": ""}
        with sandbox.clock.in_flight("request"):
            await service(scope, receive, send)

    http1 = Http1(app)
    server = await asyncio.get_running_loop().create_server(http1.protocol, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        return await client(f"http://127.0.0.1:{port}")
    finally:
        server.close()
        await http1.close()


def test_chunks_arrive_one_by_one_at_their_instants(edge: SimpleNamespace) -> None:
    async def main(clock: Any) -> Any:
        sandbox = edge.new_sandbox(clock)
        steps = [(1.0, b"data: %d\n\n" % i) for i in range(5)]
        sandbox.lambda_.streams(*steps, kind="text/event-stream")
        arrivals: list[tuple[float, bytes]] = []

        async def client(base: str) -> Any:
            async with (
                httpx.AsyncClient(timeout=None, trust_env=False) as http,
                http.stream("GET", base) as answer,
            ):
                assert answer.headers["transfer-encoding"] == "chunked"
                async for chunk in answer.aiter_raw():
                    arrivals.append((round(clock.now(), 3), chunk))

        await serve(sandbox, client)
        return arrivals

    assert edge.run(main) == [(float(i + 1), b"data: %d\n\n" % i) for i in range(5)]


def test_cut_answer_has_no_last_chunk(edge: SimpleNamespace) -> None:
    async def main(clock: Any) -> Any:
        sandbox = edge.new_sandbox(clock)
        sandbox.lambda_.streams((1.0, b"half"), (2.0, b"way"), kind="text/plain", error="Sandbox.Timedout")
        got: list[bytes] = []

        async def read(answer: httpx.Response) -> None:
            async for chunk in answer.aiter_raw():
                got.append(chunk)

        async def client(base: str) -> Any:
            async with (
                httpx.AsyncClient(timeout=None, trust_env=False) as http,
                http.stream("GET", base) as answer,
            ):
                assert answer.status_code == 200
                with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
                    await read(answer)

        await serve(sandbox, client)
        return got

    assert edge.run(main) == [b"half", b"way"]


def test_client_that_leaves_is_noticed_and_the_stream_read_to_its_next_chunk(edge: SimpleNamespace) -> None:
    async def main(clock: Any) -> Any:
        sandbox = edge.new_sandbox(clock)
        sandbox.lambda_.streams((1.0, b"a"), (5.0, b"b"), (5.0, b"c"), kind="text/plain")

        async def client(base: str) -> Any:
            async with (
                httpx.AsyncClient(timeout=None, trust_env=False) as http,
                http.stream("GET", base) as answer,
            ):
                async for _ in answer.aiter_raw():
                    break
            await clock.advance(20)

        await serve(sandbox, client)
        return list(sandbox.timeline)

    events = edge.run(main)
    (gone,) = [e for e in events if e.name == "client_gone"]
    assert gone.at == pytest.approx(1.0)
    assert [e.data["bytes"] for e in events if e.name == "sent"] == [1]
