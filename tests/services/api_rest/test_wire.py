"""A REST API over real sockets, on the virtual clock."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from sandbox.front.http1 import Http1
from sandbox.services.api_rest import RestApiService

META = b'{"headers":{"content-type":"text/event-stream"}}' + bytes(8)


def over_the_wire(
    edge: SimpleNamespace, rest: SimpleNamespace, config: Any, prepare: Any, client: Any
) -> Any:
    """``client(base url, clock)`` against the API on a port of its own."""

    async def main(clock: Any) -> Any:
        sandbox = edge.new_sandbox(clock)
        sandbox.control.resources.apis[("api1", "prod")] = config
        sandbox.control.resources.policies[("chat", None)] = rest.permission()
        prepare(sandbox)
        service = RestApiService(sandbox)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope["aws"] = {"api_id": "api1", "region": ""}
            with clock.in_flight("request"):
                await service(scope, receive, send)

        http1 = Http1(app)
        server = await asyncio.get_running_loop().create_server(http1.protocol, "127.0.0.1", 0)
        try:
            return await client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/prod/chat", clock)
        finally:
            server.close()
            await http1.close()
            await service.stop()

    return edge.run(main)


async def raw(url: str, clock: Any) -> tuple[float, bytes]:
    """The bytes of the answer, and when they were there."""
    parts = httpx.URL(url)
    reader, writer = await asyncio.open_connection(parts.host, parts.port)
    writer.write(f"GET {parts.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    data = await reader.read()
    writer.close()
    return round(clock.now(), 6), data


def test_timeout_is_one_504_at_29_seconds(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    at, data = over_the_wire(edge, rest, rest.api(), rest.returns(rest.OK, after=40), raw)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert (at, lines[0]) == (29.0, b"HTTP/1.1 504 Gateway Timeout")
    assert body == b'{"message": "Endpoint request timed out"}'
    names = {line.partition(b":")[0] for line in lines[1:]}
    assert {b"content-type", b"x-amzn-requestid", b"x-amzn-errortype", b"x-amz-apigw-id"} <= names
    assert b"content-length: 41" in lines


@pytest.mark.parametrize("error", [None, "Sandbox.Timedout"])
def test_stream_arrives_chunk_by_chunk_and_its_cut_is_seen(
    edge: SimpleNamespace, rest: SimpleNamespace, error: str | None
) -> None:
    uri = rest.URI.replace("2015-03-31", "2021-11-15").replace(
        "/invocations", "/response-streaming-invocations"
    )
    given = rest.integration(transfer_mode="STREAM", timeout_ms=900_000, uri=uri)
    config = rest.api(rest.resource("/chat", rest.method(integration=given)))
    steps = ((0.0, META), *((10.0, b"data: %d\n\n" % index) for index in range(5)))

    def prepare(sandbox: Any) -> None:
        sandbox.lambda_.streams(*steps, kind="x", error=error)

    arrivals: list[tuple[float, bytes]] = []
    ends: list[str] = []

    async def client(url: str, clock: Any) -> None:
        async with (
            httpx.AsyncClient(timeout=None, trust_env=False) as http,
            http.stream("GET", url) as answer,
        ):
            assert answer.headers["transfer-encoding"] == "chunked"
            try:
                async for data in answer.aiter_raw():
                    arrivals.append((round(clock.now(), 3), data))
            except httpx.RemoteProtocolError as cut:
                ends.append(str(cut))

    over_the_wire(edge, rest, config, prepare, client)
    assert arrivals == [(10.0 * (i + 1), b"data: %d\n\n" % i) for i in range(5)]
    assert bool(ends) is (error is not None)
