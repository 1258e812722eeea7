"""Requests through a load balancer: what a target gets, what a client gets, and when it is cut off."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx
import pytest


async def read(
    world: Any, *args: Any, **options: Any
) -> tuple[httpx.Response, list[tuple[float, bytes]], str]:
    """An answer with its pieces, each with its instant from the request on, and how it ended."""
    start, pieces, end = world.clock.now(), [], "ok"
    async with world.http.stream(*args, **options) as response:
        try:
            async for piece in response.aiter_raw():
                pieces.append((round(world.clock.now() - start, 6), piece))
        except httpx.RemoteProtocolError:
            end = "cut"
    pieces.append((round(world.clock.now() - start, 6), b""))
    return response, pieces, end


def talks(*steps: tuple[float, bytes], end: bool = True) -> Any:
    """A script: status 200, and chunks after so many seconds each."""

    async def script(request: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for seconds, data in steps:
            await asyncio.sleep(seconds)
            writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        if end:
            writer.write(b"0\r\n\r\n")
        else:
            await asyncio.sleep(10_000)

    return script


def silent(seconds: float = 10_000) -> Any:
    """A script that says nothing for a while."""

    async def script(request: Any, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    return script


def raw(answer: bytes, *, close: bool = True) -> Any:
    """A script that sends just these bytes."""

    async def script(request: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        if close:
            await writer.drain()
            writer.close()

    return script


# -- what a target gets


@pytest.mark.fact("7.11")
def test_a_target_gets_the_request_with_headers_of_the_load_balancer(play: Any) -> None:
    async def main(world: Any) -> Any:
        await world.http.post(
            "/a%20b?x=%2F&x=2", content=b"body", headers={"X-Own": "1", "Connection": "x-hop", "X-Hop": "2"}
        )
        return world.servers[0].seen[0]

    seen = play(main)

    assert seen.line == "POST /a%20b?x=%2F&x=2 HTTP/1.1"
    assert seen.body == b"body"
    assert seen.headers["x-forwarded-for"] == "127.0.0.1"
    assert seen.headers["x-forwarded-proto"] == "http"
    assert seen.headers["x-forwarded-port"] == "80"
    assert seen.headers["host"] == play.NAME
    assert seen.headers["x-amzn-trace-id"].startswith("Root=1-")
    assert seen.headers["x-own"] == "1"
    assert b"\r\nX-Own: 1\r\n" in seen.raw
    assert not {"x-hop", "connection"} & seen.headers.keys()


@pytest.mark.fact("7.11")
@pytest.mark.parametrize(
    ("mode", "seen"), [("append", "9.9.9.9, 127.0.0.1"), ("preserve", "9.9.9.9"), ("remove", None)]
)
def test_x_forwarded_for_by_mode(play: Any, mode: str, seen: str | None) -> None:
    async def main(world: Any) -> Any:
        await world.set_balancer(routing__http__xff_header_processing__mode=mode)
        await world.http.get("/", headers={"X-Forwarded-For": "9.9.9.9"})
        return world.servers[0].seen[0].headers.get("x-forwarded-for")

    assert play(main) == seen


@pytest.mark.fact("7.6")
def test_more_than_30_addresses_are_463(play: Any) -> None:
    async def main(world: Any) -> Any:
        good = await world.http.get("/", headers={"X-Forwarded-For": ", ".join(["9.9.9.9"] * 30)})
        bad = await world.http.get("/", headers={"X-Forwarded-For": ", ".join(["9.9.9.9"] * 31)})
        return good.status_code, bad.status_code

    assert play(main) == (200, 463)


def test_a_trace_id_that_came_is_kept_behind_an_own_part(play: Any) -> None:
    async def main(world: Any) -> Any:
        await world.http.get("/", headers={"X-Amzn-Trace-Id": "Root=1-a-b"})
        return world.servers[0].seen[0].headers["x-amzn-trace-id"]

    own, _, rest = play(main).partition(";")
    assert own.startswith("Self=1-")
    assert rest == "Root=1-a-b"


def test_the_listeners_port_is_added_to_host_unless_it_is_preserved(play: Any) -> None:
    async def main(world: Any) -> Any:
        action = [{"Type": "forward", "TargetGroupArn": world.group.arn}]
        await world.aws(
            "CreateListener",
            LoadBalancerArn=world.balancer.arn,
            Protocol="HTTP",
            Port=8080,
            DefaultActions=action,
        )
        await world.http.get("/_aws/alb/lb:8080/x", headers={"host": "chat.example"})
        await world.set_balancer(routing__http__preserve_host_header__enabled="true")
        await world.http.get("/_aws/alb/lb:8080/x", headers={"host": "chat.example"})
        return [request.headers["host"] for request in world.servers[0].seen]

    assert play(main) == ["chat.example:8080", "chat.example"]


@pytest.mark.fact("7.13")
@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ({"x": "a" * 16_000}, "/", 200),
        ({"x": "a" * 16_400}, "/", 400),
        ({}, "/" + "a" * 16_400, 400),
        ({f"x{n}": "a" * 15_000 for n in range(4)}, "/", 200),
        ({f"x{n}": "a" * 15_000 for n in range(5)}, "/", 400),
    ],
)
def test_headers_that_are_too_large_are_400(play: Any, headers: Any, path: str, status: int) -> None:
    async def main(world: Any) -> Any:
        return (await world.http.get(path, headers=headers)).status_code

    assert play(main) == status


@pytest.mark.fact("7.10")
def test_another_transfer_encoding_is_501(play: Any) -> None:
    async def main(world: Any) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.sandbox.settings.port)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: %b\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" % play.NAME.encode()
        )
        line = await reader.readline()
        writer.close()
        return line

    assert play(main).startswith(b"HTTP/1.1 501")


def test_two_hosts_are_400(play: Any) -> None:  # RFC 9112, section 3.2
    async def main(world: Any) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.sandbox.settings.port)
        writer.write(b"GET / HTTP/1.1\r\n" + b"Host: %b\r\n" % play.NAME.encode() * 2 + b"\r\n")
        line = await reader.readline()
        writer.close()
        return line, len(world.servers[0].seen)

    line, seen = play(main)
    assert line.startswith(b"HTTP/1.1 400")
    assert seen == 0


@pytest.mark.parametrize(("status", "length"), [(204, None), (304, "3")])
def test_a_length_without_a_body_is_no_failure(
    play: Any, caplog: Any, status: int, length: str | None
) -> None:
    """RFC 9110: 204 and 304 have no body (6.4.1); a 304 may say the length of what it stands for, a 204 not (8.6)."""

    async def main(world: Any) -> Any:
        return [await world.http.get("/") for _ in range(2)]

    script = raw(b"HTTP/1.1 %d So\r\nContent-Length: 3\r\n\r\n" % status, close=False)
    answers = play(main, script)
    assert [(a.status_code, a.headers.get("content-length"), a.content) for a in answers] == [
        (status, length, b"")
    ] * 2
    assert "RuntimeError" not in caplog.text


def test_a_chunked_body_goes_on_in_chunks(play: Any) -> None:
    async def main(world: Any) -> Any:
        async def parts() -> Any:
            yield b"one"
            await asyncio.sleep(1)
            yield b"two"

        await world.http.post("/", content=parts())
        return world.servers[0].seen[0]

    seen = play(main)
    assert seen.body == b"onetwo"
    assert seen.headers["transfer-encoding"] == "chunked"


# -- what a client gets


@pytest.mark.fact("7.10")
def test_an_answer_passes_as_it_comes(play: Any) -> None:
    async def main(world: Any) -> Any:
        return await read(world, "GET", "/")

    response, pieces, end = play(main, talks((1, b"a"), (2, b"b"), (30, b"c")))
    assert (response.status_code, end) == (200, "ok")
    assert response.headers["transfer-encoding"] == "chunked"
    assert [piece for piece in pieces if piece[1]] == [(1, b"a"), (3, b"b"), (33, b"c")]


def test_an_answer_without_a_length_ends_with_the_connection(play: Any) -> None:
    async def main(world: Any) -> Any:
        return await read(world, "GET", "/")

    response, pieces, end = play(main, raw(b"HTTP/1.1 200 OK\r\n\r\nall of it"))
    assert (response.status_code, pieces[0][1], end) == (200, b"all of it", "ok")


def test_head_has_no_body(play: Any) -> None:
    async def main(world: Any) -> Any:
        return await world.http.head("/")

    response = play(main, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", close=False))
    assert (response.status_code, response.headers["content-length"], response.content) == (200, "5", b"")


def test_a_provisional_answer_is_not_the_answer(play: Any) -> None:
    async def main(world: Any) -> Any:
        return await world.http.get("/")

    both = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    assert play(main, raw(both, close=False)).content == b"ok"


def test_connections_to_targets_are_used_again(play: Any) -> None:
    async def main(world: Any) -> Any:
        for _ in range(3):
            await world.http.get("/")
        return world.servers[0].connections

    assert play(main) == 1


def test_a_large_body_goes_both_ways(play: Any) -> None:
    async def echo(request: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(request.body))
        writer.write(request.body)
        await writer.drain()

    async def main(world: Any) -> Any:
        return (await world.http.post("/", content=bytes(8_000_000))).content

    assert play(main, echo) == bytes(8_000_000)


# -- idle timeout


@pytest.mark.fact("7.1")
@pytest.mark.fact("7.5")
def test_silence_for_60_s_before_the_first_byte_is_504(play: Any) -> None:
    async def main(world: Any) -> Any:
        response, pieces, _ = await read(world, "GET", "/")
        return response.status_code, response.headers["server"], pieces[-1][0]

    assert play(main, silent()) == (504, "awselb/2.0", 60)


@pytest.mark.fact("7.1")
def test_an_answer_just_before_the_idle_timeout_arrives(play: Any) -> None:
    async def main(world: Any) -> Any:
        response, pieces, _ = await read(world, "GET", "/")
        return response.status_code, pieces[-1][0]

    assert play(main, silent(59.999)) == (200, 59.999)


@pytest.mark.fact("7.1")
def test_any_byte_resets_the_idle_timeout_and_silence_cuts(play: Any) -> None:
    async def main(world: Any) -> Any:
        return await read(world, "GET", "/")

    response, pieces, end = play(main, talks((50, b"a"), (59, b":"), (59, b"b"), end=False))
    assert (response.status_code, end) == (200, "cut")
    assert pieces == [(50, b"a"), (109, b":"), (168, b"b"), (228, b"")]


@pytest.mark.fact("7.1")
def test_the_idle_timeout_is_an_attribute(play: Any) -> None:
    async def main(world: Any) -> Any:
        await world.set_balancer(idle_timeout__timeout_seconds=5)
        response, pieces, _ = await read(world, "GET", "/")
        return response.status_code, pieces[-1][0]

    assert play(main, silent()) == (504, 5)


@pytest.mark.fact("7.1")
def test_a_client_that_is_silent_in_its_body_gets_408(play: Any) -> None:
    async def main(world: Any) -> Any:
        async def parts() -> Any:
            yield b"half"
            await asyncio.sleep(1000)
            yield b"rest"

        start = world.clock.now()
        response = await world.http.post("/", content=parts())
        return response.status_code, round(world.events("failed")[0][0] - start, 6)

    assert play(main) == (408, 60)


HALVES = {
    "the blank line is missing": (b"GET / HTTP/1.1\r\nHost: %b\r\n",),
    "in the middle of a header": (b"GET / HTTP/1.1\r\nHost: %b\r\nAcc",),
    "by its path": (b"POST /_aws/alb/%b/chat HTTP/1.1\r\n",),
    "in pieces, the last after 50 s": (b"GET / HT", b"TP/1.1\r\nHost: %b\r\nX: y"),
}


@pytest.mark.fact("7.1")
@pytest.mark.parametrize("pieces", HALVES.values(), ids=HALVES)
def test_a_client_that_is_silent_in_its_head_gets_408(play: Any, pieces: tuple[bytes, ...]) -> None:
    async def main(world: Any) -> Any:
        start = world.clock.now()
        reader, writer = await asyncio.open_connection("127.0.0.1", world.sandbox.settings.port)
        for n, piece in enumerate(pieces):
            await asyncio.sleep(50 if n else 0)
            name = play.NAME.partition(".")[0] if b"_aws" in piece else play.NAME
            writer.write(piece.replace(b"%b", name.encode()))
        answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        assert f"content-length: {len(body)}".encode() in head
        assert b"server: awselb/2.0" in head
        assert [event.data["type"] for event in world.sandbox.timeline.select("alb", "failed")] == ["408"]
        return head.partition(b"\r\n")[0], world.clock.now() - start

    assert play(main) == (b"HTTP/1.1 408 Request Timeout", 60 if len(pieces) == 1 else 110)


@pytest.mark.fact("7.1")
def test_a_head_that_comes_slowly_is_answered(play: Any) -> None:
    async def main(world: Any) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.sandbox.settings.port)
        for line in (f"GET / HTTP/1.1\r\nHost: {play.NAME}\r\n", "A: b\r\n", "C: d\r\n", "\r\n"):
            writer.write(line.encode())
            await asyncio.sleep(59)
        first = await reader.readline()
        writer.close()
        await asyncio.sleep(100)
        return first, list(world.sandbox.timeline.select("alb", "failed"))

    assert play(main) == (b"HTTP/1.1 200 OK\r\n", [])


# -- the target's faults


@pytest.mark.fact("7.3")
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 33_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
    ids=["closed", "closed in the head", "no HTTP", "header over 32 K", "upgrade nobody asked for"],
)
def test_a_broken_answer_is_502(play: Any, answer: bytes) -> None:
    async def main(world: Any) -> Any:
        return await world.http.get("/")

    response = play(main, raw(answer))
    assert (response.status_code, response.headers["server"]) == (502, "awselb/2.0")
    assert "502 Bad Gateway" in response.text


def test_a_header_just_below_32_k_passes(play: Any) -> None:
    async def main(world: Any) -> Any:
        return (await world.http.get("/")).status_code

    head = b"HTTP/1.1 200 OK\r\nX: " + b"a" * 32_000 + b"\r\nContent-Length: 0\r\n\r\n"
    assert play(main, raw(head)) == 200


@pytest.mark.fact("7.3")
def test_a_target_that_closes_in_its_body_cuts_the_answer(play: Any) -> None:
    async def main(world: Any) -> Any:
        return await read(world, "GET", "/")

    response, pieces, end = play(main, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))
    assert (response.status_code, pieces[0][1], end) == (200, b"half", "cut")


@pytest.mark.fact("7.3")
def test_a_target_that_takes_no_connection_is_502(play: Any) -> None:
    async def main(world: Any) -> Any:
        world.servers[0].server.close()
        return (await world.http.get("/")).status_code

    assert play(main) == 502


@pytest.mark.fact("7.5")
def test_a_connection_that_takes_more_than_10_s_is_504(play: Any) -> None:
    async def main(world: Any) -> Any:
        full = socket.socket()
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        target = [{"Id": "127.0.0.1", "Port": full.getsockname()[1]}]
        await world.aws("RegisterTargets", TargetGroupArn=world.group.arn, Targets=target)
        await world.aws(
            "DeregisterTargets", TargetGroupArn=world.group.arn,
            Targets=[{"Id": "127.0.0.1", "Port": world.servers[0].port}],
        )  # fmt: skip
        start = world.clock.now()
        response = await world.http.get("/")
        for held in (full, *fillers):
            held.close()
        return response.status_code, round(world.clock.now() - start, 6)

    assert play(main) == (504, 10)


@pytest.mark.fact("7.5")
def test_a_length_larger_than_the_body_is_a_timeout(play: Any) -> None:
    async def main(world: Any) -> Any:
        return await read(world, "GET", "/")

    _, pieces, end = play(main, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", close=False))
    assert (end, pieces[-1][0]) == ("cut", 60)


@pytest.mark.fact("7.4")
def test_no_registered_target_is_503(play: Any) -> None:
    async def main(world: Any) -> Any:
        await world.aws(
            "DeregisterTargets", TargetGroupArn=world.group.arn,
            Targets=[{"Id": "127.0.0.1", "Port": world.servers[0].port}],
        )  # fmt: skip
        return await world.http.get("/")

    response = play(main)
    assert (response.status_code, response.headers["server"]) == (503, "awselb/2.0")


@pytest.mark.fact("7.6")
def test_a_client_that_leaves_ends_the_connection_to_the_target(play: Any) -> None:
    ended: list[float] = []

    async def script(request: Any, writer: asyncio.StreamWriter) -> None:
        await request.reader.read()
        ended.append(asyncio.get_running_loop().time())
        writer.close()

    async def main(world: Any) -> Any:
        start = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(7):
                await world.http.get("/")
        await asyncio.sleep(1)
        return [round(at - start, 6) for at in ended], world.events("failed")[0][1]["type"]

    assert play(main, script) == ([7], "460")


# -- connections of clients


@pytest.mark.fact("7.2")
def test_a_connection_is_closed_after_the_answer_once_it_is_old(play: Any) -> None:
    async def main(world: Any) -> Any:
        await world.set_balancer(client_keep_alive__seconds=100, idle_timeout__timeout_seconds=90)
        answers = [await world.http.get("/")]
        await asyncio.sleep(80)
        answers.append(await world.http.get("/"))
        await asyncio.sleep(30)
        answers.append(await world.http.get("/"))
        return [answer.headers.get("connection") for answer in answers]

    assert play(main) == [None, None, "close"]


def test_an_idle_connection_of_a_client_is_closed(play: Any) -> None:
    async def main(world: Any) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.sandbox.settings.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % play.NAME.encode())
        await reader.readuntil(b"hello")
        start = world.clock.now()
        rest = await reader.read()
        writer.close()
        return rest, round(world.clock.now() - start, 6)

    assert play(main) == (b"", 60)
