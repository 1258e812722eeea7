"""Requests that come together are let in one by one, so that streams under way keep their pace.

To decide on an answer takes half a millisecond. Five hundred at once would hold the loop for a quarter of a
second, and every token that is due meanwhile with it. Nobody waits for long: a request's instants count from when
it came.
"""

from __future__ import annotations

import asyncio
from collections import deque

COST = 0.0005  # seconds that one takes, about


class Doors:
    """Lets one in for each turn of the loop, and as many as make up for a long one: half of the time is theirs."""

    def __init__(self) -> None:
        self._open = True
        self._turned = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self, loop: asyncio.AbstractEventLoop) -> None:
        """Return when it is the caller's turn: at once when nobody else came in this turn of the loop."""
        if self._open:
            self._open, self._turned = False, loop.time()
            loop.call_soon(self._next, loop)
            return
        waiter = loop.create_future()
        self._waiting.append(waiter)
        await waiter

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        let_in = max(1, int((now - self._turned) / COST))
        self._turned = now
        while self._waiting and let_in:
            waiter = self._waiting.popleft()
            if not waiter.done():  # else its request was given up
                waiter.set_result(None)
                let_in -= 1
        if let_in and not self._waiting:
            self._open = True
        else:
            loop.call_soon(self._next, loop)
