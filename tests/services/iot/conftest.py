"""The broker without sockets: clients that are a decoder, on the virtual clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.anomalies import Anomalies
from sandbox.clock import Clock
from sandbox.services.iot.broker import Broker
from sandbox.services.iot.identity import Identity, iot_principal
from sandbox.services.iot.link import Link
from sandbox.services.iot.message import Origin
from sandbox.services.iot.mqtt import (
    Ack,
    Connack,
    Connect,
    Decoder,
    Disconnect,
    Filter,
    Publish,
    Subscribe,
    encode,
)
from sandbox.services.iot.mqtt import packets as p
from tests.services.conftest import new_sandbox, run

ACCOUNT = "000000000000"
ALL: Mapping[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}],
}


def allowing(*pairs: tuple[str, str]) -> Mapping[str, Any]:
    """A policy: (action, resource without its ARN's beginning)."""
    begin = f"arn:aws:iot:us-east-1:{ACCOUNT}:"
    statements = [{"Effect": "Allow", "Action": action, "Resource": begin + name} for action, name in pairs]
    return {"Version": "2012-10-17", "Statement": statements}


class Peer:
    """A client: what it was sent, and when."""

    def __init__(self, lab: Lab, level: int, policy: Mapping[str, Any], lives: float) -> None:
        self.lab = lab
        self.level = level
        self.packets: list[p.Packet] = []
        self.times: list[float] = []
        self.closed_at: float | None = None
        self._decoder = Decoder(level=level)
        self._last_id = 0
        identity = Identity("me", (iot_principal(ACCOUNT, [policy]),), lives=lives)

        async def authenticate(_: Connect) -> Identity:
            return identity

        self.link = Link(lab.broker, self, authenticate, Origin(source_ip="127.0.0.1"))

    # what a link needs of a socket

    def send(self, data: bytes) -> None:
        assert self.closed_at is None, "something was sent after the end"
        for packet in self._decoder.feed(data):
            self.packets.append(packet)
            self.times.append(self.lab.now)

    def close(self) -> None:
        if self.closed_at is None:
            self.closed_at = self.lab.now

    # what a client does

    async def say(self, packet: p.Packet) -> list[p.Packet]:
        """Send a packet; what came since."""
        before = len(self.packets)
        await self.link.receive(encode(packet, self.level))
        return self.packets[before:]

    async def subscribe(self, *topics: str, qos: int = 1, **options: Any) -> list[int]:
        """The codes of the SUBACK; empty when there was none."""
        self._last_id += 1
        said = await self.say(Subscribe(self._last_id, [Filter(topic, qos, **options) for topic in topics]))
        return [code for one in said if isinstance(one, p.Suback) for code in one.reasons]

    async def unsubscribe(self, *topics: str) -> list[int]:
        self._last_id += 1
        (answer,) = await self.say(p.Unsubscribe(self._last_id, topics))
        assert isinstance(answer, p.Unsuback)
        return list(answer.reasons)

    async def publish(self, topic: str, payload: bytes = b"x", qos: int = 0, **more: Any) -> int | None:
        """The reason of the PUBACK; ``None`` when there was none."""
        self._last_id += 1
        said = await self.say(Publish(topic, payload, qos, packet_id=self._last_id if qos else 0, **more))
        return next((one.reason for one in said if isinstance(one, Ack)), None)

    async def acknowledge(self) -> None:
        """PUBACK everything that is open."""
        assert self.link.session is not None
        for packet_id in tuple(self.link.session.inflight):
            await self.say(Ack(packet_id))

    @property
    def heard(self) -> list[Publish]:
        return [one for one in self.packets if isinstance(one, Publish)]

    @property
    def texts(self) -> list[str]:
        return [one.payload.decode() for one in self.heard]

    @property
    def goodbye(self) -> int | None:
        """The reason of the broker's DISCONNECT."""
        return next((one.reason for one in self.packets if isinstance(one, Disconnect)), None)

    @property
    def connack(self) -> Connack | None:
        return next((one for one in self.packets if isinstance(one, Connack)), None)

    def lose(self) -> None:
        """The network breaks."""
        self.close()
        self.link.lost(said_goodbye=False)


class Lab:
    """A broker and its clients."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.sandbox = new_sandbox(clock)
        self.sandbox.anomalies = Anomalies(clock, 0)
        self.sandbox.control.resources.iot = SimpleNamespace(rules=lambda: ())
        self.broker = Broker(self.sandbox)

    @property
    def now(self) -> float:
        return round(self.clock.now(), 6)

    async def connect(
        self,
        client_id: str = "c",
        level: int = 4,
        *,
        policy: Mapping[str, Any] = ALL,
        lives: float = float("inf"),
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Peer:
        """A client that has sent its CONNECT."""
        peer = Peer(self, level, policy, lives)
        await peer.say(Connect(client_id, level, properties=properties or {}, **more))
        return peer

    def noted(self, name: str) -> list[Mapping[str, Any]]:
        return [event.data for event in self.sandbox.timeline.select("iot", name)]


Test = Callable[[Lab], Awaitable[None]]


@pytest.fixture
def play() -> Callable[[Test], None]:
    """Run a test's body with a broker, on virtual time that moves."""

    def playing(body: Test) -> None:
        async def main(clock: Clock) -> None:
            with clock.in_flight("test"):
                await body(Lab(clock))

        run(main)

    return playing
