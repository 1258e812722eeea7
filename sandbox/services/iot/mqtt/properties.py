"""Properties of MQTT 5 (2.2.2): their numbers, types, and the packets in which they may stand.

As values: a mapping by the names below. ``user_property`` is a list of pairs, ``subscription_identifier`` a list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sandbox.services.iot.mqtt import wire
from sandbox.services.iot.mqtt.errors import MqttError, protocol_error
from sandbox.services.iot.mqtt.packets import (
    AUTH,
    CONNACK,
    CONNECT,
    DISCONNECT,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBACK,
    SUBSCRIBE,
    UNSUBACK,
    UNSUBSCRIBE,
)
from sandbox.services.iot.mqtt.wire import Reader

WILL = 0  # a will's properties are of a kind of their own
_ACKS = (PUBACK, PUBREC, PUBREL, PUBCOMP)
_ANSWERS = (CONNACK, *_ACKS, SUBACK, UNSUBACK, DISCONNECT, AUTH)
_ALL = (WILL, CONNECT, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, *_ANSWERS)


def _read_byte(reader: Reader) -> int:
    return reader.byte()


def _read_short(reader: Reader) -> int:
    return reader.short()


def _read_long(reader: Reader) -> int:
    return reader.long()


def _read_variable(reader: Reader) -> int:
    return reader.variable()


def _read_text(reader: Reader) -> str:
    return reader.text()


def _read_binary(reader: Reader) -> bytes:
    return reader.binary()


def _read_pair(reader: Reader) -> tuple[str, str]:
    return reader.text(), reader.text()


_TYPES: Mapping[str, tuple[Callable[[Reader], Any], Callable[[Any], bytes]]] = {
    "byte": (_read_byte, lambda value: bytes((int(value),))),
    "short": (_read_short, wire.short),
    "long": (_read_long, lambda value: int(value).to_bytes(4, "big")),
    "variable": (_read_variable, wire.variable),
    "text": (_read_text, wire.text),
    "binary": (_read_binary, wire.binary),
    "pair": (_read_pair, lambda value: wire.text(value[0]) + wire.text(value[1])),
}


class Property(NamedTuple):
    """A property."""

    id: int
    name: str
    type: str
    packets: tuple[int, ...]


_PROPERTIES = (
    Property(1, "payload_format_indicator", "byte", (PUBLISH, WILL)),
    Property(2, "message_expiry_interval", "long", (PUBLISH, WILL)),
    Property(3, "content_type", "text", (PUBLISH, WILL)),
    Property(8, "response_topic", "text", (PUBLISH, WILL)),
    Property(9, "correlation_data", "binary", (PUBLISH, WILL)),
    Property(11, "subscription_identifier", "variable", (PUBLISH, SUBSCRIBE)),
    Property(17, "session_expiry_interval", "long", (CONNECT, CONNACK, DISCONNECT)),
    Property(18, "assigned_client_identifier", "text", (CONNACK,)),
    Property(19, "server_keep_alive", "short", (CONNACK,)),
    Property(21, "authentication_method", "text", (CONNECT, CONNACK, AUTH)),
    Property(22, "authentication_data", "binary", (CONNECT, CONNACK, AUTH)),
    Property(23, "request_problem_information", "byte", (CONNECT,)),
    Property(24, "will_delay_interval", "long", (WILL,)),
    Property(25, "request_response_information", "byte", (CONNECT,)),
    Property(26, "response_information", "text", (CONNACK,)),
    Property(28, "server_reference", "text", (CONNACK, DISCONNECT)),
    Property(31, "reason_string", "text", _ANSWERS),
    Property(33, "receive_maximum", "short", (CONNECT, CONNACK)),
    Property(34, "topic_alias_maximum", "short", (CONNECT, CONNACK)),
    Property(35, "topic_alias", "short", (PUBLISH,)),
    Property(36, "maximum_qos", "byte", (CONNACK,)),
    Property(37, "retain_available", "byte", (CONNACK,)),
    Property(38, "user_property", "pair", _ALL),
    Property(39, "maximum_packet_size", "long", (CONNECT, CONNACK)),
    Property(40, "wildcard_subscription_available", "byte", (CONNACK,)),
    Property(41, "subscription_identifier_available", "byte", (CONNACK,)),
    Property(42, "shared_subscription_available", "byte", (CONNACK,)),
)
_BY_ID = {one.id: one for one in _PROPERTIES}
_BY_NAME = {one.name: one for one in _PROPERTIES}
_MANY = frozenset(("user_property", "subscription_identifier"))
_FLAGS = frozenset(
    ("payload_format_indicator", "request_problem_information", "request_response_information")
)
_NOT_ZERO = frozenset(("receive_maximum", "topic_alias", "maximum_packet_size"))


def read(reader: Reader, packet: int) -> dict[str, Any]:
    """The properties that stand next in a packet of this type."""
    part = reader.part(reader.variable())
    found: dict[str, Any] = {}
    while part.left:
        number = part.variable()
        one = _BY_ID.get(number)
        if one is None:
            raise MqttError(f"there is no property {number:#04x}")
        value = _TYPES[one.type][0](part)
        if packet not in one.packets:
            raise protocol_error(f"{one.name} does not belong into this packet")
        _check(one.name, value)
        if one.name in _MANY:
            found.setdefault(one.name, []).append(value)
        elif one.name in found:
            raise protocol_error(f"{one.name} stands twice")
        else:
            found[one.name] = value
    return found


def _check(name: str, value: Any) -> None:
    if name in _FLAGS and value not in (0, 1):
        raise protocol_error(f"{name} is 0 or 1, not {value}")
    if name in _NOT_ZERO and value == 0 and name != "topic_alias":
        raise protocol_error(f"{name} may not be 0")
    if name == "subscription_identifier" and value == 0:
        raise protocol_error(f"{name} may not be 0")


def write(given: Mapping[str, Any]) -> bytes:
    """Properties as bytes, their length before them."""
    if not given:
        return b"\0"
    out = bytearray()
    for name, value in given.items():
        one = _BY_NAME[name]
        for item in value if name in _MANY else (value,):
            out.append(one.id)
            out += _TYPES[one.type][1](item)
    return wire.variable(len(out)) + bytes(out)
