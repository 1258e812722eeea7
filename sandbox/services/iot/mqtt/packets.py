"""Control packets as values (MQTT 3.1.1 and 5, chapter 3).

``properties`` are those of MQTT 5 by the names in ``properties.py``; always empty in 3.1.1. Reason codes are those
of 5; in 3.1.1 only CONNACK and SUBACK carry a code, with numbers of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Properties = Mapping[str, Any]

V311, V5 = 4, 5

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = 8, 9, 10, 11, 12, 13, 14, 15

NAMES = (
    "",
    "CONNECT",
    "CONNACK",
    "PUBLISH",
    "PUBACK",
    "PUBREC",
    "PUBREL",
    "PUBCOMP",
    "SUBSCRIBE",
    "SUBACK",
    "UNSUBSCRIBE",
    "UNSUBACK",
    "PINGREQ",
    "PINGRESP",
    "DISCONNECT",
    "AUTH",
)


@dataclass(slots=True)
class Will:
    """What the broker publishes when the client goes without saying so."""

    topic: str
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Connect:
    """A client's first packet. ``level``: 4 is MQTT 3.1.1, 5 is MQTT 5; ``clean``: clean session or clean start."""

    client_id: str = ""
    level: int = V311
    clean: bool = True
    keep_alive: int = 0
    username: str | None = None
    password: bytes | None = None
    will: Will | None = None
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Connack:
    """The answer to it."""

    session_present: bool = False
    reason: int = 0
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Publish:
    """A message. ``packet_id`` is 0 for quality of service 0."""

    topic: str
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    dup: bool = False
    packet_id: int = 0
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Ack:
    """PUBACK, PUBREC, PUBREL or PUBCOMP, told apart by ``kind``."""

    packet_id: int
    reason: int = 0
    properties: Properties = field(default_factory=dict)
    kind: int = PUBACK


@dataclass(frozen=True, slots=True)
class Filter:
    """One topic filter of a SUBSCRIBE; all but ``qos`` are of MQTT 5."""

    topic: str
    qos: int = 0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


@dataclass(slots=True)
class Subscribe:
    """A wish for messages."""

    packet_id: int
    filters: Sequence[Filter]
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Suback:
    """A code for each filter: the granted quality of service, or 0x80 and above."""

    packet_id: int
    reasons: Sequence[int]
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Unsubscribe:
    """The end of that wish."""

    packet_id: int
    topics: Sequence[str]
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Unsuback:
    """The answer; the codes are sent in MQTT 5 only."""

    packet_id: int
    reasons: Sequence[int] = ()
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Pingreq:
    """A sign of life."""


@dataclass(slots=True)
class Pingresp:
    """And its answer."""


@dataclass(slots=True)
class Disconnect:
    """A farewell; from the broker in MQTT 5 only."""

    reason: int = 0
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Auth:
    """Enhanced authentication (MQTT 5)."""

    reason: int = 0
    properties: Properties = field(default_factory=dict)


Packet = (
    Connect
    | Connack
    | Publish
    | Ack
    | Subscribe
    | Suback
    | Unsubscribe
    | Unsuback
    | Pingreq
    | Pingresp
    | Disconnect
    | Auth
)
