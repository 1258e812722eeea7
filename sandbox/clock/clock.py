"""The :class:`Clock` facade and :func:`run`, which starts a program on a chosen clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal, TypeVar

ClockKind = Literal["real", "virtual"]
T = TypeVar("T")


class Clock:
    """What time it is in the sandbox, and who keeps it from moving.

    ``now()`` counts seconds since the sandbox started; ``epoch()`` and ``utcnow()`` give the date that the
    sandbox believes in. Under the virtual clock time moves only while something is ``in_flight`` or somebody
    called ``advance``, and never while something ``hold``s it or a watched process can run.
    """

    kind: ClockKind

    def __init__(self, loop: asyncio.AbstractEventLoop, kind: ClockKind, start: datetime) -> None:
        self.kind = kind
        self.start = start
        self._loop = loop
        self._origin = loop.time()

    def now(self) -> float:
        """Seconds since the sandbox started."""
        return self._loop.time() - self._origin

    def epoch(self) -> float:
        """Seconds since 1970-01-01 UTC, as the sandbox believes."""
        return self.start.timestamp() + self.now()

    def utcnow(self) -> datetime:
        """The sandbox's date, aware, in UTC."""
        return datetime.fromtimestamp(self.epoch(), UTC)

    @contextmanager
    def in_flight(self, what: str) -> Iterator[None]:
        """While inside, time may move: a request, an invocation, a generation is under way."""
        yield

    @contextmanager
    def hold(self) -> Iterator[None]:
        """While inside, time stands still: work goes on that the loop cannot see."""
        yield

    def watch(self, pid: int) -> None:
        """Time stands still while this process, or one that it starts, can run."""

    def unwatch(self, pid: int) -> None:
        """Stop watching a process (it may be gone)."""

    def freeze(self, pid: int) -> None:
        """The process's group was stopped: do not look at it until :meth:`thaw`."""

    def thaw(self, pid: int) -> None:
        """The process's group was continued."""

    def environment(self, runtime: Literal["python", "node", "other"]) -> Mapping[str, str]:
        """Variables that make a child process live on this clock (empty on the real clock)."""
        return {}

    async def advance(self, seconds: float) -> float:
        """Let time pass although nothing is in flight; the new ``now()``."""
        await asyncio.sleep(seconds)
        return self.now()

    def accepts(self, instant: datetime, tolerance_s: float) -> bool:
        """Whether a client's date is near the sandbox's date or near the real one.

        A client outside the sandbox signs with its own, real clock, however far the virtual one has moved.
        """
        return abs(instant.timestamp() - self.epoch()) <= tolerance_s or (
            abs(instant.timestamp() - time.time()) <= tolerance_s
        )

    def client_connected(self, peer: tuple[str, int]) -> None:
        """A client connected over loopback: find and watch its process, unless it is this one."""


def run(
    main: Callable[[Clock], Coroutine[object, object, T]],
    kind: ClockKind = "virtual",
    start: datetime | None = None,
) -> T:
    """Run ``main(clock)`` to its end on a new event loop of the given clock. ``start``: default now."""

    async def body() -> T:
        loop = asyncio.get_running_loop()
        return await main(Clock(loop, kind, start or datetime.now(UTC)))

    return asyncio.run(body())
