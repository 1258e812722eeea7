"""The judge is botocore's decoder."""

from __future__ import annotations

import random

import pytest
from botocore.eventstream import EventStreamBuffer, EventStreamMessage

from sandbox.aws import eventstream


def decode(data: bytes, piece: int | None = None) -> list[EventStreamMessage]:
    buffer = EventStreamBuffer()
    messages: list[EventStreamMessage] = []
    step = piece or len(data)
    for start in range(0, len(data), step):
        buffer.add_data(data[start : start + step])
        messages.extend(buffer)
    return messages


def test_encode_gives_what_botocore_decodes() -> None:
    (message,) = decode(eventstream.encode({":a": "one", "größe": "zwei €"}, b"\x00payload\xff"))
    assert message.headers == {":a": "one", "größe": "zwei €"}
    assert message.payload == b"\x00payload\xff"


def test_encode_is_byte_exact_for_the_empty_message() -> None:
    # The spec's smallest message: 16 bytes, no headers, no payload; both checksums are known constants.
    assert eventstream.encode({}).hex() == "000000100000000005c248eb7d98c8ff"


def test_many_random_messages_survive_any_split() -> None:
    rng = random.Random(7)
    sent = []
    for _ in range(200):
        names = ["".join(rng.choices("abc:-é", k=rng.randint(1, 30))) for _ in range(rng.randint(0, 6))]
        headers = {name: "".join(rng.choices("xyz ü€", k=rng.randint(0, 99))) for name in names}
        sent.append((headers, rng.randbytes(rng.choice([0, 1, 7, 1000, 20_000]))))
    data = b"".join(eventstream.encode(headers, payload) for headers, payload in sent)
    for piece in (None, 1_000, 4_097):
        assert [(m.headers, m.payload) for m in decode(data, piece)] == sent


def test_event_and_exception_have_aws_headers() -> None:
    one, two, three = decode(
        eventstream.event("PayloadChunk", b"hi")
        + eventstream.exception("throttlingException", b'{"message":"slow"}')
        + eventstream.error("InternalFailure", "broken")
    )
    assert one.headers == {
        ":event-type": "PayloadChunk",
        ":content-type": "application/octet-stream",
        ":message-type": "event",
    }
    assert one.to_response_dict()["status_code"] == 200
    assert two.to_response_dict()["status_code"] == 400
    assert two.to_response_dict()["headers"][":exception-type"] == "throttlingException"
    assert three.headers[":error-message"] == "broken"
    assert three.to_response_dict()["status_code"] == 400


def test_event_without_content_type_has_none() -> None:
    (message,) = decode(eventstream.event("Pong", content_type=None))
    assert ":content-type" not in message.headers


@pytest.mark.parametrize(
    ("headers", "payload"),
    [
        ({"": "v"}, b""),
        ({"n" * 256: "v"}, b""),
        ({"n": "v" * 32_768}, b""),
        ({}, bytes(24 * 1024 * 1024 + 1)),
    ],
)
def test_encode_refuses_what_does_not_fit(headers: dict[str, str], payload: bytes) -> None:
    with pytest.raises(ValueError, match="event-stream"):
        eventstream.encode(headers, payload)
