"""Device shadows over MQTT: what is answered where, and what the documents hold."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.control.iot import IotRule
from sandbox.services.iot.rules import RulesEngine
from tests.services.iot.conftest import Lab, Peer, allowing

pytestmark = pytest.mark.fact("6.17")
Play = Callable[[Callable[[Lab], Awaitable[None]]], None]
CLASSIC = "$aws/things/lamp/shadow"
NAMED = f"{CLASSIC}/name/light"


async def watching(lab: Lab, prefix: str = CLASSIC, **options: Any) -> Peer:
    peer = await lab.connect("watcher", **options)
    await peer.subscribe(*(f"{prefix}/{action}/+" for action in ("get", "update", "delete")))
    return peer


async def ask(peer: Peer, action: str, document: Any = None, prefix: str = CLASSIC) -> dict[str, Any]:
    """The answers, by topic behind the prefix."""
    before = len(peer.heard)
    payload = (
        document
        if isinstance(document, bytes)
        else b""
        if document is None
        else json.dumps(document).encode()
    )
    assert await peer.publish(f"{prefix}/{action}", payload, qos=1) == 0
    return {one.topic.removeprefix(f"{prefix}/"): json.loads(one.payload) for one in peer.heard[before:]}


@pytest.mark.parametrize("prefix", [CLASSIC, NAMED])
def test_from_desired_to_reported(play: Play, prefix: str):
    async def body(lab: Lab) -> None:
        peer = await watching(lab, prefix)
        start = int(lab.clock.epoch())
        at = {"timestamp": start}
        wanted = {"color": {"r": 1, "g": 2}, "on": True}
        times = {"color": {"r": at, "g": at}, "on": at}
        told = await ask(peer, "update", {"state": {"desired": wanted}, "clientToken": "t1"}, prefix)
        assert told == {
            "update/delta": {
                "version": 1, "timestamp": start, "state": wanted, "metadata": times, "clientToken": "t1",
            },
            "update/documents": {
                "previous": {"state": {}, "metadata": {}},
                "current": {"state": {"desired": wanted}, "metadata": {"desired": times}, "version": 1},
                "timestamp": start,
                "clientToken": "t1",
            },
            "update/accepted": {
                "state": {"desired": wanted},
                "metadata": {"desired": times},
                "version": 1,
                "timestamp": start,
                "clientToken": "t1",
            },
        }  # fmt: skip
        await asyncio.sleep(60)
        told = await ask(peer, "update", {"state": {"reported": {"color": {"r": 1, "g": 3}, "x": 0}}}, prefix)
        assert told["update/delta"]["state"] == {"color": {"g": 2}, "on": True}
        assert told["update/delta"]["metadata"] == {"color": {"g": at}, "on": at}
        assert told["update/documents"]["previous"]["version"] == 1
        told = await ask(peer, "get", {"clientToken": "t2"}, prefix)
        found = told["get/accepted"]
        assert found["state"]["delta"] == {"color": {"g": 2}, "on": True}
        assert (found["version"], found["clientToken"]) == (2, "t2")
        told = await ask(peer, "update", {"state": {"reported": wanted}}, prefix)
        assert told.keys() == {"update/accepted", "update/documents"}, "nothing differs any more"

    play(body)


def test_null_takes_away_and_lists_are_replaced(play: Play):
    async def body(lab: Lab) -> None:
        peer = await watching(lab)
        await ask(
            peer,
            "update",
            {"state": {"desired": {"list": [1, 2], "a": {"b": 1, "c": 2}}, "reported": {"x": 1}}},
        )
        told = await ask(
            peer, "update", {"state": {"desired": {"list": [3], "a": {"b": None}}, "reported": None}}
        )
        assert told["update/documents"]["current"]["state"] == {"desired": {"list": [3], "a": {"c": 2}}}
        told = await ask(peer, "update", {"state": None})
        assert told["update/documents"]["current"] == {"state": {}, "metadata": {}, "version": 3}
        assert (await ask(peer, "get"))["get/accepted"]["state"] == {}

    play(body)


@pytest.mark.parametrize(
    ("document", "code", "message"),
    [
        (b"", 400, "Invalid JSON"),
        (b"[]", 400, "Invalid JSON"),
        (b'{"state": {"desired": {"a": NaN}}}', 400, "Invalid JSON"),
        (b'"\xff"', 415, "Unsupported documented encoding; supported encoding is UTF-8"),
        ({}, 400, "Missing required node: state"),
        ({"state": 1}, 400, "State node must be an object"),
        ({"state": {"desired": 1}}, 400, "Desired node must be an object"),
        ({"state": {"reported": []}}, 400, "Reported node must be an object"),
        ({"state": {"other": {}}}, 400, "State contains an invalid node"),
        ({"state": {"desired": {"a": [None]}}}, 400, "State contains an invalid node"),
        ({"state": {}, "version": "1"}, 400, "Invalid version"),
        ({"state": {}, "clientToken": "t" * 65}, 400, "Invalid clientToken"),
        ({"state": {}, "version": 7}, 409, "Version conflict"),
        ({"state": {"desired": {"a": "x" * 8193}}}, 413, "The payload exceeds the maximum size allowed"),
        (
            {"state": {"desired": {"1": {"2": {"3": {"4": {"5": {"6": {"7": 8}}}}}}}}},
            400,
            "JSON contains too many levels of nesting; maximum is 6",
        ),
    ],
)
def test_what_is_refused_and_how(play: Play, document: Any, code: int, message: str):
    async def body(lab: Lab) -> None:
        peer = await watching(lab)
        told = await ask(peer, "update", document)
        assert told == {"update/rejected": {"code": code, "message": message}}
        assert (await ask(peer, "get", {"clientToken": "t"}))["get/rejected"] == {
            "code": 404,
            "message": "No shadow exists with name: 'lamp'",
            "clientToken": "t",
        }

    play(body)


def test_a_value_in_place_of_an_object_differs(play: Play):
    async def body(lab: Lab) -> None:
        peer = await watching(lab)
        await ask(peer, "update", {"state": {"reported": {"a": {"b": 1}, "c": 2}}})
        told = await ask(peer, "update", {"state": {"desired": {"a": 1, "c": {"d": 2}}}})
        assert told["update/delta"]["state"] == {"a": 1, "c": {"d": 2}}

    play(body)


def test_six_levels_and_8192_bytes_are_allowed(play: Play):
    async def body(lab: Lab) -> None:
        peer = await watching(lab)
        deep = {"1": {"2": {"3": {"4": {"5": {"6": 7}}}}}}
        assert "update/accepted" in await ask(peer, "update", {"state": {"desired": deep}})
        await ask(peer, "update", {"state": None})
        long = {"state": {"desired": {"a": "x" * 4000}, "reported": {"a": "x" * (8192 - 4000 - 16)}}}
        assert "update/accepted" in await ask(peer, "update", long)
        assert "update/rejected" in await ask(peer, "update", {"state": {"desired": {"a": "x" * 4001}}})

    play(body)


def test_a_deleted_shadow_goes_on_counting_for_48_hours(play: Play):
    async def body(lab: Lab) -> None:
        peer = await watching(lab)
        one = {"state": {"desired": {"a": 1}}}
        await ask(peer, "update", one)
        await ask(peer, "update", one)
        gone = await ask(peer, "delete", {"clientToken": "d"})
        assert gone["delete/accepted"].items() >= {"version": 2, "clientToken": "d"}.items()
        assert (await ask(peer, "delete"))["delete/rejected"]["code"] == 404
        assert (await ask(peer, "update", one))["update/accepted"]["version"] == 3
        await ask(peer, "delete")
        await asyncio.sleep(48 * 3600 + 1)
        peer = await watching(lab)
        assert (await ask(peer, "update", one))["update/accepted"]["version"] == 1

    play(body)


def test_topics_are_what_the_policy_is_about(play: Play):
    async def body(lab: Lab) -> None:
        may = allowing(("iot:Connect", "client/*"), ("iot:Publish", f"topic/{NAMED}/get"))
        peer = await lab.connect("c", 5, policy=may)
        assert await peer.publish(f"{NAMED}/get", b"", qos=1) == 0
        assert await peer.publish(f"{CLASSIC}/get", b"", qos=1) == 0x87

    play(body)


@pytest.mark.parametrize("topic", [f"{CLASSIC}/update/accepted", f"{CLASSIC}/put", f"{CLASSIC}/name/a b/get"])
def test_nobody_publishes_to_the_answers(play: Play, topic: str):
    async def body(lab: Lab) -> None:
        peer = await lab.connect("c", 5)
        await peer.publish(topic, b"{}", qos=1)
        assert peer.goodbye == 0x90

    play(body)


def test_a_rule_reports_into_a_shadow_and_hears_of_it(play: Play):
    async def body(lab: Lab) -> None:
        def rule(name: str, sql: str, topic: str) -> IotRule:
            action = {"republish": {"topic": topic}}
            return IotRule(name, f"arn:{name}", sql, "2016-03-23", (action,), None, True)

        rules = (
            rule("in", "SELECT * AS state.reported FROM 'lamps/+'", "$$aws/things/${topic(2)}/shadow/update"),
            rule(
                "ask",
                f"SELECT get_thing_shadow('lamp', 'role').state AS now FROM '{CLASSIC}/update/accepted'",
                "read",
            ),
            rule("out", f"SELECT current.state FROM '{CLASSIC}/update/documents'", "told"),
        )
        lab.sandbox.control.resources.iot = SimpleNamespace(rules=lambda: rules)
        lab.broker.listener = RulesEngine(lab.broker)
        peer = await watching(lab)
        await peer.subscribe("told", "read")
        await peer.publish("lamps/lamp", b'{"on": true}')
        await asyncio.sleep(1)
        (told,) = [json.loads(one.payload) for one in peer.heard if one.topic == "told"]
        assert told == {"state": {"reported": {"on": True}}}
        (read,) = [json.loads(one.payload) for one in peer.heard if one.topic == "read"]
        assert read == {"now": {"reported": {"on": True}}}

    play(body)
