"""Calls in threads of our own process, during which time stands still.

A thread that waits for the interpreter's lock looks asleep to the kernel, so it cannot be watched like a process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.clock.gate import Gate


class Errand:
    """One call in an executor: time is held until it ended and its future was served.

    A future that was cancelled is done while the thread still works; then the end of the call counts.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        gate: Gate,
        function: Callable[..., Any],
        executor: Executor | None,
    ) -> None:
        self._loop = loop
        self._gate = gate
        self._function = function
        self._hold = gate.begin_hold(f"executor: {getattr(function, '__qualname__', function)}")
        self._working = False
        self._abandoned = False
        # A pool of processes pickles the call: only its future can be followed.
        self.call: Callable[..., Any] = function if isinstance(executor, ProcessPoolExecutor) else self._call

    def end(self) -> None:
        """Let time go on."""
        self._gate.end_hold(self._hold)

    def future_done(self, future: asyncio.Future[Any]) -> None:
        """The future has a result, or nobody wants it any more."""
        if future.cancelled() and self._working:
            self._abandoned = True
        else:
            self.end()

    def _call(self, *args: Any) -> Any:
        self._working = True
        try:
            return self._function(*args)
        finally:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                self._loop.call_soon_threadsafe(self._work_done)

    def _work_done(self) -> None:
        self._working = False
        if self._abandoned:
            self.end()
