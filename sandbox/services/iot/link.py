"""One client's connection: its packets, handled apart from any socket (facts 6.3 to 6.11)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from sandbox.anomalies import Line
from sandbox.services.iot import mqtt, publishing, subscribing
from sandbox.services.iot.connecting import Connecting, Refusal
from sandbox.services.iot.message import Message, Origin
from sandbox.services.iot.mqtt import packets as p
from sandbox.services.iot.mqtt.errors import MqttError, Reason
from sandbox.services.iot.rates import Outbox, Pace
from sandbox.services.realtime import Ended, Lifetime
from sandbox.services.token_bucket import TokenBucket

if TYPE_CHECKING:
    from sandbox.services.iot.broker import Broker
    from sandbox.services.iot.identity import Identity
    from sandbox.services.iot.session import Delivery, Session

Authenticate = Callable[[p.Connect], Awaitable["Identity"]]


class Transport(Protocol):
    """What a link needs of a socket."""

    def send(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class Link:
    """A connection from its CONNECT on. ``handle`` takes packets one after the other; ``end`` is called once."""

    def __init__(
        self, broker: Broker, transport: Transport, authenticate: Authenticate, origin: Origin
    ) -> None:
        self.broker = broker
        self.id = broker.sandbox.ids.uuid()
        self.level = p.V311
        self.client_id = ""
        self.origin = origin
        self.clean = True
        self.keep_alive = 0
        self.ended = False
        self.refused = False
        self.aliases: dict[int, str] = {}
        self.receive_maximum = int(broker.limits.value("iot.unacknowledged"))
        self.maximum_packet: int | None = None
        self.will: p.Will | None = None
        self.session: Session | None = None
        self.identity: Identity | None = None
        self.lifetime: Lifetime | None = None
        self.connected_at = 0.0
        self.authenticate = authenticate
        self._transport = transport
        now = broker.loop.time()
        self.pace = Pace(float(broker.limits.value("iot.throughput")), now)
        rate = float(broker.limits.value("iot.rate.publish"))
        self.publishes = TokenBucket(rate, rate)
        self.outbox = Outbox(transport.send, self.pace, broker.sandbox.clock, self.id)
        self.line = Line(broker.sandbox.anomalies, "iot", "")
        # Twice, so that what is a little too large is judged as a packet, with its own reason.
        self._decoder = mqtt.Decoder(2 * int(broker.limits.value("iot.mqtt5.packet_size")))
        self._may: dict[tuple[str, str], bool] = {}

    # -- what comes in

    async def receive(self, data: bytes) -> None:
        """Bytes came, cut anyhow; what is beyond the connection's throughput is looked at later (fact 6.6)."""
        late = self.pace.release(len(data), self.loop.time()) - self.loop.time()
        if late > 0:
            await asyncio.sleep(late)
        try:
            for packet in self._decoder.feed(data):
                await self.handle(packet)
        except MqttError as error:
            if error.reason == Reason.PACKET_TOO_LARGE:  # AWS has no 0x95 among its reasons (fact 6.14)
                error.reason = int(Reason.QUOTA_EXCEEDED)
            self.fail(error)

    async def handle(self, packet: p.Packet) -> None:
        """Act on a packet. Raises :class:`MqttError` when it breaks a rule; then call :meth:`fail`."""
        if self.ended:
            return
        if self.session is None:
            if not isinstance(packet, p.Connect):
                raise MqttError("the first packet is no CONNECT", Reason.PROTOCOL_ERROR)
            try:
                await Connecting(self, packet).run()
            except Refusal as refusal:
                self.refuse(refusal)
            return
        if self.lifetime is not None:
            self.lifetime.touch()
        self._handle(packet)

    def _handle(self, packet: p.Packet) -> None:
        match packet:
            case p.Publish():
                publishing.accept(self, packet)
            case p.Ack(kind=p.PUBACK):
                self._acknowledged(packet.packet_id)
            case p.Subscribe():
                subscribing.subscribe(self, packet)
            case p.Unsubscribe():
                subscribing.unsubscribe(self, packet)
            case p.Pingreq():
                self.send(p.Pingresp())
            case p.Disconnect():
                self._goodbye(packet)
            case _:
                raise MqttError(f"a {type(packet).__name__} from a client here", Reason.PROTOCOL_ERROR)

    def _acknowledged(self, packet_id: int) -> None:
        assert self.session is not None
        delivery = self.session.inflight.pop(packet_id, None)
        if delivery is not None:
            self.note("acknowledged", packet=packet_id)
            if delivery.confirmed is not None and not delivery.confirmed.done():
                delivery.confirmed.set_result(None)
            self.broker.pump(self.session)

    def _goodbye(self, packet: p.Disconnect) -> None:
        assert self.session is not None
        expiry = packet.properties.get("session_expiry_interval")
        if expiry is not None:
            if self.session.expiry == 0 and expiry:
                raise MqttError("a session that ends with its connection is not kept after all", 0x82)
            self.session.expiry = min(float(expiry), self.broker.longest_session)
        will = packet.reason == Reason.DISCONNECT_WITH_WILL
        self.end("CLIENT_INITIATED_DISCONNECT", will=will)

    def lost(self, said_goodbye: bool) -> None:
        """The socket is closed: by a close frame, which counts as a farewell, or it broke off."""
        if not self.ended:
            self.end(
                "CLIENT_INITIATED_DISCONNECT" if said_goodbye else "CONNECTION_LOST", will=not said_goodbye
            )

    def fail(self, error: MqttError) -> None:
        """A packet broke a rule: the client is told in MQTT 5, and disconnected."""
        self.note("failed", reason=str(error))
        self.end("CLIENT_ERROR", error.reason)

    # -- what goes out

    def send(self, packet: p.Packet) -> None:
        """Send a packet."""
        self.outbox.put(mqtt.encode(packet, self.level))

    def deliver(self, delivery: Delivery, data: bytes) -> None:
        """Send a message whose packet is ready."""
        self.line.deliver(lambda: self._deliver(delivery.message, delivery.qos, data))

    def _deliver(self, message: Message, qos: int, data: bytes) -> None:
        if not self.ended:
            self.outbox.put(data)
            self.note(
                "delivered", topic=message.topic, bytes=len(message.payload), qos=qos, cause=message.trace
            )

    def refuse(self, refusal: Refusal) -> None:
        """No connection: told in a CONNACK where AWS tells it."""
        self.broker.note("connect_refused", self.client_id, status=refusal.reason, reason=str(refusal))
        if refusal.told:
            reason = refusal.reason if self.level >= p.V5 else refusal.code
            self.outbox.put(mqtt.encode(p.Connack(False, reason), self.level))
        self.ended = self.refused = True
        self.outbox.close()
        self._transport.close()

    def end(self, why: str, code: int | None = None, *, will: bool = True) -> None:
        """Close the connection. ``code``: told to an MQTT 5 client first. ``why``: as lifecycle events say it."""
        if self.ended:
            return
        self.ended = True
        if code is not None and self.level >= p.V5 and self.session is not None:
            self.send(p.Disconnect(code))
        self.abandon()
        if self.session is not None:
            self.broker.gone(self, why, will=will)

    def abandon(self) -> None:
        """Close the socket and tell nobody."""
        self.ended = True
        self.outbox.close()
        self.line.close()
        if self.lifetime is not None:
            self.lifetime.stop()
        self._transport.close()

    # -- what it may

    def may(self, action: str, kind: str, name: str) -> bool:
        """Whether the client may do this to a ``topic``, a ``topicfilter`` or a ``client``; said once, kept."""
        assert self.identity is not None
        found = self._may.get((action, name))
        if found is None:
            found = self.identity.allows(action, self.broker.arn(kind, name), self.client_id)
            self._may[action, name] = found
        return found

    def note(self, what: str, **data: object) -> None:
        """Tell the timeline."""
        self.broker.note(what, self.client_id, **data)

    def expire(self, ended: Ended) -> None:
        """The connection's timer says that it ends."""
        if ended == "idle":
            self.end("MQTT_KEEP_ALIVE_TIMEOUT", Reason.KEEP_ALIVE_TIMEOUT)
        else:
            assert self.identity is not None
            self.end(self.identity.ends_with, None)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop whose time counts."""
        return self.broker.loop
