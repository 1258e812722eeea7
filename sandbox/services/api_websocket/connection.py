"""A client's connection to a WebSocket API, and how long it may live (facts 3.2, 3.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.context import WebSocket


@dataclass(slots=True)
class Connection:
    """What is known about a client from its handshake on. ``domain``: the API's host as the client called it."""

    id: str
    api_id: str
    stage: str
    region: str
    domain: str
    socket: WebSocket
    source_ip: str
    user_agent: str | None
    connected_ms: int
    active_ms: int = 0
    authorizer: Mapping[str, Any] | None = None  # what requestContext.authorizer says
    lifetime: Lifetime | None = None

    def identity(self) -> dict[str, str]:
        """``requestContext.identity``, which is also the management API's."""
        agent = {} if self.user_agent is None else {"userAgent": self.user_agent}
        return agent | {"sourceIp": self.source_ip}


class Lifetime:
    """One timer a connection: nothing was said for ``idle`` seconds, or ``duration`` has passed since the start."""

    __slots__ = ("_ends", "_expired", "_idle", "_last", "_loop", "_timer")

    def __init__(self, idle: float, duration: float, expired: Callable[[], None]) -> None:
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
        due = min(self._last + self._idle, self._ends)
        if self._loop.time() >= due:
            self._expired()
        else:
            self._timer = self._loop.call_at(due, self._look)
