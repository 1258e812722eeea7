"""The ``mqtt`` client against the sandbox's own broker, on the virtual clock."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from sandbox.app import open_sandbox
from sandbox.clock import Clock, run
from sandbox.stories.clients import MqttClient
from sandbox.stories.clients.base import Stage, StoryFailedError
from sandbox.stories.trace import Trace

SPEC = {
    "kind": "mqtt",
    "name": "reader",
    "endpoint": "a-ats.iot.us-east-1.amazonaws.com",
    "auth": {"kind": "sigv4"},
}


def play(*moves: dict[str, Any], **words: Any) -> Trace:
    """Let a client make its moves."""

    async def main(clock: Clock) -> Trace:
        async with open_sandbox(clock) as sandbox:
            stage = Stage(clock, sandbox.timeline, sandbox.endpoint, "us-east-1", {})
            with clock.in_flight("test"):
                await MqttClient.model_validate({**SPEC, "moves": list(moves), **words}).play(stage)
            return Trace(sandbox.timeline)

    return run(main)


def seen(trace: Trace, name: str, *members: str) -> list[Any]:
    found = [event for event in trace.events if event.source == "client" and event.name == name]
    return [[event.at, *(event.data.get(member) for member in members)] for event in found]


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_messages_have_the_instants_at_which_they_came(protocol: str):
    trace = play(
        {"subscribe": ["a/+", "b"], "qos": 1},
        {"at": "2s", "publish": {"topic": "a/b", "payload": {"token": "hé ${n}"}, "times": 2, "every": "1s"}},
        {"expect": {"json": {"token": "hé 1"}}, "topic": "a/b", "capture": {"said": "token"}},
        {"unsubscribe": "b"},
        protocol=protocol,
    )
    (request,) = trace.requests("reader")
    assert request.status == 101
    assert request.words() == [(2.0, "hé 0"), (3.0, "hé 1")]
    assert seen(trace, "subscribed", "codes") == [[0.0, [1, 1]], [3.0, [] if protocol == "3.1.1" else [0]]]
    assert seen(trace, "received", "topic", "qos") == [[2.0, "a/b", 0], [3.0, "a/b", 0]]
    assert (request.close_code, request.end, request.ended_at) == (1000, "completed", 3.0)


def test_a_refused_handshake_is_the_answer_that_it_is():
    trace = play({"subscribe": "a"}, auth={"kind": "sigv4", "secret_key": "wrong"})
    (request,) = trace.requests("reader")
    assert (request.status, request.end) == (403, "completed")
    assert "does not match" in request.body
    assert seen(trace, "subscribed") == []


def test_a_refused_connect_is_a_failure():
    trace = play({"subscribe": "a"}, protocol="5", client_id="x" * 129)
    (request,) = trace.requests("reader")
    assert (request.status, request.error_kind, request.error) == (101, "api error", "CONNACK 0x85")


def test_pings_keep_a_connection_and_without_them_it_is_closed():
    kept = play({"wait": "100s"}, keep_alive="30s")
    (request,) = kept.requests("reader")
    assert request.ended_at == 100.0
    closed = play({"until_closed": True}, keep_alive="30s", pings=False)
    (request,) = closed.requests("reader")
    assert request.ended_at == 45.0


def test_it_drops_and_returns_to_its_session():
    trace = play(
        {"subscribe": "a", "qos": 1},
        {"drop": True},
        {"publish": {"topic": "a"}},
        {"at": "5s", "reconnect": True},
        {"publish": {"topic": "a", "payload": "back", "qos": 1}},
        {"expect": "back"},
        {"disconnect": True},
        clean=False,
    )
    assert [one.ended_at for one in trace.requests("reader")] == [0.0, 5.0]
    assert seen(trace, "connack", "session_present") == [[0.0, False], [5.0, True]]
    assert seen(trace, "received", "text") == [[5.0, "back"]]


@pytest.mark.parametrize(
    ("moves", "told"),
    [
        (
            [{"subscribe": "a"}, {"expect": "x", "within": "3s"}],
            "reader: no message with exactly 'x' within 3 s; the last one: nothing",
        ),
        ([{"until_closed": True, "within": "2s"}], "reader: not closed within 2 s"),
    ],
)
def test_what_does_not_come_fails_the_story(moves: list[dict[str, Any]], told: str):
    with pytest.raises(ExceptionGroup) as failed:
        play(*moves)
    (error,) = failed.value.exceptions
    assert isinstance(error, StoryFailedError)
    assert str(error) == told


@pytest.mark.parametrize(
    "wrong",
    [
        {"moves": [{"subscribe": "a", "publish": {"topic": "a"}}]},
        {"moves": [{"wait": "1s", "qos": 1}]},
        {"moves": [{"wait": "1s", "topic": "a"}]},
        {"moves": [{"publish": {"topic": "a", "qos": 3}}]},
        {"auth": {"kind": "password"}},
        {"auth": None},
        {"protocol": "3.1"},
    ],
    ids=str,
)
def test_words_that_mean_nothing_are_refused(wrong: dict[str, Any]):
    with pytest.raises(ValidationError):
        MqttClient.model_validate({**SPEC, **wrong})
