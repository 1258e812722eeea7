"""SUBSCRIBE and UNSUBSCRIBE (facts 6.7, 6.8, 6.12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.services.iot.mqtt import packets as p
from sandbox.services.iot.mqtt.errors import MqttError, Reason
from sandbox.services.iot.session import Delivery, Subscription
from sandbox.services.iot.topics import filter_fault, shared

if TYPE_CHECKING:
    from sandbox.services.iot.link import Link

_FAILED_V311 = 0x80


def subscribe(link: Link, packet: p.Subscribe) -> None:
    """Subscribe to each filter. Raises :class:`MqttError` when the connection ends by it."""
    if "subscription_identifier" in packet.properties:
        raise MqttError("a subscription identifier", Reason.SUBSCRIPTION_IDS_NOT_SUPPORTED)
    _check_count(link, len(packet.filters), "SUBSCRIBE")
    if link.level < p.V5 and any(one.qos > 1 for one in packet.filters):
        link.note("discarded", reason="a SUBSCRIBE of quality of service 2 is not answered")
        return
    assert link.session is not None
    before = set(link.session.subscriptions)
    reasons = [_one(link, one) for one in packet.filters]
    if Reason.NOT_AUTHORIZED in reasons and link.level < p.V5:
        link.end("AUTH_ERROR")  # without a word, as AWS's engineers say in the issues of their SDKs
        return
    codes = [reason if reason <= 1 or link.level >= p.V5 else _FAILED_V311 for reason in reasons]
    link.send(p.Suback(packet.packet_id, codes))
    granted = [one for one, reason in zip(packet.filters, reasons, strict=True) if reason <= 1]
    if granted:
        link.broker.subscribed(link, [one.topic for one in granted])
    for one in granted:
        _retained(link, one, new=one.topic not in before)
    if Reason.QUOTA_EXCEEDED in reasons:
        link.end("THROTTLED", Reason.QUOTA_EXCEEDED)


def _check_count(link: Link, count: int, kind: str) -> None:
    most = int(link.broker.limits.value("iot.subscribe.topics"))
    if count > most:
        raise MqttError(f"{count} topic filters in one {kind}; {most} are allowed", Reason.QUOTA_EXCEEDED)


def _one(link: Link, one: p.Filter) -> int:
    """The code for one filter: the granted level, or why not."""
    assert link.session is not None
    reason = _fault(link, one)
    if reason is not None:
        return int(reason)
    group, pattern = shared(one.topic)
    link.broker.subscribe(Subscription(link.session, one, pattern, group))
    return one.qos


def _fault(link: Link, one: p.Filter) -> Reason | None:
    session, broker = link.session, link.broker
    assert session is not None
    fault = filter_fault(one.topic, broker.bounds)
    if fault is not None:
        link.note("subscribe_refused", topic=one.topic[:300], reason=fault)
        raise MqttError(f"the filter {one.topic[:300]!r}: {fault}", Reason.TOPIC_FILTER_INVALID)
    if one.qos > 1:
        return _refused(link, one, "quality of service 2", Reason.UNSPECIFIED)
    pattern = shared(one.topic)[1]
    if one.no_local and pattern != one.topic:
        raise MqttError("a shared subscription that is not for its own messages", Reason.PROTOCOL_ERROR)
    if not link.may("iot:Subscribe", "topicfilter", one.topic):
        return _refused(link, one, "the policies do not allow iot:Subscribe", Reason.NOT_AUTHORIZED)
    known = one.topic in session.subscriptions
    if not known and len(session.subscriptions) >= int(broker.limits.value("iot.subscriptions")):
        return _refused(link, one, "too many subscriptions", Reason.QUOTA_EXCEEDED)
    if not broker.subscribe_token():
        return _refused(link, one, "too many subscriptions a second in the account", Reason.QUOTA_EXCEEDED)
    return None


def _refused(link: Link, one: p.Filter, why: str, reason: Reason) -> Reason:
    link.note("subscribe_refused", topic=one.topic, reason=why)
    return reason


def _retained(link: Link, one: p.Filter, new: bool) -> None:
    """The retained message of an exact filter; wildcards get none (fact 6.12)."""
    group, pattern = shared(one.topic)
    kept = link.broker.retained.get(pattern)
    if kept is None or group is not None or one.retain_handling == 2:  # a wildcard finds none
        return
    if (one.retain_handling == 1 and not new) or link.session is None:
        return
    delivery = Delivery(kept.message, min(kept.message.qos, one.qos), retain=True)
    link.broker.offer(link.session, delivery)


def unsubscribe(link: Link, packet: p.Unsubscribe) -> None:
    """End subscriptions. Raises :class:`MqttError`."""
    _check_count(link, len(packet.topics), "UNSUBSCRIBE")
    assert link.session is not None
    gone = [topic for topic in packet.topics if link.broker.unsubscribe(link.session, topic)]
    # AWS's list of reasons has none that says that there was no subscription (fact 6.14).
    link.send(p.Unsuback(packet.packet_id, [int(Reason.SUCCESS)] * len(packet.topics)))
    if gone:
        link.broker.unsubscribed(link, gone)
