"""What the kernel says about threads and processes, read as cheaply as Python can.

Files stay open and are read again with ``pread``: a read of a thread that is gone raises
``ProcessLookupError``, so a process id that the kernel gave away again is never taken for the old process.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

_RUNNING = frozenset(b"RDI")  # on a processor or waiting for one; waiting for a disk or for the kernel itself
_STOPPED = frozenset(b"TtZX")
_NEWLINE = ord("\n")
# Numbers of nanosleep and clock_nanosleep.
_NANOSLEEP = {"x86_64": (b"35", b"230"), "aarch64": (b"101", b"115")}.get(os.uname().machine, ())


class ThreadFiles:
    """One thread: its state, and a text that changes whenever it ran.

    ``schedstat`` holds the time spent on a processor and how often; where the kernel was built without it,
    ``status`` counts the context switches.
    """

    __slots__ = ("_call", "_counter", "_marked", "_path", "_stat", "fresh", "last", "napping_since")

    def __init__(self, pid: int, tid: int) -> None:
        self._path = f"/proc/{pid}/task/{tid}"
        self._stat = os.open(f"{self._path}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._counter = os.open(f"{self._path}/{_COUNTER}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            os.close(self._stat)
            raise
        self._call = -1  # opened when it is first asked for
        self.last = self._marked = b""
        self.fresh = False  # it ran since somebody who cares put this back
        self.napping_since: float | None = None

    def close(self) -> None:
        for file in (self._stat, self._counter, self._call):
            if file >= 0:
                os.close(file)
        self._stat = self._counter = self._call = -1

    def ran(self) -> bool:
        """Whether the thread ran since this was asked last."""
        text = os.pread(self._counter, _COUNTER_BYTES, 0)
        if text == self.last:
            return False
        self.last = text
        self.fresh = True
        return True

    def mark(self) -> None:
        """Count the time on a processor from what was read last."""
        self._marked = self.last

    def computed_ns(self) -> int:
        """Time on a processor since the mark, or since it was first read; 0 where the kernel does not say."""
        if not self._marked:
            self._marked = self.last
        if not COUNTS_TIME or not self._marked:
            return 0
        return int(self.last.partition(b" ")[0]) - int(self._marked.partition(b" ")[0])

    def state(self) -> int:
        """The kernel's letter for the thread's state."""
        return _letter(os.pread(self._stat, _STATE_BYTES, 0))

    def running(self) -> bool:
        return self.state() in _RUNNING

    def naps(self) -> bool:
        """Whether it sleeps on a timer of the kernel's, as native code does for some microseconds in a lock.

        The preloads never do: their sleeps wait for the sandbox.
        """
        try:
            if self._call < 0:
                self._call = os.open(f"{self._path}/syscall", os.O_RDONLY | os.O_CLOEXEC)
            return os.pread(self._call, 256, 0).partition(b" ")[0] in _NANOSLEEP
        except PermissionError:
            return b"nanosleep" in _read(f"{self._path}/wchan")
        except FileNotFoundError:
            return False

    def stopped(self) -> bool:
        return self.state() in _STOPPED


@dataclass(frozen=True, slots=True)
class Family:
    """A process's parent, process group and session."""

    parent: int
    group: int
    session: int


def family(pid: int) -> Family | None:
    """Whose child a process is; ``None`` when it is gone or the id is that of a mere thread."""
    try:
        text = _read(f"/proc/{pid}/stat")
        fields = text[text.rindex(b")") + 2 :].split(maxsplit=5)
        return Family(*map(int, fields[1:4]))
    except (OSError, ValueError):
        return None


def leads_threads(pid: int) -> bool:
    """Whether the id is that of a process (the kernel also answers for ids of its other threads)."""
    try:
        return b"\nTgid:\t%d\n" % pid in _read(f"/proc/{pid}/status")
    except OSError:
        return False


