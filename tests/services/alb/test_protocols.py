"""Real clients of every protocol: HTTP/2, TLS, WebSockets, Lambda behind it all."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import subprocess
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sandbox.context import InvocationResult

SSE = b"data: %d\n\n"


async def events(request: Any, writer: asyncio.StreamWriter) -> None:
    """Five events, a second apart."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for n in range(5):
        await asyncio.sleep(1)
        data = SSE % n
        writer.write(b"%x\r\n%b\r\n" % (len(data), data))
    writer.write(b"0\r\n\r\n")


async def streamed(world: Any, client: httpx.AsyncClient, **options: Any) -> tuple[str, list[float], bytes]:
    start, instants, body = world.clock.now(), [], b""
    async with client.stream("POST", "/", content=b"ask", **options) as response:
        async for piece in response.aiter_raw():
            instants.append(round(world.clock.now() - start, 6))
            body += piece
    return response.http_version, instants, body


@pytest.mark.fact("7.10")
def test_events_over_http2_with_prior_knowledge(play: Any) -> None:
    async def main(world: Any) -> Any:
        several = await asyncio.gather(*(streamed(world, world.http) for _ in range(3)))
        return several, world.servers[0].seen[0]

    several, seen = play(main, events, http2=True)
    for version, instants, body in several:
        assert (version, instants) == ("HTTP/2", [1, 2, 3, 4, 5])
        assert body == b"".join(SSE % n for n in range(5))
    assert seen.line == "POST / HTTP/1.1"
    assert seen.body == b"ask"
    assert seen.headers["x-forwarded-proto"] == "http"


@pytest.mark.fact("7.10")
def test_events_over_http2_chosen_by_alpn(play: Any) -> None:
    async def main(world: Any) -> Any:
        context = ssl.create_default_context(cafile=str(world.sandbox.settings.data_dir / "ca.pem"))
        base = f"https://localhost:{world.sandbox.settings.port}/_aws/alb/lb"
        async with httpx.AsyncClient(http2=True, verify=context, timeout=None, trust_env=False) as client:
            client.base_url = base
            return await streamed(world, client), world.servers[0].seen[0]

    (version, instants, _), seen = play(main, events, protocol="HTTPS")
    assert (version, instants) == ("HTTP/2", [1, 2, 3, 4, 5])
    assert (seen.headers["x-forwarded-proto"], seen.headers["x-forwarded-port"]) == ("https", "443")


