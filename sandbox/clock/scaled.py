"""A loop whose time runs so many times as fast as the machine's: for what cannot be watched.

Time does not jump and never stands still, so nothing has to be known of the processes: a client on another machine
or in a container is served like any other. What it costs is exactness: real work takes its real time, which here
counts ``scale`` times as long.
"""

from __future__ import annotations

import asyncio
import math
import select
import selectors
import time

from sandbox.clock.loop import Events, Sleepers

# Sleeping threads of processes write when they want to be woken into memory and send no message, and what time it is
# they read from a page: so both are looked at and written so often, in real seconds.
_TICK_S = 0.001
_LONGEST_S = 3600.0


class _ScaledSelector(selectors.EpollSelector):
    """Waits in real time for what is due on its loop's."""

    def __init__(self) -> None:
        super().__init__()
        self.loop: ScaledTimeLoop

    def select(self, timeout: float | None = None) -> Events:
        """As any selector; ``timeout`` in seconds of the loop, of which ``scale`` make one real second."""
        loop, poll = self.loop, super().select
        events = poll(0)
        until = None if timeout is None else loop.time() + timeout
        while True:
            loop.show()
            if events or loop.must_run() or (until is not None and loop.time() >= until):
                return events
            seconds = _LONGEST_S if until is None else (until - loop.time()) / loop.scale
            self._pause(max(0.0, min(seconds, loop.patience_s())))
            events = poll(0)

    def _pause(self, seconds: float) -> None:
        """Wait for an event, but not longer: epoll itself counts in whole milliseconds."""
        if self.fileno() < 1024:
            select.select([self.fileno()], [], [], seconds)
        else:
            super().select(seconds)


class ScaledTimeLoop(asyncio.SelectorEventLoop):
    """See the module. ``time()`` starts at 0.0; ``scale``: its seconds in one real second."""

    def __init__(self, scale: float) -> None:
        selector = _ScaledSelector()
        selector.loop = self
        self.scale = scale
        self.sleepers: Sleepers | None = None
        self._origin = time.monotonic()
        super().__init__(selector)

    def time(self) -> float:
        """Seconds since the start, of the scaled clock."""
        return (time.monotonic() - self._origin) * self.scale

    def must_run(self) -> bool:
        """Whether callbacks wait to be run."""
        return bool(self._ready)  # type: ignore[attr-defined]

    def show(self) -> None:
        """Tell the processes what time it is, and wake those whose time has come."""
        if self.sleepers is None:
            return
        now = self.time()
        self.sleepers.moved(now)
        while self.sleepers.earliest() <= now:
            self.sleepers.wake()
        self.sleepers.settled()

    def patience_s(self) -> float:
        """How long nothing but files has to be looked at, in real seconds."""
        if self.sleepers is None:
            return math.inf
        return max(0.0, min(_TICK_S, (self.sleepers.earliest() - self.time()) / self.scale))

    def close(self) -> None:
        """As any loop."""
        if not self.is_closed() and self.sleepers is not None:
            self.sleepers.close()
        super().close()
