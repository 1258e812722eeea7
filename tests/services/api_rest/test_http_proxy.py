"""HTTP_PROXY and HTTP against a real server on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.services.api_rest import RestApiService

Handler = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


def proxied(edge: SimpleNamespace, rest: SimpleNamespace, handler: Handler, **options: Any) -> Any:
    """One request through an API whose endpoint is ``handler(request bytes, writer)``."""
    uri, path = options.pop("uri", "http://127.0.0.1:PORT/up"), options.pop("path", "/prod/chat")
    kind = options.pop("kind", "HTTP_PROXY")
    changes, resource = options.pop("changes", {}), options.pop("resource", "/chat")

    async def main(clock: Any) -> Any:
        sandbox = edge.new_sandbox(clock)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(x[15:]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:")), 0
            )
            try:
                await handler(head + (await reader.readexactly(length) if length else b""), writer)
            finally:
                writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        url = uri.replace("PORT", str(port))
        given = rest.integration(kind, uri=url, **{"http_method": "ANY", **changes})
        method = rest.method(integration=given)
        sandbox.control.resources.apis[("api1", "prod")] = rest.api(rest.resource(resource, method))
        service = RestApiService(sandbox)
        try:
            return await edge.request(service, clock, rest.HOST, path, **options), sandbox
        finally:
            await service.stop()
            server.close()

    return edge.run(main)


def answers(text: bytes, after: float = 0.0, seen: list[bytes] | None = None) -> Handler:
    async def handler(request: bytes, writer: asyncio.StreamWriter) -> None:
        if seen is not None:
            seen.append(request)
        await asyncio.sleep(after)
        writer.write(text)
        await writer.drain()

    return handler


OK = b"HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\nDate: d\r\nServer: up\r\nX-A: 1\r\nX-A: 2\r\n\r\nhello"


def test_request_and_answer_pass_through(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    seen: list[bytes] = []
    reply, _ = proxied(
        edge,
        rest,
        answers(OK, seen=seen),
        uri="http://127.0.0.1:PORT/up/{proxy}?k=v",
        resource="/chat/{proxy+}",
        path="/prod/chat/a/b?q=1&q=2",
        method="POST",
        headers={"content-type": "application/json", "x-own": "1", "connection": "keep-alive"},
        body=b'{"a":1}',
    )
    assert (reply.status, reply.body) == (201, b"hello")
    assert reply.all("x-a") == ["1", "2"]
    assert (reply.header("x-amzn-remapped-date"), reply.header("x-amzn-remapped-server")) == ("d", "up")
    assert reply.header("x-amzn-trace-id") is None
    assert reply.header("x-amz-apigw-id")
    head, _, body = seen[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /up/a/b?k=v&q=1&q=2 HTTP/1.1"
    sent = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines[1:]}
    assert sent["host"].startswith("127.0.0.1:")
    assert (sent["x-own"], sent["content-type"]) == ("1", "application/json")
    assert (sent["x-amzn-apigateway-api-id"], sent["user-agent"]) == ("api1", "AmazonAPIGateway_api1")
    assert "accept-encoding" not in sent
    assert body == b'{"a":1}'


def test_parameters_are_mapped(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    seen: list[bytes] = []
    mapping = {
        "integration.request.path.where": "method.request.path.id",
        "integration.request.header.X-Stage": "context.stage",
        "integration.request.header.X-Static": "'fixed'",
        "integration.request.querystring.k": "method.request.querystring.q",
    }
    reply, _ = proxied(
        edge,
        rest,
        answers(OK, seen=seen),
        uri="http://127.0.0.1:PORT/{where}",
        resource="/chat/{id}",
        path="/prod/chat/7?q=1",
        changes={"request_parameters": mapping},
    )
    assert reply.status == 201
    text = seen[0].decode()
    assert text.startswith("GET /7?q=1&k=1 HTTP/1.1\r\n")
    assert "X-Stage: prod\r\n" in text
    assert "X-Static: fixed\r\n" in text


def test_slow_endpoint_times_out_exactly_and_is_let_go(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    reply, sandbox = proxied(edge, rest, answers(OK, after=60))
    assert (reply.status, reply.ended_at) == (504, 29.0)
    assert reply.body == b'{"message": "Endpoint request timed out"}'
    assert not [task for task in sandbox.tasks if not task.cancelling()]


def test_streamed_answer_is_buffered_to_its_end(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    async def handler(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for index in range(5):
            await asyncio.sleep(1)
            writer.write(b"data: %d\n\n" % index)
            await writer.drain()

    reply, _ = proxied(edge, rest, handler)
    assert reply.chunks == [(5.0, b"".join(b"data: %d\n\n" % i for i in range(5)))]


@pytest.mark.parametrize(
    "text", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", b"garbage\r\n\r\n"]
)
def test_endpoint_that_breaks_off_is_a_network_error(
    edge: SimpleNamespace, rest: SimpleNamespace, text: bytes
) -> None:
    reply, _ = proxied(edge, rest, answers(text))
    assert (reply.status, reply.body) == (504, b'{"message": "Network error communicating with endpoint"}')
    assert reply.header("content-length") == "56"


def test_header_values_of_any_letters_pass(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    seen: list[bytes] = []
    mapping = {"integration.request.header.X-Q": "method.request.querystring.q"}
    reply, _ = proxied(
        edge,
        rest,
        answers(OK, seen=seen),
        path="/prod/chat?q=%E2%9C%93",
        headers={"x-name": "é"},
        changes={"request_parameters": mapping},
    )
    assert reply.status == 201
    assert "X-Name: é\r\n".encode() in seen[0]
    assert "X-Q: ✓\r\n".encode() in seen[0]


@pytest.mark.parametrize("uri", ["http://[/x", "not a url", "http://127.0.0.1:99999999/"])
def test_address_that_is_none_is_told_on_the_timeline(
    edge: SimpleNamespace, rest: SimpleNamespace, uri: str
) -> None:
    reply, sandbox = proxied(edge, rest, answers(OK), uri=uri)
    assert (reply.status, reply.body) == (500, b'{"message": "Internal server error"}')
    (failed,) = sandbox.timeline.select("api_rest", "failed")
    assert "is no address of an endpoint" in failed.data["reason"]


def test_endpoint_that_is_not_there_is_a_network_error(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    reply, _ = proxied(edge, rest, answers(OK), uri="http://127.0.0.1:1/x")
    assert reply.status == 504


def test_mapping_that_is_none_is_refused_by_name(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    mapping = {"integration.request.header.X": "method.request.cookie.a"}
    reply, _ = proxied(edge, rest, answers(OK), changes={"request_parameters": mapping})
    assert reply.status == 501
    assert "method.request.cookie.a" in json.loads(reply.body)["message"]


def test_answer_over_10_mb_is_a_502(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    text = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(10 * 2**20 + 1)
    reply, _ = proxied(edge, rest, answers(text))
    assert (reply.status, reply.body) == (502, b'{"message": "Internal server error"}')


# -- HTTP: both ways through templates

RESPONSES = {
    "200": {
        "statusCode": "200",
        "selectionPattern": "2\\d\\d",
        "responseParameters": {"method.response.header.X-Up": "integration.response.header.x-a"},
        "responseTemplates": {"application/json": '{"up": $input.json("$.t")}'},
    },
    "502": {"statusCode": "502"},
}
CHANGES = {
    "http_method": "PUT",
    "request_templates": {"application/json": '{"sent": "$input.path(\'$.q\')"}'},
    "request_parameters": {
        "integration.request.path.id": "method.request.querystring.id",
        "integration.request.querystring.k": "'v w'",
        "integration.request.header.X-Own": "method.request.header.X-Mine",
    },
    "responses": RESPONSES,
}


def test_http_integration_sends_and_answers_only_what_is_mapped(
    edge: SimpleNamespace, rest: SimpleNamespace
) -> None:
    seen: list[bytes] = []
    answer = b'HTTP/1.1 201 Created\r\nX-A: 1\r\nX-B: 2\r\n\r\n{"t": [1]}'
    reply, _ = proxied(
        edge,
        rest,
        answers(answer, seen=seen),
        kind="HTTP",
        uri="http://127.0.0.1:PORT/up/{id}",
        changes=CHANGES,
        path="/prod/chat?id=7&q=no",
        method="POST",
        headers={"X-Mine": "m", "X-Other": "o"},
        body=b'{"q": "hi"}',
    )
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.splitlines()[0] == b"PUT /up/7?k=v%20w HTTP/1.1"
    names = {line.partition(b":")[0].lower() for line in head.splitlines()[1:]}
    assert b"x-own" in names
    assert not names & {b"x-mine", b"x-other"}
    assert body == b'{"sent": "hi"}'
    assert (reply.status, json.loads(reply.body), reply.header("x-up")) == (200, {"up": [1]}, "1")
    assert reply.header("x-b") is None


def test_status_of_an_endpoint_selects_the_response(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    answer = b"HTTP/1.1 404 Not Found\r\n\r\nnone"
    reply, _ = proxied(edge, rest, answers(answer), kind="HTTP", changes=CHANGES, method="POST", body=b"{}")
    assert (reply.status, reply.body) == (502, b"none")  # no template: the body passes


@pytest.mark.fact("1.1", "1.5")
def test_http_integration_has_the_same_timeout(edge: SimpleNamespace, rest: SimpleNamespace) -> None:
    slow = answers(OK, after=60)
    reply, _ = proxied(edge, rest, slow, kind="HTTP", changes=CHANGES, method="POST", body=b"{}")
    assert (reply.status, reply.ended_at) == (504, 29.0)
