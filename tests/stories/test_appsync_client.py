"""The clients of AppSync against a server that speaks by a script, on the virtual clock."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import ValidationError
from websockets.asyncio.server import ServerConnection, serve

from sandbox.clock import Clock, run
from sandbox.stories.clients import AppSyncClient, AppSyncEventsClient
from sandbox.stories.clients.base import Stage, StoryFailedError
from sandbox.stories.outcome import outcome
from sandbox.stories.trace import Trace
from sandbox.timeline import Timeline

Handler = Callable[[ServerConnection], Awaitable[None]]
GRAPHQL = "http://abc.appsync-api.us-east-1.localhost:4566/graphql"
KEY = {"api_key": "da2-x"}
SUBSCRIBE = {"subscribe": {"query": 'subscription { on(room: "${room}") { text } }', "variables": {"a": 1}}}


def play(handler: Handler, spec: dict[str, Any]) -> Trace:
    """Let a client make its moves on a server."""
    kind: Any = AppSyncClient if spec["kind"] == "appsync" else AppSyncEventsClient

    async def main(clock: Clock) -> Trace:
        async with serve(
            handler,
            "127.0.0.1",
            0,
            ping_interval=None,
            subprotocols=["graphql-ws", "aws-appsync-event-ws"],  # type: ignore[list-item]
        ) as server:
            endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            timeline = Timeline(clock.now)
            stage = Stage(clock, timeline, endpoint, "us-east-1", {}, {"room": "r"})
            with clock.in_flight("test"):
                await kind.model_validate({"name": "browser", "auth": KEY, **spec}).play(stage)
            return Trace(timeline)

    return run(main)


def graphql(*moves: Any, **more: Any) -> dict[str, Any]:
    return {"kind": "appsync", "url": GRAPHQL, "moves": list(moves), **more}


def events(*moves: Any) -> dict[str, Any]:
    host = "abc.appsync-api.us-east-1.localhost:4566"
    realtime = host.replace("appsync-api", "appsync-realtime-api")
    return {"kind": "appsync_events", "endpoint": host, "realtime": realtime, "moves": list(moves)}


class Server:
    """Answers as AppSync does; what it heard is in ``heard``. ``say``: (seconds after a start, payload's data)."""

    def __init__(self, *say: tuple[float, Any], refuse: str = "") -> None:
        self.say = say
        self.refuse = refuse
        self.heard: list[dict[str, Any]] = []
        self.header: dict[str, str] = {}
        self.path = self.host = ""

    async def __call__(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.path, self.host = socket.request.path, socket.request.headers["host"]
        offered = socket.request.headers["sec-websocket-protocol"].split(", ")
        text = next(one for one in offered if one.startswith("header-"))[7:]
        self.header = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        async for raw in socket:
            message = json.loads(raw)
            self.heard.append(message)
            await self.answer(socket, message)

    async def answer(self, socket: ServerConnection, message: dict[str, Any]) -> None:
        kind, named = message["type"], {"id": message.get("id")}
        error = [{"errorType": "UnauthorizedException", "message": "no"}]
        if kind == self.refuse == "connection_init":
            frames = [{"type": "connection_error", "payload": {"errors": error}}]
        elif kind == self.refuse:
            frames = [{**named, "type": "error", "payload": {"errors": error}}]
        else:
            answers = {
                "connection_init": {"type": "connection_ack", "payload": {"connectionTimeoutMs": 300_000}},
                "start": {**named, "type": "start_ack"},
                "stop": {**named, "type": "complete"},
                "subscribe": {**named, "type": "subscribe_success"},
                "publish": {**named, "type": "publish_success", "successful": [], "failed": []},
                "unsubscribe": {**named, "type": "unsubscribe_success"},
            }
            frames = [answers[kind], {"type": "ka"}]
        for frame in frames:
            await socket.send(json.dumps(frame))
        if kind in ("start", "subscribe"):
            for delay, said in self.say:
                await asyncio.sleep(delay)
                frame = {"event": said} if kind == "subscribe" else {"payload": {"data": {"on": said}}}
                await socket.send(json.dumps({**named, "type": "data", **frame}))


def test_a_subscription_is_what_amplify_sends_and_only_its_data_are_messages() -> None:
    server = Server((2, {"text": "hé"}), (3, {"text": " du"}))
    trace = play(server, graphql(SUBSCRIBE, {"expect": {"contains": "du"}}, {"stop": "s1"}))
    assert server.path == "/graphql"
    assert server.host == "abc.appsync-realtime-api.us-east-1.localhost:4566"
    assert server.header == {"host": "abc.appsync-api.us-east-1.localhost:4566", "x-api-key": "da2-x"}
    init, start, stop = server.heard
    assert init == {"type": "connection_init"}
    assert start["payload"]["extensions"] == {"authorization": server.header}
    data = json.loads(start["payload"]["data"])
    assert data == {"query": 'subscription { on(room: "r") { text } }', "variables": {"a": 1}}
    assert stop == {"id": "s1", "type": "stop"}
    (request,) = trace.requests("browser")
    assert request.words() == [(2.0, "hé"), (5.0, " du")]
    seen = outcome(trace, "browser")
    assert (seen.status, seen.messages, seen.close_code, seen.error) == (101, 2, 1000, None)


def test_a_domain_of_ones_own_has_another_path() -> None:
    server = Server()
    play(server, graphql(url="http://api.example.localhost/graphql"))
    assert (server.path, server.host) == ("/graphql/realtime", "api.example.localhost")


@pytest.mark.parametrize(("refuse", "status"), [("connection_init", None), ("start", 101)])
def test_a_refusal_ends_the_client(refuse: str, status: int | None) -> None:
    server = Server(refuse=refuse)
    trace = play(server, graphql(SUBSCRIBE, SUBSCRIBE))
    seen = outcome(trace, "browser")
    assert (seen.verdict, seen.status, seen.error) == ("refused", status, "api error")
    assert "UnauthorizedException: no" in seen.error_text
    assert len([message for message in server.heard if message["type"] == "start"]) == (1 if status else 0)


def test_events_are_messages_each() -> None:
    server = Server((1, ['{"text":"a"}']), (1, ['{"text":"b"}', '{"text":"c"}']))
    moves: list[Any] = [
        {"subscribe": {"channel": "/c/${room}", "auth": {"token": "t"}}},
        {"publish": {"channel": "/c/r", "events": [{"n": 1}, "two"]}},
        {"expect": {"json": {"text": "c"}}, "capture": {"last": "text"}},
        {"stop": "s1"},
    ]
    trace = play(server, events(*moves))
    assert server.path == "/event/realtime"
    kinds = [message["type"] for message in server.heard]
    assert kinds == ["connection_init", "subscribe", "publish", "unsubscribe"]
    assert (server.heard[1]["channel"], server.heard[1]["authorization"]["Authorization"]) == ("/c/r", "t")
    assert server.heard[2]["events"] == ['{"n": 1}', '"two"']
    assert trace.requests("browser")[0].words() == [(1.0, "a"), (2.0, "b"), (2.0, "c")]


def test_a_refused_publish_ends_the_client() -> None:
    server = Server(refuse="publish")
    publish = {"publish": {"channel": "/c/r", "events": [1]}}
    seen = outcome(play(server, events(publish, publish)), "browser")
    assert (seen.verdict, seen.status, seen.error) == ("refused", 101, "api error")
    assert [message["type"] for message in server.heard] == ["connection_init", "publish"]


def test_a_signature_covers_what_is_asked() -> None:
    server = Server()
    moves = [{"subscribe": {"channel": "/c/r", "auth": {"sign": "aws_iam"}}}]
    play(server, events(*moves))
    authorization = server.heard[1]["authorization"]
    assert authorization["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=test/")
    assert "/us-east-1/appsync/aws4_request" in authorization["Authorization"]
    assert "content-encoding;content-type;host" in authorization["Authorization"]


def test_a_message_that_does_not_come_fails_the_story() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        play(Server((1, {"text": "a"})), graphql(SUBSCRIBE, {"expect": "b", "within": "5s"}))
    (failure,) = raised.value.exceptions
    assert isinstance(failure, StoryFailedError)
    assert """within 5 s; the last one: '{"text": "a"}'""" in str(failure)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"auth": {"api_key": "x", "token": "y"}}, "exactly one of api_key, token, sign"),
        ({"moves": [{"wait": "1s", "close": 1000}]}, "a move has exactly one of"),
        ({"moves": [{"publish": {"channel": "/a"}}]}, "Extra inputs"),
    ],
)
def test_wrong_words_are_told(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        AppSyncClient.model_validate({"auth": KEY, **graphql(), **wrong})
