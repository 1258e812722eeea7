"""The ``websocket`` client against a server made with the same library, on the virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import ValidationError
from websockets.asyncio.server import ServerConnection, serve

from sandbox.clock import Clock, run
from sandbox.stories.clients import WebSocketClient
from sandbox.stories.clients.base import Stage, StoryFailedError
from sandbox.stories.outcome import outcome
from sandbox.stories.trace import Trace
from sandbox.timeline import Timeline

Handler = Callable[[ServerConnection], Awaitable[None]]


def play(handler: Handler, *moves: dict[str, Any], **words: Any) -> Trace:
    """Let a client make its moves on a server."""

    async def main(clock: Clock) -> Trace:
        options = words.pop("server", {})
        async with serve(handler, "127.0.0.1", 0, ping_interval=None, **options) as server:
            endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            timeline = Timeline(clock.now)
            stage = Stage(
                clock, timeline, endpoint, "us-east-1", {"Url": "wss://a.execute-api.x.amazonaws.com/prod"}
            )
            spec = {"kind": "websocket", "name": "browser", "url": "${outputs.Url}", "moves": list(moves)}
            with clock.in_flight("test"):
                await WebSocketClient.model_validate(spec | words).play(stage)
            return Trace(timeline)

    return run(main)


async def echo(socket: ServerConnection) -> None:
    async for message in socket:
        await asyncio.sleep(2)
        await socket.send(message)


async def silence(socket: ServerConnection) -> None:
    await socket.wait_closed()


def names(trace: Trace, *wanted: str) -> list[tuple[str, float]]:
    return [(e.name, e.at) for e in trace.events if e.name in wanted]


def test_messages_have_the_instants_at_which_they_came():
    trace = play(echo, {"send": {"token": "hé"}}, {"at": "10s", "send": "plain"}, {"expect": "plain"})
    (request,) = trace.requests("browser")
    assert request.pieces == [(2.0, '{"token": "hé"}'), (12.0, "plain")]
    assert request.words() == [(2.0, "hé"), (12.0, "plain")]
    seen = outcome(trace, "browser")
    assert (seen.status, seen.close_code, seen.messages, seen.ended_at, seen.error) == (
        101,
        1000,
        2,
        12.0,
        None,
    )


def test_the_server_sees_aws_names_headers_query_and_subprotocol():
    seen: dict[str, Any] = {}

    async def look(socket: ServerConnection) -> None:
        assert socket.request is not None
        seen.update(host=socket.request.headers["host"], path=socket.request.path, chosen=socket.subprotocol)
        seen.update(
            auth=socket.request.headers["authorization"],
            extensions=socket.request.headers.get("Sec-WebSocket-Extensions"),
        )
        await socket.wait_closed()

    play(
        look,
        headers={"authorization": "Bearer ${copy}"},
        query={"token": "a b&c"},
        subprotocols=["chat"],
        server={"subprotocols": ["chat"]},
    )
    assert seen == {
        "host": "a.execute-api.x.amazonaws.com",
        "path": "/prod?token=a+b%26c",
        "chosen": "chat",
        "auth": "Bearer 1",
        "extensions": None,
    }


def test_a_refused_handshake_is_its_http_answer():
    def refuse(socket: ServerConnection, request: Any) -> Any:
        return socket.respond(403, '{"message":"Forbidden"}')

    trace = play(silence, {"send": "x"}, server={"process_request": refuse})
    seen = outcome(trace, "browser")
    assert (seen.status, seen.body, seen.verdict, seen.messages) == (
        403,
        '{"message":"Forbidden"}',
        "refused",
        0,
    )
    assert names(trace, "message_sent") == []


def test_a_server_that_closes_ends_the_waiting():
    async def leave(socket: ServerConnection) -> None:
        await asyncio.sleep(600)
        await socket.close(1001, "Going away")

    seen = outcome(play(leave, {"wait": "2h"}, {"send": "too late"}), "browser")
    assert (seen.close_code, seen.close_reason, seen.ended_at) == (1001, "Going away", 600.0)
    assert (seen.error, seen.error_text) == ("closed", "1001 Going away")


def test_a_broken_connection_is_1006():
    async def crash(socket: ServerConnection) -> None:
        await asyncio.sleep(3)
        socket.transport.abort()

    seen = outcome(play(crash, {"until_closed": True}), "browser")
    assert (seen.close_code, seen.error, seen.ended_at) == (1006, "closed", 3.0)


def test_reconnecting_is_another_request():
    count = 0

    async def first_leaves(socket: ServerConnection) -> None:
        nonlocal count
        count += 1
        if count == 1:
            await socket.close(1001)
        else:
            await echo(socket)

    trace = play(
        first_leaves,
        {"until_closed": True},
        {"send": "passed over"},
        {"at": "5s", "reconnect": True},
        {"send": "b"},
        {"expect": "b"},
    )
    assert [request.body for request in trace.requests("browser")] == ["", "b"]
    assert outcome(trace, "browser").ended_at == 7.0


def test_pings_go_out_and_their_pongs_come():
    trace = play(silence, {"ping": True}, {"wait": "25m"}, ping_every="10m")
    assert names(trace, "ping_sent") == [("ping_sent", 0.0), ("ping_sent", 600.0), ("ping_sent", 1200.0)]
    assert len(names(trace, "pong_received")) == 3
    assert outcome(trace, "browser").ended_at == 1500.0


def test_what_a_message_says_can_be_used_later():
    trace = play(
        echo,
        {"send": {"session": {"id": "s-1"}}},
        {"expect": {"json": {}}, "capture": {"session": "session.id"}},
        {"send": "resume ${session}"},
        {"expect": "resume s-1"},
    )
    assert trace.requests("browser")[0].body.endswith("resume s-1")


def test_a_message_that_does_not_come_fails_the_story():
    with pytest.raises(ExceptionGroup) as failed:
        play(echo, {"send": "a"}, {"expect": "b", "within": "10s"})
    assert isinstance(failed.value.exceptions[0], StoryFailedError)
    told = "browser: no message with exactly 'b' within 10 s; the last one: 'a'"
    assert str(failed.value.exceptions[0]) == told
    with pytest.raises(ExceptionGroup) as failed:
        play(silence, {"until_closed": True, "within": "10s"})
    assert str(failed.value.exceptions[0]) == "browser: not closed within 10 s"


def test_frames_binary_and_sizes():
    got: list[Any] = []

    async def keep(socket: ServerConnection) -> None:
        got.append([frame async for frame in socket.recv_streaming()])
        got.append(await socket.recv())
        got.append(await socket.recv())
        await socket.send(["a", "b"])

    trace = play(
        keep,
        {"send": "abcde", "frame_size": 2},
        {"send_generated": {"size": "40KB"}},
        {"send_binary": "bytes"},
        {"expect": "ab"},
    )
    assert [len(frame) for frame in got[0]] == [2, 2, 1, 0]  # the library ends a message of many frames so
    assert (len(got[1]), got[2]) == (40_000, b"bytes")
    (message,) = [e.data for e in trace.events if e.name == "received"]
    assert (message["frames"], message["text"]) == (3, "ab")


def test_copies_are_clients_of_their_own():
    trace = play(echo, {"send": "${copy}"}, {"expect": {"matches": "."}}, copies=3)
    assert {name: outcome(trace, name).body for name in trace.clients} == {
        "browser/1": "1",
        "browser/2": "2",
        "browser/3": "3",
    }


def test_copies_start_apart():
    trace = play(echo, {"send": "${copy}"}, {"expect": {"matches": "."}}, copies=3, apart="100ms")
    assert [event.at for event in trace.events if event.name == "message_sent"] == [0.0, 0.1, 0.2]


@pytest.mark.parametrize(
    ("move", "told"),
    [
        ({"expect": "b", "within": "1s"}, "no message with exactly 'b' within 1 s; the last one: nothing"),
        ({"until_closed": True, "within": "1s"}, "not closed within 1 s"),
    ],
)
def test_a_copy_that_fails_says_which_it_is(move: dict[str, Any], told: str):
    with pytest.raises(ExceptionGroup) as failed:
        play(silence, move, copies=2)
    assert sorted(str(error) for error in failed.value.exceptions) == [
        f"browser/1: {told}",
        f"browser/2: {told}",
    ]


def test_what_the_gateway_says_is_none_of_the_models_words():
    async def error(socket: ServerConnection) -> None:
        await socket.send('{"message": "Internal server error", "connectionId":"a=", "requestId":"b="}')
        await socket.send("word")

    assert play(error, {"expect": "word"}).requests("browser")[0].words() == [(0.0, "word")]


@pytest.mark.parametrize(
    ("move", "told"),
    [
        ({"at": 1.0}, "a move has exactly one of send"),
        ({"send": "a", "close": 1000}, "a move has exactly one of send"),
        ({"wait": "1s", "capture": {"a": "b"}}, "capture belongs to expect"),
        ({"close": 1000, "frame_size": 3}, "frame_size belongs to send"),
    ],
)
def test_moves_that_make_no_sense_are_refused(move: dict[str, Any], told: str):
    with pytest.raises(ValidationError, match=told):
        WebSocketClient.model_validate({"kind": "websocket", "url": "ws://x", "moves": [move]})
