"""HTTP_PROXY against a real server on loopback."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.services.api_http import HttpApiService


def proxied(edge: SimpleNamespace, http: SimpleNamespace, key: str = "ANY /{proxy+}", **options: Any) -> Any:
    """One request through an API whose endpoint answers with ``answer`` after ``after`` seconds."""
    answer, after = (
        options.pop("answer", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
        options.pop("after", 0),
    )
    uri, changes = options.pop("uri", "http://127.0.0.1:PORT/up/{proxy}"), options.pop("changes", {})
    seen: list[bytes] = []

    async def main(clock: Any) -> Any:
        sandbox = edge.new_sandbox(clock)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = next((int(x[15:]) for x in lines if x.startswith(b"content-length:")), 0)
            seen.append(head + (await reader.readexactly(length) if length else b""))
            try:
                await asyncio.sleep(after)  # maybe for longer than the test
                writer.write(answer)
            finally:
                writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        url = uri.replace("PORT", str(server.sockets[0].getsockname()[1]))
        route = http.route(
            key, type="HTTP_PROXY", uri=url, method="ANY", **{"payload_format": "1.0", **changes}
        )
        api = http.api(route, stage_variables={"color": "red"})
        sandbox.control.resources.v2[("api1", "$default")] = api
        service = HttpApiService(sandbox)
        try:
            reply = await edge.request(service, clock, http.HOST, **options)
            await asyncio.sleep(0)
        finally:
            await service.stop()
            server.close()
        return reply, seen

    return edge.run(main)


def headers_of(request: bytes) -> dict[str, str]:
    head = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}


def test_a_request_goes_on(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    reply, seen = proxied(
        edge,
        http,
        path="/a/b%20c?x=1",
        method="POST",
        headers={"x-a": "1", "connection": "close"},
        body=b"hi",
    )
    assert (reply.status, reply.body) == (200, b"ok")
    assert seen[0].startswith(b"POST /up/a/b%20c?x=1 HTTP/1.1\r\n")
    assert seen[0].endswith(b"\r\n\r\nhi")
    headers = headers_of(seen[0])
    assert headers["x-a"] == "1"
    assert headers["host"].startswith("127.0.0.1:")
    assert f"for=127.0.0.1;host={http.HOST};proto=https" in headers["forwarded"]
    assert headers["via"] == "HTTP/1.1 AmazonAPIGateway"


def test_parameters_are_mapped(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    mapping = {
        "append:header.x-id": "$context.requestId",
        "overwrite:header.x-a": "$request.body.deep.list[1]",
        "remove:header.x-b": "''",
        "append:querystring.color": "$stageVariables.color",
        "remove:querystring.gone": "''",
        "overwrite:path": "/new/${request.path.proxy}",
        "append:header.x-q": "$request.querystring.x",
    }
    reply, seen = proxied(
        edge,
        http,
        path="/a?x=1&gone=2",
        method="POST",
        headers={"x-a": "1", "X-B": "2"},
        body=json.dumps({"deep": {"list": ["a", "b"]}}).encode(),
        changes={"request_parameters": mapping},
    )
    assert seen[0].startswith(b"POST /new/a?x=1&color=red HTTP/1.1\r\n")
    headers = headers_of(seen[0])
    assert (headers["x-a"], headers["x-q"]) == ("b", "1")
    assert headers["x-id"] == reply.header("apigw-requestid")
    assert "x-b" not in headers


def test_answers_are_mapped_by_their_status(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    mapping = {
        "500": {
            "overwrite:statuscode": "403",
            "append:header.x-why": "$response.body.why",
            "remove:header.x-gone": "''",
        }
    }
    answer = b'HTTP/1.1 500 No\r\ncontent-length: 13\r\nx-up: up\r\nx-gone: 1\r\n\r\n{"why":"bad"}'
    mapping["500"]["overwrite:header.x-up"] = "new ${response.header.x-up}"
    reply, _ = proxied(edge, http, path="/a", answer=answer, changes={"response_parameters": mapping})
    assert (reply.status, reply.header("x-why"), reply.header("x-up")) == (403, "bad", "new up")
    assert reply.header("x-gone") is None


@pytest.mark.fact("2.1", "2.2")
def test_a_silent_endpoint_is_504_at_its_time(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    reply, _ = proxied(edge, http, path="/a", after=40, changes={"timeout_ms": 30_000})
    assert (reply.status, reply.ended_at) == (504, 30.0)


def test_an_endpoint_that_is_not_there(edge: SimpleNamespace, http: SimpleNamespace) -> None:
    reply, _ = proxied(edge, http, path="/a", uri="http://127.0.0.1:1/")
    assert (reply.status, reply.body) == (503, b'{"message":"Service Unavailable"}')


@pytest.mark.parametrize("uri", ["ftp://x/", "http://", "nothing"])
def test_an_address_that_is_none(edge: SimpleNamespace, http: SimpleNamespace, uri: str) -> None:
    reply, _ = proxied(edge, http, path="/a", uri=uri)
    assert reply.status == 500


def test_services_of_cloud_map_behind_vpc_links_are_named_as_missing(
    edge: SimpleNamespace, http: SimpleNamespace
) -> None:
    uri = "arn:aws:servicediscovery:us-east-1:000000000000:service/srv-1"
    reply, _ = proxied(edge, http, path="/a", uri=uri, changes={"connection_type": "VPC_LINK"})
    assert reply.status == 501
    assert b"servicediscovery" in reply.body
