"""What clients did: each request with its attempts, gaps, reading and end, for whoever judges a client.

Instants and lengths are seconds of the event loop's time. Values of headers that carry secrets are not kept.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

SECRET_HEADERS = frozenset(
    ("authorization", "proxy-authorization", "x-api-key", "api-key", "cookie", "x-amz-security-token")
)
KEPT = 10_000  # requests; older ones are forgotten
Outcome = Literal["open", "completed", "refused", "faulted", "client_gone"]


@dataclass(slots=True)
class Request:
    """One request. ``None`` is what is not known, or has not happened.

    ``attempt``: 1, or one more than that of the same request (path and body) that ended badly before;
    ``retry_of``: its number; ``gap``: from its end to this one's beginning, which is the client's backoff.
    ``outcome``: ``open`` while it is answered, ``completed``, ``refused`` (a status of 400 and more),
    ``faulted`` (as told), ``client_gone`` (it left before the end). ``first_at``: when status and headers
    left. ``tokens``: that left. ``blocked``: how long the client kept the model from sending by not reading;
    ``late``: how much later than due the latest frame left.
    """

    number: int
    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    http_version: str = "1.1"
    api: str | None = None
    model: str | None = None
    profile: str | None = None
    rule: str | None = None
    stream: bool | None = None
    attempt: int = 1
    retry_of: int | None = None
    gap: float | None = None
    status: int | None = None
    outcome: Outcome = "open"
    fault: str | None = None
    first_at: float | None = None
    ended_at: float | None = None
    tokens: int = 0
    blocked: float = 0.0
    late: float = 0.0
    body_sha: str = field(default="", repr=False)

    def data(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


class Ledger:
    """The requests of a mock model, oldest first."""

    def __init__(self) -> None:
        self.requests: deque[Request] = deque(maxlen=KEPT)
        self.open = 0
        self._count = 0
        self._last: dict[tuple[str, str], Request] = {}

    def opened(self, at: float, method: str, path: str, headers: Mapping[str, str], version: str) -> Request:
        """A request came."""
        self._count += 1
        self.open += 1
        request = Request(self._count, at, method, path, _without_secrets(headers), version)
        self.requests.append(request)
        return request

    def read(self, request: Request, body: bytes) -> None:
        """Its body is known: whether it repeats one that ended badly is, too."""
        request.body_sha = hashlib.sha256(body).hexdigest()
        key = request.path, request.body_sha
        before = self._last.get(key)
        if before is not None and before.outcome not in ("open", "completed") and before.ended_at is not None:
            request.attempt, request.retry_of = before.attempt + 1, before.number
            request.gap = round(request.at - before.ended_at, 9)
        self._last[key] = request
        if len(self._last) > KEPT:
            del self._last[next(iter(self._last))]

    def closed(self, request: Request, at: float) -> None:
        """Its answer ended, in whatever way."""
        self.open -= 1
        request.ended_at = at
        request.late, request.blocked = round(request.late, 9), round(request.blocked, 9)
        if request.outcome == "open":
            gone = request.status is None
            refused = request.status is not None and request.status >= 400
            request.outcome = "client_gone" if gone else "refused" if refused else "completed"

    def clear(self) -> None:
        """Forget them; those in progress go on and are not listed."""
        self.requests.clear()
        self._last.clear()
        self._count = 0


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: _redacted(value)
        if name in SECRET_HEADERS or name.endswith(("-token", "-key", "-secret"))
        else value
        for name, value in headers.items()
    }


def _redacted(value: str) -> str:
    scheme, space, _ = value.partition(" ")
    return f"{scheme} ***" if space and scheme.isascii() and scheme.replace("-", "").isalnum() else "***"
