"""Lifecycle events: what AWS publishes when clients come, go and subscribe (developer guide, "Lifecycle events")."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.services.iot.broker import Broker
    from sandbox.services.iot.link import Link


@dataclass(frozen=True, slots=True)
class Gone:
    """How a client's last connection ended, for ``GetConnection``. ``expiry``: seconds that its session is kept."""

    at_ms: int
    reason: str
    connected_ms: int
    clean: bool
    expiry: float


def connected(broker: Broker, link: Link) -> None:
    """``$aws/events/presence/connected/<clientId>``."""
    event = _event(broker, link, "connected") | {"ipAddress": link.origin.source_ip, "versionNumber": 0}
    _tell(broker, link, "presence/connected", event)


def disconnected(broker: Broker, link: Link, why: str) -> Gone:
    """``$aws/events/presence/disconnected/<clientId>``."""
    event = _event(broker, link, "disconnected") | {
        "clientInitiatedDisconnect": why == "CLIENT_INITIATED_DISCONNECT",
        "disconnectReason": why,
        "versionNumber": 0,
    }
    _tell(broker, link, "presence/disconnected", event)
    since = int((broker.sandbox.clock.epoch() - (broker.loop.time() - link.connected_at)) * 1000)
    expiry = link.session.expiry if link.session else 0.0
    return Gone(event["timestamp"], why, since, link.clean, expiry)


def subscriptions(broker: Broker, link: Link, what: str, topics: Sequence[str]) -> None:
    """``$aws/events/subscriptions/subscribed/<clientId>`` and ``.../unsubscribed/...``."""
    _tell(broker, link, f"subscriptions/{what}", _event(broker, link, what) | {"topics": list(topics)})


def _event(broker: Broker, link: Link, what: str) -> dict[str, Any]:
    return {
        "clientId": link.client_id,
        "timestamp": int(broker.sandbox.clock.epoch() * 1000),
        "eventType": what,
        "sessionIdentifier": link.id,
        "principalIdentifier": link.origin.principal,
    }


def _tell(broker: Broker, link: Link, kind: str, event: dict[str, Any]) -> None:
    if "#" not in link.client_id and "+" not in link.client_id:  # these have no events, by the guide
        broker.publish_own(f"$aws/events/{kind}/{link.client_id}", json.dumps(event).encode())
