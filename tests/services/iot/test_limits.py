"""What IoT Core limits and refuses, at its exact numbers and instants (facts 6.3 to 6.14)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from sandbox.services.iot.mqtt import Connect, Filter, Pingreq, Pingresp, Publish, Subscribe, Will, encode
from tests.services.iot.conftest import Lab, Test, allowing

Play = Callable[[Test], None]
DAY = 86_400


@pytest.mark.fact("6.3")
def test_a_connection_ends_after_its_day_whatever_is_said_on_it(play: Play):
    async def body(lab: Lab) -> None:
        watcher = await lab.connect("watcher", keep_alive=1200)
        await watcher.subscribe("$aws/events/presence/disconnected/c")
        peer = await lab.connect(lives=DAY, keep_alive=1200)
        while peer.closed_at is None:
            await asyncio.sleep(1000)
            for one in (peer, watcher):
                if one.closed_at is None:
                    await one.say(Pingreq())
        assert peer.closed_at == DAY
        (event,) = [json.loads(text) for text in watcher.texts]
        assert event["disconnectReason"] == "WEBSOCKET_TTL_EXPIRATION"
        assert event["clientInitiatedDisconnect"] is False

    play(body)


@pytest.mark.fact("6.4")
@pytest.mark.parametrize("size", [131_072, 131_073])
def test_a_payload_is_at_most_128_kb(play: Play, size: int):
    async def body(lab: Lab) -> None:
        peer, old = await lab.connect("new", 5), await lab.connect("old", 4)
        reason = await peer.publish("A", b"x" * size, qos=1)
        await old.publish("A", b"x" * size)
        if size == 131_072:
            assert (reason, peer.closed_at, old.closed_at) == (0, None, None)
        else:
            assert (reason, peer.goodbye) == (None, 0x97)
            assert None not in (peer.closed_at, old.closed_at)

    play(body)


def test_a_packet_that_announces_far_too_much_is_refused_before_it_came(play: Play):
    async def body(lab: Lab) -> None:
        peer = await lab.connect("new", 5)
        await peer.link.receive(b"\x30\xff\xff\xff\x7f")
        assert peer.goodbye == 0x97

    play(body)


@pytest.mark.fact("6.5")
def test_publishes_beyond_100_a_second_are_lost_without_a_word(play: Play):
    async def body(lab: Lab) -> None:
        writer, reader = await lab.connect("writer"), await lab.connect("reader")
        await reader.subscribe("A")
        answers = [await writer.publish("A", b"%d" % n, qos=1) for n in range(120)]
        assert answers == [0] * 100 + [None] * 20
        assert reader.texts == [str(n) for n in range(100)]
        assert writer.closed_at is None
        await asyncio.sleep(0.5)
        answers = [await writer.publish("A", b"later", qos=1) for _ in range(60)]
        assert answers == [0] * 50 + [None] * 10

    play(body)


@pytest.mark.fact("6.5")
def test_the_rate_of_a_subscriber_is_its_own(play: Play):
    async def body(lab: Lab) -> None:
        reader = await lab.connect("reader")
        await reader.subscribe("A", qos=0)
        for n in range(4):
            writer = await lab.connect(f"w{n}")
            for _ in range(40):
                await writer.publish("A")
        assert len(reader.heard) == 100
        assert len(lab.noted("discarded")) == 60

    play(body)


@pytest.mark.fact("6.6")
def test_bytes_beyond_512_kib_a_second_are_late(play: Play):
    async def body(lab: Lab) -> None:
        reader = await lab.connect("reader")
        await reader.subscribe("A", qos=0)
        payload = b"x" * 131_000  # five of these are more than a second's worth
        for n in range(8):
            lab.broker.publish(lab.broker.message("A", payload, origin=None))
            assert len(reader.heard) == min(n + 1, 4)
        await asyncio.sleep(5)
        sizes = [131_000 + 7] * 8  # what each packet takes on the wire
        begun = 524_288 - (len(encode(Connect("reader"), 4)) + 4 + 8 + 5)
        late = [max(0.0, (sum(sizes[: n + 1]) - begun) / 524_288) for n in range(8)]
        times = reader.times[2:]
        assert times == pytest.approx(late, abs=2e-6)

    play(body)


@pytest.mark.fact("6.6")
def test_what_a_client_sends_too_fast_is_looked_at_later(play: Play):
    async def body(lab: Lab) -> None:
        writer = await lab.connect("writer")
        began = lab.now
        for _ in range(8):
            await writer.publish("A", b"x" * 131_072)
        assert lab.now - began == pytest.approx(1.0, abs=1e-3)

    play(body)


@pytest.mark.fact("6.7")
@pytest.mark.parametrize("level", [4, 5])
def test_the_51st_subscription_fails_and_ends_the_connection(play: Play, level: int):
    async def body(lab: Lab) -> None:
        peer = await lab.connect("s", level)
        for n in range(50):
            assert await peer.subscribe(f"t/{n}") == [1]
        assert await peer.subscribe("t/7", qos=0) == [0]  # one that is there already is none more
        assert await peer.subscribe("t/50") == [0x97 if level == 5 else 0x80]
        assert peer.closed_at is not None
        assert peer.goodbye == (0x97 if level == 5 else None)

    play(body)


@pytest.mark.fact("6.7")
def test_a_subscribe_has_at_most_eight_filters(play: Play):
    async def body(lab: Lab) -> None:
        peer = await lab.connect("s", 5)
        assert await peer.subscribe(*[f"t/{n}" for n in range(8)]) == [1] * 8
        assert await peer.subscribe(*[f"u/{n}" for n in range(9)]) == []
        assert peer.goodbye == 0x97

    play(body)


@pytest.mark.fact("6.8")
@pytest.mark.parametrize(
    ("topic", "allowed"),
    [
        ("a/b/c/d/e/f/g/h", True),
        ("a/b/c/d/e/f/g/h/i", False),
        ("é" * 128, True),
        ("é" * 128 + "a", False),
        ("$aws/rules/none/a/b/c/d/e/f/g/h", True),
        ("a/+", False),
        ("$SYS/a", False),
    ],
)
def test_topics_are_short_and_flat(play: Play, topic: str, allowed: bool):
    async def body(lab: Lab) -> None:
        peer = await lab.connect("t", 5)
        reason = await peer.publish(topic, qos=1)
        assert (reason, peer.goodbye) == ((0, None) if allowed else (None, 0x90))

    play(body)


@pytest.mark.fact("6.8")
@pytest.mark.parametrize("topic", ["a/b/c/d/e/f/g/h/+", "a/#/b", "a+", "", "$share/team", "x" * 257])
def test_filters_that_are_none_end_the_connection(play: Play, topic: str):
    async def body(lab: Lab) -> None:
        peer = await lab.connect("t", 5)
        assert await peer.subscribe(topic) == []
        assert peer.goodbye == 0x8F

    play(body)


def test_the_parent_is_not_matched_by_its_wildcard(play: Play):
    async def body(lab: Lab) -> None:
        peer = await lab.connect()
        await peer.subscribe("sensor/#")
        for topic in ("sensor", "sensor/", "sensor/a/b"):
            await peer.publish(topic, topic.encode())
        assert peer.texts == ["sensor/", "sensor/a/b"]

    play(body)


@pytest.mark.fact("6.9")
def test_the_second_client_with_an_id_takes_over(play: Play):
    async def body(lab: Lab) -> None:
        watcher = await lab.connect("watcher")
        await watcher.subscribe("left")
        first = await lab.connect("ada", 5, will=Will("left", b"first"))
        await asyncio.sleep(1)
        second = await lab.connect("ada", 4)
        assert first.goodbye == 0x8E
        assert first.closed_at == 1.0
        assert second.closed_at is None
        assert watcher.texts == ["first"]
        assert [one["reason"] for one in lab.noted("disconnected")] == ["DUPLICATE_CLIENTID"]

    play(body)


@pytest.mark.fact("6.9")
def test_a_client_id_connects_once_a_second_and_has_128_bytes(play: Play):
    async def body(lab: Lab) -> None:
        await lab.connect("again", 5)
        early = await lab.connect("again", 5)
        assert early.connack is not None
        assert early.connack.reason == 0x97
        assert early.closed_at == 1.0  # then there is room for the next one
        assert (await lab.connect("again", 5)).closed_at is None
        assert (await lab.connect("x" * 128, 5)).closed_at is None
        for level, reason in ((5, 0x85), (4, 2)):
            refused = await lab.connect("x" * 129, level)
            assert refused.connack is not None
            assert refused.connack.reason == reason

    play(body)


@pytest.mark.fact("6.10")
@pytest.mark.parametrize(("asked", "dropped_at"), [(30, 45.0), (10, 45.0), (0, 1800.0), (4000, 1800.0)])
def test_silence_lasts_one_and_a_half_keep_alives(play: Play, asked: int, dropped_at: float):
    async def body(lab: Lab) -> None:
        peer = await lab.connect("k", 5, keep_alive=asked)
        await asyncio.sleep(2000)
        assert (peer.closed_at, peer.goodbye) == (dropped_at, 0x8D)

    play(body)


@pytest.mark.fact("6.10")
def test_a_ping_is_a_sign_of_life(play: Play):
    async def body(lab: Lab) -> None:
        peer = await lab.connect(keep_alive=30)
        await asyncio.sleep(40)
        assert await peer.say(Pingreq()) == [Pingresp()]
        await asyncio.sleep(40)
        assert peer.closed_at is None
        await asyncio.sleep(10)
        assert peer.closed_at == 85.0

    play(body)


@pytest.mark.fact("6.11")
def test_quality_of_service_2_gets_no_answer(play: Play):
    async def body(lab: Lab) -> None:
        old, new = await lab.connect("old", 4), await lab.connect("new", 5)
        await old.subscribe("A")
        before = len(old.packets)
        assert await old.publish("A", qos=2) is None
        assert await old.subscribe("B", qos=2) == []
        assert old.packets[before:] == []
        assert old.closed_at is None
        assert await new.subscribe("B", qos=2) == [0x80]
        await new.publish("A", qos=2)
        assert new.goodbye == 0x9B
        will = await lab.connect("will", 5, will=Will("A", b"", 2))
        assert will.connack is not None
        assert will.connack.reason == 0x9B

    play(body)


@pytest.mark.fact("6.11")
def test_a_hundred_messages_wait_for_their_acknowledgement(play: Play):
    async def body(lab: Lab) -> None:
        lab.sandbox.limits.overrides["iot.rate.publish"] = 10_000
        reader = await lab.connect("reader")
        await reader.subscribe("A")
        for _ in range(120):
            lab.broker.publish(lab.broker.message("A", b"", 1))
        assert len(reader.heard) == 100
        await reader.acknowledge()
        assert len(reader.heard) == 120

    play(body)


@pytest.mark.fact("6.13")
def test_stored_messages_come_ten_a_second_beside_the_new_ones(play: Play):
    async def body(lab: Lab) -> None:
        reader, writer = await lab.connect("r", clean=False), await lab.connect("w")
        await reader.subscribe("A")
        reader.lose()
        for n in range(25):
            await writer.publish("A", b"%d" % n, qos=1)
        await asyncio.sleep(10)
        back = await lab.connect("r", clean=False)
        await writer.publish("A", b"new", qos=1)
        await asyncio.sleep(5)
        assert back.texts[:2] == ["0", "new"]
        stored = [(text, at) for text, at in zip(back.texts, back.times[1:], strict=True) if text != "new"]
        assert [text for text, _ in stored] == [str(n) for n in range(25)]
        assert [at for _, at in stored] == pytest.approx([10 + n / 10 for n in range(25)])

    play(body)


@pytest.mark.fact("6.13")
@pytest.mark.parametrize(("away", "present"), [(3599, True), (3601, False)])
def test_a_persistent_session_is_kept_for_an_hour(play: Play, away: float, present: bool):
    async def body(lab: Lab) -> None:
        for level in (4, 5):
            properties = {"session_expiry_interval": 0xFFFFFFFF} if level == 5 else {}
            peer = await lab.connect(f"p{level}", level, clean=False, properties=properties)
            if level == 5:
                assert peer.connack is not None
                assert peer.connack.properties["session_expiry_interval"] == 3600
            peer.lose()
        await asyncio.sleep(away)
        for level in (4, 5):
            back = await lab.connect(f"p{level}", level, clean=False)
            assert back.connack is not None
            assert back.connack.session_present is present

    play(body)


@pytest.mark.fact("6.11")
def test_what_was_not_acknowledged_for_an_hour_is_dropped(play: Play):
    async def body(lab: Lab) -> None:
        lab.broker.longest_session = 7200.0
        reader = await lab.connect("r", clean=False)
        await reader.subscribe("A")
        reader.lose()
        lab.broker.publish(lab.broker.message("A", b"old", 1))
        await asyncio.sleep(100)
        lab.broker.publish(lab.broker.message("A", b"young", 1))
        await asyncio.sleep(3550)
        back = await lab.connect("r", clean=False)
        await asyncio.sleep(1)
        assert back.texts == ["young"]

    play(body)


@pytest.mark.fact("6.14")
@pytest.mark.parametrize("level", [4, 5])
def test_policies_hold_for_connect_publish_subscribe_and_receive(play: Play, level: int):
    policy = allowing(
        ("iot:Connect", "client/mine-*"),
        ("iot:Publish", "topic/${iot:ClientId}/out"),
        ("iot:Subscribe", "topicfilter/${iot:ClientId}/*"),
        ("iot:Receive", "topic/${iot:ClientId}/in"),
    )

    async def body(lab: Lab) -> None:
        stranger = await lab.connect("yours", level, policy=policy)
        assert stranger.closed_at is not None
        assert (stranger.connack.reason if stranger.connack else None) == (0x87 if level == 5 else None)
        peer = await lab.connect("mine-1", level, policy=policy)
        assert await peer.subscribe("mine-1/in", "mine-1/secret") == [1, 1]
        other = await lab.connect("other")
        for topic in ("mine-1/in", "mine-1/secret"):
            await other.publish(topic, topic.encode())
        assert peer.texts == ["mine-1/in"]
        assert await peer.publish("mine-1/out", qos=1) == 0
        reason = await peer.publish("mine-2/out", qos=1)
        assert (reason, peer.closed_at is None) == ((0x87, True) if level == 5 else (None, False))
        if level == 5:
            assert (
                await peer.publish("mine-1/out", qos=1, retain=True) == 0x87
            )  # iot:RetainPublish is its own
            await peer.publish("mine-2/out")
            assert peer.goodbye == 0x87

    play(body)


def test_a_policy_can_ask_for_what_a_connect_holds(play: Play):
    condition = {"ForAllValues:StringEquals": {"iot:ConnectAttributes": ["PersistentConnect"]}}
    statement = {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*", "Condition": condition}

    async def body(lab: Lab) -> None:
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        plain = await lab.connect("plain", policy=policy)
        kept = await lab.connect("kept", policy=policy, clean=False)
        will = await lab.connect("will", policy=policy, will=Will("A", b""))
        assert [one.closed_at for one in (plain, kept, will)] == [None, None, 0.0]

    play(body)


@pytest.mark.fact("6.15")
def test_the_account_has_its_rates(play: Play):
    async def body(lab: Lab) -> None:
        lab.sandbox.limits.override("iot.account.connect", 3)
        lab.sandbox.limits.override("iot.account.subscriptions", 2)
        peers = [await lab.connect(f"c{n}", 5) for n in range(4)]
        assert [peer.connack.reason for peer in peers if peer.connack] == [0, 0, 0, 0x97]
        assert await peers[0].subscribe("a", "b", "c") == [1, 1, 0x97]

    play(body)


@pytest.mark.fact("6.15")
def test_the_account_publishes_and_is_sent_so_many_messages_a_second(play: Play):
    async def body(lab: Lab) -> None:
        lab.sandbox.limits.override("iot.account.publish_in", 5)
        readers = [await lab.connect(f"r{n}") for n in range(3)]
        for one in readers:
            await one.subscribe("A", qos=0)
        writer = await lab.connect("w")
        for n in range(7):
            await writer.publish("A", b"%d" % n)
        assert sum(len(one.heard) for one in readers) == 5  # 15 would have been sent, and 2 were not taken
        reasons = [event["reason"] for event in lab.noted("discarded")]
        assert reasons.count("publishes a second of the account") == 2
        assert reasons.count("messages a second to the account's clients") == 10

    play(body)


def test_bytes_may_be_cut_anyhow(play: Play):
    async def body(lab: Lab) -> None:
        peer = await lab.connect()
        data = encode(Subscribe(1, [Filter("A", 1)]), 4)
        data += encode(Publish("A", b"hello", 1, packet_id=2), 4)
        for n in range(len(data)):
            await peer.link.receive(data[n : n + 1])
        assert peer.texts == ["hello"]

    play(body)


@pytest.mark.parametrize("level", [4, 5])
@pytest.mark.parametrize("what", ["second connect", "garbage", "publish first"])
def test_what_breaks_the_protocol_ends_the_connection(play: Play, level: int, what: str):
    async def body(lab: Lab) -> None:
        if what == "publish first":
            peer = await lab.connect("early", level)
            peer.link.session, peer.packets = None, []
            await peer.say(Publish("A"))
        else:
            peer = await lab.connect("c", level)
            data = encode(Connect("c", level), level) if what == "second connect" else b"\xf5\x00"
            await peer.link.receive(data)
        assert peer.closed_at is not None

    play(body)


def test_jobs_are_refused_by_name(play: Play):
    async def body(lab: Lab) -> None:
        peer = await lab.connect()
        await peer.subscribe("$aws/things/t/jobs/get/rejected")
        await peer.publish("$aws/things/t/jobs/get", b"{}", qos=1)
        (answer,) = [json.loads(text) for text in peer.texts]
        assert answer["code"] == 501
        assert "does not emulate jobs" in answer["message"]

    play(body)


def test_lifecycle_events(play: Play):
    async def body(lab: Lab) -> None:
        watcher = await lab.connect("watcher")
        await watcher.subscribe("$aws/events/#", qos=0)
        peer = await lab.connect("ada")
        await peer.subscribe("A", "B")
        await peer.unsubscribe("A")
        peer.lose()
        seen = {one.topic.removeprefix("$aws/events/"): json.loads(one.payload) for one in watcher.heard}
        connected = seen["presence/connected/ada"]
        assert (connected["eventType"], connected["ipAddress"]) == ("connected", "127.0.0.1")
        assert seen["subscriptions/subscribed/ada"]["topics"] == ["A", "B"]
        assert seen["subscriptions/unsubscribed/ada"]["topics"] == ["A"]
        gone = seen["presence/disconnected/ada"]
        assert (gone["disconnectReason"], gone["clientInitiatedDisconnect"]) == ("CONNECTION_LOST", False)
        assert gone["sessionIdentifier"] == connected["sessionIdentifier"]
        assert gone["principalIdentifier"] == "me"

    play(body)


def test_deliveries_go_wrong_when_asked_to(play: Play):
    async def body(lab: Lab) -> None:
        reader, writer = await lab.connect("reader"), await lab.connect("writer")
        await reader.subscribe("A")
        lab.sandbox.anomalies.configure(duplicates=1.0, services=["iot"])
        await writer.publish("A", b"twice", qos=1)
        assert reader.texts == ["twice", "twice"]
        lab.sandbox.anomalies.configure(slow_subscribers=1.0, slow_by=2.0)
        await writer.publish("A", b"slow", qos=1)
        await asyncio.sleep(5)
        assert (reader.texts[-1], reader.times[-1]) == ("slow", 2.0)
        lab.sandbox.anomalies.configure(subscribe_delay=1.0)
        assert await reader.subscribe("B") == [1]
        await writer.publish("B", b"too early", qos=1)
        await asyncio.sleep(1)
        await writer.publish("B", b"in time", qos=1)
        assert reader.texts[3:] == ["in time"]

    play(body)
