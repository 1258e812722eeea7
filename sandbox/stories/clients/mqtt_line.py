"""One MQTT connection of a story's client over a WebSocket, telling the timeline what it sees.

Besides what a WebSocket tells: subscribed(codes), published(packet, reason), disconnect_received(reason), and
``topic``, ``qos``, ``retain``, ``dup`` of each message that came. A CONNECT that is refused is ``failed`` with its
reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from sandbox.services.iot import mqtt
from sandbox.services.iot.mqtt import packets as p
from sandbox.stories.clients.base import Stage
from sandbox.stories.clients.dialing import ABNORMAL, dial, switched
from sandbox.stories.clients.wire import Teller


@dataclass(frozen=True, slots=True)
class Received:
    """A message that came."""

    topic: str
    text: str


class Line:
    """An open connection whose packets are read as they come, or the refusal to open one."""

    def __init__(self, stage: Stage, teller: Teller, connect: p.Connect, pings: bool) -> None:
        self._stage = stage
        self._teller = teller
        self._connect = connect
        self._pings = pings
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._pinging: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._answers: dict[int, asyncio.Future[None]] = {}
        self._connack: asyncio.Future[bool] | None = None
        self._leaving = False
        self._next_id = 0
        self.messages: list[Received] = []

    @property
    def open(self) -> bool:
        """Whether messages can still come."""
        return self._reader is not None and not self._reader.done()

    async def start(self, url: str, headers: Mapping[str, str], subprotocols: Sequence[str]) -> None:
        """Open it: the WebSocket, then CONNECT; a refused handshake is told as the HTTP answer that it is."""
        self._socket = await dial(self._stage, self._teller, url, headers, subprotocols)
        if self._socket is None:
            return
        switched(self._teller, self._socket)
        await self._open()

    async def _open(self) -> None:
        assert self._socket is not None
        self._connack = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read(self._socket))
        await self._send(self._connect)
        either: list[asyncio.Future[Any]] = [self._connack, self._reader]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self.open and self._pings and self._connect.keep_alive:
            self._pinging = asyncio.create_task(self._ping())

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(self._connect.keep_alive)
            await self._send(p.Pingreq())

    async def _send(self, packet: p.Packet) -> None:
        assert self._socket is not None
        try:
            await self._socket.send(mqtt.encode(packet, self._connect.level))
        except ConnectionClosed:
            await self.ended()

    # -- what comes

    async def _read(self, socket: ClientConnection) -> None:
        decoder = mqtt.Decoder(level=self._connect.level)
        try:
            while True:
                data = await socket.recv(decode=False)
                for packet in decoder.feed(data):
                    await self._take(packet)
        except ConnectionClosed:
            code, reason = socket.close_code or ABNORMAL, socket.close_reason or ""
            self._teller.connection_closed(code, reason, by_client=self._leaving)
        finally:
            self._news.set()
            for answer in self._answers.values():
                answer.cancel()

    async def _take(self, packet: p.Packet) -> None:
        teller = self._teller
        match packet:
            case p.Connack(session_present, reason, properties):
                teller.note("connack", reason=reason, session_present=session_present, **_shown(properties))
                if reason:
                    teller.failed("api error", f"CONNACK {reason:#04x}")
                assert self._connack is not None
                self._connack.set_result(True)
            case p.Publish():
                await self._message(packet)
            case p.Suback(packet_id, reasons) | p.Unsuback(packet_id, reasons):
                teller.note("subscribed", codes=list(reasons))
                self._answer(packet_id)
            case p.Ack(packet_id, reason, _, p.PUBACK):
                teller.note("published", packet=packet_id, reason=reason)
                self._answer(packet_id)
            case p.Disconnect(reason, properties):
                teller.note("disconnect_received", reason=reason, **_shown(properties))

    async def _message(self, packet: p.Publish) -> None:
        text = packet.payload.decode("utf-8", "replace")
        self._teller.note(
            "received",
            bytes=len(packet.payload),
            text=text,
            message=True,
            frames=1,
            topic=packet.topic,
            qos=packet.qos,
            retain=packet.retain,
            dup=packet.dup,
            **_shown(packet.properties),
        )
        self.messages.append(Received(packet.topic, text))
        self._news.set()
        if packet.qos:
            await self._send(p.Ack(packet.packet_id))

    def _answer(self, packet_id: int) -> None:
        answer = self._answers.pop(packet_id, None)
        if answer is not None and not answer.done():
            answer.set_result(None)

    # -- what it does

    async def subscribe(self, filters: Sequence[str], qos: int) -> None:
        """Subscribe and wait for the SUBACK, or for the end."""
        await self._asked(lambda id_: p.Subscribe(id_, [p.Filter(one, qos) for one in filters]))

    async def unsubscribe(self, filters: Sequence[str]) -> None:
        """Unsubscribe and wait for the UNSUBACK, or for the end."""
        await self._asked(lambda id_: p.Unsubscribe(id_, list(filters)))

    async def publish(self, packet: p.Publish) -> None:
        """Publish; its PUBACK is told when it comes."""
        self._teller.message_sent(packet.payload, None)
        if packet.qos:
            packet.packet_id = self._take_id()
        await self._send(packet)

    async def _asked(self, packet: Any) -> None:
        packet_id = self._take_id()
        answer = self._answers[packet_id] = asyncio.get_running_loop().create_future()
        await self._send(packet(packet_id))
        assert self._reader is not None
        await asyncio.wait([answer, self._reader], return_when=asyncio.FIRST_COMPLETED)

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id

    async def send_text(self, text: str) -> None:
        """A WebSocket message that is no MQTT."""
        assert self._socket is not None
        self._teller.message_sent(text, None)
        try:
            await self._socket.send(text)
        except ConnectionClosed:
            await self.ended()

    async def news(self, seen: int) -> bool:
        """Wait until there are more messages than ``seen``; ``False``: none will come."""
        while len(self.messages) <= seen and self.open:
            self._news.clear()
            await self._news.wait()
        return len(self.messages) > seen

    async def ended(self) -> None:
        """Wait until the other side has closed."""
        if self._reader is not None:
            await asyncio.wait([self._reader])

    async def disconnect(self) -> None:
        """Leave with a DISCONNECT; nothing happens on a closed connection."""
        self._stop()
        if self._socket is not None and self.open:
            self._leaving = True
            await self._send(p.Disconnect())
            await self._socket.close()
            await self.ended()

    async def drop(self) -> None:
        """Break off, as a network does."""
        self._stop()
        if self._socket is not None and self.open:
            self._leaving = True
            self._socket.transport.abort()
            await self.ended()

    def _stop(self) -> None:
        if self._pinging is not None:
            self._pinging.cancel()


def _shown(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties as JSON can hold them."""
    shown = {name: value.hex() if isinstance(value, bytes) else value for name, value in properties.items()}
    if "user_property" in shown:
        shown["user_property"] = [list(pair) for pair in shown["user_property"]]
    return {"properties": shown} if shown else {}
