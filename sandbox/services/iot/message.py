"""A message on its way through the broker, whoever published it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# What a message keeps of its PUBLISH's properties (MQTT 5, 3.3.2.3); an alias and an identifier are a connection's.
FORWARDED = frozenset(
    (
        "payload_format_indicator",
        "message_expiry_interval",
        "response_topic",
        "correlation_data",
        "user_property",
        "content_type",
    )
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who published. ``client_id``: empty for the HTTP API and for AWS itself."""

    client_id: str = ""
    principal: str = ""
    source_ip: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """``at``: loop time of the publish. ``epoch_ms``: its date. ``trace``: ties the hops of it in the timeline."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin = Origin()
    at: float = 0.0
    epoch_ms: int = 0
    trace: str = ""
    depth: int = 0  # how often rules have republished it

    def left(self, now: float) -> Mapping[str, Any] | None:
        """Its properties with the expiry that is left (MQTT 5, 3.3.2.3.3); ``None`` once it expired."""
        expiry = self.properties.get("message_expiry_interval")
        if expiry is None:
            return self.properties
        left = expiry - (now - self.at)
        return None if left <= 0 else {**self.properties, "message_expiry_interval": max(1, int(left))}


def forwarded(properties: Mapping[str, Any]) -> dict[str, Any]:
    """What goes on to subscribers."""
    return {name: value for name, value in properties.items() if name in FORWARDED}
