"""An asyncio loop whose time jumps to the next timer once nothing else can happen.

The loop polls real sockets. When none is ready, nothing holds time, no watched process can run and something is
in flight, then the only thing that can ever happen next is the earliest timer, ours or one that a watched process
sleeps on: time jumps to exactly that instant. Else the loop blocks until real I/O comes.
"""

from __future__ import annotations

import asyncio
import logging
import math
import select
import selectors
import socket
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Protocol, TypeVar

from sandbox.clock import procfs
from sandbox.clock.executor import Errand
from sandbox.clock.gate import Gate
from sandbox.clock.processes import Processes
from sandbox.clock.watched import Verdict

T = TypeVar("T")
Events = list[tuple[selectors.SelectorKey, int]]

# After the start, about 158 years. Watched processes read the date as 64 bits of nanoseconds, which end in 2262.
NEVER_S = 5e9
_SHORTEST_PAUSE = 0.00005
_LONGEST_PAUSE = 0.002  # while a watched process runs; each look at it takes processor time from it
_LONGEST_REST = 0.05  # while all sleep and there is no timer: a process may still wake up by itself
_LONGEST_STEP = 0.01  # real seconds between two looks that count: more is the machine's doing
_log = logging.getLogger(__name__)


class Sleepers(Protocol):
    """Who else waits for an instant: sleeping threads of watched processes."""

    def earliest(self) -> float:
        """The next instant at which one wants to be woken; infinity when there is none."""
        ...

    def wake(self) -> None:
        """Wake one whose instant is the earliest."""
        ...

    def settled(self) -> bool:
        """Whether all that were woken have noticed it."""
        ...

    def moved(self, now: float) -> None:
        """Time was moved."""
        ...

    def close(self) -> None: ...


