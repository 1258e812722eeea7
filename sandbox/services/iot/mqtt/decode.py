"""Bytes to packets, however they are cut: WebSocket frames need not end where packets end (MQTT 5, 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sandbox.services.iot.mqtt import packets as p
from sandbox.services.iot.mqtt import properties
from sandbox.services.iot.mqtt.errors import MqttError, Reason, protocol_error
from sandbox.services.iot.mqtt.wire import Reader

_FLAGS = {
    p.PUBREL: 2,
    p.SUBSCRIBE: 2,
    p.UNSUBSCRIBE: 2,
}  # what the low half of the first byte has to be; else 0


class Decoder:
    """Takes bytes and gives whole packets. ``level``: the version, told by the CONNECT that it has seen.

    ``largest``: a packet that announces more bytes is refused before they came.
    """

    def __init__(self, largest: int = 268_435_455, level: int = p.V311) -> None:
        self.level = level
        self._largest = largest
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[p.Packet]:
        """The packets that are complete now. Raises :class:`MqttError`; nothing may follow then."""
        self._buffer += data
        while (length := self._whole()) is not None:
            head, size = length
            body = bytes(self._buffer[head : head + size])
            first = self._buffer[0]
            del self._buffer[: head + size]
            packet = self._packet(first, Reader(body))
            if isinstance(packet, p.Connect):
                self.level = packet.level
            yield packet

    def _whole(self) -> tuple[int, int] | None:
        """Bytes of the fixed header and of what follows, when all are there."""
        value = shift = 0
        for at in range(1, 5):
            if at >= len(self._buffer):
                return None
            byte = self._buffer[at]
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                if value > self._largest:
                    raise MqttError(
                        f"a packet of {value} bytes; {self._largest} are allowed", Reason.PACKET_TOO_LARGE
                    )
                return (at + 1, value) if len(self._buffer) >= at + 1 + value else None
        raise MqttError("the remaining length has more than four bytes")

    def _packet(self, first: int, reader: Reader) -> p.Packet:
        kind, flags = first >> 4, first & 0x0F
        if kind == p.PUBLISH:
            packet: p.Packet = self._publish(flags, reader)
        else:
            read = _READERS.get(kind)
            if read is None or flags != _FLAGS.get(kind, 0):
                raise MqttError(f"a packet that begins with {first:#04x}")
            packet = read(reader, self.level)
        if reader.left:
            raise MqttError(f"{reader.left} bytes too many in a {p.NAMES[kind]}")
        return packet

    def _publish(self, flags: int, reader: Reader) -> p.Publish:
        qos = flags >> 1 & 3
        if qos == 3:
            raise MqttError("quality of service 3")
        if qos == 0 and flags & 8:
            raise MqttError("a duplicate of quality of service 0")
        topic = reader.text()
        packet_id = _packet_id(reader) if qos else 0
        given = properties.read(reader, p.PUBLISH) if self.level >= p.V5 else {}
        return p.Publish(topic, reader.rest(), qos, bool(flags & 1), bool(flags & 8), packet_id, given)


def _packet_id(reader: Reader) -> int:
    found = reader.short()
    if found == 0:
        raise protocol_error("a packet identifier of 0")
    return found


def _connect(reader: Reader, _: int) -> p.Connect:
    name, level = reader.text(), reader.byte()
    if (name, level) not in (("MQTT", p.V311), ("MQTT", p.V5), ("MQIsdp", 3)):
        raise MqttError(f"protocol {name!r} of level {level}", Reason.UNSUPPORTED_VERSION)
    flags, keep_alive = reader.byte(), reader.short()
    if flags & 1:
        raise MqttError("the reserved flag of CONNECT is set")
    given = properties.read(reader, p.CONNECT) if level >= p.V5 else {}
    client_id = reader.text()
    will = _will(flags, reader, level)
    if flags & 0x40 and not flags & 0x80 and level < p.V5:
        raise protocol_error("a password without a user name")
    username = reader.text() if flags & 0x80 else None
    password = reader.binary() if flags & 0x40 else None
    return p.Connect(client_id, level, bool(flags & 2), keep_alive, username, password, will, given)


def _will(flags: int, reader: Reader, level: int) -> p.Will | None:
    qos = flags >> 3 & 3
    if not flags & 4:
        if flags & 0x38:
            raise MqttError("flags of a will without a will")
        return None
    if qos == 3:
        raise MqttError("a will of quality of service 3")
    given = properties.read(reader, properties.WILL) if level >= p.V5 else {}
    return p.Will(reader.text(), reader.binary(), qos, bool(flags & 0x20), given)


def _connack(reader: Reader, level: int) -> p.Connack:
    flags, reason = reader.byte(), reader.byte()
    given = properties.read(reader, p.CONNACK) if level >= p.V5 else {}
    return p.Connack(bool(flags & 1), reason, given)


def _ack(kind: int) -> Callable[[Reader, int], p.Packet]:
    def read(reader: Reader, level: int) -> p.Ack:
        packet_id = _packet_id(reader)
        reason = reader.byte() if level >= p.V5 and reader.left else 0
        given = properties.read(reader, kind) if level >= p.V5 and reader.left else {}
        return p.Ack(packet_id, reason, given, kind)

    return read


def _subscribe(reader: Reader, level: int) -> p.Subscribe:
    packet_id = _packet_id(reader)
    given = properties.read(reader, p.SUBSCRIBE) if level >= p.V5 else {}
    filters: list[p.Filter] = []
    while reader.left or not filters:
        if not reader.left:
            raise protocol_error("a SUBSCRIBE without a topic filter")
        topic, options = reader.text(), reader.byte()
        if options & 3 == 3 or options & (0xC0 if level >= p.V5 else 0xFC):
            raise MqttError(f"subscription options {options:#04x}")
        if options >> 4 & 3 == 3:
            raise protocol_error("retain handling 3")
        filters.append(p.Filter(topic, options & 3, bool(options & 4), bool(options & 8), options >> 4 & 3))
    return p.Subscribe(packet_id, filters, given)


def _suback(reader: Reader, level: int) -> p.Suback:
    packet_id = reader.short()
    given = properties.read(reader, p.SUBACK) if level >= p.V5 else {}
    return p.Suback(packet_id, tuple(reader.rest()), given)


def _unsubscribe(reader: Reader, level: int) -> p.Unsubscribe:
    packet_id = _packet_id(reader)
    given = properties.read(reader, p.UNSUBSCRIBE) if level >= p.V5 else {}
    if not reader.left:
        raise protocol_error("an UNSUBSCRIBE without a topic filter")
    topics = []
    while reader.left:
        topics.append(reader.text())
    return p.Unsubscribe(packet_id, topics, given)


def _unsuback(reader: Reader, level: int) -> p.Unsuback:
    packet_id = reader.short()
    given = properties.read(reader, p.UNSUBACK) if level >= p.V5 else {}
    return p.Unsuback(packet_id, tuple(reader.rest()), given)


def _disconnect(reader: Reader, level: int) -> p.Disconnect:
    reason = reader.byte() if level >= p.V5 and reader.left else 0
    return p.Disconnect(
        reason, properties.read(reader, p.DISCONNECT) if level >= p.V5 and reader.left else {}
    )


def _auth(reader: Reader, level: int) -> p.Auth:
    if level < p.V5:
        raise MqttError("an AUTH in MQTT 3.1.1")
    reason = reader.byte() if reader.left else 0
    return p.Auth(reason, properties.read(reader, p.AUTH) if reader.left else {})


_READERS: dict[int, Callable[[Reader, int], p.Packet]] = {
    p.CONNECT: _connect,
    p.CONNACK: _connack,
    **{kind: _ack(kind) for kind in (p.PUBACK, p.PUBREC, p.PUBREL, p.PUBCOMP)},
    p.SUBSCRIBE: _subscribe,
    p.SUBACK: _suback,
    p.UNSUBSCRIBE: _unsubscribe,
    p.UNSUBACK: _unsuback,
    p.PINGREQ: lambda _, __: p.Pingreq(),
    p.PINGRESP: lambda _, __: p.Pingresp(),
    p.DISCONNECT: _disconnect,
    p.AUTH: _auth,
}
