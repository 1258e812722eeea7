"""Throttling: the account's bucket, and one for a stage's or a route's own settings.

Source: API Gateway developer guide, "Throttle requests to your HTTP APIs": account, then route settings, then the
stage's default for every other route. On AWS all kinds of APIs share the account's quota (fact 1.9); here each kind
counts by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.services.api_http.call import Call
from sandbox.services.api_http.errors import too_many
from sandbox.services.token_bucket import TokenBucket


@dataclass(slots=True)
class Throttles:
    """All buckets. A changed setting makes a new one."""

    _buckets: dict[tuple[Any, ...], TokenBucket] = field(default_factory=dict)

    async def check(self, call: Call) -> None:
        """Take a token for the call. Raises ``HttpApiError`` 429."""
        limits, now = call.sandbox.limits, call.sandbox.clock.now()
        account_rate = float(limits.value("api_rest.rate.account"))
        account_burst = float(limits.value("api_rest.rate.burst"))
        own = call.api.route_throttle.get(call.route.key)
        key: tuple[Any, ...] = (call.api_id, call.stage, call.route.key)
        if own is None or (own.rate is None and own.burst is None):
            # The default's limits count for each route by itself.
            own = call.api.default_throttle
        wanted = [(("account",), account_rate, account_burst)]
        if own.rate is not None or own.burst is not None:
            rate = account_rate if own.rate is None else own.rate
            burst = account_burst if own.burst is None else float(own.burst)
            wanted.insert(0, ((*key, rate, burst), rate, burst))
        for name, rate, burst in wanted:
            bucket = self._buckets.setdefault(name, TokenBucket(rate, burst))
            if not bucket.take(now):
                raise too_many()