def stopped_or_gone(pid: int) -> bool:
    """Whether a process cannot do anything now: it was stopped, or has ended."""
    try:
        return _letter(_read(f"/proc/{pid}/stat")) in _STOPPED
    except (OSError, ValueError):
        return True


def thread_ids(pid: int) -> list[int]:
    """Ids of a process's threads; none when it is gone."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]  # noqa: PTH208 - many times a second
    except OSError:
        return []


def newest_id() -> int:
    """The id given out last on this machine, to a process or a thread: unchanged when none was started."""
    text = _read("/proc/loadavg")
    return int(text[text.rindex(b" ") :])


def ids_since(last: int, newest: int, few: int = 1000) -> Iterable[int]:
    """What may be ids given out after ``last``, up to ``newest``; when these are not ``few``, those of all processes.

    Ids start again from small ones after the greatest.
    """
    return range(last + 1, newest + 1) if 0 <= newest - last <= few else process_ids()


def process_ids() -> list[int]:
    """Ids of all processes that can be seen."""
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208


class System:
    """Facts about the whole machine: the newest id, packets under way."""

    def __init__(self) -> None:
        self._load = os.open("/proc/loadavg", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._network = os.open("/proc/net/softnet_stat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._network = -1
        self._length = -1
        self._backlogs: list[int] = []  # where the lengths stand in the text

    def close(self) -> None:
        os.close(self._load)
        if self._network >= 0:
            os.close(self._network)

    def newest_id(self) -> int:
        """The process or thread id given away last."""
        text = os.pread(self._load, 128, 0)
        return int(text[text.rindex(b" ") :])

    def packets_under_way(self) -> bool:
        """Whether a packet was sent over loopback that its receiver has not been woken for yet.

        The kernel normally delivers inside ``send``; under load it may leave that to a thread of its own.
        The 12th column is the length of each processor's backlog (Linux 5.10 and later).
        """
        if self._network < 0:
            return False
        text = os.pread(self._network, 65536, 0)
        if len(text) != self._length:  # at first; later when a processor comes or goes
            self._length = len(text)
            ends = [at for at, byte in enumerate(text) if byte == _NEWLINE]
            starts = [0, *(end + 1 for end in ends)]
            self._backlogs = [at + 99 for at, end in zip(starts, ends, strict=False) if end - at >= 107]
        return any(text[at : at + 8] != b"00000000" for at in self._backlogs)


class MemoryFile:
    """How much memory a process uses, asked many times. Raises ``OSError`` when it is gone at the start."""

    __slots__ = ("_file",)

    def __init__(self, pid: int) -> None:
        self._file = os.open(f"/proc/{pid}/statm", os.O_RDONLY | os.O_CLOEXEC)

    def resident_bytes(self) -> int:
        """Memory in use; 0 when the process is gone."""
        try:
            return int(os.pread(self._file, 256, 0).split(maxsplit=2)[1]) * _PAGE
        except (OSError, IndexError):
            return 0

    def close(self) -> None:
        os.close(self._file)


def resident_bytes(pid: int) -> int:
    """Memory in use by a process; 0 when it is gone."""
    try:
        return int(_read(f"/proc/{pid}/statm").split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _letter(stat: bytes) -> int:
    """The state in a line of ``stat``: it follows the name, which may hold anything."""
    return stat[stat.rindex(b")") + 2]


def _read(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, 4096)
    finally:
        os.close(file)


def _counter_name() -> str:
    try:
        return "schedstat" if _read("/proc/self/schedstat").strip(b"0 \n") else "status"
    except OSError:
        return "status"


_COUNTER = _counter_name()
_COUNTER_BYTES = 128 if _COUNTER == "schedstat" else 4096
_STATE_BYTES = 128  # the state comes right after the name, which is short
COUNTS_TIME = _COUNTER == "schedstat"  # whether the kernel says how long a thread was on a processor
_PAGE = os.sysconf("SC_PAGE_SIZE")
