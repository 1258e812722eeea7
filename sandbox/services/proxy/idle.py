"""The idle timeout: fires when no byte came for so long. Touching it costs no timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Idle:
    """Watches from :meth:`start` to :meth:`stop`; calls ``expired`` once."""

    __slots__ = ("_expired", "_last", "_loop", "_seconds", "_timer")

    def __init__(self, seconds: float, expired: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._expired = expired
        self._last = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Count from now."""
        self._last = self._loop.time()
        self._timer = self._loop.call_at(self._last + self._seconds, self._look)

    def touch(self) -> None:
        """A byte came."""
        self._last = self._loop.time()

    def _look(self) -> None:
        due = self._last + self._seconds
        if due > self._loop.time():
            self._timer = self._loop.call_at(due, self._look)
        else:
            self._timer = None
            self._expired()

    def stop(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
