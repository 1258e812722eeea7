"""Running a program on a clock."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from sandbox.clock.clock import Clock, ClockKind, scale_of
from sandbox.clock.loop import VirtualTimeLoop
from sandbox.clock.scaled import ScaledTimeLoop

T = TypeVar("T")


def run(
    main: Callable[[Clock], Coroutine[object, object, T]],
    kind: ClockKind = "virtual",
    start: datetime | None = None,
    in_flight: str | None = None,
) -> T:
    """Run ``main(clock)`` to its end on a new event loop of the given clock. Raises ``ValueError`` for no clock.

    ``start``: the sandbox's date at the start, aware (default: now). ``in_flight``: a name under which ``main``
    itself is in flight, so that virtual time moves whenever it waits; without, it moves only while something else is.
    """

    async def body() -> T:
        loop = asyncio.get_running_loop()
        clock = Clock(loop, kind, start or datetime.now(UTC))
        flight = clock.in_flight(in_flight) if in_flight else nullcontext()
        with _children_seen_at_once(loop), flight:
            return await main(clock)

    with asyncio.Runner(loop_factory=_loop_factory(kind)) as runner:
        return runner.run(body())


def _loop_factory(kind: ClockKind) -> Callable[[], asyncio.AbstractEventLoop]:
    scale = scale_of(kind)
    if kind == "real":
        return _real_loop_factory()
    return VirtualTimeLoop if kind == "virtual" else partial(ScaledTimeLoop, scale)


def _real_loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


@contextmanager
def _children_seen_at_once(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Python 3.11 waits for children in threads, whose word comes late for virtual time; later ones poll."""
    if sys.version_info >= (3, 12) or not isinstance(loop, VirtualTimeLoop):
        yield
        return
    before = asyncio.get_child_watcher()
    watcher = asyncio.PidfdChildWatcher()
    watcher.attach_loop(loop)
    asyncio.set_child_watcher(watcher)
    try:
        yield
    finally:
        asyncio.set_child_watcher(before)
        watcher.close()
