"""How many batches of a mapping may be processed at once (facts 8.7)."""

from __future__ import annotations

from collections.abc import Callable

Limit = Callable[[str], float]
_SLACK_S = 1e-9


class Scaling:
    """Five batches at first, more by the minute as long as messages wait, up to the maximum.

    ``pollers``: least and most of the provisioned mode, in which each stands for some batches, and more come sooner.
    """

    def __init__(self, limit: Limit, maximum: int | None, pollers: tuple[int, int] | None = None) -> None:
        if pollers is None:
            self._first = int(limit("event_sources.batches.first"))
            self._per_s = limit("event_sources.batches.scaling") / 60
            self._most = maximum or int(limit("event_sources.batches.max"))
        else:
            each = int(limit("event_sources.provisioned.batches"))
            self._first, self._most = (count * each for count in pollers)
            self._per_s = limit("event_sources.provisioned.scaling") / 60
        self._waiting_since: float | None = None

    def waiting(self, now: float) -> None:
        """Messages wait although as many batches are under way as may be."""
        if self._waiting_since is None:
            self._waiting_since = now

    def drained(self) -> None:
        """No message waits any more."""
        self._waiting_since = None

    def allowed(self, now: float) -> int:
        """Batches that may be under way."""
        more = 0.0 if self._waiting_since is None else (now - self._waiting_since) * self._per_s
        return min(self._most, self._first + int(more + _SLACK_S))

    def next_at(self, now: float) -> float | None:
        """When there may be one more; ``None``: not as things are."""
        if self._waiting_since is None or self.allowed(now) >= self._most:
            return None
        return self._waiting_since + (self.allowed(now) - self._first + 1) / self._per_s
