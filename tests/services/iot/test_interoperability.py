"""The rules of the Eclipse Paho interoperability suite (``client_test.py`` and ``client_test5.py``) that IoT Core
allows, each under the suite's name for it, written anew. Left out: quality of service 2, which IoT Core has not, and
topic aliases from the server, which it does not use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from sandbox.services.iot.mqtt import Disconnect, Filter, Subscribe, Will
from tests.services.iot.conftest import Lab, Test, allowing

Play = Callable[[Test], None]
BOTH = pytest.mark.parametrize("level", [4, 5])


@BOTH
def test_basic(play: Play, level: int):
    async def body(lab: Lab) -> None:
        peer = await lab.connect(level=level)
        assert peer.connack is not None
        assert (peer.connack.reason, peer.connack.session_present) == (0, False)
        assert await peer.subscribe("TopicA", qos=1) == [1]
        await peer.publish("TopicA", b"qos 0")
        assert await peer.publish("TopicA", b"qos 1", qos=1) == 0
        assert [(one.payload, one.qos) for one in peer.heard] == [(b"qos 0", 0), (b"qos 1", 1)]
        assert await peer.say(Disconnect()) == []
        assert peer.closed_at is not None

    play(body)


@BOTH
@pytest.mark.fact("6.12")
def test_retained_messages(play: Play, level: int):
    """By exact filters only: that is where IoT Core differs from the suite."""

    async def body(lab: Lab) -> None:
        peer = await lab.connect(level=level)
        await peer.publish("fromb/qos 0", b"zero", retain=True)
        await peer.publish("fromb/qos 1", b"one", qos=1, retain=True)
        await peer.subscribe("fromb/+")
        assert peer.heard == []
        await peer.subscribe("fromb/qos 0", "fromb/qos 1")
        assert [(one.payload, one.qos, one.retain) for one in peer.heard] == [
            (b"zero", 0, True),
            (b"one", 1, True),
        ]
        await peer.publish("fromb/qos 0", b"", retain=True)
        assert peer.heard[-1].retain is False  # to subscribers that were there it is a message like others
        other = await lab.connect("other", level)
        await other.subscribe("fromb/qos 0")
        assert other.heard == []

    play(body)


def test_zero_length_clientid(play: Play):
    async def body(lab: Lab) -> None:
        refused = await lab.connect("", clean=False)
        assert refused.connack is not None
        assert refused.connack.reason == 2
        assert refused.closed_at is not None
        taken = await lab.connect("", clean=True)
        assert taken.connack is not None
        assert taken.connack.reason == 0

    play(body)


@BOTH
@pytest.mark.fact("6.13")
def test_offline_message_queueing(play: Play, level: int):
    async def body(lab: Lab) -> None:
        kept = {"session_expiry_interval": 600} if level == 5 else {}
        peer = await lab.connect(level=level, clean=False, properties=kept)
        await peer.subscribe("#", qos=1)
        await peer.say(Disconnect())
        other = await lab.connect("other", level)
        await other.publish("a", b"lost", qos=0)
        await other.publish("a", b"kept", qos=1)
        await asyncio.sleep(1)
        back = await lab.connect(level=level, clean=False, properties=kept)
        assert back.connack is not None
        assert back.connack.session_present
        assert back.texts == ["kept"]

    play(body)


@BOTH
def test_overlapping_subscriptions(play: Play, level: int):
    """The specifications allow one delivery or one for each; this broker makes one, at the higher level."""

    async def body(lab: Lab) -> None:
        peer = await lab.connect(level=level)
        await peer.subscribe("TopicA/#", qos=0)
        await peer.subscribe("TopicA/+", qos=1)
        await peer.publish("TopicA/C", b"once", qos=1)
        assert [(one.payload, one.qos) for one in peer.heard] == [(b"once", 1)]

    play(body)


@pytest.mark.fact("6.10")
def test_keepalive(play: Play):
    async def body(lab: Lab) -> None:
        watcher = await lab.connect("watcher", keep_alive=1200)
        await watcher.subscribe("TopicA/C")
        will = Will("TopicA/C", b"keepalive expiry", 1)
        silent = await lab.connect("silent", keep_alive=30, will=will)
        await asyncio.sleep(44.9)
        assert silent.closed_at is None
        await asyncio.sleep(1)
        assert silent.closed_at == 45.0
        assert watcher.texts == ["keepalive expiry"]

    play(body)


@BOTH
def test_redelivery_on_reconnect(play: Play, level: int):
    async def body(lab: Lab) -> None:
        kept = {"session_expiry_interval": 600} if level == 5 else {}
        peer = await lab.connect(level=level, clean=False, properties=kept)
        await peer.subscribe("TopicA")
        await peer.publish("TopicA", b"again", qos=1)
        first = peer.heard[0]
        peer.lose()
        await asyncio.sleep(1)
        back = await lab.connect(level=level, clean=False, properties=kept)
        assert [(one.payload, one.packet_id, one.dup) for one in back.heard] == [
            (b"again", first.packet_id, True)
        ]
        await back.acknowledge()
        back.lose()
        await asyncio.sleep(1)
        third = await lab.connect(level=level, clean=False, properties=kept)
        assert third.heard == []

    play(body)


def test_dollar_topics(play: Play):
    async def body(lab: Lab) -> None:
        peer = await lab.connect()
        await peer.subscribe("#", "+/#")
        lab.broker.publish_own("$aws/any", b"hidden")
        assert peer.heard == []
        await peer.subscribe("$aws/any")
        lab.broker.publish_own("$aws/any", b"asked for")
        assert peer.texts == ["asked for"]

    play(body)


@BOTH
def test_unsubscribe(play: Play, level: int):
    async def body(lab: Lab) -> None:
        peer = await lab.connect(level=level)
        await peer.subscribe("A", "B")
        assert await peer.unsubscribe("A", "C") == ([0, 0] if level == 5 else [])  # IoT Core has no 0x11
        await peer.publish("A", b"a")
        await peer.publish("B", b"b")
        assert peer.texts == ["b"]

    play(body)


@BOTH
def test_will_message(play: Play, level: int):
    async def body(lab: Lab) -> None:
        watcher = await lab.connect("watcher", level)
        await watcher.subscribe("TopicA/C")
        will = Will("TopicA/C", b"gone", 1, True)
        lost = await lab.connect("lost", level, will=will)
        polite = await lab.connect("polite", level, will=Will("TopicA/C", b"never"))
        await polite.say(Disconnect())
        lost.lose()
        assert watcher.texts == ["gone"]
        late = await lab.connect("late", level)
        await late.subscribe("TopicA/C")
        assert [(one.payload, one.retain) for one in late.heard] == [(b"gone", True)]

    play(body)


def test_subscribe_failure(play: Play):
    """In MQTT 5 a SUBACK says it; MQTT 3.1.1 clients are disconnected, which is IoT Core's own way."""
    policy = allowing(("iot:Connect", "client/*"), ("iot:Subscribe", "topicfilter/mine"))

    async def body(lab: Lab) -> None:
        told = await lab.connect("told", 5, policy=policy)
        assert await told.subscribe("mine", "yours") == [1, 0x87]
        assert told.closed_at is None
        closed = await lab.connect("closed", 4, policy=policy)
        assert await closed.subscribe("mine", "yours") == []
        assert closed.closed_at is not None

    play(body)


