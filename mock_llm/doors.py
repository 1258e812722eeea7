"""Requests that come together are let in one by one, and answers that end together out, so that streams under way
keep their pace.

To decide on an answer takes a third of a millisecond. Five hundred at once would hold the loop for a sixth of a
second, and every token that is due meanwhile with it. Nobody waits for long: a request's instants count from when
it came. To end one, its last token gone already, takes half of that.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque

# Of a turn that long, in seconds, one passes: several times what it takes. With less, turns that are long because
# many tokens are due would let in so many that the next turn is longer still.
EACH = 0.002


class Doors:
    """Lets one pass in each turn of the loop, and more where turns are long: a small part of the time is theirs."""

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
        let_in = max(1, int((now - self._turned) / EACH))
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


_doors: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Doors] = weakref.WeakKeyDictionary()


async def pass_doors(loop: asyncio.AbstractEventLoop) -> None:
    """Enter by the doors of the loop."""
    doors = _doors.get(loop)
    if doors is None:
        doors = _doors[loop] = Doors()
    await doors.enter(loop)
