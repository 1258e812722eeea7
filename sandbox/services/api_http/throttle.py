"""Throttling: one bucket for a stage's or a route's own settings, then the account's.

Source: API Gateway developer guide, "Throttle requests to your HTTP APIs": account, then route settings, then the
stage's default for every other route.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.services import account_throttle
from sandbox.services.api_http.call import Call
from sandbox.services.api_http.errors import too_many
from sandbox.services.token_bucket import TokenBucket


@dataclass(slots=True)
class Throttles:
    """All buckets but the account's. A changed setting makes a new one."""

    _buckets: dict[tuple[Any, ...], TokenBucket] = field(default_factory=dict)

    async def check(self, call: Call) -> None:
        """Take a token for the call. Raises ``HttpApiError`` 429."""
        own = call.api.route_throttle.get(call.route.key)
        key: tuple[Any, ...] = (call.api_id, call.stage, call.route.key)
        if own is None or (own.rate is None and own.burst is None):
            # The default's limits count for each route by itself.
            own = call.api.default_throttle
        if own.rate is not None or own.burst is not None:
            of_account = account_throttle.bounds(call.sandbox)
            rate = of_account[0] if own.rate is None else float(own.rate)
            burst = of_account[1] if own.burst is None else float(own.burst)
            bucket = self._buckets.setdefault((*key, rate, burst), TokenBucket(rate, burst))
            if not bucket.take(call.sandbox.clock.now()):
                raise too_many()
        if not account_throttle.take(call.sandbox):
            raise too_many()
