"""Token buckets: how API Gateway throttles (developer guide, "Throttle requests")."""

from __future__ import annotations

import asyncio


class Bucket:
    """Holds at most ``burst`` tokens, is refilled at ``rate`` a second, by the loop's time."""

    __slots__ = ("_at", "_loop", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._loop = asyncio.get_running_loop()
        self._tokens = float(burst)
        self._at = self._loop.time()

    def take(self) -> bool:
        """Take a token; ``False`` when there is none."""
        now = self._loop.time()
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Buckets:
    """Buckets by name, made new when their rate or burst changed."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], Bucket] = {}

    def take(self, key: tuple[str, ...], rate: float, burst: float) -> bool:
        """Take a token of the named bucket."""
        bucket = self._kept.get(key)
        if bucket is None or (bucket.rate, bucket.burst) != (rate, burst):
            bucket = self._kept[key] = Bucket(rate, burst)
        return bucket.take()
