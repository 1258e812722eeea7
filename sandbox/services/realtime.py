"""What services with long connections have in common: whole messages, keep-alives, and how long one may live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sandbox.context import WebSocket

Ended = Literal["idle", "duration"]


async def messages(socket: WebSocket) -> AsyncIterator[bytes]:
    """A client's messages, text or binary, each joined from its frames. Raises ``WebSocketDisconnect`` at the end."""
    parts: list[bytes] = []
    while True:
        frame = await socket.receive()
        if frame.opcode in ("ping", "pong"):
            continue
        parts.append(frame.data)
        if frame.fin:
            body, parts = b"".join(parts), []
            yield body


class KeepAlive:
    """Calls ``beat`` at each interval (s) from now on."""

    __slots__ = ("_do", "_interval", "_loop", "_timer")

    def __init__(self, interval: float, beat: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._interval = interval
        self._do = beat
        self._timer = self._loop.call_later(interval, self._beat)

    def stop(self) -> None:
        """The connection has ended."""
        self._timer.cancel()

    def _beat(self) -> None:
        # The next is set first: ``beat`` may end the connection.
        self._timer = self._loop.call_at(self._timer.when() + self._interval, self._beat)
        self._do()


class Lifetime:
    """One timer a connection: nothing was said for ``idle`` seconds, or ``duration`` has passed since the start.

    ``expired`` is told which; the duration when it is both.
    """

    __slots__ = ("_ends", "_expired", "_idle", "_last", "_loop", "_timer")

    def __init__(self, idle: float, duration: float, expired: Callable[[Ended], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle = idle
        self._expired = expired
        self._last = self._loop.time()
        self._ends = self._last + duration
        self._timer = self._loop.call_at(min(self._last + idle, self._ends), self._look)

    def touch(self) -> None:
        """Something was said. The timer stays where it is and looks again when it fires."""
        self._last = self._loop.time()

    def stop(self) -> None:
        """The connection ended otherwise."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        if now >= self._ends:
            self._expired("duration")
        elif now >= self._last + self._idle:
            self._expired("idle")
        else:
            self._timer = self._loop.call_at(min(self._last + self._idle, self._ends), self._look)
