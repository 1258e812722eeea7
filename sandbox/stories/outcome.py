"""What one client got, in numbers: the facts that expectations and reports speak of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.stories.arrival import arrival
from sandbox.stories.expectations import Verdict
from sandbox.stories.order import Order, order
from sandbox.stories.trace import Trace, once
from sandbox.stories.verdict import judge


@dataclass(frozen=True, slots=True)
class Outcome:
    """Instants in seconds from the story's start; status, headers, body: the last answer's."""

    client: str
    verdict: Verdict
    requests: int = 0
    status: int | None = None
    headers: Mapping[str, str] | None = None
    body: str = ""
    size: int = 0
    error: str | None = None
    error_text: str = ""
    started_at: float | None = None
    first_byte_at: float | None = None
    first_token_at: float | None = None
    last_token_at: float | None = None
    ended_at: float | None = None
    tokens: int = 0
    instants: int = 0
    delay_per_token: float | None = None
    close_code: int | None = None
    close_reason: str | None = None
    messages: int = 0
    missing: int = 0
    gaps: int = 0
    repeated: int = 0
    overtaken: int = 0


@once
def outcome(trace: Trace, client: str) -> Outcome:
    """What a client got."""
    requests = trace.requests(client)
    verdict = judge(trace, client)
    if not requests:
        return Outcome(client, verdict)
    last, got = requests[-1], arrival(trace, client)
    came = got.instants if got is not None else ()
    kept = order(trace, client) or Order()
    first_bytes = [request.pieces[0][0] for request in requests if request.pieces]
    return Outcome(
        client=client,
        verdict=verdict,
        requests=len(requests),
        status=last.status,
        headers=last.headers,
        body=last.body,
        size=last.size,
        error=last.error_kind,
        error_text=last.error,
        started_at=last.started_at,
        first_byte_at=min(first_bytes, default=None),
        first_token_at=min(came, default=None),
        last_token_at=max(came, default=None),
        ended_at=last.ended_at,
        tokens=len(came),
        instants=len(set(came)),
        delay_per_token=got.delay if got is not None else None,
        close_code=last.close_code,
        close_reason=last.close_reason,
        missing=kept.missing,
        gaps=kept.gaps,
        repeated=kept.repeated,
        overtaken=kept.overtaken,
        messages=sum(len(request.pieces) for request in requests if request.messages),
    )