# -- client_test5.py


@pytest.mark.fact("6.13")
def test_session_expiry(play: Play):
    async def body(lab: Lab) -> None:
        peer = await lab.connect("e", 5, properties={"session_expiry_interval": 5})
        await peer.subscribe("A")
        await peer.say(Disconnect())
        await asyncio.sleep(4.9)
        back = await lab.connect("e", 5, clean=False, properties={"session_expiry_interval": 5})
        assert back.connack is not None
        assert back.connack.session_present
        await back.say(Disconnect(0, {"session_expiry_interval": 1}))
        await asyncio.sleep(1.1)
        third = await lab.connect("e", 5, clean=False)
        assert third.connack is not None
        assert not third.connack.session_present
        assert third.goodbye is None
        await third.say(
            Disconnect(0, {"session_expiry_interval": 5})
        )  # one that ends with it is not kept after all
        assert third.goodbye == 0x82

    play(body)


def test_will_delay(play: Play):
    async def body(lab: Lab) -> None:
        watcher = await lab.connect("watcher", 5)
        await watcher.subscribe("w")
        for client_id, expiry, expected in (("a", 10, 3.0), ("b", 2, 2.0)):
            will = Will("w", client_id.encode(), properties={"will_delay_interval": 3})
            peer = await lab.connect(client_id, 5, will=will, properties={"session_expiry_interval": expiry})
            began, count = lab.now, len(watcher.heard)
            peer.lose()
            await asyncio.sleep(5)
            assert len(watcher.heard) == count + 1
            assert watcher.times[-1] - began == expected
        will = Will("w", b"never", properties={"will_delay_interval": 3})
        peer = await lab.connect("c", 5, will=will, properties={"session_expiry_interval": 10})
        peer.lose()
        await asyncio.sleep(1)
        await lab.connect("c", 5, clean=False)
        await asyncio.sleep(5)
        assert watcher.texts == ["a", "b"]

    play(body)