def test_an_http2_stream_that_is_cut_is_reset(play: Any) -> None:
    async def half(request: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async def main(world: Any) -> Any:
        with pytest.raises(httpx.RemoteProtocolError):
            await world.http.get("/")
        return True

    assert play(main, half, http2=True)


def test_cookies_that_http2_splits_are_put_together(play: Any) -> None:
    async def main(world: Any) -> Any:
        await world.http.get("/", headers=[("host", play.NAME), ("cookie", "a=1"), ("cookie", "b=2")])
        return world.servers[0].seen[0].headers["cookie"]

    assert play(main, http2=True) == "a=1; b=2"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
def test_curl_reads_events_as_they_come(play: Any, version: str) -> None:
    async def main(world: Any) -> Any:
        url = f"http://127.0.0.1:{world.sandbox.settings.port}/"
        command = ["curl", "-sN", version, "-H", f"Host: {play.NAME}", url]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        output, _ = await process.communicate()
        return output, process.returncode

    output, code = play(main, events)
    if code == 2 and not output:
        pytest.skip("this curl has no HTTP/2")
    assert output == b"".join(SSE % n for n in range(5))


# -- WebSockets


async def websocket_target(request: Any, writer: asyncio.StreamWriter) -> None:
    """A target that answers the handshake and sends everything back, frame by frame, unmasked."""
    from websockets.server import ServerProtocol

    protocol = ServerProtocol()
    protocol.receive_data(request.raw)
    [opening] = protocol.events_received()
    protocol.send_response(protocol.accept(opening))
    while True:
        for data in protocol.data_to_send():
            if not data:
                writer.close()
                return
            writer.write(data)
        data = await request.reader.read(65_536)
        if not data:
            protocol.receive_eof()
            return
        protocol.receive_data(data)
        for frame in protocol.events_received():
            if frame.opcode in (1, 2):
                (protocol.send_text if frame.opcode == 1 else protocol.send_binary)(bytes(frame.data))


def url_of(world: Any) -> str:
    return f"ws://127.0.0.1:{world.sandbox.settings.port}/_aws/alb/lb/talk?x=1"


@pytest.mark.fact("7.10")
def test_a_websocket_is_carried(play: Any) -> None:
    async def main(world: Any) -> Any:
        async with connect(url_of(world), proxy=None, ping_interval=None, subprotocols=None) as socket:
            await socket.send("hello")
            back = [await socket.recv()]
            await socket.send(b"\x00" * 100_000)
            back.append(await socket.recv())
            pong = await socket.ping()
            await pong
        return back, world.servers[0].seen[0], [e[1] for e in world.events("response_completed")]

    back, seen, ended = play(main, websocket_target)
    assert back == ["hello", b"\x00" * 100_000]
    assert seen.line == "GET /talk?x=1 HTTP/1.1"
    assert seen.headers["upgrade"] == "websocket"
    assert seen.headers["x-forwarded-for"] == "127.0.0.1"
    assert ended[0]["status"] == 101


@pytest.mark.fact("7.1")
def test_a_websocket_without_a_byte_for_60_s_is_closed(play: Any) -> None:
    async def main(world: Any) -> Any:
        async with connect(url_of(world), proxy=None, ping_interval=None) as socket:
            await asyncio.sleep(50)
            await socket.send("still there")
            await socket.recv()
            start = world.clock.now()
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            return round(world.clock.now() - start, 6), closed.value.rcvd

    assert play(main, websocket_target) == (60, None)


@pytest.mark.fact("7.1")
def test_bytes_of_the_client_alone_keep_a_websocket(play: Any) -> None:
    async def deaf(request: Any, writer: asyncio.StreamWriter) -> None:
        from websockets.server import ServerProtocol

        protocol = ServerProtocol()
        protocol.receive_data(request.raw)
        [opening] = protocol.events_received()
        protocol.send_response(protocol.accept(opening))
        writer.writelines(protocol.data_to_send())
        while await request.reader.read(1000):
            pass
        writer.close()

    async def main(world: Any) -> Any:
        async with connect(url_of(world), proxy=None, ping_interval=None) as socket:
            start = world.clock.now()
            await asyncio.sleep(50)
            await socket.send("anybody?")
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            return round(world.clock.now() - start, 6)

    assert play(main, deaf) == 110


def test_a_target_that_refuses_a_websocket_is_heard(play: Any) -> None:
    async def refuse(request: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-Why: me\r\n\r\nno")

    async def main(world: Any) -> Any:
        with pytest.raises(InvalidStatus) as refused:
            await connect(url_of(world), proxy=None)
        response = refused.value.response
        return response.status_code, response.body, response.headers["x-why"]

    assert play(main, refuse) == (403, b"no", "me")


def test_a_websocket_to_a_target_that_ends_is_502_or_closed(play: Any) -> None:
    async def close(request: Any, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def main(world: Any) -> Any:
        with pytest.raises(InvalidStatus) as refused:
            await connect(url_of(world), proxy=None)
        return refused.value.response.status_code

    assert play(main, close) == 502


# -- Lambda


async def lambda_group(play: Any, world: Any, answer: Any, **attributes: Any) -> list[dict[str, Any]]:
    """Let the load balancer forward to a function; the events that it gets."""
    got: list[dict[str, Any]] = []

    async def invoke(invocation: Any) -> InvocationResult:
        got.append(json.loads(invocation.payload))
        payload = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        error = "Unhandled" if answer == b"fails" else None
        return InvocationResult(200, payload, error, "$LATEST", "r")

    world.sandbox.lambda_.invoke = invoke
    group = await play.add_group(world, "fn", [], TargetType="lambda")
    await world.aws(
        "RegisterTargets", TargetGroupArn=group.arn, Targets=[{"Id": "arn:aws:lambda:us-east-1:0:function:f"}]
    )
    action = [{"Type": "forward", "TargetGroupArn": group.arn}]
    await world.aws("ModifyListener", ListenerArn=world.listener, DefaultActions=action)
    world.group = group
    if attributes:
        await world.set(**attributes)
    return got


@pytest.mark.fact("7.9")
def test_a_function_gets_the_last_value_and_answers_whole(play: Any) -> None:
    async def main(world: Any) -> Any:
        answer = {"statusCode": 201, "headers": {"X-A": "1"}, "body": "aGk=", "isBase64Encoded": True}
        got = await lambda_group(play, world, answer)
        url = "/a%20b?q=1&q=%2F"
        response = await world.http.post(
            url,
            content=b"text",
            headers=[("host", play.NAME), ("x-b", "1"), ("x-b", "2"), ("content-type", "text/plain")],
        )
        return got[0], response

    event, response = play(main)
    assert event["requestContext"] == {
        "elb": {"targetGroupArn": event["requestContext"]["elb"]["targetGroupArn"]}
    }
    assert (event["httpMethod"], event["path"]) == ("POST", "/a%20b")
    assert event["queryStringParameters"] == {"q": "%2F"}
    assert event["headers"]["x-b"] == "2"
    assert event["headers"]["x-forwarded-proto"] == "http"
    assert (event["body"], event["isBase64Encoded"]) == ("text", False)
    assert (response.status_code, response.headers["x-a"], response.content) == (201, "1", b"hi")
    assert response.headers["content-length"] == "2"


@pytest.mark.fact("7.9")
def test_multi_value_headers_both_ways(play: Any) -> None:
    async def main(world: Any) -> Any:
        answer = {"statusCode": 200, "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}, "body": ""}
        got = await lambda_group(play, world, answer, lambda__multi_value_headers__enabled="true")
        response = await world.http.get(
            "/?q=1&q=2", headers=[("host", play.NAME), ("x-b", "1"), ("x-b", "2")]
        )
        return got[0], response.headers.get_list("set-cookie")

    event, cookies = play(main)
    assert event["multiValueQueryStringParameters"] == {"q": ["1", "2"]}
    assert event["multiValueHeaders"]["x-b"] == ["1", "2"]
    assert "headers" not in event
    assert cookies == ["a=1", "b=2"]


@pytest.mark.fact("7.9")
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"statusCode": 200, "body": "x" * 1_048_500}, 200),
        ({"statusCode": 200, "body": "x" * 1_048_577}, 502),
        ({"body": "no status"}, 502),
        (b"no JSON", 502),
        (b"fails", 502),
    ],
    ids=["just small enough", "too large", "no status", "no JSON", "failed"],
)
def test_a_functions_answer_that_is_none_is_502(play: Any, answer: Any, status: int) -> None:
    async def main(world: Any) -> Any:
        await lambda_group(play, world, answer)
        return (await world.http.get("/")).status_code

    assert play(main) == status


