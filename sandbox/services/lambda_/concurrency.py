"""How many invocations may run at once, and how fast environments may be added (facts 4.20 to 4.22)."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.limits import Limits
from sandbox.services.lambda_ import errors

if TYPE_CHECKING:
    from sandbox.control.resources import FunctionConfig


class Concurrency:
    """Counts what runs. ``now``: the loop's time in seconds."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._limits = limits
        self._now = now
        self._running: Counter[str] = Counter()  # by function name
        self._reserved: dict[str, int] = {}  # as last seen
        self._started: dict[str, deque[float]] = {}

    def enter(self, function: FunctionConfig, account_limit: int) -> None:
        """Take a place for an invocation; raises the 429 that AWS would answer with."""
        name = function.name
        if function.reserved_concurrency is None:
            self._reserved.pop(name, None)
        else:
            self._reserved[name] = function.reserved_concurrency
        if name in self._reserved:
            if self._running[name] >= self._reserved[name]:
                raise errors.throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
        elif self._unreserved() >= account_limit - sum(self._reserved.values()):
            raise errors.throttled("ConcurrentInvocationLimitExceeded")
        self._running[name] += 1

    def _unreserved(self) -> int:
        return sum(count for name, count in self._running.items() if name not in self._reserved)

    def leave(self, function: FunctionConfig) -> None:
        """Give the place back."""
        self._running[function.name] -= 1

    def add_environment(self, function: FunctionConfig) -> None:
        """Note one more environment; raises 429 when a function gets them too fast."""
        if not self._limits.available("lambda.concurrency.scaling"):
            return
        started = self._started.setdefault(function.name, deque())
        now = self._now()
        while started and now - started[0] >= self._limits.value("lambda.concurrency.scaling.interval"):
            started.popleft()
        if len(started) >= self._limits.value("lambda.concurrency.scaling"):
            raise errors.throttled("ConcurrentInvocationLimitExceeded")
        started.append(now)
