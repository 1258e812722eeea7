"""Deliveries that go wrong on purpose: what a broadcast service may do, seeded, and off until somebody asks for it.

A service that pushes messages holds a :class:`Line` for each subscriber and sends through it; before it tells a
client that a subscription stands it waits for :meth:`Anomalies.subscribe_delay`. Nothing happens to either of them
by default.

================== ==================================================================================================
word               what it does
================== ==================================================================================================
duplicates         share of messages that a subscriber gets twice
reordered          share of messages that are held back for ``reordered_by`` seconds, so that later ones overtake them
slow_subscribers   share of subscribers each of whose messages takes ``slow_by`` seconds on its way
subscribe_delay    seconds from a subscription's request to its standing; what is published meanwhile is lost
deaf_after_ack     seconds after a subscription was acknowledged in which what is published is lost all the same
                   (AppSync: issue 405 of aws-appsync-community)
services           the services that are meant (``appsync``, ``appsync_events``, ``iot``, ``sqs``); empty: all
================== ==================================================================================================
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, fields
from random import Random
from typing import Any

from sandbox.clock import Clock

_SHARES = ("duplicates", "reordered", "slow_subscribers")


@dataclass(frozen=True, slots=True)
class Rules:
    """What goes wrong. Shares are from 0 to 1, the other numbers are seconds."""

    duplicates: float = 0.0
    reordered: float = 0.0
    reordered_by: float = 0.1
    slow_subscribers: float = 0.0
    slow_by: float = 1.0
    subscribe_delay: float = 0.0
    deaf_after_ack: float = 0.0
    services: tuple[str, ...] = ()

    @classmethod
    def read(cls, words: dict[str, Any]) -> Rules:
        """Rules by their words. Raises ``ValueError`` that says which one is wrong."""
        known = [field.name for field in fields(cls)]
        for name, value in words.items():
            if name not in known:
                raise ValueError(f"there is no anomaly {name!r}; there are {', '.join(known)}")
            if name == "services":
                _check_services(value)
            else:
                _check_number(name, value)
        return cls(**{**words, "services": tuple(words.get("services", ()))})

    def on(self, service: str) -> bool:
        """Whether anything goes wrong with a service's deliveries."""
        wrong = self.duplicates > 0 or self.reordered > 0 or self.slow_subscribers > 0
        return wrong and self.means(service)

    def means(self, service: str) -> bool:
        """Whether the rules are for a service."""
        return not self.services or service in self.services


def _check_services(value: Any) -> None:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"services must be a list of names, not {value!r}")


def _check_number(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} must be a number from 0 on, not {value!r}")
    if name in _SHARES and value > 1:
        raise ValueError(f"{name} is a share from 0 to 1, not {value!r}")


class Anomalies:
    """The rules that hold now, for all services of a sandbox."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self.clock = clock
        self.seed = seed
        self.rules = Rules()

    def configure(self, **words: Any) -> None:
        """Set the rules; words that are left out are off. Raises ``ValueError`` that says what is wrong."""
        self.rules = Rules.read(words)

    def reset(self) -> None:
        """Nothing goes wrong any more."""
        self.rules = Rules()

    def subscribe_delay(self, service: str) -> float:
        """Seconds from a subscription's request to its standing."""
        return self.rules.subscribe_delay if self.rules.means(service) else 0.0

    def deaf_after_ack(self, service: str) -> float:
        """Seconds after a subscription's acknowledgement in which it gets nothing."""
        return self.rules.deaf_after_ack if self.rules.means(service) else 0.0


class Line:
    """The way to one subscriber. ``subscriber``: an id that is the same in each run, for the seed."""

    __slots__ = ("_anomalies", "_free", "_pending", "_random", "_service", "_subscriber")

    def __init__(self, anomalies: Anomalies, service: str, subscriber: str) -> None:
        self._anomalies = anomalies
        self._service = service
        self._subscriber = subscriber
        self._random: Random | None = None
        self._free = 0.0  # when a slow subscriber is done with what it was sent
        self._pending: dict[asyncio.TimerHandle, ExitStack] = {}

    def deliver(self, send: Callable[[], None]) -> None:
        """Send now, or as the rules have it."""
        rules = self._anomalies.rules
        if not rules.on(self._service):
            send()
            return
        if self._random is None:
            self._random = Random(f"{self._anomalies.seed}/{self._service}/{self._subscriber}")
            self._random.random()  # the first one says whether the subscriber is slow
        times = 2 if self._random.random() < rules.duplicates else 1
        held = rules.reordered_by if self._random.random() < rules.reordered else 0.0
        now = asyncio.get_running_loop().time()
        at = now + held
        if self._slow(rules):
            self._free = max(now, self._free) + rules.slow_by
            at = self._free + held
        for _ in range(times):
            if at <= now:
                send()
            else:
                self._later(at, send)

    def close(self) -> None:
        """Forget what is still on its way."""
        for timer, flight in self._pending.items():
            timer.cancel()
            flight.close()
        self._pending.clear()

    def _slow(self, rules: Rules) -> bool:
        if rules.slow_subscribers <= 0:
            return False
        first = Random(f"{self._anomalies.seed}/{self._service}/{self._subscriber}").random()
        return first < rules.slow_subscribers

    def _later(self, at: float, send: Callable[[], None]) -> None:
        flight = ExitStack()
        flight.enter_context(self._anomalies.clock.in_flight(f"a message to {self._subscriber}"))

        def arrive() -> None:
            self._pending.pop(timer)
            with flight:
                send()

        timer = asyncio.get_running_loop().call_at(at, arrive)
        self._pending[timer] = flight
