"""Memory limits of process groups on the real clock, where no look at processes is going on anyway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.clock import procfs

_INTERVAL_S = 0.1


@dataclass(slots=True)
class _Guard:
    limit: int
    exceeded: Callable[[], None]
    timer: asyncio.TimerHandle | None = None


def group_bytes(pid: int) -> int:
    """Resident bytes of a process and of the others in its process group."""
    total = procfs.resident_bytes(pid)
    for other in procfs.process_ids():
        family = procfs.family(other) if other != pid else None
        if family is not None and family.group == pid:
            total += procfs.resident_bytes(other)
    return total


class MemoryGuard:
    """Looks at the resident bytes of each guarded group ten times a second, while it is not paused."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._guards: dict[int, _Guard] = {}

    def limit(self, pid: int, limit: int, exceeded: Callable[[], None]) -> None:
        """Call ``exceeded`` once when the group of ``pid`` has more than ``limit`` bytes in memory."""
        self.forget(pid)
        self._guards[pid] = _Guard(limit, exceeded)
        self.resume(pid)

    def pause(self, pid: int) -> None:
        """Do not look until :meth:`resume`: the group is frozen."""
        if (guard := self._guards.get(pid)) and guard.timer:
            guard.timer.cancel()
            guard.timer = None

    def resume(self, pid: int) -> None:
        """Look again."""
        if (guard := self._guards.get(pid)) and guard.timer is None:
            guard.timer = self._loop.call_later(_INTERVAL_S, self._check, pid)

    def forget(self, pid: int) -> None:
        """Look no more."""
        self.pause(pid)
        self._guards.pop(pid, None)

    def _check(self, pid: int) -> None:
        guard = self._guards[pid]
        guard.timer = None
        used = group_bytes(pid)
        if used > guard.limit:
            del self._guards[pid]
            guard.exceeded()
        elif used:
            self.resume(pid)
        else:
            del self._guards[pid]