def test_server_keep_alive(play: Play):
    async def body(lab: Lab) -> None:
        for asked, given in ((0, 1200), (5, 30), (60, 60), (5000, 1200)):
            peer = await lab.connect(f"k{asked}", 5, keep_alive=asked)
            assert peer.connack is not None
            assert peer.connack.properties["server_keep_alive"] == given

    play(body)


@pytest.mark.fact("6.14")
def test_client_topic_alias(play: Play):
    async def body(lab: Lab) -> None:
        peer = await lab.connect("a", 5)
        await peer.subscribe("TopicA")
        await peer.publish("TopicA", b"1", properties={"topic_alias": 8})
        await peer.publish("", b"2", properties={"topic_alias": 8})
        assert [(one.topic, one.payload) for one in peer.heard] == [("TopicA", b"1"), ("TopicA", b"2")]
        assert "topic_alias" not in peer.heard[0].properties
        await peer.publish("TopicA", b"3", properties={"topic_alias": 9})
        assert peer.goodbye == 0x94
        other = await lab.connect("b", 5)
        await other.publish("", b"4", properties={"topic_alias": 1})
        assert other.goodbye == 0x82

    play(body)


def test_maximum_packet_size(play: Play):
    async def body(lab: Lab) -> None:
        peer = await lab.connect("m", 5, properties={"maximum_packet_size": 64})
        await peer.subscribe("A", qos=1)
        await peer.publish("A", b"x" * 64, qos=1)
        await peer.publish("A", b"small", qos=1)
        assert peer.texts == ["small"]
        assert peer.link.session is not None
        assert len(peer.link.session.inflight) == 1

    play(body)


def test_user_properties_and_payload_format(play: Play):
    async def body(lab: Lab) -> None:
        given = {
            "user_property": [("a", "2"), ("c", "3"), ("a", "4")],
            "payload_format_indicator": 1,
            "content_type": "text/plain",
        }
        peer, old = await lab.connect("n", 5), await lab.connect("o", 4)
        for one in (peer, old):
            await one.subscribe("A")
        await peer.publish("A", b"x", qos=1, properties=given)
        assert peer.heard[0].properties == given
        assert old.heard[0].properties == {}

    play(body)


def test_publication_expiry(play: Play):
    async def body(lab: Lab) -> None:
        kept = {"session_expiry_interval": 600}
        peer = await lab.connect("p", 5, clean=False, properties=kept)
        await peer.subscribe("A")
        await peer.say(Disconnect())
        other = await lab.connect("q", 5)
        for seconds in (1, 6):
            await other.publish("A", b"%d" % seconds, qos=1, properties={"message_expiry_interval": seconds})
        await asyncio.sleep(3)
        back = await lab.connect("p", 5, clean=False, properties=kept)
        await asyncio.sleep(1)
        assert back.texts == ["6"]
        assert back.heard[0].properties == {"message_expiry_interval": 2}

    play(body)


