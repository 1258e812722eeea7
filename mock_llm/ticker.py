"""One timer for all streams of a loop: whoever is due is called, the earliest first.

A timer and a wake-up of a task for each token is most of what a token costs. A heap of instants and a single timer
cost a fifth of it, and streams that are due in the same millisecond leave in one turn of the loop.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

Step = Callable[[float], float | None]  # is told the time; the instant at which it wants to be called again

# uvloop rounds delays to whole milliseconds, half of them down. So much later nobody is called too early.
COARSE = 0.0005


class Ticker:
    """Calls steps at their instants, which are the loop's time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: list[tuple[float, int, Step]] = []
        self._number = count()
        self._timer: asyncio.TimerHandle | None = None
        self._armed = float("inf")
        self._late = 0.0 if isinstance(loop, asyncio.BaseEventLoop) else COARSE

    def at(self, instant: float, step: Step) -> None:
        """Call ``step`` at an instant, and then whenever it asks to be called again; steps that are due at the
        same instant in the order in which they came.
        """
        heappush(self._due, (instant, next(self._number), step))
        if instant < self._armed:
            self._arm(instant)

    def _arm(self, instant: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = instant
        self._timer = self._loop.call_at(instant + self._late, self._fire)

    def _fire(self) -> None:
        """Call all that are due, each once: one that wants more at this instant lets the loop have a turn first."""
        due, now = self._due, self._loop.time()
        now = max(now, self._armed)  # a loop may call a timer a trifle early
        again: list[tuple[float, int, Step]] = []
        self._timer, self._armed = None, float("-inf")  # nobody arms it meanwhile
        try:
            while due and due[0][0] <= now:
                _, number, step = heappop(due)
                following = step(now)
                if following is not None:
                    if following > now:
                        heappush(due, (following, number, step))
                    else:
                        again.append((following, number, step))
        finally:
            for entry in again:
                heappush(due, entry)
            self._armed = float("inf")
            if due:
                self._arm(due[0][0])


_tickers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Ticker] = weakref.WeakKeyDictionary()


def ticker_of(loop: asyncio.AbstractEventLoop) -> Ticker:
    """The loop's ticker."""
    ticker = _tickers.get(loop)
    if ticker is None:
        ticker = _tickers[loop] = Ticker(loop)
    return ticker
