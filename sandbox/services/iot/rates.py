"""How fast one connection may go: publishes beyond the rate are lost, bytes beyond it are late (facts 6.5, 6.6)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.clock import Clock


class Pace:
    """Bytes a second: what exceeds them is put off. It begins with one second's worth (UNSOURCED)."""

    __slots__ = ("_at", "_rate", "_tokens")

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._tokens = rate
        self._at = now

    def release(self, size: int, now: float) -> float:
        """When so many bytes are through; never before those of an earlier call."""
        self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate) - size
        self._at = now
        return now if self._tokens >= 0 else now - self._tokens / self._rate


class Outbox:
    """What goes to a client, in order, some of it later than it was ready."""

    __slots__ = ("_clock", "_held", "_loop", "_pace", "_queue", "_send", "_timer", "_whose")

    def __init__(self, send: Callable[[bytes], None], pace: Pace, clock: Clock, whose: str) -> None:
        self._send = send
        self._pace = pace
        self._clock = clock
        self._whose = whose
        self._loop = asyncio.get_running_loop()
        self._queue: deque[tuple[float, bytes]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._held = ExitStack()

    def put(self, data: bytes) -> None:
        """Send, now or when the pace lets it."""
        at = self._pace.release(len(data), self._loop.time())
        if at <= self._loop.time() and not self._queue:
            self._send(data)
            return
        if not self._queue:
            self._held.enter_context(self._clock.in_flight(f"delayed bytes for {self._whose}"))
        self._queue.append((at, data))
        if self._timer is None:
            self._timer = self._loop.call_at(at, self._flush)

    def _flush(self) -> None:
        self._timer = None
        while self._queue and self._queue[0][0] <= self._loop.time():
            self._send(self._queue.popleft()[1])
        if self._queue:
            self._timer = self._loop.call_at(self._queue[0][0], self._flush)
        else:
            self._held.close()

    def close(self) -> None:
        """Send what is left at once: the connection ends."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._queue:
            self._send(self._queue.popleft()[1])
        self._held.close()
