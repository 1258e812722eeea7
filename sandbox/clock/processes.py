"""Which processes are watched, and whether any of them can still do something.

Threads are read one after the other, which is no snapshot: a thread that was seen asleep may have been woken by one
that was read later. Hence three readings, between which we do nothing ourselves: how often each thread ran so far;
then whether packets are under way and whether each thread sleeps; then once more how often each ran. All is quiet
when they sleep and none ran from the first reading to the last: at the second one all slept at once, and nothing was
under way that could wake one. A single thread's two files are not read at once either: it may run, and wake another,
just between them, above all where we ourselves had to wait for a processor.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

from sandbox.clock import procfs
from sandbox.clock.watched import Group, Process, Verdict

_SCAN_LIMIT = 4000  # more new ids than this: list all processes instead of trying each id


class Processes:
    """All watched processes."""

    def __init__(self) -> None:
        self._system = procfs.System()
        self._groups: dict[int, Group] = {}
        self._newest = self._system.newest_id()
        self._asleep = False  # all slept when they were read last
        # Who was seen running last is read first.
        self._busy: int | None = None
        self._runner: procfs.ThreadFiles | None = None

    def watch(self, pid: int, follow: bool = True) -> None:
        """Look at a process from now on, and at those that it starts when ``follow``.

        Of our own process all threads are watched but the one that asks.
        """
        if pid in self._groups:
            return
        own = pid == os.getpid()
        self._groups[pid] = Group(pid, follow and not own, threading.get_native_id() if own else None)
        if follow:
            self._newest = min(self._newest, pid)

    def unwatch(self, pid: int) -> None:
        """Look at a process and its descendants no more."""
        group = self._groups.pop(pid, None)
        if group:
            group.close()

    def freeze(self, pid: int) -> None:
        """Skip a group as soon as all its threads are seen stopped."""
        if group := self._groups.get(pid):
            group.freezing = True

    def thaw(self, pid: int) -> None:
        """Look at a group again."""
        if group := self._groups.get(pid):
            group.thaw()

    def limit_memory(self, pid: int, limit: int, exceeded: Callable[[], None]) -> None:
        """Call ``exceeded`` once when the group's resident bytes together are above ``limit``."""
        if group := self._groups.get(pid):
            group.limit, group.exceeded = limit, exceeded

    def memory(self, pid: int) -> int:
        """Resident bytes of a watched group; 0 when it is unknown."""
        group = self._groups.get(pid)
        return group.memory() if group else 0

    def mark(self) -> None:
        """Count what each process computes from now on."""
        for process in self._all():
            process.mark()

    def computed_s(self) -> float:
        """Seconds on a processor since the mark, of the process that has most of them."""
        return max((process.computed_s() for process in self._all()), default=0.0)

    def _all(self) -> Iterator[Process]:
        return (process for group in self._groups.values() for process in group.processes.values())

    def known(self) -> list[int]:
        """Ids of all watched processes."""
        return [pid for group in self._groups.values() for pid in group.processes]

    def __bool__(self) -> bool:
        return bool(self._groups)

    def look(self, acted: bool = True) -> Verdict:
        """Read the threads, and say whether anything can still happen.

        ``acted``: whether we ourselves may have done something since the look before.
        """
        if not self._groups:
            return Verdict.QUIET
        asleep, self._asleep = self._asleep and not acted, False
        if self._still_running():
            return Verdict.RUNNING
        if not self._ran() and asleep:
            self._asleep = True
            return Verdict.QUIET
        return self._see()

    def _still_running(self) -> bool:
        """Whether who was seen running last runs on: then nobody else need be read."""
        group = self._groups.get(self._busy) if self._busy is not None else None
        if group is None or self._runner is None:
            return False
        try:
            self._runner.ran()
            running = self._runner.running()
        except OSError:  # it is gone, or watched no more
            running = False
        if running:
            group.check_memory()
        else:
            self._runner = None
        return running

    def _ran(self) -> bool:
        """The first reading, and the last: whether anybody ran since the one before."""
        newest = self._system.newest_id()
        changed = newest != self._newest and self._adopt(newest)
        for pid, group in list(self._groups.items()):
            if group.frozen:
                continue
            if group.ran(newest):
                changed = True
            if not group.processes:
                self.unwatch(pid)
        return changed

    def _see(self) -> Verdict:
        """The second reading: whether anybody is awake, or will be woken."""
        if self._system.packets_under_way():
            return Verdict.SOON
        verdict = Verdict.QUIET
        for pid in self._order():
            group = self._groups[pid]
            if group.frozen:
                continue
            seen, thread = group.awake()
            if seen >= Verdict.SOON:
                self._busy, self._runner = pid, thread
                return seen
            verdict = max(verdict, seen)
        self._asleep = verdict is Verdict.QUIET
        return Verdict.CHANGED

    def close(self) -> None:
        """Stop watching everything."""
        for pid in list(self._groups):
            self.unwatch(pid)
        self._system.close()

    def _order(self) -> list[int]:
        pids = list(self._groups)
        if self._busy in self._groups:
            pids.remove(self._busy)
            pids.insert(0, self._busy)
        return pids

    def _adopt(self, newest: int) -> bool:
        """Take in processes that watched ones started; whether there were any."""
        last, self._newest = self._newest, newest
        homes = {pid: group for group in self._groups.values() if group.follow for pid in group.processes}
        found = False
        for pid in procfs.ids_since(last, newest, _SCAN_LIMIT):
            if pid not in homes and pid != os.getpid() and (group := self._home(pid, homes)):
                group.adopt(pid)
                homes[pid] = group
                found = True
        return found

    def _home(self, pid: int, homes: dict[int, Group]) -> Group | None:
        family = procfs.family(pid)
        if family is None:
            return None
        for relative in (family.parent, family.group, family.session):
            group = homes.get(relative)
            if group is not None and (relative == family.parent or relative == group.pid):
                return group if procfs.leads_threads(pid) else None
        return None
