"""From a message to those who get it: whom, at which level, how many at once, and when (facts 6.5, 6.11, 6.13)."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from sandbox.services.iot import mqtt
from sandbox.services.iot.message import Message
from sandbox.services.iot.mqtt import packets as p
from sandbox.services.iot.session import Delivery, Session, Subscription

if TYPE_CHECKING:
    from sandbox.services.iot.broker import Broker
    from sandbox.services.iot.link import Link


class Delivering:
    """Hands messages to sessions, and from these to connections."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._turns: dict[tuple[str, str], int] = {}
        self._replays: dict[
            str, ExitStack
        ] = {}  # by client id: holds time's movement while stored messages go out
        self._encoded: tuple[Message, dict[tuple[int, bool], bytes]] | None = None

    def publish(self, message: Message, found: Iterable[Subscription]) -> None:
        """Send a message to each session once, at the highest level that it asked for."""
        best: dict[str, Subscription] = {}
        groups: dict[tuple[str, str], list[Subscription]] = {}
        for one in found:
            client_id = one.session.client_id
            if one.group is not None:
                groups.setdefault((one.group, one.pattern), []).append(one)
            elif one.filter.no_local and client_id == message.origin.client_id:
                continue
            elif client_id not in best or best[client_id].filter.qos < one.filter.qos:
                best[client_id] = one
        for one in best.values():
            self._to(one, message)
        for group, members in groups.items():
            self._to(self._turn(group, members), message)
        self._encoded = None

    def _turn(self, group: tuple[str, str], members: list[Subscription]) -> Subscription:
        """Members of a shared subscription take turns; the connected ones before the others."""
        present = [one for one in members if one.session.link is not None] or members
        turn = self._turns[group] = self._turns.get(group, -1) + 1
        return present[turn % len(present)]

    def _to(self, one: Subscription, message: Message) -> None:
        qos = min(message.qos, one.filter.qos)
        self.offer(one.session, Delivery(message, qos, message.retain and one.filter.retain_as_published))

    def offer(self, session: Session, delivery: Delivery) -> None:
        """Send a message now when the client is there, else keep it when its level says so."""
        link = session.link
        if link is None or link.ended:
            if delivery.qos:
                session.waiting.append(delivery)
                session.stored += 1
            return
        message = delivery.message
        if not link.may("iot:Receive", "topic", message.topic):
            link.note("receive_refused", topic=message.topic, reason="the policies do not allow iot:Receive")
            return
        if not link.publishes.take(self._broker.loop.time()):
            reason = "publishes a second of the connection"
            link.note("discarded", topic=message.topic, reason=reason, cause=message.trace)
            return
        if not self._broker.deliver_token():
            reason = "messages a second to the account's clients"
            link.note("discarded", topic=message.topic, reason=reason, cause=message.trace)
            return
        if delivery.qos:
            session.waiting.append(delivery)
            self.pump(session)
        else:
            self._write(link, delivery)

    def pump(self, session: Session) -> None:
        """Send what waits: stored messages at their own rate, the others as the window of the client allows."""
        link = session.link
        if session.stored and session.client_id not in self._replays:
            self._replay(session)
        while link is not None and not link.ended and len(session.waiting) > session.stored:
            if len(session.inflight) >= link.receive_maximum:
                return
            delivery = session.waiting[session.stored]
            del session.waiting[session.stored]
            self._send(session, link, delivery)

    def _send(self, session: Session, link: Link, delivery: Delivery) -> None:
        if delivery.qos:
            again = delivery.id != 0 and delivery.id not in session.inflight
            delivery.id = delivery.id if again else session.take_id()
            session.inflight[delivery.id] = delivery
            self._write(link, delivery, dup=again)
        else:
            self._write(link, delivery)

    def _write(self, link: Link, delivery: Delivery, dup: bool = False) -> None:
        message = delivery.message
        properties = message.left(self._broker.loop.time())
        if properties is None:
            link.note("discarded", topic=message.topic, reason="the message expired")
            return self._unsent(link, delivery)
        if delivery.qos:
            packet = p.Publish(
                message.topic, message.payload, 1, delivery.retain, dup, delivery.id, properties
            )
            data = mqtt.encode(packet, link.level)
        else:
            data = self._once(link.level, delivery, properties is message.properties)
        if link.maximum_packet is not None and len(data) > link.maximum_packet:
            link.note("discarded", topic=message.topic, reason="larger than the client's maximum packet size")
            return self._unsent(link, delivery)
        return link.deliver(delivery, data)

    def _unsent(self, link: Link, delivery: Delivery) -> None:
        if delivery.qos and link.session is not None:
            link.session.inflight.pop(delivery.id, None)

    def _once(self, level: int, delivery: Delivery, same: bool) -> bytes:
        """The packet of level 0, which is the same for all who get it now."""
        message = delivery.message
        if self._encoded is None or self._encoded[0] is not message or not same:
            self._encoded = (message, {})
        kept = self._encoded[1]
        data = kept.get((level, delivery.retain))
        if data is None:
            properties = message.left(self._broker.loop.time()) or {}
            packet = p.Publish(message.topic, message.payload, 0, delivery.retain, False, 0, properties)
            data = kept[level, delivery.retain] = mqtt.encode(packet, level)
        return data

    # -- what was stored while nobody was there

    def _replay(self, session: Session) -> None:
        held = ExitStack()
        held.enter_context(self._broker.sandbox.clock.in_flight(f"stored messages of {session.client_id}"))
        self._replays[session.client_id] = held
        if session.next_replay <= self._broker.loop.time():
            self._next(session)
        else:
            self._broker.loop.call_at(session.next_replay, self._next, session)

    def _next(self, session: Session) -> None:
        """Send one stored message, and the next one a tenth of a second later (fact 6.13)."""
        link, held = session.link, self._replays.get(session.client_id)
        full = link is not None and len(session.inflight) >= link.receive_maximum
        if held is None or link is None or link.ended or full or not session.stored:
            self.forget(session)  # when the window was full the next PUBACK goes on
            return
        now, limits = self._broker.loop.time(), self._broker.limits
        delivery = session.waiting.popleft()
        session.stored -= 1
        if now - delivery.message.at <= float(limits.value("iot.qos1.retry")):
            self._send(session, link, delivery)
        else:
            link.note("discarded", topic=delivery.message.topic, reason="not acknowledged for an hour")
        session.next_replay = now + 1 / float(limits.value("iot.session.replay_rate"))
        self._broker.loop.call_at(session.next_replay, self._next, session)

    def parked(self, session: Session) -> None:
        """The client is gone: what it has not acknowledged waits."""
        self.forget(session)
        session.park()

    def forget(self, session: Session) -> None:
        """Stop replaying."""
        held = self._replays.pop(session.client_id, None)
        if held is not None:
            held.close()
