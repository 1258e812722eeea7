"""PUBLISH from a client: what is let through, what is refused, and what is silently lost (facts 6.4 to 6.8, 6.11)."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from sandbox.services.iot.message import Message, forwarded
from sandbox.services.iot.mqtt import packets as p
from sandbox.services.iot.mqtt.errors import MqttError, Reason
from sandbox.services.iot.shadows import requested
from sandbox.services.iot.topics import ingested, topic_fault

if TYPE_CHECKING:
    from sandbox.services.iot.link import Link

THINGS = "$aws/things/"


def accept(link: Link, packet: p.Publish) -> None:
    """Take a message in. Raises :class:`MqttError`."""
    broker = link.broker
    if packet.qos > int(broker.limits.value("iot.qos.max")):
        if link.level >= p.V5:
            raise MqttError("quality of service 2", Reason.QOS_NOT_SUPPORTED)
        link.note("discarded", topic=packet.topic, reason="quality of service 2 is not answered")
        return
    largest = int(broker.limits.value("iot.payload"))
    if len(packet.payload) > largest:
        raise MqttError(
            f"a payload of {len(packet.payload)} bytes; {largest} are allowed", Reason.QUOTA_EXCEEDED
        )
    topic = _topic(link, packet)
    if (fault := topic_fault(topic, broker.bounds)) is not None:
        raise MqttError(f"the topic {topic[:300]!r}: {fault}", Reason.TOPIC_NAME_INVALID)
    if not link.publishes.take(broker.loop.time()):
        link.note("discarded", topic=topic, reason="publishes a second of the connection")
        return
    if not broker.publish_token():
        link.note("discarded", topic=topic, reason="publishes a second of the account")
        return
    if not link.may("iot:Publish", "topic", topic) or (
        packet.retain and not link.may("iot:RetainPublish", "topic", topic)
    ):
        _forbidden(link, packet, topic)
        return
    _take(link, packet, topic)


def _take(link: Link, packet: p.Publish, topic: str) -> None:
    broker = link.broker
    message = Message(
        topic,
        packet.payload,
        packet.qos,
        packet.retain,
        forwarded(packet.properties),
        link.origin,
        broker.loop.time(),
        int(broker.sandbox.clock.epoch() * 1000),
        broker.sandbox.ids.uuid(),
    )
    publish = _reserved(link, message) if topic.startswith("$") else broker.publish
    if packet.qos:
        link.send(p.Ack(packet.packet_id))
    publish(message)


def _topic(link: Link, packet: p.Publish) -> str:
    """The topic, with its alias undone (MQTT 5, 3.3.2.3.4)."""
    alias = packet.properties.get("topic_alias")
    if alias is None:
        return packet.topic
    if not 1 <= alias <= int(link.broker.limits.value("iot.mqtt5.topic_aliases")):
        raise MqttError(f"the topic alias {alias}", Reason.TOPIC_ALIAS_INVALID)
    if packet.topic:
        link.aliases[alias] = packet.topic
    elif alias not in link.aliases:
        raise MqttError(f"the topic alias {alias} stands for nothing yet", Reason.PROTOCOL_ERROR)
    return link.aliases[alias]


def _forbidden(link: Link, packet: p.Publish, topic: str) -> None:
    """MQTT 5 says it in the PUBACK, or in a DISCONNECT; an MQTT 3.1.1 client is disconnected."""
    link.note("publish_refused", topic=topic, reason="the policies do not allow iot:Publish")
    if packet.qos and link.level >= p.V5:
        link.send(p.Ack(packet.packet_id, Reason.NOT_AUTHORIZED))
    else:
        link.end("AUTH_ERROR", Reason.NOT_AUTHORIZED)


def _reserved(link: Link, message: Message) -> Callable[[Message], None]:
    """What becomes of a message to one of AWS's own topics, which begin with ``$``. Raises :class:`MqttError`."""
    broker = link.broker
    if (rule := ingested(message.topic)) is not None:
        return partial(broker.ingest, rule[0])
    if requested(message.topic) is not None:
        return broker.publish
    if message.topic.startswith(THINGS) and "/shadow/" not in message.topic:
        return partial(_not_emulated, link)
    raise MqttError(f"nobody publishes to {message.topic!r}", Reason.TOPIC_NAME_INVALID)


def _not_emulated(link: Link, message: Message) -> None:
    text = "The sandbox does not emulate jobs and other reserved topics of things; it has their shadows."
    link.note("failed", reason=f"{message.topic}: {text}")
    body = json.dumps({"code": 501, "message": text}).encode()
    link.broker.publish_own(f"{message.topic}/rejected", body)
