"""Telling a data plane that its records changed, without knowing it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Changes:
    """Who wants to know, at once or by waiting."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []
        self._waiting: list[asyncio.Future[None]] = []

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after every change; what this gives ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self) -> None:
        """Something changed."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
        for listener in tuple(self._listeners):
            listener()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds; asked again after every change."""
        while not holds():
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future
