"""Packets to bytes, in the version that a connection speaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.services.iot.mqtt import packets as p
from sandbox.services.iot.mqtt import properties, wire


def encode(packet: p.Packet, level: int) -> bytes:
    """The packet's bytes; ``level`` 4 is MQTT 3.1.1, 5 is MQTT 5."""
    first, body = _WRITERS[type(packet)](packet, level)
    return bytes((first,)) + wire.variable(len(body)) + body


def _given(packet: Any, level: int) -> bytes:
    return properties.write(packet.properties) if level >= p.V5 else b""


def _connect(packet: p.Connect, level: int) -> tuple[int, bytes]:
    flags = packet.clean << 1
    payload = wire.text(packet.client_id)
    if packet.will is not None:
        will = packet.will
        flags |= 4 | will.qos << 3 | will.retain << 5
        payload += properties.write(will.properties) if level >= p.V5 else b""
        payload += wire.text(will.topic) + wire.binary(will.payload)
    if packet.username is not None:
        flags |= 0x80
        payload += wire.text(packet.username)
    if packet.password is not None:
        flags |= 0x40
        payload += wire.binary(packet.password)
    head = wire.text("MQTT") + bytes((level, flags)) + wire.short(packet.keep_alive)
    return p.CONNECT << 4, head + _given(packet, level) + payload


def _connack(packet: p.Connack, level: int) -> tuple[int, bytes]:
    head = bytes((packet.session_present, packet.reason))
    return p.CONNACK << 4, head + _given(packet, level)


def _publish(packet: p.Publish, level: int) -> tuple[int, bytes]:
    first = p.PUBLISH << 4 | packet.dup << 3 | packet.qos << 1 | packet.retain
    head = wire.text(packet.topic) + (wire.short(packet.packet_id) if packet.qos else b"")
    return first, head + _given(packet, level) + packet.payload


def _ack(packet: p.Ack, level: int) -> tuple[int, bytes]:
    first = packet.kind << 4 | (2 if packet.kind == p.PUBREL else 0)
    return first, wire.short(packet.packet_id) + _ending(packet, level)


def _ending(packet: Any, level: int) -> bytes:
    """A reason code and properties, left out where they say nothing."""
    if level < p.V5 or (packet.reason == 0 and not packet.properties):
        return b""
    return bytes((packet.reason,)) + (_given(packet, level) if packet.properties else b"")


def _subscribe(packet: p.Subscribe, level: int) -> tuple[int, bytes]:
    body = wire.short(packet.packet_id) + _given(packet, level)
    for one in packet.filters:
        options = one.qos
        if level >= p.V5:
            options |= one.no_local << 2 | one.retain_as_published << 3 | one.retain_handling << 4
        body += wire.text(one.topic) + bytes((options,))
    return p.SUBSCRIBE << 4 | 2, body


def _suback(packet: p.Suback, level: int) -> tuple[int, bytes]:
    return p.SUBACK << 4, wire.short(packet.packet_id) + _given(packet, level) + bytes(packet.reasons)


def _unsubscribe(packet: p.Unsubscribe, level: int) -> tuple[int, bytes]:
    topics = b"".join(wire.text(topic) for topic in packet.topics)
    return p.UNSUBSCRIBE << 4 | 2, wire.short(packet.packet_id) + _given(packet, level) + topics


def _unsuback(packet: p.Unsuback, level: int) -> tuple[int, bytes]:
    reasons = bytes(packet.reasons) if level >= p.V5 else b""
    return p.UNSUBACK << 4, wire.short(packet.packet_id) + _given(packet, level) + reasons


def _disconnect(packet: p.Disconnect, level: int) -> tuple[int, bytes]:
    return p.DISCONNECT << 4, _ending(packet, level)


def _auth(packet: p.Auth, level: int) -> tuple[int, bytes]:
    return p.AUTH << 4, _ending(packet, level)


_WRITERS: dict[type[Any], Callable[[Any, int], tuple[int, bytes]]] = {
    p.Connect: _connect,
    p.Connack: _connack,
    p.Publish: _publish,
    p.Ack: _ack,
    p.Subscribe: _subscribe,
    p.Suback: _suback,
    p.Unsubscribe: _unsubscribe,
    p.Unsuback: _unsuback,
    p.Pingreq: lambda _, __: (p.PINGREQ << 4, b""),
    p.Pingresp: lambda _, __: (p.PINGRESP << 4, b""),
    p.Disconnect: _disconnect,
    p.Auth: _auth,
}
