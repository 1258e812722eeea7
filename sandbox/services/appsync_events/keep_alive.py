"""``ka`` frames: one at each interval from the ``connection_ack`` on (fact 5.23)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sandbox.services.appsync_events import frames


class KeepAlive:
    """The timer of one connection."""

    __slots__ = ("_interval", "_loop", "_say", "_timer")

    def __init__(self, interval: float, say: Callable[[str], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._interval = interval
        self._say = say
        self._timer = self._loop.call_later(interval, self._beat)

    def stop(self) -> None:
        """The connection has ended."""
        self._timer.cancel()

    def _beat(self) -> None:
        self._say(frames.KA)
        self._timer = self._loop.call_at(self._timer.when() + self._interval, self._beat)
