"""Whether virtual time may move, and how far."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Counts what lets time move (work in flight, an advance) and what stops it (holds)."""

    def __init__(self) -> None:
        self._keys = itertools.count()
        self._in_flight: dict[int, str] = {}
        self._holds: dict[int, str] = {}
        self._until: dict[int, float] = {}
        self.settling: list[asyncio.Future[None]] = []

    def limit(self, now: float) -> float | None:
        """The last instant that time may move to, infinity when there is none; ``None``: it stands still."""
        if self._holds:
            return None
        if self._in_flight:
            return math.inf
        if self._until:
            return max(self._until.values())
        return now if self.settling else None

    def begin_hold(self, what: str) -> int:
        """Stop time; give the key for :meth:`end_hold`."""
        key = next(self._keys)
        self._holds[key] = what
        return key

    def end_hold(self, key: int) -> None:
        """Undo one :meth:`begin_hold` (twice does no harm)."""
        self._holds.pop(key, None)

    @contextmanager
    def hold(self, what: str) -> Iterator[None]:
        """Stop time while inside."""
        key = self.begin_hold(what)
        try:
            yield
        finally:
            self.end_hold(key)

    @contextmanager
    def in_flight(self, what: str) -> Iterator[None]:
        """Let time move while inside."""
        key = next(self._keys)
        self._in_flight[key] = what
        try:
            yield
        finally:
            del self._in_flight[key]

    @contextmanager
    def until(self, instant: float) -> Iterator[None]:
        """Let time move up to ``instant`` while inside."""
        key = next(self._keys)
        self._until[key] = instant
        try:
            yield
        finally:
            del self._until[key]

    def in_flight_names(self) -> list[str]:
        """What is in flight, oldest first."""
        return list(self._in_flight.values())

    def hold_names(self) -> list[str]:
        """What holds time, oldest first."""
        return list(self._holds.values())