class JumpingSelector(selectors.EpollSelector):
    """Polls real files and moves the time of its loop."""

    def __init__(self) -> None:
        super().__init__()
        self.loop: VirtualTimeLoop
        self._pause = self._rest = _SHORTEST_PAUSE

    def select(self, timeout: float | None = None) -> Events:
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        return self._wait()

    def _wait(self) -> Events:
        self._pause = self._rest = _SHORTEST_PAUSE
        acted = True  # since the last look, by the callbacks that were run
        while True:
            limit = self.loop.gate.limit(self.loop.time())
            if limit is None:
                self.loop.forgive()
                return super().select(None)
            verdict, acted = self.loop.look(acted), False
            go_on = self._bide if verdict >= Verdict.SOON else self._after
            events = go_on(verdict, limit)
            if events is not None:
                return events

    def _bide(self, verdict: Verdict, limit: float) -> Events | None:
        """Somebody runs: wait a little for what comes of it; ``None``: look again."""
        if self.loop.must_run():
            return []
        came = self._comes(self._pause)
        if self.loop.drift(verdict, limit) or came:
            return super().select(0)
        self._pause = min(self._pause * 1.5, _LONGEST_PAUSE)
        return None

    def _after(self, verdict: Verdict, limit: float) -> Events | None:
        """All seem to sleep: take what they sent just before, else let time move; ``None``: look again."""
        events = super().select(0)
        if events or self.loop.must_run():
            return events
        if verdict is not Verdict.QUIET:
            return None
        if self.loop.move(limit):
            return []
        if not self.loop.processes:
            return super().select(None)
        if self._comes(self._rest):
            return super().select(0)
        self._rest = min(self._rest * 2, _LONGEST_REST)
        return None

    def _comes(self, seconds: float) -> bool:
        """Wait for an event, but not longer; whether one came. epoll itself counts in whole milliseconds."""
        if self.fileno() < 1024:
            return bool(select.select([self.fileno()], [], [], seconds)[0])
        return bool(super().select(seconds))


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """See the module. ``time()`` starts at 0.0.

    ``patience_s``: a watched process that computes for that many seconds on end has time follow its computing from
    there on until all sleep, so that a function in an endless loop still meets its timeout. Seconds on a processor
    count, of one process: neither a machine that is slow or was halted nor many processes in turn move time.
    """

    patience_s = 15.0

    def __init__(self) -> None:
        selector = JumpingSelector()
        selector.loop = self
        self._now = 0.0
        self.gate = Gate()
        self.processes = Processes()
        self.sleepers: Sleepers | None = None
        self._running_since: float | None = None
        self._looked = self._napped = self._followed = 0.0
        self._connecting: dict[int, weakref.ref[socket.socket]] = {}
        super().__init__(selector)
        self._set(0.0)

    def time(self) -> float:
        return self._now

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """As in asyncio; time stands still until the call is over, even when nobody waits for it any more."""
        errand = Errand(self, self.gate, func, executor)
        try:
            future = super().run_in_executor(executor, errand.call, *args)
        except BaseException:
            errand.end()
            raise
        future.add_done_callback(errand.future_done)
        return future

    def close(self) -> None:
        if not self.is_closed():
            self.processes.close()
            if self.sleepers is not None:
                self.sleepers.close()
        super().close()

    def _sock_connect(self, fut: asyncio.Future[None], sock: socket.socket, address: Any) -> None:
        super()._sock_connect(fut, sock, address)  # type: ignore[misc]
        if sock.family in (socket.AF_INET, socket.AF_INET6) and sock.fileno() != -1:
            self._connecting[sock.getsockname()[1]] = weakref.ref(sock)

    def connects_from(self, address: tuple[str, int]) -> bool:
        """Whether a connection that this loop opened comes from the address."""
        reference = self._connecting.pop(address[1], None)
        sock = reference() if reference else None
        return sock is not None and sock.fileno() != -1 and sock.getsockname()[1] == address[1]

    def must_run(self) -> bool:
        """Whether callbacks wait to be run."""
        return bool(self._ready)  # type: ignore[attr-defined]

    def look(self, acted: bool = True) -> Verdict:
        """Whether a watched process can still do something; ``acted``: as of :meth:`Processes.look`."""
        # Asked before the threads are read: one that notices just afterwards has run, and its thread shows it.
        settled = self.sleepers is None or self.sleepers.settled()
        verdict = self.processes.look(acted)
        if verdict is Verdict.QUIET:
            self._running_since = None
            if not settled:
                return Verdict.SOON
        return verdict

    def forgive(self) -> None:
        """Nobody's patience is tried any more."""
        self._running_since = None

    def move(self, limit: float) -> bool:
        """All is quiet: let the next thing happen, if it is due at ``limit`` or before.

        One thing at a time, so that what happens at one instant happens in the same order every time: our own
        timers, then the sleepers one by one, then those that wait for the instant to be over.
        """
        ours = self._next_timer()
        theirs = self.sleepers.earliest() if self.sleepers is not None else math.inf
        instant = max(min(ours, theirs), self._now)
        if self.gate.settling and instant > self._now:
            self._settle()
            return True
        if instant > limit or instant >= NEVER_S:
            return False
        self._set(instant)
        if theirs < ours and self.sleepers is not None:
            self.sleepers.wake()
        return True

    def drift(self, verdict: Verdict, limit: float) -> bool:
        """A watched process runs on and on: past our patience, let time follow it up to the next timer."""
        spent = self._spent(verdict)
        if spent <= self._followed:
            return False
        if self._followed == self.patience_s:
            busy, patience = self.processes.known(), self.patience_s
            _log.warning("of the processes %s one computed for %s s on end: time follows it", busy, patience)
        step, self._followed = spent - self._followed, spent
        theirs = self.sleepers.earliest() if self.sleepers is not None else math.inf
        due = min(self._next_timer(), theirs, limit)
        self._set(max(self._now, min(due, self._now + step)))
        if due > self._now:
            return False
        if theirs <= self._now and self.sleepers is not None:
            self.sleepers.wake()
        return True

    def _spent(self, verdict: Verdict) -> float:
        """Seconds that a process computed, or that short sleeps took, since all was quiet."""
        real = time.monotonic()
        if self._running_since is None:
            self._running_since = self._looked = real
            self._napped, self._followed = 0.0, self.patience_s
            self.processes.mark()
        if verdict is Verdict.SOON or not procfs.COUNTS_TIME:
            self._napped += min(real - self._looked, _LONGEST_STEP)
        self._looked = real
        if real - self._running_since < self.patience_s:
            return 0.0
        return max(self._napped, self.processes.computed_s())

    def _next_timer(self) -> float:
        # Cancelled timers at the head were taken out just before the selector was asked.
        scheduled = self._scheduled  # type: ignore[attr-defined]
        return float(scheduled[0]._when) if scheduled else math.inf

    def _settle(self) -> None:
        waiting, self.gate.settling = self.gate.settling, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def _set(self, instant: float) -> None:
        self._now = instant
        # A timer fires when it is due before now plus the resolution: exactly those up to now.
        self._clock_resolution = math.ulp(instant)
        if self.sleepers is not None:
            self.sleepers.moved(instant)
