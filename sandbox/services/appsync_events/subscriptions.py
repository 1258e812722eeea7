"""Who is subscribed to what: found by a channel's path and by each of the paths above it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.anomalies import Line
    from sandbox.context import WebSocket
    from sandbox.services.appsync_events.channels import Channel
    from sandbox.services.realtime import KeepAlive


@dataclass(slots=True, eq=False)
class Connection:
    """A client's WebSocket. ``sent_path``: as the client wrote it, which a path style's signature covers."""

    id: str
    endpoint: str
    socket: WebSocket
    source_ip: str
    domain: str
    sent_path: str
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    starting: set[str] = field(default_factory=set)
    keep_alive: KeepAlive | None = None


@dataclass(slots=True, eq=False)
class Subscription:
    """A subscription that stands."""

    id: str
    connection: Connection
    api_id: str
    channel: Channel
    line: Line
    deaf_until: float = 0.0


class Subscriptions:
    """All subscriptions that stand."""

    def __init__(self) -> None:
        self._at: dict[tuple[str, str, bool], dict[Subscription, None]] = {}

    def add(self, one: Subscription) -> None:
        """It stands from now on."""
        self._at.setdefault((one.api_id, one.channel.path, one.channel.below), {})[one] = None

    def remove(self, one: Subscription) -> None:
        """It has ended."""
        key = (one.api_id, one.channel.path, one.channel.below)
        there = self._at.get(key, {})
        there.pop(one, None)
        if not there:
            self._at.pop(key, None)
        one.line.close()

    def of(self, api_id: str, channel: Channel) -> Iterator[Subscription]:
        """Those that get what is published to a channel: to itself, and to all below one of the paths above it."""
        yield from tuple(self._at.get((api_id, channel.path, False), ()))
        path = channel.path
        while path := path.rpartition("/")[0]:
            yield from tuple(self._at.get((api_id, path, True), ()))

    def __len__(self) -> int:
        return sum(map(len, self._at.values()))
