"""The message broker: who is connected, who subscribed to what, what is kept. No sockets here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sandbox.services.iot import lifecycle
from sandbox.services.iot.delivering import Delivering
from sandbox.services.iot.message import Message, Origin, forwarded
from sandbox.services.iot.mqtt.errors import Reason
from sandbox.services.iot.session import Delivery, Session, Subscription
from sandbox.services.iot.shadows import Shadows
from sandbox.services.iot.topics import Bounds, topic_fault
from sandbox.services.iot.tree import Tree
from sandbox.services.token_bucket import TokenBucket

if TYPE_CHECKING:
    from sandbox.context import Sandbox
    from sandbox.services.iot.link import Link

NAME = "iot"
Listener = Callable[[Message, str | None], None]


@dataclass(frozen=True, slots=True)
class Retained:
    """The retained message of a topic."""

    message: Message
    modified_ms: int


class Broker:
    """All sessions of the account in this Region."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.limits = sandbox.limits
        self.loop = asyncio.get_running_loop()
        self.bounds = Bounds.of(sandbox.limits)
        self.longest_session = float(sandbox.limits.value("iot.session.expiry"))
        self.sessions: dict[str, Session] = {}
        self.links: set[Link] = set()
        self.retained: dict[str, Retained] = {}
        self.listener: Listener | None = None
        self.last_gone: dict[str, lifecycle.Gone] = {}
        self._tree: Tree[Subscription] = Tree()
        self._delivering = Delivering(self)
        self.shadows = Shadows(self)
        self._buckets: dict[str, TokenBucket] = {}

    # -- sessions

    def open_session(self, link: Link, clean: bool, expiry: float) -> tuple[Session, bool]:
        """The session of a client that connects, and whether it was there already (fact 6.9, 6.13)."""
        session = self.sessions.get(link.client_id)
        if session is not None and session.link is not None:
            session.link.end("DUPLICATE_CLIENTID", Reason.SESSION_TAKEN_OVER)
            session = self.sessions.get(link.client_id)
        if session is not None and clean:
            self.drop_session(session)
            session = None
        present = session is not None
        if session is None:
            session = self.sessions[link.client_id] = Session(link.client_id)
        session.stop_timers()
        session.expiry, session.link = expiry, link
        return session, present

    def drop_session(self, session: Session) -> None:
        """Forget a session; a will that waits is published now (MQTT 5, 3.1.3.2.2)."""
        will = session.will
        session.stop_timers()
        if will is not None:
            self.publish(replace(will[1], at=self.loop.time()))
        for topic in tuple(session.subscriptions):
            self.unsubscribe(session, topic)
        self._delivering.forget(session)
        if self.sessions.get(session.client_id) is session:
            del self.sessions[session.client_id]

    def connected(self, link: Link) -> None:
        """A client has its CONNACK."""
        self.links.add(link)
        self.note("connected", link.client_id, protocol=link.level, clean=link.clean, connection=link.id)
        lifecycle.connected(self, link)

    def gone(self, link: Link, why: str, *, will: bool) -> None:
        """A connection has ended: its session waits, its will is published, the world is told."""
        self.links.discard(link)
        session = link.session
        assert session is not None
        session.link = None
        self._delivering.parked(session)
        self.note("disconnected", link.client_id, reason=why, connection=link.id)
        self.last_gone[link.client_id] = lifecycle.disconnected(self, link, why)
        if will and link.will is not None:
            self._will(link, session)
        if session.expiry <= 0:
            self.drop_session(session)
        else:
            session.ends = self.loop.call_later(session.expiry, self.drop_session, session)

    def _will(self, link: Link, session: Session) -> None:
        will = link.will
        assert will is not None
        if not link.may("iot:Publish", "topic", will.topic):
            self.note("publish_refused", link.client_id, topic=will.topic, reason="the will is not allowed")
            return
        properties = forwarded(will.properties)
        message = self.message(will.topic, will.payload, will.qos, will.retain, properties, link.origin)
        delay = will.properties.get("will_delay_interval", 0)
        if delay and session.expiry > 0:
            session.will = (self.loop.call_later(float(delay), self._late_will, session), message)
        else:
            self.publish(message)

    def _late_will(self, session: Session) -> None:
        will, session.will = session.will, None
        if will is not None:
            self.publish(replace(will[1], at=self.loop.time()))

    # -- subscriptions

    def subscribe(self, subscription: Subscription) -> None:
        """Add a subscription, or replace the one with the same filter.

        It may stand a little later: there may be a delay between the SUBACK and the first message (developer guide).
        """
        session = subscription.session
        session.subscriptions[subscription.filter.topic] = subscription
        delay = self.sandbox.anomalies.subscribe_delay(NAME)
        if delay > 0:
            self.loop.call_later(delay, self._stand, subscription)
        else:
            self._stand(subscription)

    def _stand(self, subscription: Subscription) -> None:
        if subscription.session.subscriptions.get(subscription.filter.topic) is subscription:
            self._tree.put(subscription.pattern, _key(subscription), subscription)

    def unsubscribe(self, session: Session, topic: str) -> bool:
        """End a subscription; whether there was one."""
        subscription = session.subscriptions.pop(topic, None)
        if subscription is not None:
            self._tree.drop(subscription.pattern, _key(subscription))
        return subscription is not None

    def subscribed(self, link: Link, topics: Sequence[str]) -> None:
        """Tell the world."""
        self.note("subscribed", link.client_id, topics=list(topics))
        lifecycle.subscriptions(self, link, "subscribed", topics)

    def unsubscribed(self, link: Link, topics: Sequence[str]) -> None:
        """Tell the world."""
        self.note("unsubscribed", link.client_id, topics=list(topics))
        lifecycle.subscriptions(self, link, "unsubscribed", topics)

    # -- messages

    def message(
        self,
        topic: str,
        payload: bytes,
        qos: int = 0,
        retain: bool = False,
        properties: dict[str, object] | None = None,
        origin: Origin | None = None,
        depth: int = 0,
    ) -> Message:
        """A message that begins now."""
        now_ms = int(self.sandbox.clock.epoch() * 1000)
        trace = self.sandbox.ids.uuid()
        given, by = properties or {}, origin or Origin()
        return Message(topic, payload, qos, retain, given, by, self.loop.time(), now_ms, trace, depth)

    def publish(self, message: Message) -> None:
        """Send a message to all that subscribed to its topic, and to the rules."""
        self.note(
            "published",
            message.origin.client_id,
            topic=message.topic,
            bytes=len(message.payload),
            cause=message.trace,
        )
        if message.retain:
            self._retain(message)
        self._delivering.publish(message, self._tree.match(message.topic))
        if self.listener is not None:
            self.listener(message, None)
        self.shadows.heard(message)

    def ingest(self, rule: str, message: Message) -> None:
        """Basic Ingest: a message for one rule, and for nobody else."""
        self.note("published", message.origin.client_id, topic=message.topic, bytes=len(message.payload))
        if self.listener is not None:
            self.listener(message, rule)

    def publish_own(self, topic: str, payload: bytes, *, qos: int = 0, depth: int = 0) -> None:
        """What AWS itself publishes, to reserved topics."""
        if topic_fault(topic, Bounds(65_535, 255)) is None:
            message = self.message(topic, payload, qos, depth=depth)
            self._delivering.publish(message, self._tree.match(topic))
            if self.listener is not None:
                self.listener(message, None)

    def _retain(self, message: Message) -> None:
        if message.payload:
            self.retained[message.topic] = Retained(message, message.epoch_ms)
        else:
            self.retained.pop(message.topic, None)

    def offer(self, session: Session, delivery: Delivery) -> None:
        """Send a message to one client, or keep it for later."""
        self._delivering.offer(session, delivery)

    def pump(self, session: Session) -> None:
        """Go on sending what waits, as far as the client's window lets it."""
        self._delivering.pump(session)

    # -- rates of the account (fact 6.15), and of a client id (fact 6.9)

    def connect_token(self, client_id: str) -> bool:
        """Whether one more CONNECT may come; the burst is one second's worth (UNSOURCED)."""
        rate = float(self.limits.value("iot.rate.connect_per_client"))
        known = self._buckets.get(f"connect {client_id}")
        if known is None:
            known = self._buckets[f"connect {client_id}"] = TokenBucket(rate, rate)
        return known.take(self.loop.time()) and self._account("connect")

    def publish_token(self) -> bool:
        """Whether the account may publish once more."""
        return self._account("publish_in")

    def deliver_token(self) -> bool:
        """Whether the account may be sent one more message; as many a second as it may publish."""
        return self._account("publish_in", "publish_out")

    def subscribe_token(self) -> bool:
        """Whether the account may subscribe once more."""
        return self._account("subscriptions")

    def _account(self, what: str, bucket_name: str = "") -> bool:
        name = bucket_name or what
        bucket = self._buckets.get(name)
        if bucket is None:
            rate = float(self.limits.value(f"iot.account.{what}"))
            bucket = self._buckets[name] = TokenBucket(rate, rate)
        return bucket.take(self.loop.time())

    # -- small things

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a ``topic``, a ``topicfilter`` or a ``client``."""
        settings = self.sandbox.settings
        return f"arn:aws:iot:{settings.region}:{settings.account}:{kind}/{name}"

    def note(self, what: str, client_id: str, **data: object) -> None:
        """Tell the timeline."""
        self.sandbox.timeline.record(NAME, what, client_id, **data)

    def stop(self) -> None:
        """The sandbox ends: forget everybody, quietly."""
        self.listener = None
        for session in self.sessions.values():
            session.stop_timers()
        for link in tuple(self.links):
            link.abandon()
        self.sessions.clear()
        self.links.clear()


def _key(subscription: Subscription) -> str:
    client_id = subscription.session.client_id
    return client_id if subscription.group is None else f"$share/{subscription.group}/{client_id}"
