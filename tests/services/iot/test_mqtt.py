"""The codec: bytes as the specifications print them, every packet there and back, and what is malformed."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.services.iot.mqtt import (
    Ack,
    Auth,
    Connack,
    Connect,
    Decoder,
    Disconnect,
    Filter,
    MqttError,
    Packet,
    Pingreq,
    Pingresp,
    Publish,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Will,
    encode,
)
from sandbox.services.iot.mqtt import packets as p
from sandbox.services.iot.mqtt.wire import Reader, variable

PROPERTIES: dict[str, Any] = {
    "payload_format_indicator": 1,
    "message_expiry_interval": 4_000_000_000,
    "content_type": "text/plain",
    "response_topic": "a/b",
    "correlation_data": b"\x00\xff",
    "topic_alias": 3,
    "user_property": [("a", "1"), ("a", "2")],
}
PACKETS: list[Packet] = [
    Connect("c", clean=False, keep_alive=30, username="u", password=b"\xff", will=Will("w", b"x", 1, True)),
    Connack(True, 0),
    Publish("a/b", b"hello", 1, True, True, 7),
    Publish("a/b", b""),
    Ack(7),
    Ack(7, kind=p.PUBREL),
    Subscribe(3, [Filter("a/#", 1), Filter("+", 0)]),
    Suback(3, (1, 0x80)),
    Unsubscribe(4, ["a", "b"]),
    Unsuback(4),
    Pingreq(),
    Pingresp(),
    Disconnect(),
]
OF_5: list[Packet] = [
    Connect("", 5, properties={"session_expiry_interval": 9, "receive_maximum": 2, "topic_alias_maximum": 3}),
    Connect("c", 5, will=Will("w", b"x", properties={"will_delay_interval": 3, "content_type": "a"})),
    Connack(False, 0x87, {"reason_string": "no", "assigned_client_identifier": "x", "server_keep_alive": 9}),
    Publish("a", b"x", 1, packet_id=1, properties=PROPERTIES),
    Ack(7, 0x87, {"reason_string": "no"}),
    Subscribe(3, [Filter("a", 1, True, True, 2)], {"subscription_identifier": [268_435_455]}),
    Suback(3, (0x97,), {"user_property": [("a", "b")]}),
    Unsuback(4, (0, 0x11)),
    Disconnect(0x8E, {"reason_string": "taken over"}),
    Auth(0x18, {"authentication_method": "x"}),
]


def read(data: bytes, level: int = 4, **options: Any) -> list[Packet]:
    return list(Decoder(level=level, **options).feed(data))


@pytest.mark.parametrize("packet", PACKETS, ids=lambda one: type(one).__name__)
def test_every_packet_of_311_there_and_back(packet: Packet):
    assert read(encode(packet, 4)) == [packet]


@pytest.mark.parametrize("packet", [*PACKETS[1:], *OF_5], ids=lambda one: type(one).__name__)
def test_every_packet_of_5_there_and_back(packet: Packet):
    assert read(encode(packet, 5), 5) == [packet]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_packets_come_out_of_pieces_of_any_size(size: int):
    data = b"".join(encode(packet, 4) for packet in PACKETS)
    decoder = Decoder()
    found = [packet for at in range(0, len(data), size) for packet in decoder.feed(data[at : at + size])]
    assert found == PACKETS


def test_connect_as_the_specification_prints_it():
    """MQTT 3.1.1, figure 3.6: the variable header; MQTT 5, 3.1.2.12 likewise with a property."""
    assert encode(Connect("a", keep_alive=10, clean=True, username="u", password=b"p"), 4) == (
        b"\x10\x13"
        + b"\x00\x04MQTT"
        + b"\x04"
        + b"\xc2"
        + b"\x00\x0a"
        + b"\x00\x01a"
        + b"\x00\x01u"
        + b"\x00\x01p"
    )
    (read_back,) = read(b"\x10\x13\x00\x04MQTT\x05\x02\x00\x0a\x05\x11\x00\x00\x00\x0a\x00\x01a")
    assert read_back == Connect("a", 5, keep_alive=10, properties={"session_expiry_interval": 10})


def test_the_version_of_a_connection_is_that_of_its_connect():
    decoder = Decoder()
    list(decoder.feed(encode(Connect("a", 5), 5)))
    assert decoder.level == 5
    assert list(decoder.feed(encode(Publish("t", b"x", properties={"content_type": "y"}), 5))) == [
        Publish("t", b"x", properties={"content_type": "y"})
    ]


@pytest.mark.parametrize(
    ("value", "data"),
    [(0, "00"), (127, "7f"), (128, "8001"), (16_383, "ff7f"), (16_384, "808001"), (268_435_455, "ffffff7f")],
)
def test_variable_byte_integers_of_table_2_4(value: int, data: str):
    assert variable(value).hex() == data
    assert Reader(bytes.fromhex(data)).variable() == value


MALFORMED = 0x81
WRONG = {
    "a fifth byte of length": ("30ffffffff01", 4, MALFORMED),
    "packet type 0": ("0000", 4, MALFORMED),
    "flags of a SUBSCRIBE": ("8005000100016100", 4, MALFORMED),
    "quality of service 3": ("3603000161", 4, MALFORMED),
    "a duplicate of level 0": ("3803000161", 4, MALFORMED),
    "a topic longer than its packet": ("3003000561", 4, MALFORMED),
    "a text that is not UTF-8": ("30030001ff", 4, MALFORMED),
    "U+0000 in a text": ("3003000100", 4, MALFORMED),
    "packet identifier 0": ("32050001610000", 4, 0x82),
    "a SUBSCRIBE without filters": ("82020001", 4, 0x82),
    "an UNSUBSCRIBE without filters": ("a2020001", 4, 0x82),
    "subscription options": ("8206000100016104", 4, MALFORMED),
    "bytes behind a PINGREQ": ("c00100", 4, MALFORMED),
    "the reserved flag of CONNECT": ("100d00044d5154540403000a000161", 4, MALFORMED),
    "a will's flags without a will": ("100d00044d5154540422000a000161", 4, MALFORMED),
    "another protocol": ("100d00044d5154510402000a000161", 4, 0x84),
    "a version that does not exist": ("100d00044d5154540602000a000161", 4, 0x84),
    "a password without a user name": ("101000044d5154540442000a000161000170", 4, 0x82),
    "AUTH in 3.1.1": ("f000", 4, MALFORMED),
    "an unknown property": ("30060001610205ff", 5, MALFORMED),
    "a property of another packet": ("3009000161051100000001", 5, 0x82),
    "a property twice": ("30080001610401000100", 5, 0x82),
    "a flag of 2": ("3006000161020102", 5, 0x82),
    "retain handling 3": ("820700010000016130", 5, 0x82),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_malformed_is_told_by_its_reason(name: str):
    data, level, reason = WRONG[name]
    with pytest.raises(MqttError) as wrong:
        read(bytes.fromhex(data), level)
    assert wrong.value.reason == reason


def test_a_packet_larger_than_allowed_is_refused_by_its_head():
    with pytest.raises(MqttError, match="1000 bytes; 100 are allowed") as wrong:
        read(b"\x30\xe8\x07", largest=100)
    assert wrong.value.reason == 0x95
