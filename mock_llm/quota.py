"""What a model takes in a minute: buckets of requests and tokens that fill steadily, on the event loop's time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from mock_llm.profiles import ProfileError

MINUTE = 60
LARGEST = 10**12
Kind = Literal["requests", "tokens"]


@dataclass(frozen=True, slots=True)
class Quota:
    """Requests and tokens in a minute, ``None`` for any number. Each model has its own."""

    requests: int | None = None
    tokens: int | None = None

    def text(self) -> str:
        """The text that :func:`read_quota` takes."""
        given = (("requests", self.requests), ("tokens", self.tokens))
        return ",".join(f"{name}={value}" for name, value in given if value is not None)


def read_quota(text: Any) -> Quota | None:
    """A quota from ``requests=60,tokens=40000``. Raises ``ProfileError``."""
    if text is None or text == "none":
        return None
    values: dict[str, int] = {}
    for part in text.split(",") if isinstance(text, str) else [""]:
        match = re.fullmatch(r"\s*(requests|tokens)=(\d{1,12})\s*", part)
        if not match or not int(match[2]):
            raise ProfileError(
                f"quota must be requests=N, tokens=N or both with a comma between, not {text!r}"
            )
        values[match[1]] = int(match[2])
    return Quota(**values)


@dataclass(frozen=True, slots=True)
class Level:
    """A bucket at an instant. ``wait``: seconds until it holds what is missing; ``full``: until it is full."""

    kind: Kind
    limit: int
    left: int
    wait: Fraction
    full: Fraction
    cost: int


class Bucket:
    """Holds ``limit``, and fills by ``limit`` in a minute."""

    def __init__(self, kind: Kind, limit: int) -> None:
        self.kind = kind
        self.limit = limit
        self._held = Fraction(limit)
        self._at = Fraction(0)

    def level(self, now: Fraction, cost: int) -> Level:
        """How full it is, seen by a request of that cost."""
        rate = Fraction(self.limit, MINUTE)
        self._held = min(Fraction(self.limit), self._held + (now - self._at) * rate)
        self._at = now
        missing = max(Fraction(0), cost - self._held)
        return Level(
            self.kind, self.limit, int(self._held), missing / rate, (self.limit - self._held) / rate, cost
        )

    def take(self, cost: int) -> None:
        """Take out what a request costs."""
        self._held -= cost


class Quotas:
    """The buckets of all models."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, Quota], list[Bucket]] = {}

    def spend(self, quota: Quota, model: str, now: float, tokens: int) -> tuple[Level | None, list[Level]]:
        """The bucket that lacks what the request costs, if one does, and all levels after it was paid.

        A refused request costs nothing.
        """
        buckets = self._buckets.get((model, quota))
        if buckets is None:
            limits: list[tuple[Kind, int | None]] = [("requests", quota.requests), ("tokens", quota.tokens)]
            buckets = self._buckets[model, quota] = [
                Bucket(kind, limit) for kind, limit in limits if limit is not None
            ]
        at = Fraction(round(now * 1_000_000), 1_000_000)
        costs = [1 if bucket.kind == "requests" else tokens for bucket in buckets]
        levels = [bucket.level(at, cost) for bucket, cost in zip(buckets, costs, strict=True)]
        short = [level for level in levels if level.wait > 0]
        if short:
            return max(short, key=lambda level: level.wait), levels
        for bucket, cost in zip(buckets, costs, strict=True):
            bucket.take(cost)
        return None, [bucket.level(at, 0) for bucket in buckets]
