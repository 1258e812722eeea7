"""The account's rate of requests to API Gateway in a Region, which all kinds of APIs share (fact 1.9)."""

from __future__ import annotations

from sandbox.context import Sandbox
from sandbox.services.token_bucket import TokenBucket

_NAME = "api gateway requests"


def bounds(sandbox: Sandbox) -> tuple[float, float]:
    """Requests a second and the burst. Some Regions begin with less; a quota that was raised counts in all."""
    limits = sandbox.limits
    small = sandbox.settings.region in limits.value("api_rest.rate.small.regions")

    def quota(name: str) -> float:
        held = limits[f"api_rest.rate.{name}"]
        return float(
            limits.value(f"api_rest.rate.small.{name}") if small and not held.overridden else held.value
        )

    return quota("account"), quota("burst")


def take(sandbox: Sandbox) -> bool:
    """Take a token for a request; whether there was one. A changed quota makes a new bucket."""
    rate, burst = bounds(sandbox)
    bucket: TokenBucket | None = sandbox.shared.get(_NAME)
    if bucket is None or (bucket.rate, bucket.burst) != (rate, burst):
        bucket = sandbox.shared[_NAME] = TokenBucket(rate, burst)
    return bucket.take(sandbox.clock.now())
