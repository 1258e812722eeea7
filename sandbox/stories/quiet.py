"""Waiting until nothing that a story started goes on: invocations, answers of the model, work in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from sandbox.timeline import Event, Timeline

_ENDS = {
    ("lambda", "invoked"): ("invocation_ended",),
    ("model", "request_received"): ("completed", "client_gone", "faulted"),
}
_FIRST_LOOK_S, _LAST_LOOK_S = 0.001, 60.0


class Open:
    """What has begun and not ended, by the timeline."""

    def __init__(self, timeline: Timeline) -> None:
        self._ids: dict[tuple[str, str], str] = {}
        self.changed = asyncio.Event()
        timeline.listen(self._see)

    @property
    def what(self) -> list[str]:
        """What is still open, in words."""
        return [f"{source} {key} ({began})" for (source, key), began in self._ids.items()]

    def _see(self, event: Event) -> None:
        if (event.source, event.name) in _ENDS:
            self._ids[event.source, event.id] = event.name
        elif (event.source, event.id) in self._ids:
            began = self._ids[event.source, event.id]
            if event.name in _ENDS[event.source, began]:
                del self._ids[event.source, event.id]
        self.changed.set()


async def until_quiet(opened: Open, in_flight: Callable[[], Collection[str]]) -> None:
    """Return once nothing is open and nothing in flight.

    The timeline wakes it; what leaves no event there is looked at in growing steps, which cost nothing on the
    virtual clock and move no instant of anybody else.
    """
    look = _FIRST_LOOK_S
    while opened.what or in_flight():
        opened.changed.clear()
        try:
            async with asyncio.timeout(look):
                await opened.changed.wait()
        except TimeoutError:
            look = min(look * 2, _LAST_LOOK_S)
