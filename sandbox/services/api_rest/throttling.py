"""Token buckets on the loop's time: a usage plan's, a method's of the stage; then the account's (fact 1.9).

Source: API Gateway developer guide, "Throttle requests to your REST APIs": a bucket of ``burst`` tokens is filled at
``rate`` tokens a second, each request takes one. In which order the limits take their tokens is UNSOURCED.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.services import account_throttle
from sandbox.services.api_rest.call import Call
from sandbox.services.api_rest.gateway_response import of_limit
from sandbox.services.api_rest.method_settings import setting_of


@dataclass(slots=True)
class Bucket:
    """Tokens and when they were counted."""

    tokens: float
    at: float

    def fill(self, rate: float, burst: float, now: float) -> None:
        """Add what came in since."""
        self.tokens = min(burst, self.tokens + (now - self.at) * rate)
        self.at = now


class Throttling:
    """All buckets but the account's: one of a client (plan and key), one of a method."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, ...], Bucket] = {}

    def take(self, call: Call, limits: Iterable[tuple[tuple[str, ...], float, float]]) -> None:
        """Take a token from each of ``(name, rate, burst)``, or from none and raise the 429."""
        now = call.sandbox.clock.now()
        buckets = []
        for name, rate, burst in limits:
            bucket = self._buckets.setdefault(name, Bucket(burst, now))
            bucket.fill(rate, burst, now)
            if bucket.tokens < 1 - 1e-9:
                reason = f"{'/'.join(name)}: {rate} requests a second, burst {burst}"
                raise of_limit(call.sandbox.limits, "THROTTLED", "throttled", reason)
            buckets.append(bucket)
        for bucket in buckets:
            bucket.tokens -= 1

    def check(self, call: Call) -> None:
        """The stage's and the account's limits."""
        self.take(call, of_stage(call))
        if not account_throttle.take(call.sandbox):
            raise of_limit(call.sandbox.limits, "THROTTLED", "throttled", "the account's requests a second")


def of_stage(call: Call) -> list[tuple[tuple[str, ...], float, float]]:
    """The limits of the method's settings: the method's own before those of ``*/*``; each method has its bucket."""
    setting, _ = setting_of(call, "throttlingRateLimit")
    if not setting:
        return []
    rate, burst = float(setting["throttlingRateLimit"]), float(setting["throttlingBurstLimit"])
    if rate < 0 or burst < 0:  # -1: the account's
        return []
    return [(("stage", call.api_id, call.stage, call.resource.path, call.method.http_method), rate, burst)]