def test_subscribe_options(play: Play):
    async def body(lab: Lab) -> None:
        peer, other = await lab.connect("s", 5), await lab.connect("t", 5)
        await peer.subscribe("A", no_local=True)
        await other.subscribe("A", retain_as_published=True)
        await peer.publish("A", b"x", retain=True)
        assert peer.heard == []
        assert [one.retain for one in other.heard] == [True]
        counts = []
        for handling in (0, 0, 1, 2):
            await other.say(Subscribe(9, [Filter("A", 1, retain_handling=handling)]))
            counts.append(len(other.heard))
        assert counts == [2, 3, 3, 3]  # 1: a retained message for new subscriptions only; 2: none
        await other.unsubscribe("A")
        await other.subscribe("A", retain_handling=1)
        assert len(other.heard) == 4

    play(body)


def test_assigned_clientid(play: Play):
    async def body(lab: Lab) -> None:
        one, two = await lab.connect("", 5), await lab.connect("", 5)
        ids = [peer.connack.properties["assigned_client_identifier"] for peer in (one, two) if peer.connack]
        assert len(set(ids)) == 2
        assert set(ids) == set(lab.broker.sessions)

    play(body)


@pytest.mark.fact("6.14")
def test_subscribe_identifiers(play: Play):
    """IoT Core has none: it says so in CONNACK, and disconnects who uses them."""

    async def body(lab: Lab) -> None:
        peer = await lab.connect("i", 5)
        assert peer.connack is not None
        assert peer.connack.properties["subscription_identifier_available"] == 0
        await peer.say(Subscribe(1, [Filter("A")], {"subscription_identifier": [7]}))
        assert peer.goodbye == 0xA1

    play(body)


def test_request_response(play: Play):
    async def body(lab: Lab) -> None:
        asker, answerer = await lab.connect("asker", 5), await lab.connect("answerer", 5)
        await answerer.subscribe("ask")
        given = {"response_topic": "answers", "correlation_data": b"\x00\xff"}
        await asker.publish("ask", b"?", qos=1, properties=given)
        assert answerer.heard[0].properties == given

    play(body)


@pytest.mark.fact("6.11")
def test_flow_control(play: Play):
    async def body(lab: Lab) -> None:
        peer = await lab.connect("f", 5, properties={"receive_maximum": 3})
        await peer.subscribe("A")
        other = await lab.connect("g")
        for n in range(5):
            await other.publish("A", b"%d" % n, qos=1)
        assert peer.texts == ["0", "1", "2"]
        await peer.acknowledge()
        assert peer.texts == ["0", "1", "2", "3", "4"]

    play(body)


def test_shared_subscriptions(play: Play):
    async def body(lab: Lab) -> None:
        members = [await lab.connect(f"m{n}", 5) for n in range(2)]
        plain = await lab.connect("plain", 5)
        for one in members:
            assert await one.subscribe("$share/team/A/+") == [1]
        await plain.subscribe("A/+")
        for n in range(4):
            await plain.publish("A/x", b"%d" % n, qos=1)
        assert sorted(members[0].texts + members[1].texts) == ["0", "1", "2", "3"]
        assert [len(one.texts) for one in members] == [2, 2]
        assert plain.texts == ["0", "1", "2", "3"]
        members[0].lose()
        await plain.publish("A/x", b"4", qos=1)
        assert members[1].texts[-1] == "4"

    play(body)


def test_a_shared_subscription_goes_to_who_is_there(play: Play):
    async def body(lab: Lab) -> None:
        kept = {"session_expiry_interval": 600}
        members = [await lab.connect(f"m{n}", 5, properties=kept) for n in range(2)]
        for one in members:
            await one.subscribe("$share/team/A")
        members[0].lose()
        other = await lab.connect("other")
        for n in range(4):
            await other.publish("A", b"%d" % n, qos=1)
        assert members[1].texts == ["0", "1", "2", "3"]
        await members[1].subscribe("$share/team/B", no_local=True)  # MQTT 5, 3.8.3.1: a protocol error
        assert members[1].goodbye == 0x82

    play(body)
