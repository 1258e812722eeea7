"""Throttling: a bucket of tokens that fills at a rate, on the sandbox's time.

Source: API Gateway developer guide, "Throttle requests": the token bucket algorithm, a token counts for a request.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class TokenBucket:
    """``rate``: tokens a second. ``burst``: how many it holds. It begins full."""

    rate: float
    burst: float
    _tokens: float = -1.0
    _at: float = 0.0

    def take(self, now: float) -> bool:
        """Take a token; whether there was one. ``now``: seconds, never less than before."""
        if self._tokens < 0:
            self._tokens = self.burst
        else:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        # A bucket that was filled in many small steps may miss a whole token by its last digits.
        if self._tokens < 1 - 1e-9:
            return False
        self._tokens = max(0.0, self._tokens - 1)  # below nought means that it was never used
        return True
