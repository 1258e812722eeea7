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
    members = _Members()
    members.add(pid)
    try:
        return members.resident_bytes(pid)
    finally:
        members.close()


class _Members:
    """Who is in which process group. All of ``/proc`` is read once; later only ids given away since then."""

    def __init__(self) -> None:
        self._system = procfs.System()
        self._newest = 0
        self._groups: dict[int, set[int]] = {}

    def close(self) -> None:
        self._system.close()

    def add(self, group: int) -> None:
        """Follow a group; its leader has just started, or all are looked at again."""
        self._groups[group] = {group}
        self._newest = min(self._newest, group - 1)

    def remove(self, group: int) -> None:
        self._groups.pop(group, None)

    def resident_bytes(self, group: int) -> int:
        """Of all members together; 0 when there is none left."""
        self._take_in_newcomers()
        total = 0
        for pid in tuple(self._groups[group]):
            used = procfs.resident_bytes(pid)
            if not used:
                self._groups[group].discard(pid)
            total += used
        return total

    def _take_in_newcomers(self) -> None:
        newest = self._system.newest_id()
        if newest == self._newest:
            return
        last, self._newest = self._newest, newest
        for pid in procfs.ids_since(last, newest):
            family = procfs.family(pid)
            if family is not None and family.group in self._groups and procfs.leads_threads(pid):
                self._groups[family.group].add(pid)


class MemoryGuard:
    """Looks at the resident bytes of each guarded group ten times a second, while it is not paused."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._guards: dict[int, _Guard] = {}
        self._members: _Members | None = None

    def limit(self, pid: int, limit: int, exceeded: Callable[[], None]) -> None:
        """Call ``exceeded`` once when the group of ``pid`` has more than ``limit`` bytes in memory."""
        self.forget(pid)
        self._guards[pid] = _Guard(limit, exceeded)
        self._members = self._members or _Members()
        self._members.add(pid)
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
        if self._members is not None:
            self._members.remove(pid)
            if not self._guards:
                self._members.close()
                self._members = None

    def _check(self, pid: int) -> None:
        guard = self._guards[pid]
        guard.timer = None
        assert self._members is not None
        used = self._members.resident_bytes(pid)
        if used > guard.limit:
            self.forget(pid)
            guard.exceeded()
        elif used:
            self.resume(pid)
        else:
            self.forget(pid)
