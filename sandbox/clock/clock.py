"""The :class:`Clock` facade: what time it is, and who keeps it from moving."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Literal

from sandbox.clock.clients import Clients
from sandbox.clock.environment import variables
from sandbox.clock.gate import Gate
from sandbox.clock.loop import NEVER_S, VirtualTimeLoop
from sandbox.clock.memory import MemoryGuard, group_bytes
from sandbox.clock.scaled import ScaledTimeLoop
from sandbox.clock.wakeups import Wakeups, nanoseconds

ClockKind = str  # "real", "virtual" or "scaled:N", see scale_of
MOST_SCALE = 1000  # more, and a tick of a millisecond is a second
Runtime = Literal["python", "node", "other"]


def scale_of(kind: str) -> float:
    """Seconds of a clock in one of the machine's: 1 for ``real``, ``N`` for ``scaled:N``, infinity for ``virtual``.

    Raises ``ValueError`` for what is no clock.
    """
    if kind in ("real", "virtual"):
        return 1.0 if kind == "real" else math.inf
    name, _, number = kind.partition(":")
    try:
        scale = float(number)
    except ValueError:
        scale = 0.0
    if name != "scaled" or not 0 < scale <= MOST_SCALE:
        raise ValueError(
            f"no clock {kind!r}: it is real, virtual or scaled:N (N above 0, at most {MOST_SCALE})"
        )
    return scale


class Clock:
    """What time it is in the sandbox, and who keeps it from moving.

    ``now()`` counts seconds since the sandbox started; ``epoch()`` and ``utcnow()`` give the date that the
    sandbox believes in. Under the virtual clock time moves only while something is ``in_flight`` or somebody
    called ``advance``, and never while something ``hold``s it or a watched process can run. A scaled clock runs
    always, ``N`` times as fast as the machine's.
    """

    kind: ClockKind

    def __init__(self, loop: asyncio.AbstractEventLoop, kind: ClockKind, start: datetime) -> None:
        self.kind = kind
        self.start = start
        self._loop = loop
        self._virtual = loop if isinstance(loop, VirtualTimeLoop) else None
        self._told = loop if isinstance(loop, VirtualTimeLoop | ScaledTimeLoop) else None  # to the processes
        self._origin = loop.time()
        self._gate = self._virtual.gate if self._virtual else Gate()
        self._start_ns = nanoseconds(start)
        self._memory = MemoryGuard(loop)
        self._clients = (
            Clients(self._virtual.processes, self._virtual.connects_from) if self._virtual else None
        )

    def now(self) -> float:
        """Seconds since the sandbox started."""
        return self._loop.time() - self._origin

    def epoch(self) -> float:
        """Seconds since 1970-01-01 UTC, as the sandbox believes."""
        return self.start.timestamp() + self.now()

    def utcnow(self) -> datetime:
        """The sandbox's date, aware, in UTC."""
        return datetime.fromtimestamp(self.epoch(), UTC)

    def in_flight(self, what: str) -> AbstractContextManager[None]:
        """While inside, time may move: a request, an invocation, a generation is under way."""
        return self._gate.in_flight(what)

    def in_flight_names(self) -> list[str]:
        """What is in flight, oldest first."""
        return self._gate.in_flight_names()

    def hold(self, what: str = "hold") -> AbstractContextManager[None]:
        """While inside, time stands still: work goes on that the loop cannot see."""
        return self._gate.hold(what)

    def hold_names(self) -> list[str]:
        """What holds time, oldest first."""
        return self._gate.hold_names()

    def watch(self, pid: int) -> None:
        """Time stands still while this process, or one that it starts, can run.

        Processes of its group and session count as started by it when it leads them. With our own process id,
        our other threads are watched.
        """
        if self._virtual:
            self._virtual.processes.watch(pid)

    def unwatch(self, pid: int) -> None:
        """Stop watching a process (it may be gone)."""
        if self._virtual:
            self._virtual.processes.unwatch(pid)
        self._memory.forget(pid)

    def watched(self) -> list[int]:
        """Ids of the processes that are watched now (none on the real clock)."""
        return self._virtual.processes.known() if self._virtual else []

    def set_patience(self, seconds: float) -> None:
        """How long a watched process may compute on end before time follows it (15 s on a processor)."""
        if self._virtual:
            self._virtual.patience_s = seconds

    def freeze(self, pid: int) -> None:
        """The process's group was sent SIGSTOP: skip it, once it is seen stopped, until :meth:`thaw`."""
        if self._virtual:
            self._virtual.processes.freeze(pid)
        self._memory.pause(pid)

    def thaw(self, pid: int) -> None:
        """The process's group was sent SIGCONT."""
        if self._virtual:
            self._virtual.processes.thaw(pid)
        self._memory.resume(pid)

    async def advance(self, seconds: float) -> float:
        """Let time pass although nothing is in flight; the new ``now()``.

        Every timer on the way fires at its instant. Returns when all that happens at the last one has happened.
        """
        if not seconds >= 0 or seconds == float("inf"):
            raise ValueError(f"time cannot advance by {seconds!r} seconds")
        if self.now() + seconds >= NEVER_S:
            raise ValueError(
                f"time cannot advance by {seconds!r} seconds: it ends {NEVER_S:.0f} s after the start"
            )
        if self._virtual is None:
            await asyncio.sleep(seconds)
            return self.now()
        with self._gate.until(self._loop.time() + seconds):
            await asyncio.sleep(seconds)
            await self.settled()
        return self.now()

    async def settled(self) -> None:
        """Wait until all that can happen at this instant has happened (on the real clock: one turn of the loop)."""
        if self._virtual is None:
            await asyncio.sleep(0)
            return
        future = self._loop.create_future()
        self._gate.settling.append(future)
        await future

    def on_memory(self, pid: int, limit_bytes: int, exceeded: Callable[[], None]) -> None:
        """Call ``exceeded`` once when the resident bytes of the watched group together are above the limit."""
        if self._virtual:
            loop = self._virtual
            loop.processes.limit_memory(pid, limit_bytes, lambda: _soon(loop, exceeded))
        else:
            self._memory.limit(pid, limit_bytes, exceeded)

    def memory(self, pid: int) -> int:
        """Resident bytes of the group of a watched process now; 0 when it is gone."""
        return self._virtual.processes.memory(pid) if self._virtual else group_bytes(pid)

    def environment(
        self,
        runtime: Runtime,
        names: Mapping[str, object] | None = None,
        base: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """Variables that make a child process live on this clock and find the sandbox's names.

        ``names``: see :func:`sandbox.clock.environment.variables`; without them the real clock needs none.
        ``base``: the variables that the process gets otherwise; what it has in ``PYTHONPATH``, ``NODE_OPTIONS``
        and ``PATH`` is kept behind ours.
        """
        folder = self._wakeups(self._told).folder if self._told else None
        return variables(runtime, folder, names, base or {})

    def client_connected(self, peer: tuple[str, int], local: tuple[str, int] | None = None) -> None:
        """A client connected over loopback: find and watch its process, unless it is this one.

        ``peer``, ``local``: both ends of the connection as the server sees them (``local`` makes it much faster).
        """
        if self._clients:
            self._clients.connected(peer, local)

    def client_disconnected(self, peer: tuple[str, int]) -> None:
        """The connection of :meth:`client_connected` ended; the last one of a client ends its watch."""
        if self._clients:
            self._clients.disconnected(peer)

    def accepts(self, instant: datetime, tolerance_s: float) -> bool:
        """Whether a client's date is near the sandbox's date or near the real one.

        A client outside the sandbox signs with its own, real clock, however far the virtual one has moved.
        """
        return abs(instant.timestamp() - self.epoch()) <= tolerance_s or (
            abs(instant.timestamp() - time.time()) <= tolerance_s
        )

    def _wakeups(self, loop: VirtualTimeLoop | ScaledTimeLoop) -> Wakeups:
        if loop.sleepers is None:
            loop.sleepers = Wakeups(loop, self._start_ns)
        sleepers = loop.sleepers
        assert isinstance(sleepers, Wakeups)
        return sleepers


def _soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    loop.call_soon(callback)
