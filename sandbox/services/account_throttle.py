"""The account's rate of requests to API Gateway in a Region, which all kinds of APIs share (fact 1.9)."""

from __future__ import annotations

from sandbox.context import Sandbox
from sandbox.services.token_bucket import TokenBucket

_NAME = "api gateway requests"


def take(sandbox: Sandbox) -> bool:
    """Take a token for a request; whether there was one. A changed quota makes a new bucket."""
    limits = sandbox.limits
    rate, burst = float(limits.value("api_rest.rate.account")), float(limits.value("api_rest.rate.burst"))
    bucket: TokenBucket | None = sandbox.shared.get(_NAME)
    if bucket is None or (bucket.rate, bucket.burst) != (rate, burst):
        bucket = sandbox.shared[_NAME] = TokenBucket(rate, burst)
    return bucket.take(sandbox.clock.now())
