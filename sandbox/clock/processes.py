"""Which processes are watched, and whether any of them can still do something.

A look reads every watched thread once, one after the other, so it is no snapshot: a thread that was seen
asleep may have been woken by one that was read later. Hence the rule: all is quiet only when every thread is
asleep *and* none of them ran since the look before. Then there was an instant, between the two looks, at which
all slept at once.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from enum import IntEnum

from sandbox.clock import procfs

_SCAN_LIMIT = 4000  # more new ids than this: list all processes instead of trying each id

_NAP_S = 0.02  # a longer sleep of the kernel's is a program's own: time does not wait for it


class Verdict(IntEnum):
    """What a look saw; the greater one counts."""

    QUIET = 0
    CHANGED = 1  # all asleep now, but somebody ran since the last look: look again
    SOON = (
        2  # somebody asleep goes on without us: on a short timer of the kernel's, or for a packet under way
    )
    RUNNING = 3


class _Process:
    """The threads of one process."""

    def __init__(self, pid: int, without: int | None) -> None:
        self.pid = pid
        self._without = without
        self._threads: dict[int, procfs.ThreadFiles] = {}
        self._napping: dict[int, float] = {}  # threads in a sleep of the kernel's: since when
        self._memory: procfs.MemoryFile | None = None
        self.count()

    def count(self) -> bool:
        """Take in threads that started; whether there were any."""
        started = False
        for tid in procfs.thread_ids(self.pid):
            if tid not in self._threads and tid != self._without:
                try:
                    self._threads[tid] = procfs.ThreadFiles(self.pid, tid)
                    started = True
                except (FileNotFoundError, ProcessLookupError):
                    continue
        return started

    @property
    def gone(self) -> bool:
        return not self._threads and self._without is None

    def look(self) -> Verdict:
        verdict = Verdict.QUIET
        for tid, thread in list(self._threads.items()):
            try:
                ran = thread.ran()
                # A thread that was woken and did not run yet shows in its state only.
                if thread.running():
                    return Verdict.RUNNING
                if self._naps(tid, thread, ran):
                    return Verdict.SOON
            except ProcessLookupError:
                self._threads.pop(tid).close()
                ran = True
            if ran:
                verdict = Verdict.CHANGED
        if (verdict is Verdict.CHANGED or self._without is not None) and self.count():
            verdict = Verdict.CHANGED
        return verdict

    def _naps(self, tid: int, thread: procfs.ThreadFiles, ran: bool) -> bool:
        """Whether a thread will soon wake up by itself, on a timer that is not ours."""
        if ran:
            self._napping.pop(tid, None)
            if not thread.naps():
                return False
            self._napping[tid] = time.monotonic()
        elif not self._napping or tid not in self._napping:
            return False
        return time.monotonic() - self._napping[tid] < _NAP_S

    def mark(self) -> None:
        for thread in self._threads.values():
            thread.mark()

    def computed_s(self) -> float:
        return sum(thread.computed_ns() for thread in self._threads.values()) / 1e9

    def stopped(self) -> bool:
        for tid, thread in list(self._threads.items()):
            try:
                if not thread.stopped():
                    return False
            except ProcessLookupError:
                self._threads.pop(tid).close()
        return True

    def memory(self) -> int:
        """Resident bytes; 0 when it is gone."""
        if self._memory is None:
            try:
                self._memory = procfs.MemoryFile(self.pid)
            except OSError:
                return 0
        return self._memory.resident_bytes()

    def close(self) -> None:
        for thread in self._threads.values():
            thread.close()
        self._threads.clear()
        if self._memory is not None:
            self._memory.close()
            self._memory = None


class _Group:
    """A watched process, with its descendants when they are followed."""

    def __init__(self, pid: int, follow: bool, without: int | None) -> None:
        self.pid = pid
        self.follow = follow
        self.processes = {pid: _Process(pid, without)}
        self.freezing = False
        self.frozen = False
        self.limit: int | None = None
        self.exceeded: Callable[[], None] | None = None

    def look(self) -> Verdict:
        if self.freezing:
            return self._look_whether_stopped()
        verdict = Verdict.QUIET
        for pid, process in list(self.processes.items()):
            verdict = max(verdict, process.look())
            if process.gone:
                self.processes.pop(pid).close()
            if verdict >= Verdict.SOON:
                break
        if verdict is not Verdict.QUIET and self.limit is not None:
            self._check_memory(self.limit)
        return verdict

    def _look_whether_stopped(self) -> Verdict:
        if not all(process.stopped() for process in self.processes.values()):
            return self._look_while_stopping()
        self.frozen = True
        self._close_files()
        return Verdict.CHANGED

    def _look_while_stopping(self) -> Verdict:
        return max((process.look() for process in self.processes.values()), default=Verdict.QUIET)

    def thaw(self) -> None:
        if self.frozen:
            self.processes = {pid: _Process(pid, None) for pid in self.processes}
        self.freezing = self.frozen = False

    def memory(self) -> int:
        return sum(process.memory() for process in self.processes.values())

    def _check_memory(self, limit: int) -> None:
        if self.exceeded is not None and self.memory() > limit:
            callback, self.exceeded = self.exceeded, None
            callback()

    def _close_files(self) -> None:
        for process in self.processes.values():
            process.close()

    close = _close_files


class Processes:
    """All watched processes."""

    def __init__(self) -> None:
        self._system = procfs.System()
        self._groups: dict[int, _Group] = {}
        self._newest = self._system.newest_id()
        self._busy: int | None = None  # the group seen running last is looked at first

    def watch(self, pid: int, follow: bool = True) -> None:
        """Look at a process from now on, and at those that it starts when ``follow``.

        Of our own process all threads are watched but the one that asks.
        """
        if pid in self._groups:
            return
        own = pid == os.getpid()
        self._groups[pid] = _Group(pid, follow and not own, threading.get_native_id() if own else None)
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

    def _all(self) -> Iterator[_Process]:
        return (process for group in self._groups.values() for process in group.processes.values())

    def known(self) -> list[int]:
        """Ids of all watched processes."""
        return [pid for group in self._groups.values() for pid in group.processes]

    def __bool__(self) -> bool:
        return bool(self._groups)

    def look(self) -> Verdict:
        """Read every thread once, and say whether anything can still happen."""
        if not self._groups:
            return Verdict.QUIET
        # The order matters: what was under way before this look has arrived when its receiver is read.
        if self._system.packets_under_way():
            return Verdict.SOON
        newest = self._system.newest_id()
        verdict = Verdict.CHANGED if newest != self._newest and self._adopt(newest) else Verdict.QUIET
        for pid in self._order():
            group = self._groups[pid]
            if group.frozen:
                continue
            seen = group.look()
            if not group.processes:
                self.unwatch(pid)
            if seen >= Verdict.SOON:
                self._busy = pid
                return seen
            verdict = max(verdict, seen)
        return verdict

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
                process = _Process(pid, None)
                group.processes[pid] = process
                homes[pid] = group
                if group.frozen:
                    group.frozen = False  # look once more until the newcomer is stopped, too
                    group.processes = {known: _Process(known, None) for known in group.processes}
                found = True
        return found

    def _home(self, pid: int, homes: dict[int, _Group]) -> _Group | None:
        family = procfs.family(pid)
        if family is None:
            return None
        for relative in (family.parent, family.group, family.session):
            group = homes.get(relative)
            if group is not None and (relative == family.parent or relative == group.pid):
                return group if procfs.leads_threads(pid) else None
        return None
