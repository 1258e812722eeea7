"""A client's connection and its subscriptions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.services.appsync.realtime import frames
from sandbox.services.realtime import KeepAlive

if TYPE_CHECKING:
    from sandbox.anomalies import Line
    from sandbox.context import WebSocket
    from sandbox.services.appsync.caller import Caller
    from sandbox.services.appsync.execution import Query
    from sandbox.services.appsync.realtime.filters import Groups


@dataclass(slots=True, eq=False)
class Subscription:
    """A subscription that stands.

    ``arguments``: those given, for the filter. ``groups``: set by the resolver instead of it; ``invalidation``: when
    the subscription ends. ``shape``: equal for subscriptions that are sent the same text.
    """

    id: str
    connection: Connection
    api_id: str
    field: str
    arguments: Mapping[str, Any]
    query: Query
    caller: Caller
    shape: tuple[Any, ...]
    line: Line
    groups: Groups | None = None
    invalidation: Groups | None = None
    deaf_until: float = 0.0
    head: str = ""  # of its messages

    def __post_init__(self) -> None:
        self.head = frames.data_head(self.id)


@dataclass(slots=True, eq=False)
class Connection:
    """A WebSocket of a client. ``api_id``: the first label of its host; ``headers``: of the handshake."""

    id: str
    api_id: str
    socket: WebSocket
    source_ip: str
    headers: Mapping[str, str]
    sent_path: str  # as the client wrote it: what a path style's signature covers
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    starting: dict[str, bool] = field(default_factory=dict)  # id -> whether it was stopped meanwhile
    timers: Timers | None = None

    @property
    def busy(self) -> int:
        """How many subscriptions it has or is about to have."""
        return len(self.subscriptions) + len(self.starting)


class Timers:
    """``ka`` frames, once there was a ``connection_ack``, and the end of the longest connection."""

    __slots__ = ("_end", "_interval", "_ka", "_say")

    def __init__(
        self, interval: float, lifetime: float, say: Callable[[str], None], over: Callable[[], None]
    ) -> None:
        self._interval = interval
        self._say = say
        self._ka: KeepAlive | None = None
        self._end = asyncio.get_running_loop().call_later(lifetime, over)

    def keep_alive(self) -> None:
        """One ``ka`` now (amplify-js's issues 7019 and 9226 show it behind the ack) and then at each interval."""
        if self._ka is None:
            self._beat()
            self._ka = KeepAlive(self._interval, self._beat)

    def stop(self) -> None:
        """The connection has ended."""
        self._end.cancel()
        if self._ka is not None:
            self._ka.stop()

    def _beat(self) -> None:
        self._say(frames.KA)
