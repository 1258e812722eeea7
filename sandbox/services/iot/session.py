"""A client's session: its subscriptions and the messages that it has not acknowledged (facts 6.11, 6.13)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.services.iot.message import Message
from sandbox.services.iot.mqtt import Filter

if TYPE_CHECKING:
    import asyncio

    from sandbox.services.iot.link import Link


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription of a session. ``group``: of a shared one; ``pattern``: the filter without it."""

    session: Session
    filter: Filter
    pattern: str
    group: str | None


@dataclass(slots=True)
class Delivery:
    """A message that goes to one client. ``id``: its packet identifier once it was sent at level 1."""

    message: Message
    qos: int
    retain: bool = False
    id: int = 0
    confirmed: asyncio.Future[None] | None = None  # done by the PUBACK, for who waits for it


@dataclass(slots=True)
class Session:
    """``expiry``: seconds that it outlives its connection; 0: it ends with it.

    ``waiting``: what is to be sent, in order; ``inflight``: sent and not acknowledged, by packet identifier.
    ``stored``: how many of ``waiting``, from the front on, came while nobody was connected.
    """

    client_id: str
    expiry: float = 0.0
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    link: Link | None = None
    waiting: deque[Delivery] = field(default_factory=deque)
    inflight: dict[int, Delivery] = field(default_factory=dict)
    stored: int = 0
    ends: asyncio.TimerHandle | None = None
    will: tuple[asyncio.TimerHandle, Message] | None = None  # one that is put off, and its timer
    next_id: int = 1
    next_replay: float = 0.0  # when the next stored message may go

    def take_id(self) -> int:
        """A packet identifier that is free."""
        while self.next_id in self.inflight:
            self.next_id = self.next_id % 65_535 + 1
        found = self.next_id
        self.next_id = found % 65_535 + 1
        return found

    def park(self) -> None:
        """The connection is gone: what was not acknowledged is sent again, first, when the client returns."""
        again = [self.inflight[id_] for id_ in self.inflight]
        self.inflight.clear()
        self.waiting = deque([*again, *self.waiting])
        self.stored = len(self.waiting)

    def stop_timers(self) -> None:
        """The client is back, or the session has ended."""
        if self.ends is not None:
            self.ends.cancel()
        if self.will is not None:
            self.will[0].cancel()
        self.ends = self.will = None