@pytest.mark.fact("7.9")
def test_a_request_over_1_mb_to_a_function_is_413(play: Any) -> None:
    async def main(world: Any) -> Any:
        await lambda_group(play, world, {"statusCode": 200})
        sizes = (2**20, 2**20 + 1)
        return [(await world.http.post("/", content=bytes(size))).status_code for size in sizes]

    assert play(main) == [200, 413]


@pytest.mark.fact("7.1")
def test_a_body_for_a_function_that_does_not_come_is_408(play: Any) -> None:
    async def main(world: Any) -> Any:
        await lambda_group(play, world, {"statusCode": 200})

        async def parts() -> Any:
            yield b"half"
            await asyncio.sleep(59)
            yield b"more"
            await asyncio.sleep(1000)

        start = world.clock.now()
        status = (await world.http.post("/", content=parts())).status_code
        return status, round(world.events("failed")[0][0] - start, 6)

    assert play(main) == (408, 119)


@pytest.mark.fact("7.9")
def test_a_function_is_no_target_of_a_websocket(play: Any) -> None:
    async def main(world: Any) -> Any:
        await lambda_group(play, world, {"statusCode": 200})
        with pytest.raises(InvalidStatus) as refused:
            await connect(url_of(world), proxy=None)
        return refused.value.response.status_code

    assert play(main) == 400
