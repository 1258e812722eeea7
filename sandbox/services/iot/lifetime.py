"""How long a connection may live and how long it may be silent (facts 6.3, 6.10): one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sandbox.services.iot.mqtt.errors import Reason

Expired = Callable[[str, int | None], None]


class Lifetime:
    """``silence``: seconds without a packet. ``duration``: seconds in all, and what that end is called."""

    __slots__ = ("_duration_ends", "_expired", "_last", "_loop", "_silence", "_timer", "_why")

    def __init__(self, silence: float, duration: float, why: str, expired: Expired) -> None:
        self._loop = asyncio.get_running_loop()
        self._silence = silence
        self._why = why
        self._expired = expired
        self._last = self._loop.time()
        self._duration_ends = self._last + duration
        self._timer = self._loop.call_at(min(self._last + silence, self._duration_ends), self._look)

    def touch(self) -> None:
        """A packet came."""
        self._last = self._loop.time()

    def stop(self) -> None:
        """The connection ended otherwise."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        if now >= self._duration_ends:
            self._expired(self._why, None)
        elif now >= self._last + self._silence:
            self._expired("MQTT_KEEP_ALIVE_TIMEOUT", Reason.KEEP_ALIVE_TIMEOUT)
        else:
            self._timer = self._loop.call_at(min(self._last + self._silence, self._duration_ends), self._look)
