"""A watched process and those that it started: what the kernel says of each of their threads."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import IntEnum

from sandbox.clock import procfs

_NAP_S = 0.02  # a longer sleep of the kernel's is a program's own: time does not wait for it


class Verdict(IntEnum):
    """What a look saw; the greater one counts."""

    QUIET = 0
    CHANGED = 1  # somebody ran since the last look, or it is not sure yet that all sleep: look again
    SOON = (
        2  # somebody asleep goes on without us: on a short timer of the kernel's, or for a packet under way
    )
    RUNNING = 3


class Process:
    """The threads of one process. ``without``: one of them that is not watched."""

    def __init__(self, pid: int, without: int | None) -> None:
        self.pid = pid
        self._without = without
        self._threads: dict[int, procfs.ThreadFiles] = {}
        self._memory: procfs.MemoryFile | None = None
        self._newest = -1  # the id given away last when the threads were counted
        self._count()

    def _count(self) -> bool:
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

    def ran(self, newest: int) -> bool:
        """Whether a thread ran, started or ended since this was asked last.

        ``newest``: the id given away last, read before: while it is the same there are no new threads.
        """
        changed = False
        if newest != self._newest:
            self._newest, changed = newest, self._count()
        ended = []
        for tid, thread in self._threads.items():
            try:
                if thread.ran():
                    changed = True
            except ProcessLookupError:
                ended.append(tid)
        for tid in ended:
            self._threads.pop(tid).close()
        return changed or bool(ended)

    def awake(self) -> tuple[Verdict, procfs.ThreadFiles | None]:
        """Whether a thread can do something now, and which one does."""
        for thread in self._threads.values():
            try:
                if thread.running():
                    return Verdict.RUNNING, thread
                if _naps(thread):
                    return Verdict.SOON, None
            except ProcessLookupError:
                return Verdict.CHANGED, None
        return Verdict.QUIET, None

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


def _naps(thread: procfs.ThreadFiles) -> bool:
    """Whether a thread will soon wake up by itself, on a timer that is not ours."""
    if thread.fresh:
        thread.fresh = False
        thread.napping_since = time.monotonic() if thread.naps() else None
    return thread.napping_since is not None and time.monotonic() - thread.napping_since < _NAP_S


class Group:
    """A watched process, with its descendants when they are followed."""

    def __init__(self, pid: int, follow: bool, without: int | None) -> None:
        self.pid = pid
        self.follow = follow
        self.processes = {pid: Process(pid, without)}
        self.freezing = False
        self.frozen = False
        self.limit: int | None = None
        self.exceeded: Callable[[], None] | None = None

    def ran(self, newest: int) -> bool:
        """As of a process; also when all have just been seen stopped after a freeze."""
        if self.freezing and all(process.stopped() for process in self.processes.values()):
            self.frozen = True
            self.close()
            return True
        changed = False
        for pid, process in list(self.processes.items()):
            if process.ran(newest):
                changed = True
            if process.gone:
                self.processes.pop(pid).close()
        if changed:
            self.check_memory()
        return changed

    def awake(self) -> tuple[Verdict, procfs.ThreadFiles | None]:
        """As of a process."""
        verdict = Verdict.QUIET
        for process in self.processes.values():
            seen, thread = process.awake()
            if seen >= Verdict.SOON:
                return seen, thread
            verdict = max(verdict, seen)
        return verdict, None

    def adopt(self, pid: int) -> Process:
        """Take in a process that one of ours started."""
        self.processes[pid] = process = Process(pid, None)
        if self.frozen:
            self.frozen = False  # look once more until the newcomer is stopped, too
            self._open_files()
        return process

    def thaw(self) -> None:
        if self.frozen:
            self._open_files()
        self.freezing = self.frozen = False

    def memory(self) -> int:
        """Resident bytes of all together."""
        return sum(process.memory() for process in self.processes.values())

    def check_memory(self) -> None:
        """Tell once of too much of it."""
        if self.limit is not None and self.exceeded is not None and self.memory() > self.limit:
            callback, self.exceeded = self.exceeded, None
            callback()

    def close(self) -> None:
        for process in self.processes.values():
            process.close()

    def _open_files(self) -> None:
        self.processes = {pid: Process(pid, None) for pid in self.processes}
